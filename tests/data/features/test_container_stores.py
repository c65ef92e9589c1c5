"""Stores of files that hold many videos."""

import concurrent.futures
import re

import numpy as np
import pytest

from ahernet_tf.data.features.container_stores import NpzStore
from ahernet_tf.data.features.opening import open_store

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


def write_hdf5(path, arrays):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{video}", "v_a"),
        ("{video}", "a"),
        ("v_{video}", "v_a"),
        ("{video}/c3d_features", "v_a/c3d_features"),
        ("clips/of_{video}_x/rgb", "clips/of_a_x/rgb"),
        ("*/{video}", "train/v_a"),
        ("*/x/v_{video}_rgb", "train/x/v_a_rgb"),
    ],
)
def test_hdf5_is_found_by_its_template(tmp_path, template, name):
    write_hdf5(tmp_path / "f.h5", {name: VALUES, "other/thing/deep": VALUES})
    store = open_store(tmp_path / "f.h5", {"template": template})
    assert store.find("a") == store.find("v_a")
    for video in ("a", "v_a"):
        assert store.shape(video) == (4, 3)
        np.testing.assert_array_equal(store.read(video), VALUES)
    assert "b" not in store
    assert "other" not in store or template.startswith("{video}")


def test_a_video_in_two_groups_of_an_hdf5_file_is_not_guessed(tmp_path):
    names = ["flow/a", "rgb/a", "rgb/b"]
    write_hdf5(tmp_path / "f.h5", dict.fromkeys(names, VALUES))
    store = open_store(tmp_path / "f.h5", {"template": "*/{video}"})
    np.testing.assert_array_equal(store.read("b"), VALUES)
    with pytest.raises(ValueError, match="'a': is there as flow/a and as rgb/a"):
        store.read("a")


def test_hdf5_keeps_float16_and_reads_from_many_threads(tmp_path):
    arrays = {f"v{n}": np.full((30, 4), n, np.float16) for n in range(40)}
    write_hdf5(tmp_path / "f.hdf5", arrays)
    store = open_store(tmp_path / "f.hdf5", {})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name, values in zip(arrays, pool.map(store.read, arrays)):
            assert values.dtype == np.float16
            np.testing.assert_array_equal(values, arrays[name])


def test_an_hdf5_group_asks_for_a_template(tmp_path):
    write_hdf5(tmp_path / "f.h5", {"v_a/c3d_features": VALUES})
    write_hdf5(tmp_path / "g.h5", {"v_a/c3d_features": VALUES, "b": VALUES})
    with pytest.raises(ValueError, match=r"group of .*'\{video\}/c3d_features'"):
        open_store(tmp_path / "g.h5", {}).read("a")
    store = open_store(tmp_path / "f.h5", {"template": "{video}/i3d"})
    with pytest.raises(ValueError, match="video 'a': has no dataset 'v_a/i3d'"):
        store.read("a")


def test_what_is_no_hdf5_file_is_refused(tmp_path):
    pytest.importorskip("h5py")
    (tmp_path / "f.h5").write_text("hello")
    with pytest.raises(ValueError, match=r"f\.h5: is no HDF5 file"):
        open_store(tmp_path / "f.h5", {})
    write_hdf5(tmp_path / "g.h5", {"a": VALUES})
    with pytest.raises(ValueError, match="has no group 'clips'"):
        open_store(tmp_path / "g.h5", {"template": "clips/{video}"})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_changed_byte_in_an_npz_is_noticed(tmp_path, save):
    path = tmp_path / "f.npz"
    save(path, a=np.random.default_rng(0).normal(size=(50, 3)), b=VALUES)
    data = bytearray(path.read_bytes())
    data[700] ^= 0xFF
    path.write_bytes(data)
    store = open_store(path, {})
    with pytest.raises(ValueError, match=r"f\.npz: video 'a': .*damaged"):
        store.read("a")
    np.testing.assert_array_equal(store.read("b"), VALUES)


