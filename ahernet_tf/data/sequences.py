"""Reads the clips of a span, of any feature store, and resamples them to steps."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.features.time_model import TimeModel


class ClipStatistics(NamedTuple):
    """Mean and scatter of the clips of one video.

    Attributes:
        clips: Number of clips.
        mean: Their mean `[channels]`, float64.
        squares: Sum of squares around the mean `[channels]`, float64.
    """

    clips: int
    mean: np.ndarray
    squares: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class SequenceSource:
    """Gives the sequences of videos; safe to use from several threads.

    Attributes:
        key: Names the features; sources of one key read the same.
        store: Where the features lie, packed or not.
        time_model: When their clips happen.
        channels: Channels of every sequence.
        config: Pooling and edge rule of the resampling.
        cache: Keeps what is read in memory; None keeps nothing.
    """

    key: str
    store: FeatureStore
    time_model: TimeModel
    channels: int
    config: DataConfig
    cache: SequenceCache | None = None

    def sequence(
        self, span: ClipSpan, steps: int, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns a span resampled as a sequence of its own.

        Args:
            span: Which clips of which video.
            steps: Number of steps wanted.
            out: Where to write it; None: into an array that may be kept in memory.

        Returns:
            `[steps, channels]`, float32. Do not write to it.

        Raises:
            ValueError: The features cannot be read.
        """
        if self.cache is None:
            return self._resampled(self.clips(span), span, steps, out)
        key = (self.key, span.video, span.first_clip, span.end_clip)
        if (found := self.cache.get((key, steps))) is not None:
            return found if out is None else _copied(found, out)
        if (clips := self.cache.get(key)) is None:
            clips = self.clips(span)
        sequence = self._resampled(clips, span, steps, out)
        if 4 * clips.nbytes < sequence.nbytes:  # short spans: cheap to resample
            self.cache.put(key, clips)
        else:
            self.cache.put((key, steps), sequence if out is None else sequence[:])
        return sequence

    def crop(
        self, span: ClipSpan, steps: int, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns a span drawn at random, resampled as a sequence of its own.

        It hardly comes again: kept in memory is the whole video.

        Args:
            span: Which clips of which video.
            steps: Number of steps wanted.
            out: Where to write it; None: into a new array.

        Returns:
            `[steps, channels]`, float32.

        Raises:
            ValueError: The features cannot be read.
        """
        key = (self.key, span.video)
        whole = None if self.cache is None else self.cache.get(key)
        if whole is None:
            whole = self.store.read(span.video)
            if self.cache is not None:
                self.cache.put(key, whole)
        clips = whole[span.first_clip : span.end_clip]
        return self._resampled(clips, span, steps, out)

    def clips(self, span: ClipSpan) -> np.ndarray:
        """Returns the clips of a span as they are, `[clips, channels]`.

        Raises:
            ValueError: The features cannot be read.
        """
        return self.store.read(span.video)[span.first_clip : span.end_clip]

    def statistics(self, video: str) -> ClipStatistics:
        """Returns mean and scatter of all clips of a video.

        Raises:
            ValueError: The features cannot be read.
        """
        values = self.store.read(video).astype(np.float64)
        mean = values.mean(axis=0)
        return ClipStatistics(len(values), mean, np.square(values - mean).sum(axis=0))

    def require(self, config: DataConfig) -> None:
        """Refuses other options than those the data set was loaded with.

        Raises:
            ValueError: An option that decides how clips become steps differs.
        """
        for name in ("pooling", "edge", "legacy_clip_centres"):
            own, wanted = getattr(self.config, name), getattr(config, name)
            if own != wanted:
                raise ValueError(
                    f"The data set was loaded with data.{name} = {own}, now it is "
                    f"{wanted}."
                )

    def _resampled(
        self, clips: np.ndarray, span: ClipSpan, steps: int, out: np.ndarray | None
    ) -> np.ndarray:
        timing = (len(clips), span.fps, span.duration_sec)
        return resample(
            clips,
            self.time_model.centres_sec(*timing),
            self.time_model.covered_sec(*timing),
            steps,
            self.config.pooling,
            self.config.edge,
            self.store.precision,
            out,
        )


def _copied(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    out[...] = values
    return out
