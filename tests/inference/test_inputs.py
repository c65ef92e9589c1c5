"""What a localizer is given."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import inputs


def test_one_value_counts_for_all_videos():
    assert inputs.of_each(25.0, 3, "fps") == [25.0] * 3
    assert inputs.of_each(None, 2, "fps") == [None] * 2
    assert inputs.of_each([25.0, None], 2, "fps") == [25.0, None]
    assert inputs.of_each(np.array([1.0, 2.0]), 2, "fps") == [1.0, 2.0]
    assert inputs.of_each(np.float32(2), 1, "fps") == [2.0]


@pytest.mark.parametrize(
    "value", [0, -1, float("nan"), float("inf"), "25", True, [25, 0], [25], [25, "x"]]
)
def test_what_is_no_number_above_0_is_refused(value):
    with pytest.raises(ValueError, match="Expected fps"):
        inputs.of_each(value, 2, "fps")


def test_features_are_a_sound_matrix():
    assert inputs.checked_features([[1, 2]], 2).tolist() == [[1, 2]]
    assert inputs.checked_features(np.ones((1, 2), np.int16), 2).tolist() == [[1, 1]]
    assert inputs.checked_features(tf.ones([1, 2], tf.bfloat16), 2).tolist() == [[1, 1]]
    for faulty in ({"a": [1, 2]}, "video", [["a", "b"]], None):
        kind = type(faulty).__name__
        with pytest.raises(ValueError, match=f"of numbers, received {kind}"):
            inputs.checked_features(faulty, 2)
    with pytest.raises(ValueError, match="localize_videos takes those of several"):
        inputs.checked_features([np.zeros((3, 2)), np.zeros((4, 2))], 2)
    for faulty in (np.zeros(2), np.zeros((2, 3)), np.zeros((0, 2)), [[np.inf, 1]]):
        with pytest.raises(ValueError, match="features"):
            inputs.checked_features(faulty, 2)


def test_counts_below_1_are_refused():
    inputs.check_count(1, "top")
    inputs.check_count(None, "top")
    with pytest.raises(ValueError, match="Expected top of at least 1, received 0"):
        inputs.check_count(0, "top")
    with pytest.raises(ValueError, match="received '3'"):
        inputs.check_count("3", "top")


def test_what_is_no_number_is_named():
    inputs.check_number(-0.5, "min_score")
    inputs.check_number(None, "min_score")
    for faulty in ("0.1", float("nan"), True, [1]):
        with pytest.raises(ValueError, match="Expected min_score, a number"):
            inputs.check_number(faulty, "min_score")


def test_clips_of_another_timing_than_in_training_are_warned_of(recwarn):
    model = TimeModel(clip_frames=16, stride_frames=8, fps=25.0)
    inputs.warn_of_timing(None, model)
    inputs.warn_of_timing({"clip_frames": 16, "stride_frames": 8}, model)
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"\(then, now\): stride_frames: 4, 8"):
        inputs.warn_of_timing({"clip_frames": 16, "stride_frames": 4}, model)
