"""Cuts frames into the clips that a network reads."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Iterator

import numpy as np

from ahernet_tf.p3d.clip_format import ClipFormat


def center_crop(image: np.ndarray, clip_format: ClipFormat) -> np.ndarray:
    """Returns the square in the middle, [crop_size, crop_size, 3], a view."""
    top, left = clip_format.crop_corner
    size = clip_format.crop_size
    return image[top : top + size, left : left + size]


def count_clips(frames: int, clip_frames: int, stride_frames: int) -> int:
    """Counts the clips of a video: those that fit, and at least one.

    Args:
        frames: Frames of the video, at least 1.
        clip_frames: Frames of a clip.
        stride_frames: Frames from one clip's start to the next.
    """
    return max(0, math.floor((frames - clip_frames) / stride_frames)) + 1


def sliding_clips(
    frames: Iterable[np.ndarray], clip_frames: int = 16, stride_frames: int = 8
) -> Iterator[np.ndarray]:
    """Cuts frames into clips; clip i begins at frame i * stride_frames.

    A tail that fills no clip is left out. A video shorter than one clip gives one,
    its last frame repeated. No more than `clip_frames` frames are held.

    Args:
        frames: Images of one shape.
        clip_frames: Frames of a clip.
        stride_frames: Frames from one clip's start to the next.

    Yields:
        [clip_frames, height, width, channels].
    """
    window = collections.deque(maxlen=clip_frames)
    seen = 0
    for frame in frames:
        window.append(frame)
        seen += 1
        if seen >= clip_frames and (seen - clip_frames) % stride_frames == 0:
            yield np.stack(window)
    if 0 < seen < clip_frames:
        yield np.stack([*window, *[window[-1]] * (clip_frames - seen)])
