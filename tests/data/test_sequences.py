"""Sequences of spans of clips: resampled, kept in memory, and refused."""

import dataclasses

import numpy as np
import pytest

from tests.data.test_dataset import CONFIG, load
from tests.data.tiny import TinyData, features


def test_a_span_is_resampled_as_a_sequence_of_its_own(tmp_path):
    tiny = TinyData()
    dataset = load(tmp_path, tiny)
    role = dataset.roles["untrimmed"]
    span = role.instance_spans(1)[1]
    values = role.sequences.sequence(span, 20)
    clips = tiny.untrimmed_features["a1"][39:59]
    # 20 clips centred at 0.2, 0.4, ..., 4.0 s of 4.2 s: step 9 is 1.89 to 2.10 s.
    points = [
        np.interp(t, 0.2 * np.arange(1, 21), clips[:, 0]) for t in (1.89, 1.995, 2.1)
    ]
    assert values.shape == (20, 3)
    assert values[9, 0] == pytest.approx(np.mean(points), rel=1e-6)


def test_legacy_centres_must_be_those_the_data_were_loaded_with(tmp_path):
    role = load(tmp_path).roles["untrimmed"]
    config = dataclasses.replace(CONFIG, legacy_clip_centres=True)
    with pytest.raises(ValueError, match="legacy_clip_centres"):
        role.sequences.require(config)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_features_may_have_any_floating_type(tmp_path, dtype):
    tiny = TinyData()
    tiny.untrimmed_features["a1"] = features(0, dtype=dtype)
    role = load(tmp_path, tiny).roles["untrimmed"]
    values = role.sequences.sequence(role.whole_span(role.videos[0]), 512)
    assert (values.dtype, values.shape) == (np.float32, (512, 3))


def test_crops_are_cut_from_a_video_that_is_kept_in_memory(tmp_path, monkeypatch):
    role = load(tmp_path).roles["untrimmed"]
    source, span = role.sequences, role.instance_spans(1)[1]
    expected = source.sequence(span, 20)
    np.testing.assert_array_equal(source.crop(span, 20), expected)
    read = []
    monkeypatch.setattr(type(source.store), "read", lambda *args: read.append(args))
    np.testing.assert_array_equal(source.crop(span, 20), expected)
    assert not read


def test_a_sequence_is_written_where_it_is_wanted(tmp_path):
    role = load(tmp_path).roles["untrimmed"]
    span = role.instance_spans(1)[1]
    expected = load(tmp_path).roles["untrimmed"].sequences.sequence(span, 20)
    for _ in range(2):  # read, then from memory
        batch = np.full((1, 20, 3), np.nan, np.float32)
        role.sequences.sequence(span, 20, out=batch[0])
        np.testing.assert_array_equal(batch[0], expected)
        batch[:] = 0.0


def test_statistics_are_those_of_all_clips(tmp_path):
    tiny = TinyData()
    found = load(tmp_path, tiny).roles["untrimmed"].sequences.statistics("a1")
    values = tiny.untrimmed_features["a1"].astype(np.float64)
    assert found.clips == 99
    np.testing.assert_allclose(found.mean, values.mean(axis=0))
    np.testing.assert_allclose(found.squares, values.var(axis=0) * 99)
