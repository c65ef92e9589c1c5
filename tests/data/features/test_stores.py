"""The stores beside npy, npz and csv files: containers, templates, joined stores."""

import concurrent.futures
import sys

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data.features.joined_stores import ConcatenatedStore, DeferredStore
from ahernet_tf.data.features.opening import (
    open_features,
    open_store,
    paths_of,
    store_key,
    with_paths,
)
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.packed.identity import fingerprint

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


def write_hdf5(path, arrays):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def write_tfrecord(path, arrays, id_field="video", features_field="features", raw=None):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, values in arrays.items():
            numbers = tf.train.Feature(
                float_list=tf.train.FloatList(value=values.ravel())
            )
            if raw:
                data = values.astype(raw).tobytes()
                numbers = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
            ids = tf.train.BytesList(value=[name.encode()])
            feature = {
                id_field: tf.train.Feature(bytes_list=ids),
                features_field: numbers,
            }
            features = tf.train.Features(feature=feature)
            writer.write(tf.train.Example(features=features).SerializeToString())


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{video}", "v_a"),
        ("{video}", "a"),
        ("v_{video}", "v_a"),
        ("{video}/c3d_features", "v_a/c3d_features"),
        ("clips/of_{video}_x/rgb", "clips/of_a_x/rgb"),
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
    with pytest.raises(ValueError, match=r"group of .*'\{video\}/c3d_features'"):
        open_store(tmp_path / "f.h5", {}).read("a")
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


@pytest.mark.parametrize("raw", [None, "<f4", "<f2"])
def test_tfrecords_hold_floats_or_bytes(tmp_path, raw):
    folder = tmp_path / "records"
    folder.mkdir()
    write_tfrecord(folder / "x.tfrecord-00000-of-00002", {"a": VALUES}, raw=raw)
    arrays = {"v_b": VALUES + 1, "c": VALUES[:2]}
    write_tfrecord(folder / "x.tfrecord-00001-of-00002", arrays, raw=raw)
    spec = {"dim": 3}
    if raw:
        spec["dtype"] = np.dtype(raw).name
    store = open_store(folder, spec)
    assert sorted(store.ids()) == ["a", "c", "v_b"]
    for name, values in {"a": VALUES, "b": VALUES + 1, "c": VALUES[:2]}.items():
        np.testing.assert_array_equal(store.read(name), values)
        assert store.shape(name) == values.shape
    assert store.file_of("b").name == "x.tfrecord-00001-of-00002"


def test_fields_of_tfrecords_can_be_named(tmp_path):
    write_tfrecord(tmp_path / "x.tfrecord", {"v_a": VALUES}, "key", "rgb")
    spec = {"dim": 3, "id_field": "key", "features_field": "rgb"}
    store = open_store(tmp_path / "x.tfrecord", {**spec, "template": "v_{video}"})
    np.testing.assert_array_equal(store.read("a"), VALUES)
    with pytest.raises(ValueError, match=r"no field 'video'.* are \['key', 'rgb'\]"):
        open_store(tmp_path / "x.tfrecord", {"dim": 3})
    with pytest.raises(ValueError, match="12 numbers are no rows of 5"):
        open_store(tmp_path / "x.tfrecord", {**spec, "dim": 5}).read("a")
    with pytest.raises(ValueError, match="need 'dim'"):
        open_store(tmp_path / "x.tfrecord", {})


def test_a_cut_tfrecord_is_named(tmp_path):
    path = tmp_path / "x.tfrecord"
    write_tfrecord(path, {"a": VALUES, "b": VALUES})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="no whole record at byte"):
        open_store(path, {"dim": 3})


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
    torch.save(TimeModel(), tmp_path / "v_d.pt")
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
    with pytest.raises(ValueError, match="need PyTorch"):
        open_store(tmp_path, {})


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("f0,f1", 1),
        ("0,1", 1),
        ("1,2", 1),
        ("1.5,2", 2),
        ("0.0,1.5", 2),
    ],
)
def test_a_csv_may_have_no_header(tmp_path, first, rows):
    (tmp_path / "a.csv").write_text(f"{first}\n3.5,4\n")
    store = open_store(tmp_path, {})
    assert store.shape("a") == store.read("a").shape == (rows, 2)
    np.testing.assert_array_equal(store.read("a")[-1], [3.5, 4.0])


def parts_of(tmp_path, **arrays):
    for name, values in arrays.items():
        (tmp_path / name).mkdir(exist_ok=True)
        np.save(tmp_path / name / "v_a.npy", values)
    return [{"path": name} for name in arrays]


def test_parts_are_concatenated_and_cut_to_the_shortest(tmp_path):
    parts = parts_of(tmp_path, rgb=VALUES, flow=VALUES[:3] + 10)
    np.save(tmp_path / "rgb" / "b.npy", VALUES)
    spec = {"parts": parts, "clip_frames": 16, "stride_frames": 4}
    store = open_features(tmp_path, spec)
    assert store.ids() == ["v_a"]
    assert store.shape("a") == (3, 6)
    np.testing.assert_array_equal(
        store.read("a"), np.concatenate([VALUES[:3], VALUES[:3] + 10], axis=1)
    )
    assert "b" not in store
    assert store.file_of("b") == tmp_path / "flow" / "b.npy"
    assert paths_of(spec) == ["rgb", "flow"]


