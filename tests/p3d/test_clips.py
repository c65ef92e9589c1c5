"""Frames cut into clips."""

import numpy as np
import pytest

from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.clips import center_crop, count_clips, sliding_clips


def test_crop_is_the_middle():
    image = np.arange(182 * 242).reshape(182, 242, 1)
    cropped = center_crop(image, ClipFormat())
    assert cropped.shape == (160, 160, 1)
    assert cropped[0, 0, 0] == 11 * 242 + 41
    np.testing.assert_array_equal(cropped[-1, -1, 0], image[170, 200, 0])


@pytest.mark.parametrize(
    ("frames", "clips"), [(1, 1), (15, 1), (16, 1), (23, 1), (24, 2), (40, 4), (47, 4)]
)
def test_number_of_clips(frames, clips):
    images = [np.full((1, 1, 3), i) for i in range(frames)]
    got = list(sliding_clips(images))
    assert len(got) == count_clips(frames, 16, 8) == clips
    assert all(clip.shape == (16, 1, 1, 3) for clip in got)
    for i, clip in enumerate(got):
        expected = np.minimum(np.arange(16) + 8 * i, frames - 1)
        np.testing.assert_array_equal(clip[:, 0, 0, 0], expected)


def test_no_frames_give_no_clip():
    assert list(sliding_clips([])) == []
