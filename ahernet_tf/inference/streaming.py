"""Clips as they come, detections as soon as no later window reaches them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import inputs
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.detections import Detection
from ahernet_tf.inference.suppression import fade, suppress
from ahernet_tf.inference.windows import Window, clips_per_window, windows


@dataclasses.dataclass(frozen=True)
class StreamWindows:
    """The windows that a stream of clips is localised in.

    Args:
        time_model: When the clips happen; one that covers clips.
        fps: Frame rate of the video.
        window_sec: Length of a window.
        overlap: Part of a window that the next one repeats.

    Raises:
        ValueError: The time model needs a duration, or the windows make no sense.
    """

    time_model: TimeModel
    fps: float | None
    window_sec: float | None
    overlap: float

    def __post_init__(self) -> None:
        """Refuses what no stream can have."""
        if not self.window_sec or self.time_model.covers != "clips":
            raise ValueError(
                "A stream needs window_sec above 0 and a time model that covers clips, "
                f"received {self.window_sec} and {self.time_model.covers!r}."
            )
        windows(1, self.time_model, self.fps, None, self.window_sec, self.overlap)

    def cut(
        self, clips: Iterable[np.ndarray], channels: int
    ) -> Iterator[tuple[np.ndarray, Window]]:
        """Cuts clips into the windows that `windows` cuts, each when its last came.

        Args:
            clips: Features in order, `[channels]` or `[clips, channels]`.
            channels: Of the features.

        Yields:
            Features `[clips, channels]` of a window, and the window; its clips are
            counted from its own first.
        """
        model, fps = self.time_model, self.fps
        interval_sec, size, hop = self._sizes()
        first, kept, begun = 0, np.empty((0, channels), np.float32), False

        def cut(start: int, count: int) -> tuple[np.ndarray, Window]:
            covered_sec = model.covered_sec(count, fps)
            offset_sec = (first + start) * interval_sec
            return kept[start : start + count], Window(
                0, count, offset_sec, covered_sec
            )

        for new in clips:
            new = inputs.checked_features(np.atleast_2d(new), channels)
            kept = np.concatenate([kept, new.astype(np.float32)])
            if model.covered_sec(first + len(kept), fps) <= self.window_sec:
                continue  # all that came is one window as yet
            while len(kept) >= size + hop * begun:
                if begun:
                    first, kept = first + hop, kept[hop:]
                begun = True
                yield cut(0, size)
        rest = len(kept) - size
        if len(kept) and not begun:
            yield cut(0, len(kept))
        elif begun and rest:
            yield cut(rest, size)

    def detections(
        self,
        clips: Iterable[np.ndarray],
        find: Callable[[np.ndarray, list[float]], list[Candidates]],
        channels: int,
        config: Config,
        class_names: Sequence[str],
    ) -> Iterator[Detection]:
        """Localises in every window as it comes.

        Args:
            clips: As in `cut`.
            find: Finds the candidates of sequences `[batch, steps, channels]` that
                cover so many seconds each.
            channels: Of the features.
            config: Of the run.
            class_names: Of the labels.

        Yields:
            Detections in the order in which they are settled, and then of their end.
        """
        interval_sec, _, hop = self._sizes()
        steps = config.network.untrimmed_steps
        settled = SettledDetections(
            steps, config.inference, class_names, config.inference.detections
        )
        for features, cut in self.cut(clips, channels):
            sequence = cut.sequence(
                features, self.time_model, self.fps, steps, config.data
            )
            (found,) = find(sequence[np.newaxis], [cut.covered_sec])
            settled.add(found, cut)
            yield from settled.until(cut.offset_sec + hop * interval_sec)
        yield from settled.until(math.inf)

    def _sizes(self) -> tuple[float, int, int]:
        """Returns seconds per clip, and clips of a window and to the next one."""
        interval_sec = self.time_model.interval_sec(1, self.fps)
        return interval_sec, *clips_per_window(
            interval_sec, self.window_sec, self.overlap
        )


@dataclasses.dataclass
class _Pool:
    """Candidates of several windows.

    Attributes:
        segments: `[candidates, 2]`, in seconds since the stream began, float64.
        rank: `[candidates]`, as those of `Candidates`, like score and label.
        score: `[candidates]`.
        label: `[candidates]`.
        past: `[candidates]`, whether it was settled before.
    """

    segments: np.ndarray
    rank: np.ndarray
    score: np.ndarray
    label: np.ndarray
    past: np.ndarray

    def parts(self) -> list[np.ndarray]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]


class SettledDetections:
    """Merges the candidates of windows and gives what no later window reaches.

    A candidate is settled when the next window begins after its end. It is compared
    with all that came before, so that what two windows found is given once. What it was
    compared with may itself lose by what comes: where detections hang together across
    more than two windows, they can differ from those of `merge_windows`.

    Args:
        steps: Of a window's sequence.
        config: Uses `candidates` and suppression.
        class_names: Of the labels.
        keep: Detections per window length.
    """

    def __init__(
        self,
        steps: int,
        config: InferenceConfig,
        class_names: Sequence[str],
        keep: int,
    ):
        self._steps = steps
        self._config = config
        self._class_names = class_names
        self._keep = keep
        self._settled_sec = self._end_sec = self._window_sec = 0.0
        numbers = np.empty(0, np.float32)
        self._pool = _Pool(
            np.empty((0, 2)), numbers, numbers, numbers.astype(int), numbers > 0
        )

    def add(self, found: Candidates, window: Window) -> None:
        """Adds the candidates of a window, in steps of its sequence."""
        best = found.best(self._config.candidates)
        step_sec = window.covered_sec / self._steps
        segments = best.segments.astype(np.float64) * step_sec + window.offset_sec
        past = np.zeros(len(best.rank), bool)
        new = [segments, best.rank, best.score, best.label, past]
        self._pool = _Pool(*map(np.concatenate, zip(self._pool.parts(), new)))
        self._window_sec = window.covered_sec
        self._end_sec = window.offset_sec + window.covered_sec

    def until(self, time_sec: float) -> list[Detection]:
        """Returns the new detections that end by a point in time, in this order."""
        pool, (kept, factor) = self._pool, self._suppress()
        settled = pool.segments[:, 1] <= time_sec
        new = settled[kept] & ~pool.past[kept]
        kept, scores = kept[new], pool.score[kept[new]] * factor[new]
        best = np.argsort(-scores, kind="stable")[: self._room(time_sec)]
        kept, scores = kept[best], scores[best]
        pool.past |= settled
        found = [
            Detection(
                *pool.segments[n].tolist(), self._class_names[label], float(score)
            )
            for n, label, score in zip(kept, pool.label[kept], scores)
        ]
        self._forget()
        return sorted(found, key=lambda item: item.end_sec)

    def _suppress(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kept candidates of the pool, and what their scores fade by."""
        count = len(self._pool.rank)
        if not count:
            return np.empty(0, int), np.empty(0)
        config = dataclasses.replace(self._config, candidates=count)
        near = self._pool.segments - self._pool.segments.min()  # exact in float32
        if config.soft_nms_sigma > 0:
            return fade(near, self._pool.rank, config, count)
        kept = suppress(near, self._pool.rank, config, count)
        return kept, np.ones(len(kept))

    def _room(self, time_sec: float) -> int:
        """Returns how many detections may be given up to a point in time."""
        time_sec = min(time_sec, self._end_sec)
        length_sec = time_sec - self._settled_sec
        self._settled_sec = time_sec
        windows = length_sec / self._window_sec if length_sec > 0 else 0.0
        return math.ceil(self._keep * windows - 1e-6)

    def _forget(self) -> None:
        """Drops what ended a window length before what is not settled begins."""
        pool = self._pool
        open_sec = pool.segments[~pool.past, 0].min(initial=self._end_sec)
        stays = pool.segments[:, 1] > open_sec - self._window_sec
        self._pool = _Pool(*(part[stays] for part in pool.parts()))
