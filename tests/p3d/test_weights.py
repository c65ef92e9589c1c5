"""Weight files: what goes in comes out, and nothing else does."""

import numpy as np
import pytest

from ahernet_tf.p3d import (
    P3D,
    ClipFormat,
    load_p3d,
    named_variables,
    read_p3d_metadata,
    save_p3d,
    weights_fingerprint,
    write_arrays,
)
from ahernet_tf.p3d.weights import read_arrays

DEPTHS = (1, 1, 1, 1)


def small(fusion="torch", classes=3, seed=0):
    model = P3D(depths=DEPTHS, fusion=fusion, classes=classes, base_channels=4)
    model.build((None, 16, 32, 32, 3))
    rng = np.random.default_rng(seed)
    for variable in named_variables(model).values():
        variable.assign(rng.uniform(0.1, 1.0, variable.shape))
    return model


def clips():
    return np.random.default_rng(0).normal(size=(2, 16, 32, 32, 3)).astype(np.float32)


def test_saved_network_comes_back(tmp_path):
    model = small()
    path = tmp_path / "w.npz"
    names = ("run", "jump", "fall")
    save_p3d(model, path, ClipFormat.for_crop(32), names, "made up")
    again = load_p3d(path)
    assert again.fusion == "torch"
    for name in ("features", "logits"):
        np.testing.assert_array_equal(again(clips())[name], model(clips())[name])
    metadata = read_p3d_metadata(path)
    assert metadata.class_names == names
    assert metadata.clip_format == ClipFormat(16, 36, 48, 32)
    assert metadata.source == "made up"
    assert [p.name for p in tmp_path.iterdir()] == ["w.npz"]


def test_fingerprint_is_of_what_features_depend_on(tmp_path):
    model, path = small(), tmp_path / "w.npz"
    save_p3d(model, path, ClipFormat.for_crop(32))
    first = weights_fingerprint(path)
    variables = named_variables(model)
    variables["classifier/bias"].assign_add([1.0, 0.0, 0.0])
    save_p3d(model, tmp_path / "other.npz", ClipFormat.for_crop(32), source="again")
    assert weights_fingerprint(tmp_path / "other.npz") == first
    variance = variables["res4/0/temporal/moving_variance"]
    variance.assign(variance + np.float32(1e-6))
    save_p3d(model, path, ClipFormat.for_crop(32))
    assert weights_fingerprint(path) != first


def test_relying_on_the_other_flavour_is_refused(tmp_path):
    save_p3d(small("torch"), tmp_path / "w.npz")
    assert load_p3d(tmp_path / "w.npz", fusion="torch").fusion == "torch"
    with pytest.raises(ValueError, match=r"w\.npz.*'torch', not 'caffe'"):
        load_p3d(tmp_path / "w.npz", fusion="caffe")


def test_new_classifier_keeps_the_features(tmp_path):
    model = small()
    save_p3d(model, tmp_path / "w.npz")
    tuned = load_p3d(tmp_path / "w.npz", classes=7)
    outputs = tuned(clips())
    assert outputs["logits"].shape == (2, 7)
    np.testing.assert_array_equal(outputs["features"], model(clips())["features"])


def test_classifier_is_added_where_there_was_none(tmp_path):
    save_p3d(small(classes=None), tmp_path / "w.npz")
    assert set(load_p3d(tmp_path / "w.npz")(clips())) == {"features"}
    assert load_p3d(tmp_path / "w.npz", classes=2)(clips())["logits"].shape == (2, 2)


def test_policy_is_taken(tmp_path):
    save_p3d(small(), tmp_path / "w.npz")
    model = load_p3d(tmp_path / "w.npz", dtype="mixed_bfloat16")
    assert model.compute_dtype == "bfloat16"


def rewritten(path, change):
    """Applies a change to the raw arrays of a weight file."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.pop("stem/kernel"), "missing stem/kernel"),
        (lambda a: a.update(extra=np.zeros(1)), "unused extra"),
        (lambda a: a.update({"stem/beta": np.zeros(5)}), r"stem/beta has shape \(5,\)"),
        (lambda a: a["stem/beta"].fill(np.inf), "stem/beta holds NaN or infinite"),
        (lambda a: a.pop("metadata"), "holds no array .*convert_p3d"),
        (lambda a: a.update(metadata=np.array("{}")), "no P3D weight file"),
    ],
)
def test_damaged_file_is_refused_by_name(tmp_path, change, said):
    path = tmp_path / "w.npz"
    save_p3d(small(), path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=rf"w\.npz: .*{said}"):
        load_p3d(path)


@pytest.mark.parametrize("content", [b"", b"something else", None])
def test_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "w.npz"
    if content is None:
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.npz: cannot be read .*convert_p3d"):
        read_p3d_metadata(path)
    with pytest.raises(ValueError, match=r"none\.npz: no such file"):
        read_p3d_metadata(tmp_path / "none.npz")


def test_unfit_arrays_leave_the_old_file_alone(tmp_path):
    path = tmp_path / "w.npz"
    save_p3d(small(), path)
    arrays, metadata = read_arrays(path)
    before = path.read_bytes()
    del arrays["classifier/bias"]
    with pytest.raises(ValueError, match="missing classifier/bias"):
        write_arrays(path, arrays, metadata)
    assert path.read_bytes() == before
