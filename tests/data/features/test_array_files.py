"""npy and npz data."""

import concurrent.futures
import io
import zipfile

import numpy as np
import pytest

from ahernet_tf.data.features.array_files import array_of, npy_header, read_npz
from ahernet_tf.data.features.opening import open_store
from tests.data.features.test_opening import FORMS, VALUES, store_of


@pytest.mark.parametrize("form", FORMS[:3])
def test_reads_column_order(tmp_path, form):
    store = store_of(tmp_path, form, {"a": np.asfortranarray(VALUES)})
    np.testing.assert_array_equal(store.read("a"), VALUES)


@pytest.mark.parametrize("form", FORMS[:3])
def test_never_unpickles(tmp_path, form):
    store = store_of(tmp_path, form, {"a": np.array([{"x": 1}], object)})
    with pytest.raises(ValueError, match="pickled"):
        store.read("a")


def test_headers_are_read_by_many_threads_at_once():
    file = io.BytesIO()
    np.save(file, VALUES)
    data = file.getvalue()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for values in pool.map(array_of, [data] * 2000):
            np.testing.assert_array_equal(values, VALUES)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version):
    file = io.BytesIO()
    np.lib.format.write_array(file, VALUES, version)
    np.testing.assert_array_equal(array_of(file.getvalue()), VALUES)
    assert npy_header(file.getvalue()[:400])[0] == (4, 3)


def test_arrays_of_an_npz_are_read_by_name(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=VALUES, b=VALUES + 1)
    assert read_npz(path).keys() == {"a", "b"}
    np.testing.assert_array_equal(read_npz(path, ["b"])["b"], VALUES + 1)
    with pytest.raises(ValueError, match=r"a\.npz: holds no array 'c'"):
        read_npz(path, ["c"])
    with pytest.raises(ValueError, match="no such file"):
        read_npz(tmp_path / "b.npz")


def test_two_arrays_of_one_name_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=VALUES)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        data = archive.read("a.npy")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", data)
    for read in (read_npz, lambda path: open_store(path, {})):
        with pytest.raises(ValueError, match=r"a\.npz.* 'a' is there twice"):
            read(tmp_path / "a.npz")


def test_other_compressions_are_refused(tmp_path):
    file = io.BytesIO()
    np.save(file, VALUES)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.npy", file.getvalue())
    with pytest.raises(ValueError, match=r"a\.npz: compression 12 is none of NumPy's"):
        read_npz(tmp_path / "a.npz")
