"""The `features` entries of dataset.json."""

import numpy as np
import pytest

from ahernet_tf.data.features.feature_entries import (
    entry_at,
    fault_of_entry,
    paths_of,
    store_key,
    transposed_hint,
    with_paths,
)
from ahernet_tf.data.features.opening import open_features, open_store

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


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


def test_entries_of_one_store_have_one_key():
    one = {"path": "x", "clip_frames": 4}
    assert store_key(one) == store_key({"path": "x", "dim": 3})
    assert store_key(one) != store_key({**one, "template": "v_{video}"})


@pytest.mark.parametrize(
    ("parts", "made"),
    [
        (["rgb", "flow"], [{"path": "f/rgb"}, {"path": "f/flow"}]),
        (["rgb.h5", "flow.h5"], [{"path": "f/rgb.h5"}, {"path": "f/flow.h5"}]),
        (["{video}_rgb"], [{"path": "f", "template": "{video}_rgb"}]),
        (["array:rgb"], [{"path": "f", "array": "rgb"}]),
    ],
)
def test_parts_are_named_below_the_path_or_by_their_templates(parts, made):
    layout = {"fps": 25.0, "parts": parts}
    assert entry_at("f", layout) == {"fps": 25.0, "parts": made}
    assert entry_at("f", {"fps": 25.0}) == {"path": "f", "fps": 25.0}
    several = entry_at(["f"], layout)["parts"]
    assert [dict(p, path=[p["path"]]) for p in made] == several


def test_streams_beside_one_another_are_joined(tmp_path):
    for name, add in {"a_rgb": 0, "a_flow": 1, "b_rgb": 2}.items():
        np.save(tmp_path / f"{name}.npy", VALUES + add)
    np.save(tmp_path / "a_fps.npy", np.array(25.0))
    parts = ["{video}_rgb", "{video}_flow"]
    timing = {"clip_frames": 16, "stride_frames": 8}
    store = open_features(tmp_path, entry_at(".", {"parts": parts, **timing}))
    assert store.ids() == ["a"]
    np.testing.assert_array_equal(store.read("a"), np.hstack([VALUES, VALUES + 1]))
    missing = open_store(tmp_path, {}).missing("a")
    assert "there are a_flow, a_fps, a_rgb" in missing
    assert "template" in missing


def test_a_field_that_nothing_reads_is_named():
    assert fault_of_entry({"path": "f", "fps": 25.0, "dim": 3}) is None
    assert "'stride'" in fault_of_entry({"path": "f", "stride": 8})
    assert "'dims'" in fault_of_entry({"parts": [{"path": "f", "dims": 8}]})


@pytest.mark.parametrize(
    ("shapes", "channels", "asks"),
    [
        ([(64, 54), (64, 80), (64, 61), (64, 54)], 54, True),
        ([(64, 54)], 64, True),
        ([(54, 64), (80, 64)], 64, False),
        ([(54, 63), (80, 64)], 64, False),
        ([(100, 64), (100, 64)], 65, False),
        ([(100, 64), (100, 63)], 64, False),
    ],
)
def test_transposed_sequences_are_asked_about(shapes, channels, asks):
    assert ("Say --transposed" in transposed_hint(shapes, channels)) == asks
    assert (
        "Leave out --transposed" in transposed_hint(shapes, channels, turned=True)
    ) == asks


def test_transposed_sequences_are_turned(tmp_path):
    np.save(tmp_path / "a.npy", VALUES.T)
    store = open_store(tmp_path, {"transposed": True})
    assert store.shape("a") == (4, 3)
    np.testing.assert_array_equal(store.read("a"), VALUES)
