"""Foreign names to ours: every array once, every error by name."""

import re

import numpy as np
import pytest

from ahernet_tf.p3d import convert_arrays, read_foreign_arrays
from tests.p3d import reference

DEPTHS = (2, 4, 1, 2)


@pytest.fixture
def state():
    return reference.random_state(DEPTHS, base=4, classes=5)


def test_form_of_the_network_follows_from_the_arrays(state):
    arrays, metadata = convert_arrays(state, "torch", "x.pth")
    assert metadata.fusion == "torch"
    assert metadata.depths == DEPTHS
    assert (metadata.classes, metadata.in_channels) == (5, 3)
    assert (metadata.base_channels, metadata.feature_dim) == (4, 128)
    assert "PyTorch names" in metadata.source
    used = [k for k in state if not k.endswith("num_batches_tracked")]
    assert len(arrays) == len(used)


@pytest.mark.parametrize("blobs", ["numbers", "words", "pair"])
def test_caffe_names_give_the_same_arrays_as_pytorch_names(state, blobs):
    expected, _ = convert_arrays(state, "caffe", "x.npz")
    caffe = reference.caffe_names(state, blobs)
    assert "res3b3_branch2b_t" in {name.split("/")[0] for name in caffe}
    got, metadata = convert_arrays(caffe, "caffe", "x.npz")
    assert "Caffe names" in metadata.source
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(got[name], array, rtol=1e-6, err_msg=name)


def test_every_single_array_is_missed_by_name(state):
    for name in state:
        if name.endswith("num_batches_tracked") or name == "conv1_custom.weight":
            continue
        rest = {k: v for k, v in state.items() if k != name}
        said = re.escape(f"x.pth: missing {name}.")
        with pytest.raises(ValueError, match=said):
            convert_arrays(rest, "torch", "x.pth")


def test_missing_first_convolution_is_named(state):
    del state["conv1_custom.weight"]
    with pytest.raises(ValueError, match=r"x\.pth: the first convolution"):
        convert_arrays(state, "torch", "x.pth")


def test_missing_caffe_array_is_named(state):
    caffe = reference.caffe_names(state)
    del caffe["res3a_branch2b_t/0"]
    with pytest.raises(ValueError, match="missing res3/0/temporal/kernel"):
        convert_arrays(caffe, "caffe", "x.npz")


def test_unknown_array_is_named(state):
    caffe = reference.caffe_names(state)
    state["layer2.0.conv9.weight"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"unknown layer2\.0\.conv9\.weight"):
        convert_arrays(state, "torch", "x.pth")
    caffe["res9a_branch1/0"] = np.zeros(3)
    with pytest.raises(ValueError, match="unknown res9a_branch1/0"):
        convert_arrays(caffe, "caffe", "x.npz")


def test_array_given_twice_is_named(state):
    caffe = reference.caffe_names(state)
    caffe["res3b_branch2a/0"] = caffe["res3b1_branch2a/0"]
    with pytest.raises(ValueError, match=r"res3b_branch2a/0 and res3b1_branch2a/0"):
        convert_arrays(caffe, "caffe", "x.npz")


def test_wrong_shape_is_named_with_both_shapes(state):
    name = "layer2.1.conv2.weight"
    state[name] = state[name][:, :, :, :2]
    with pytest.raises(ValueError, match=r"layer2\.1\.conv2\.weight has shape"):
        convert_arrays(state, "torch", "x.pth")


def test_kernel_of_transposed_channels_is_refused(state):
    name = "layer2.0.conv1.weight"
    state[name] = state[name].swapaxes(0, 1)
    with pytest.raises(ValueError, match=r"layer2\.0\.conv1\.weight has shape"):
        convert_arrays(state, "torch", "x.pth")


def test_nan_is_named(state):
    state["bn1.bias"][0] = np.nan
    with pytest.raises(ValueError, match=r"bn1\.bias holds NaN"):
        convert_arrays(state, "torch", "x.pth")


def test_foreign_names_are_refused_with_examples():
    with pytest.raises(ValueError, match="expected names like"):
        convert_arrays({"a": np.zeros(1)}, "torch", "x.npz")


def test_unknown_flavour_is_refused(state):
    with pytest.raises(ValueError, match=r'"caffe" or "torch"'):
        convert_arrays(state, "pytorch", "x.npz")


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.npz: no such file"):
        read_foreign_arrays(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"bad\.npz"):
        read_foreign_arrays(tmp_path / "bad.npz")
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"bad\.pth: this is no PyTorch file"):
        read_foreign_arrays(tmp_path / "bad.pth")


def test_weights_of_another_network_are_named_in_few_words():
    arrays = {f"layer1.{i}.weight": np.zeros(1) for i in range(900)}
    with pytest.raises(ValueError, match=r"unknown layer1\.0\.weight") as error:
        convert_arrays(arrays, "torch", "x.npz")
    assert len(str(error.value)) < 1000


def test_pickled_arrays_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([{}], object))
    with pytest.raises(ValueError, match=r"x\.npz"):
        read_foreign_arrays(tmp_path / "x.npz")
