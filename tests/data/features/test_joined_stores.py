"""Stores that are made of other stores."""

import numpy as np
import pytest

from ahernet_tf.data.features.feature_entries import paths_of
from ahernet_tf.data.features.joined_stores import ConcatenatedStore
from ahernet_tf.data.features.opening import open_features, open_store
from ahernet_tf.data.features.time_model import TimeModel
from tests.data.features.test_container_stores import write_hdf5

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


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
    write_hdf5(tmp_path / "test.h5", {"c": VALUES + 2})
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
        assert sorted(store.ids()) == ["a", "c", "v_b"]
        np.testing.assert_array_equal(store.read("b"), VALUES + 1)
        assert store.file_of("c") == tmp_path / "sit still" / "c.npy"
        assert store.path == tmp_path
    (tmp_path / "run" / "a.npy").rename(tmp_path / "run" / "d.npy")
    (tmp_path / "sit still" / "c.npy").unlink()  # what is empty is passed over
    assert sorted(open_store(tmp_path, {}).ids()) == ["d", "v_b"]


def test_a_name_of_two_stores_offers_to_join_them(tmp_path):
    parts_of(tmp_path, rgb=VALUES, flow=VALUES + 1)
    store = open_store(tmp_path, {})
    assert "a" in store
    message = (
        r"video 'a': is in flow and rgb; .*--parts flow,rgb .*put flow/ or rgb/ before"
    )
    for look in (store.read, store.shape):
        with pytest.raises(ValueError, match=message):
            look("a")


def test_a_name_of_two_classes_is_called_by_its_class(tmp_path):
    for add, label in enumerate(("dive", "run.fast")):
        (tmp_path / label).mkdir()
        np.save(tmp_path / label / "0.npy", VALUES + add)
    np.save(tmp_path / "dive" / "1.npy", VALUES)
    paths = {"path": [str(tmp_path / "dive"), str(tmp_path / "run.fast")]}
    for store in (open_store(tmp_path, {}), open_features(tmp_path, paths)):
        assert sorted(store.ids()) == ["1", "dive/0", "run.fast/0"]
        np.testing.assert_array_equal(store.read("dive/0"), VALUES)
        np.testing.assert_array_equal(store.read("run.fast/0"), VALUES + 1)
        np.testing.assert_array_equal(store.read("dive/1"), VALUES)
        assert "run.fast/1" not in store
        assert store.file_of("run.fast/0") == tmp_path / "run.fast" / "0.npy"
