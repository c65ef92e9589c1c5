"""What stores of all formats share."""

import numpy as np
import pytest

from ahernet_tf.data.features.joined_stores import UnionStore
from ahernet_tf.data.features.opening import open_store
from tests.data.features.test_opening import FORMS, VALUES, store_of


@pytest.mark.parametrize("form", FORMS)
def test_an_id_may_begin_with_v_itself(tmp_path, form):
    arrays = {"v_v_UmAH95xls": VALUES, "v_a": VALUES[:2]}
    store = store_of(tmp_path, form, arrays)
    for name in ("v_UmAH95xls", "v_v_UmAH95xls"):
        np.testing.assert_array_equal(store.read(name), VALUES)
    assert "v_b" not in store
    union = UnionStore([store_of(tmp_path / "other", form, {"b": VALUES}), store])
    np.testing.assert_array_equal(union.read("v_UmAH95xls"), VALUES)
    np.testing.assert_array_equal(union.read("a"), VALUES[:2])


@pytest.mark.parametrize("form", FORMS[:3])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
def test_keeps_the_type_of_the_file_in_native_order(tmp_path, form, dtype):
    store = store_of(tmp_path, form, {"a": VALUES.astype(dtype)})
    assert store.read("a").dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(store.read("a"), VALUES)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["c", "../a", "x/a"])
def test_refuses_unknown_videos_and_paths(tmp_path, form, name):
    store = store_of(tmp_path, form, {"a": VALUES})
    np.save(tmp_path / "a.npy", VALUES)
    assert name not in store
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        store.read(name)


@pytest.mark.parametrize("form", FORMS[:3])
@pytest.mark.parametrize("values", [np.arange(4), np.zeros((2, 3), int)])
def test_refuses_other_than_a_floating_matrix(tmp_path, form, values):
    with pytest.raises(ValueError, match="expected"):
        store_of(tmp_path, form, {"a": values}).read("a")


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((1, 4, 3), "squeeze"), ((4, 10, 3), "average"), ((3,), "row per clip")],
)
def test_arrays_of_another_shape_say_what_to_do(tmp_path, shape, hint):
    np.save(tmp_path / "a.npy", np.ones(shape, np.float32))
    with pytest.raises(ValueError, match=rf"expected \[clips, channels\].*{hint}"):
        open_store(tmp_path, {}).shape("a")
