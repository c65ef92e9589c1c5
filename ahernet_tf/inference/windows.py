"""Long recordings are localised window by window."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from ahernet_tf.config import DataConfig, InferenceConfig
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.detections import Detections
from ahernet_tf.inference.suppression import merge


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

    def sequence(
        self,
        features: np.ndarray,
        time_model: TimeModel,
        fps: float | None,
        steps: int,
        config: DataConfig,
    ) -> np.ndarray:
        """Resamples the features `[clips, channels]` of a video within the window.

        Returns:
            `[steps, channels]`, float32.
        """
        clips = self.end_clip - self.first_clip
        return resample(
            features[self.first_clip : self.end_clip],
            time_model.centres_sec(clips, fps, self.covered_sec),
            self.covered_sec,
            steps,
            config.pooling,
            config.edge,
        )


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
        ValueError: The window is shorter than a clip, or the overlap outside [0, 1).
    """
    check_window(window_sec, overlap)
    covered_sec = time_model.covered_sec(clips, fps, duration_sec)
    if window_sec is None or window_sec >= covered_sec:
        return [Window(0, clips, 0.0, covered_sec)]
    clip_sec = time_model.interval_sec(clips, fps, duration_sec)
    check_holds_clip(window_sec, time_model.covered_sec(1, fps, clip_sec))
    size, hop = clips_per_window(clip_sec, window_sec, overlap)
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


def check_holds_clip(window_sec: float, clip_sec: float) -> None:
    """Refuses windows that are shorter than a clip."""
    if window_sec < clip_sec * (1 - 1e-6):
        raise ValueError(
            f"A window of {window_sec:g} s is shorter than a clip, which lasts "
            f"{clip_sec:.3g} s."
        )


def check_window(window_sec: float | None, overlap: float) -> None:
    """Refuses windows of no length and overlaps outside [0, 1)."""
    if (window_sec is not None and not window_sec > 0) or not 0 <= overlap < 1:
        raise ValueError(
            "Expected a window above 0 s and an overlap in [0, 1), received "
            f"{window_sec} s and {overlap}."
        )


def clips_per_window(
    clip_sec: float, window_sec: float, overlap: float
) -> tuple[int, int]:
    """Returns the clips of a window, and from the start of one to that of the next."""
    size = max(1, round(window_sec / clip_sec))
    return size, max(1, round(size * (1 - overlap)))


def merge_windows(
    found: Sequence[Candidates],
    cuts: Sequence[Window],
    steps: int,
    config: InferenceConfig,
    keep: int | None = None,
) -> Detections:
    """Makes the detections of a video from the candidates of its windows.

    Suppression comes once, for all windows: what two of them found of the same action
    fades each other as if one had found it twice.

    Args:
        found: Candidates of each window.
        cuts: The windows, all of one length.
        steps: Steps of a window's sequence.
        config: Uses `candidates` and `detections` of a window, and suppression.
        keep: Detections to keep; None: `detections` per window length of the video.

    Returns:
        Detections, in steps from the start of the first window.
    """
    moved = []
    for part, cut in zip(found, cuts):
        shift = np.float32(cut.offset_sec * steps / cut.covered_sec)
        best = part.best(config.candidates)
        moved.append((best.segments + shift, best.rank, best.score, best.label))
    joined = Candidates(*(np.concatenate(parts) for parts in zip(*moved)))
    if keep is None:
        total_sec = cuts[-1].offset_sec + cuts[-1].covered_sec
        windows_long = total_sec / cuts[0].covered_sec
        keep = math.ceil(config.detections * windows_long - 1e-6)
    everything = dataclasses.replace(config, candidates=len(joined.rank))
    return merge(joined, everything, keep)
