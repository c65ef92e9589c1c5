"""Windows of long recordings, and candidates joined again."""

import itertools

import numpy as np
import pytest

from ahernet_tf.config import DataConfig, InferenceConfig
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.windows import clips_per_window, merge_windows, windows

CLIPS = TimeModel(clip_frames=4, stride_frames=2, fps=2.0)
DURATION = TimeModel(covers="duration")


def test_short_videos_are_one_window():
    (only,) = windows(10, CLIPS, None, None, 30.0)
    assert (only.first_clip, only.end_clip, only.offset_sec) == (0, 10, 0.0)
    assert only.covered_sec == 11.0
    assert windows(10, CLIPS, None, None, None) == [only]


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
def test_windows_reach_from_the_first_clip_to_the_last(overlap):
    found = windows(100, CLIPS, None, None, 20.0, overlap)
    assert found[0].first_clip == 0
    assert found[-1].end_clip == 100
    for one, other in itertools.pairwise(found):
        assert one.end_clip - one.first_clip == 20
        assert one.covered_sec == other.covered_sec
        shared = one.end_clip - other.first_clip
        assert shared >= 20 * overlap
        assert other.offset_sec == other.first_clip * 1.0


@pytest.mark.parametrize(
    ("times", "seconds", "clip_sec"), [(CLIPS, None, 2), (DURATION, 20.0, 1)]
)
def test_windows_shorter_than_a_clip_are_refused(times, seconds, clip_sec):
    for clips in (1, 20):
        whole = seconds and seconds * clips / 20
        with pytest.raises(ValueError, match=f"shorter than a clip, .* {clip_sec} s"):
            windows(clips, times, None, whole, clip_sec * 0.9)
    assert len(windows(20, times, None, seconds, float(clip_sec))) > 1


def test_windows_of_resized_features_divide_the_duration():
    found = windows(40, DURATION, None, 80.0, 20.0, 0.5)
    assert [cut.first_clip for cut in found] == [0, 5, 10, 15, 20, 25, 30]
    assert [cut.offset_sec for cut in found] == [0, 10, 20, 30, 40, 50, 60]
    assert {cut.covered_sec for cut in found} == {20.0}


def test_joined_candidates_lie_where_their_windows_do():
    cuts = windows(40, DURATION, None, 80.0, 40.0, 0.0)
    score = np.array([0.5], np.float32)
    parts = [
        Candidates(np.array([[1, 3]], np.float32), score, score, np.array([label]))
        for label in (4, 7)
    ]
    merged = merge_windows(parts, cuts, 8, InferenceConfig())  # 5 s a step
    assert merged.segments.tolist() == [[1, 3], [9, 11]]
    assert merged.label.tolist() == [4, 7]
    assert len(merge_windows(parts, cuts, 8, InferenceConfig(), 1).label) == 1
    # Candidates are those of a window, not of all.
    merged = merge_windows(parts, cuts, 8, InferenceConfig(candidates=1))
    assert merged.label.tolist() == [4, 7]
    whole = windows(40, DURATION, None, 80.0, None)
    assert merge_windows(parts[:1], whole, 8, InferenceConfig()).label.tolist() == [4]


def test_the_next_window_begins_at_the_nearest_clip():
    assert clips_per_window(1.0, 7.0, 0.2) == (7, 6)


def test_detections_are_kept_per_window_length():
    cuts = windows(40, DURATION, None, 80.0, 40.0, 0.5)
    score = np.linspace(0.9, 0.1, 12).astype(np.float32)
    segments = np.stack([np.arange(12), np.arange(12) + 0.4], axis=1)
    part = Candidates(segments.astype(np.float32), score, score, np.zeros(12, int))
    config = InferenceConfig(detections=4)
    assert len(cuts) == 3  # over 2 window lengths
    assert len(merge_windows([part] * 3, cuts, 16, config).label) == 8


def test_a_window_as_long_as_the_video_is_the_video():
    (only,) = windows(10, CLIPS, None, None, 11.0)
    assert (only.first_clip, only.end_clip) == (0, 10)


def test_windows_hold_a_clip_at_least():
    sparse = TimeModel(clip_frames=4, stride_frames=10, fps=25.0)
    found = windows(3, sparse, None, None, 0.2, 0.0)
    assert [(cut.first_clip, cut.end_clip) for cut in found] == [(0, 1), (1, 2), (2, 3)]


def test_a_window_is_resampled_alone():
    features = np.random.default_rng(0).normal(size=(40, 3))
    cut = windows(40, DURATION, None, 80.0, 20.0, 0.5)[2]
    found = cut.sequence(features, DURATION, None, 16, DataConfig())
    expected = resample(features[10:20], np.arange(10) * 2 + 1.0, 20.0, 16)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("window_sec", "overlap"),
    [(0.0, 0.5), (-1.0, 0.5), (20.0, 1.0), (20.0, -0.1), (None, 1.0)],
)
def test_windows_that_never_end_are_refused(window_sec, overlap):
    with pytest.raises(ValueError, match="an overlap in"):
        windows(40, DURATION, None, 80.0, window_sec, overlap)


def test_windows_repeat_one_half_unless_asked_otherwise():
    timing = (400, DURATION, None, 800.0, 200.0)
    assert windows(*timing) == windows(*timing, 0.5) != windows(*timing, 0.45)
