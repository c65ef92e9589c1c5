"""Stores with a file per video."""

import os
import sys

import numpy as np
import pytest

from ahernet_tf.data.features.opening import open_store
from ahernet_tf.data.features.time_model import TimeModel

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


def test_file_names_follow_the_template(tmp_path):
    for name in ("v_a_feature_6", "v_b_feature_6", "notes"):
        np.save(tmp_path / f"{name}.npy", VALUES)
    store = open_store(tmp_path, {"template": "v_{video}_feature_6"})
    assert store.ids() == ["a", "b"]
    np.testing.assert_array_equal(store.read("v_b"), VALUES)
    assert store.file_of("c") == tmp_path / "v_c_feature_6.npy"
    for template in ("{id}", "{video}{video}"):
        with pytest.raises(ValueError, match="template: expected"):
            open_store(tmp_path, {"template": template})


def test_a_directory_of_npz_files(tmp_path):
    np.savez(tmp_path / "a.npz", rgb=VALUES)
    np.savez(tmp_path / "b.npz", rgb=VALUES, flow=VALUES + 1)
    store = open_store(tmp_path, {})
    np.testing.assert_array_equal(store.read("a"), VALUES)
    with pytest.raises(ValueError, match=r"b\.npz: video 'b': expected one array"):
        store.shape("b")
    store = open_store(tmp_path, {"array": "flow"})
    np.testing.assert_array_equal(store.read("b"), VALUES + 1)
    with pytest.raises(ValueError, match="expected the array 'flow'"):
        store.read("a")


def test_pt_files_hold_tensors_and_nothing_else(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.tensor(VALUES), tmp_path / "v_a.pt")
    torch.save(torch.tensor(VALUES).bfloat16(), tmp_path / "v_b.pt")
    torch.save({"x": torch.tensor(VALUES)}, tmp_path / "v_c.pt")
    torch.save(TimeModel(1, 1), tmp_path / "v_d.pt")
    store = open_store(tmp_path, {})
    np.testing.assert_array_equal(store.read("a"), VALUES)
    np.testing.assert_array_equal(store.read("b"), VALUES)
    with pytest.raises(ValueError, match="expected a tensor, received dict"):
        store.read("c")
    with pytest.raises(ValueError, match="holds no plain tensor"):
        store.read("d")


def test_pt_files_without_pytorch_say_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "a.pt").write_bytes(b"")
    with pytest.raises(ValueError, match="PyTorch is needed"):
        open_store(tmp_path, {})


def test_a_truncated_npy_is_named(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:-8])
    with pytest.raises(ValueError, match=r"a\.npy: video 'a': the file is cut short"):
        open_store(tmp_path, {}).read("a")


def test_what_follows_the_array_of_a_npy_is_told(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        for _ in range(2):
            np.save(file, VALUES)
    with pytest.raises(
        ValueError, match=r"'a': \d+ bytes follow after float32 \(4, 3\)"
    ):
        open_store(tmp_path, {}).read("a")


def test_links_out_of_the_directory_need_a_flag(tmp_path):
    (tmp_path / "store").mkdir()
    np.save(tmp_path / "far.npy", VALUES)
    np.save(tmp_path / "store" / "own.npy", VALUES)
    (tmp_path / "store" / "near.npy").symlink_to("own.npy")
    (tmp_path / "store" / "a.npy").symlink_to("../far.npy")
    (tmp_path / "link").symlink_to("store")
    store = open_store(tmp_path / "link", {})
    for name in ("own", "near"):
        np.testing.assert_array_equal(store.read(name), VALUES)
    for look in (store.read, store.shape):
        with pytest.raises(ValueError, match=r"a\.npy: .* out of the store, to .*far"):
            look("a")
    trusting = open_store(tmp_path / "link", {"follow_links": True})
    np.testing.assert_array_equal(trusting.read("a"), VALUES)


def test_a_pipe_does_not_block(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    os.mkfifo(tmp_path / "b.npy")
    os.mkfifo(tmp_path / "f.npz")
    assert open_store(tmp_path, {"format": "npy"}).ids() == ["a"]
    with pytest.raises(ValueError, match="neither a directory nor a regular file"):
        open_store(tmp_path / "f.npz", {})


def test_what_else_lies_there_is_passed_over(tmp_path):
    for number in range(5):
        np.save(tmp_path / f"v{number}.npy", VALUES)
    for name in (".v0.npy", "._v1.npy", "README.csv", "notes.txt", "labels.pkl"):
        (tmp_path / name).write_text("something else")
    (tmp_path / "logs").mkdir()
    assert open_store(tmp_path, {}).ids() == [f"v{number}" for number in range(5)]


def test_pickled_files_are_said_to_be_that(tmp_path):
    np.save(tmp_path / "a.npy", {"x": VALUES}, allow_pickle=True)
    store = open_store(tmp_path, {})
    for look in (store.read, store.shape):
        with pytest.raises(ValueError, match=r"a\.npy: .*pickled objects"):
            look("a")
    (tmp_path / "a.npy").rename(tmp_path / "a.pkl")
    for path in (tmp_path, tmp_path / "a.pkl"):
        with pytest.raises(ValueError, match=r"\.pkl.*: pickled objects"):
            open_store(path, {})


def test_what_lies_in_place_of_a_file_is_named(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    (tmp_path / "b.npy").mkdir()
    (tmp_path / "c.npy").symlink_to(tmp_path / "nothing")
    (tmp_path / "d.npy").symlink_to(tmp_path / "d.npy")
    store = open_store(tmp_path, {})
    assert store.missing("b") == "has no features: b.npy is a directory"
    assert store.missing("c") == "has no features: c.npy is a link to nothing"
    assert store.missing("d") == "has no features: d.npy is a link to nothing"


def test_what_was_not_fetched_is_told_how_to(tmp_path):
    (tmp_path / "a.npy").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match="run git lfs pull"):
        open_store(tmp_path, {}).shape("a")
    (tmp_path / "a.npy").rename(tmp_path / "a.npy.gz")
    with pytest.raises(ValueError, match="unpack the files"):
        open_store(tmp_path, {})