def test_an_npz_can_be_read_from_many_threads(tmp_path):
    arrays = {f"v{n}": np.full((50, 8), float(n)) for n in range(40)}
    np.savez_compressed(tmp_path / "f.npz", **arrays)
    store = NpzStore(tmp_path / "f.npz")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name, values in zip(arrays, pool.map(store.read, arrays)):
            np.testing.assert_array_equal(values, arrays[name])


def test_other_datasets_of_an_hdf5_file_are_not_looked_at(tmp_path):
    arrays = {"cake": VALUES, "fps": np.array(25.0), "description": "of kitchens"}
    write_hdf5(tmp_path / "f.h5", arrays)
    store = open_store(tmp_path / "f.h5", {})
    assert store.shape("cake") == (4, 3)
    with pytest.raises(ValueError, match=r"f\.h5: video 'fps': expected \[clips"):
        store.shape("fps")


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["train/cake", "train/soup"], "such as 'train/{video}'"),
        (["cake/c3d", "soup/c3d"], "such as '{video}/c3d'"),
        (["train/cake", "test/soup"], "such as '*/{video}', all groups"),
        (
            [f"{stream}/{video}" for stream in ("flow", "rgb") for video in "abc"],
            "'flow/{video}'; or join groups as --parts flow/{video},rgb/{video}",
        ),
        (
            [f"{video}/{stream}" for stream in ("flow", "rgb") for video in "abc"],
            "'{video}/flow'; or join them as --parts {video}/flow,{video}/rgb",
        ),
        (["rgb/cake", "flow/cake"], "as --parts flow/{video},rgb/{video}"),
    ],
)
def test_an_hdf5_file_of_groups_says_which_template_fits(tmp_path, names, hint):
    write_hdf5(tmp_path / "f.h5", dict.fromkeys(names, VALUES))
    with pytest.raises(ValueError, match=re.escape(hint)):
        open_store(tmp_path / "f.h5", {})


def test_links_out_of_an_hdf5_file_need_a_flag(tmp_path):
    h5py = pytest.importorskip("h5py")
    write_hdf5(tmp_path / "other.h5", {"x": VALUES, "g/x": VALUES})
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["own"] = VALUES
        file["soft"] = h5py.SoftLink("/own")
        file["far"] = h5py.ExternalLink("other.h5", "/x")
        file["group"] = h5py.ExternalLink("other.h5", "/g")
        file["soft_far"] = h5py.SoftLink("/group/x")
        layout = h5py.VirtualLayout(VALUES.shape, np.float32)
        layout[:] = h5py.VirtualSource("other.h5", "x", VALUES.shape)
        file.create_virtual_dataset("virtual", layout)
    store = open_store(tmp_path / "f.h5", {})
    trusting = open_store(tmp_path / "f.h5", {"follow_links": True})
    for name in ("own", "soft"):
        np.testing.assert_array_equal(store.read(name), VALUES)
    for name in ("far", "soft_far", "virtual"):
        with pytest.raises(ValueError, match=f"'{name}': .*leads out .*follow_links"):
            store.read(name)
        np.testing.assert_array_equal(trusting.read(name), VALUES)
    with pytest.raises(ValueError, match="leads out"):
        open_store(tmp_path / "f.h5", {"template": "group/{video}"})


def test_a_dataset_that_states_more_than_is_stored_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("a", (1 << 40, 8), np.float32, chunks=(64, 8))
        file.create_dataset("b", (1000, 8), np.float32, chunks=(64, 8))
    store = open_store(tmp_path / "f.h5", {})
    with pytest.raises(ValueError, match=r"video 'a': states .* of which 0 are stored"):
        store.read("a")
    assert store.read("b").shape == (1000, 8)


def test_parts_are_not_offered_where_groups_are_videos(tmp_path):
    write_hdf5(tmp_path / "f.h5", dict.fromkeys(["cake 1/rgb", "latte/rgb"], VALUES))
    with pytest.raises(ValueError, match=r"with --template .*'{video}/rgb'") as error:
        open_store(tmp_path / "f.h5", {})
    assert "--parts" not in str(error.value)
