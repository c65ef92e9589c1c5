"""Which stretch of an untrimmed video a sample shows: all, a window, or a crop."""

from __future__ import annotations

import math

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data.roles import Role
from ahernet_tf.synthesis import Stretch

#: Share of the places that are chosen so that an instance is seen.
_AROUND_INSTANCES = 0.5
#: Places drawn at once; the first that cuts the fewest instances is taken.
_PLACES = 64
_NOTHING_SEC = 1e-6


class Crops:
    """Draws stretches of the untrimmed videos of a role.

    A video longer than `data.window_sec` is seen through windows of that length, any
    other as a whole. With `data.crop_min` below 1 a sample shows a share of either,
    uniform from there to 1. What is shown fills the sequence, so that the speed varies
    as the length does.

    Of every second stretch any place is as likely as another; the others show an
    instance drawn at random. No place is taken where an end leaves less than half of
    an instance (or of the stretch, of an instance twice as long), if 64 draws find
    another. Whatever is shown of an instance is labelled, so that no part of an action
    counts as background.

    Args:
        role: Of untrimmed videos.
        config: Uses `data` and the network's steps.
    """

    def __init__(self, role: Role, config: Config):
        self._role, self._steps = role, config.network.untrimmed_steps
        self._least = config.data.crop_min
        self._spans = role.whole_spans()
        covered_sec = role.features["covered_sec"].to_numpy()
        self._interval_sec = [
            role.time_model.interval_sec(span.clips, span.fps, span.duration_sec)
            for span in self._spans
        ]
        self._times_sec = [
            np.minimum(
                [(i.start_sec, i.end_sec) for i in v.instances if i.start_sec < covered]
                or np.zeros((0, 2)),
                covered,
            )
            for v, covered in zip(role.videos, covered_sec)
        ]
        window_sec = config.data.window_sec or math.inf
        self._clips = [
            span.clips if covered <= window_sec else max(1, round(window_sec / each))
            for span, covered, each in zip(self._spans, covered_sec, self._interval_sec)
        ]
        windows = np.maximum(1, np.ceil(covered_sec / window_sec)).astype(int)
        self._rows = np.repeat(np.arange(len(windows)), windows)

    def __len__(self) -> int:
        """Returns the samples of an epoch: one per video, or per window of it."""
        return len(self._rows)

    def draw(self, sample: int, random: np.random.Generator) -> Stretch:
        """Draws what a sample of an epoch shows.

        Nothing is drawn for a video that is shown as a whole.
        """
        row = int(self._rows[sample])
        clips = self._clips[row]
        if self._least < 1:
            clips = max(1, round(clips * random.uniform(self._least, 1)))
        first = 0
        if clips < self._spans[row].clips:
            first = self._place(row, clips, random)
        return self._stretch(row, first, clips)

    def features(
        self,
        video: int,
        first_clip: int,
        end_clip: int,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Reads a stretch as a sequence `[steps, channels]`; do not write to it.

        Args:
            video: As in `Stretch`; so are the others.
            first_clip: First clip.
            end_clip: Clip after the last.
            out: Where to write it; None: it is returned in an array of its own.

        Raises:
            ValueError: The features cannot be read.
        """
        whole, sequences = self._spans[video], self._role.sequences
        if end_clip - first_clip == whole.clips:
            return sequences.sequence(whole, self._steps, out)
        span = whole._replace(
            first_clip=int(first_clip),
            end_clip=int(end_clip),
            duration_sec=(end_clip - first_clip) * self._interval_sec[video],
        )
        return sequences.crop(span, self._steps, out)

    def _place(self, row: int, clips: int, random: np.random.Generator) -> int:
        """Draws the first clip of a stretch that is shorter than its video."""
        last = self._spans[row].clips - clips
        interval, times = self._interval_sec[row], self._times_sec[row]
        covered = self._covered_sec(row, clips)
        earliest, latest = 0, last
        if len(times) and random.random() < _AROUND_INSTANCES:
            start, end = times[random.integers(len(times))]
            bounds = sorted((start, end - covered))
            earliest = min(last, max(0, math.ceil(bounds[0] / interval)))
            latest = min(last, max(earliest, math.floor(bounds[1] / interval)))
        places = random.integers(earliest, latest, _PLACES, endpoint=True)
        shown = _shown_sec(times, places[:, np.newaxis] * interval, covered)
        enough = np.minimum(times[:, 1] - times[:, 0], covered) / 2
        cut = (shown > _NOTHING_SEC) & (shown < enough - _NOTHING_SEC)
        return int(places[cut.sum(axis=1).argmin()])

    def _stretch(self, row: int, first: int, clips: int) -> Stretch:
        """Returns a stretch with what is shown of the instances."""
        video = self._role.videos[row]
        if clips == self._spans[row].clips:
            segments, labels = self._role.segments(video, self._steps)
            covered = self._role.covered_sec(video)
            return Stretch(row, 0, clips, covered, segments, labels)
        covered = self._covered_sec(row, clips)
        times, offset = self._times_sec[row], first * self._interval_sec[row]
        shown = np.flatnonzero(_shown_sec(times, offset, covered) > _NOTHING_SEC)
        segments = np.clip((times[shown] - offset) / covered, 0.0, 1.0) * self._steps
        labels = [video.instances[number].label for number in shown]
        return Stretch(
            row, first, first + clips, covered, segments.astype(np.float32), labels
        )

    def _covered_sec(self, row: int, clips: int) -> float:
        """Returns the duration that some clips of a video cover."""
        duration_sec = clips * self._interval_sec[row]
        fps = self._spans[row].fps
        return self._role.time_model.covered_sec(clips, fps, duration_sec)


def _shown_sec(
    times: np.ndarray, start: float | np.ndarray, covered: float
) -> np.ndarray:
    """Computes how much of each instance lies in a stretch; below 0: none."""
    return np.minimum(times[:, 1], start + covered) - np.maximum(times[:, 0], start)