def test_all_paths_of_an_entry_are_changed_and_nothing_else():
    table = {"covers": "duration", "covered_durations": "t.csv"}
    spec = {"parts": [{"path": "rgb", "fps": 5}, {"path": ["a", "b"]}], **table}
    changed = with_paths(spec, "../{}".format)
    assert changed == {
        "parts": [{"path": "../rgb", "fps": 5}, {"path": ["../a", "../b"]}],
        "covers": "duration",
        "covered_durations": "../t.csv",
    }
    assert paths_of(spec) == ["rgb", "a", "b"]


def test_parts_of_different_length_are_refused(tmp_path):
    parts = parts_of(tmp_path, rgb=np.zeros((99, 2)), flow=np.zeros((90, 2)))
    spec = {"parts": parts, "clip_frames": 16, "stride_frames": 4}
    with pytest.raises(ValueError, match=r"v_a\.npy: video 'a': .* \[99, 90\] clips"):
        open_features(tmp_path, spec).shape("a")


def test_parts_of_another_stride_are_interpolated_at_the_first_ones_clips(tmp_path):
    # Clips of 4 frames every 4 (centres 2, 6, 10, 14) beside clips of 8 frames every
    # 8 (centres 4, 12); what they show is the number of the frame.
    one = np.array([[2.0], [6.0], [10.0], [14.0]], np.float32)
    two = np.array([[4.0], [12.0]], np.float32)
    parts = parts_of(tmp_path, one=one, two=two)
    parts[1] |= {"clip_frames": 8, "stride_frames": 8}
    spec = {"parts": parts, "clip_frames": 4, "stride_frames": 4}
    store = open_features(tmp_path, spec)
    assert store.shape("a") == (4, 2)
    expected = [[2, 4], [6, 6], [10, 10], [14, 12]]
    np.testing.assert_allclose(store.read("a"), expected)


def test_parts_at_other_frame_rates_are_aligned_in_seconds(tmp_path):
    one = np.array([[1.0], [3.0], [5.0]], np.float32)  # seconds at 1 fps
    two = np.array([[0.5], [1.5], [2.5], [3.5], [4.5], [5.5]], np.float32)
    parts = parts_of(tmp_path, one=one, two=two)
    parts[0] |= {"clip_frames": 2, "stride_frames": 2, "fps": 1.0, "resampled": True}
    parts[1] |= {"clip_frames": 10, "stride_frames": 10, "fps": 10.0}
    parts[1] |= {"resampled": True}
    store = open_features(tmp_path, {"parts": parts})
    np.testing.assert_allclose(store.read("a"), [[1, 1], [3, 3], [5, 5]])


def test_parts_whose_times_are_not_known_are_refused(tmp_path):
    stores = [
        open_store(tmp_path / p["path"], {}) for p in parts_of(tmp_path, a=VALUES)
    ]
    with pytest.raises(ValueError, match="cannot be aligned"):
        ConcatenatedStore(
            stores * 2, [TimeModel(4, 4), TimeModel(4, 4, fps=15.0, resampled=True)]
        )


def test_several_paths_hold_different_videos(tmp_path):
    write_hdf5(tmp_path / "val.h5", {"a": VALUES, "v_b": VALUES + 1})
    write_hdf5(tmp_path / "test.h5", {"c": VALUES + 2, "a": VALUES + 3})
    store = open_features(tmp_path, {"path": ["val.h5", "test.h5"]})
    assert store.ids() == ["a", "v_b", "c"]
    for video, add in {"a": 0, "b": 1, "v_c": 2}.items():
        np.testing.assert_array_equal(store.read(video), VALUES + add)
    assert store.file_of("c").name == "test.h5"
    assert "d" not in store
    with pytest.raises(ValueError, match="no such sequence"):
        store.read("d")


def test_folders_of_classes_are_one_store(tmp_path):
    for label, videos in {"run": ("a", "v_b"), "sit still": ("c",)}.items():
        (tmp_path / label).mkdir()
        for add, video in enumerate(videos):
            np.save(tmp_path / label / f"{video}.npy", VALUES + add)
    for spec in ({}, {"format": "npy"}):
        store = open_store(tmp_path, spec)
        assert store.ids() == ["a", "v_b", "c"]
        np.testing.assert_array_equal(store.read("b"), VALUES + 1)
        assert store.file_of("c") == tmp_path / "sit still" / "c.npy"
        assert store.path == tmp_path
    before = fingerprint(tmp_path)
    (tmp_path / "run" / "a.npy").rename(tmp_path / "run" / "d.npy")
    assert fingerprint(tmp_path) != before
    (tmp_path / "sit still" / "c.npy").unlink()
    with pytest.raises(ValueError, match=r"sit still: expected npy, .* found \[\]"):
        open_store(tmp_path, {})


def test_a_deferred_store_is_opened_when_it_is_needed(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    opened = []

    def open_it():
        opened.append(1)
        return open_store(tmp_path, {})

    store = DeferredStore(tmp_path, open_it)
    assert not opened
    np.testing.assert_array_equal(store.read("a"), VALUES)
    assert store.shape("a") == (4, 3)
    assert (store.ids(), "a" in store, len(store)) == (["a"], True, 1)
    assert len(opened) == 1


def test_entries_of_one_store_have_one_key():
    one = {"path": "x", "clip_frames": 4}
    assert store_key(one) == store_key({"path": "x", "dim": 3})
    assert store_key(one) != store_key({**one, "template": "v_{video}"})
