"""Long recordings are localised window by window."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.candidates import Candidates


@dataclasses.dataclass(frozen=True)
class Window:
    """A stretch of clips that is localised as a sequence of its own.

    Attributes:
        first_clip: First clip.
        end_clip: Clip after the last.
        offset_sec: When the stretch begins in the video.
        covered_sec: Duration that its features cover.
    """

    first_clip: int
    end_clip: int
    offset_sec: float
    covered_sec: float


def windows(
    clips: int,
    time_model: TimeModel,
    fps: float | None,
    duration_sec: float | None,
    window_sec: float | None,
    overlap: float = 0.5,
) -> list[Window]:
    """Cuts a sequence of clips into overlapping windows of equal length.

    Args:
        clips: Number of clips of the video.
        time_model: When the clips happen.
        fps: Frame rate of the video.
        duration_sec: Length of the video, where the time model needs it.
        window_sec: Length of a window; None, or a shorter video: one window.
        overlap: Part of a window that the next one repeats, in [0, 1).

    Returns:
        The windows in order; the last ends with the last clip.

    Raises:
        ValueError: The window has no length, or the overlap is outside [0, 1).
    """
    if (window_sec is not None and not window_sec > 0) or not 0 <= overlap < 1:
        raise ValueError(
            "Expected a window above 0 s and an overlap in [0, 1), received "
            f"{window_sec} s and {overlap}."
        )
    covered_sec = time_model.covered_sec(clips, fps, duration_sec)
    if window_sec is None or window_sec >= covered_sec:
        return [Window(0, clips, 0.0, covered_sec)]
    if time_model.covers == "duration":
        clip_sec = covered_sec / clips
    else:
        clip_sec = time_model.stride_frames / (fps or time_model.fps)
    size = max(1, round(window_sec / clip_sec))
    hop = max(1, round(size * (1 - overlap)))
    firsts = [*range(0, clips - size, hop), clips - size]
    return [
        Window(
            first,
            first + size,
            first * clip_sec,
            time_model.covered_sec(size, fps, size * clip_sec),
        )
        for first in firsts
    ]


def join(found: Sequence[Candidates], cuts: Sequence[Window], steps: int) -> Candidates:
    """Joins the candidates of a video's windows, before any suppression.

    Suppression comes once, afterwards: what two windows found of the same action fades
    each other as if one had found it.

    Args:
        found: Candidates of each window.
        cuts: The windows, all of one length.
        steps: Steps of a window's sequence.

    Returns:
        Candidates in steps from the start of the first window, without proposal and
        probability.
    """
    shifts = [np.float32(cut.offset_sec * steps / cut.covered_sec) for cut in cuts]
    moved = [
        part._replace(segments=part.segments + shift)
        for part, shift in zip(found, shifts)
    ]
    return Candidates(*(np.concatenate(parts) for parts in list(zip(*moved))[:4]))
