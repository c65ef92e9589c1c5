"""The conversion program, from a file of arrays to a network that works."""

import numpy as np
import pytest

from ahernet_tf.p3d import load_p3d, read_p3d_metadata
from data_tools.convert_p3d import convert
from tests import programs
from tests.p3d import reference

DEPTHS = (1, 2, 1, 1)


@pytest.fixture
def state():
    return reference.random_state(DEPTHS, base=4, classes=5)


@pytest.mark.parametrize("fusion", ["caffe", "torch"])
@pytest.mark.parametrize("names", ["pytorch", "caffe"])
def test_converted_archive_computes_the_flavours_numbers(
    tmp_path, state, fusion, names
):
    arrays = state if names == "pytorch" else reference.caffe_names(state)
    np.savez(tmp_path / "in.npz", **arrays)
    convert(tmp_path / "in.npz", fusion, tmp_path / "out.npz")
    network = load_p3d(tmp_path / "out.npz")
    assert network.fusion == fusion
    x = np.random.default_rng(0).normal(size=(1, 16, 32, 32, 3)).astype(np.float32)
    features, logits = reference.network(x, state, DEPTHS, fusion)
    outputs = network(x)
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-3, atol=1e-3)


def test_metadata_tells_the_flavour_and_the_origin(tmp_path, state):
    np.savez(tmp_path / "in.npz", **state)
    convert(tmp_path / "in.npz", "caffe", tmp_path / "out.npz")
    metadata = read_p3d_metadata(tmp_path / "out.npz")
    assert metadata.fusion == "caffe"
    assert metadata.source.startswith("in.npz, PyTorch names, SHA-256 ")


def program(*arguments):
    return programs.run("data_tools.convert_p3d", *arguments)


def test_program_reports_what_is_wrong_and_writes_nothing(tmp_path, state):
    del state["layer2.1.bn3.running_var"]
    np.savez(tmp_path / "in.npz", **state)
    out = tmp_path / "out.npz"
    done = program("--input", tmp_path / "in.npz", "--fusion", "torch", "--output", out)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: in.npz: missing layer2.1.bn3.running_var."
    )
    assert not out.exists()


def test_program_converts(tmp_path, state):
    np.savez(tmp_path / "in.npz", **state)
    out = tmp_path / "new" / "out.npz"
    done = program("--input", tmp_path / "in.npz", "--fusion", "torch", "--output", out)
    assert done.returncode == 0, done.stderr
    assert "fusion torch, depths (1, 2, 1, 1), 5 classes" in done.stdout
    assert load_p3d(out).fusion == "torch"
