"""Sources of sequences: what reads the clips of a span and resamples them to steps.

A source has one of two forms: `FeatureSequences` reads the features themselves,
`packed.reading.PackedSequences` what was packed of them. Streams and inference see
`SequenceSource` alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.features.time_model import TimeModel

#: Options of the data that decide how clips become steps.
RESAMPLING_OPTIONS = ("pooling", "edge", "legacy_clip_centres")


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


class SequenceSource(Protocol):
    """Gives the sequences of videos; safe to use from several threads.

    Attributes:
        key: Names the features; sources of one key read the same.
        channels: Channels of every sequence.
    """

    key: str
    channels: int

    def sequence(self, span: ClipSpan, steps: int) -> np.ndarray:
        """Returns a span resampled as a sequence of its own.

        Args:
            span: Which clips of which video.
            steps: Number of steps wanted.

        Returns:
            `[steps, channels]`, float32. Do not write to it.

        Raises:
            ValueError: The features cannot be read.
        """

    def clips(self, span: ClipSpan) -> np.ndarray:
        """Returns the clips of a span as they are, `[clips, channels]`.

        Raises:
            ValueError: The features cannot be read.
        """

    def statistics(self, video: str) -> ClipStatistics:
        """Returns mean and scatter of all clips of a video.

        Raises:
            ValueError: The features cannot be read.
        """

    def require(
        self,
        spans: Iterable[ClipSpan],
        steps: int,
        config: DataConfig,
        option: str | None = None,
    ) -> None:
        """Refuses what the source cannot give, before it is needed.

        Args:
            spans: What will be read.
            steps: Steps that will be asked for.
            config: Options that will be expected.
            option: Option of the data that decides which spans there are.

        Raises:
            ValueError: The sequences would be of other options, or are not there.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureSequences:
    """Sequences made of a feature store; see `SequenceSource`.

    Attributes:
        key: Names the features; sources of one key read the same.
        store: Where the features lie.
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

    def sequence(self, span: ClipSpan, steps: int) -> np.ndarray:
        """Reads a span and resamples it, or finds it in the cache."""
        if self.cache is None:
            return self._resampled(self.clips(span), span, steps)
        key = (self.key, span.video, span.first_clip, span.end_clip)
        if (found := self.cache.get((key, steps))) is not None:
            return found
        if (clips := self.cache.get(key)) is None:
            clips = self.clips(span)
        sequence = self._resampled(clips, span, steps)
        if 4 * clips.nbytes < sequence.nbytes:  # short spans: cheap to resample
            self.cache.put(key, clips)
        else:
            self.cache.put((key, steps), sequence)
        return sequence

    def clips(self, span: ClipSpan) -> np.ndarray:
        """Reads the clips of a span."""
        return self.store.read(span.video)[span.first_clip : span.end_clip]

    def statistics(self, video: str) -> ClipStatistics:
        """Computes mean and scatter of all clips of a video."""
        return statistics_of(self.store.read(video))

    def require(
        self,
        spans: Iterable[ClipSpan],
        steps: int,
        config: DataConfig,
        option: str | None = None,
    ) -> None:
        """Refuses other options than those the data set was loaded with."""
        for name in RESAMPLING_OPTIONS:
            own, wanted = getattr(self.config, name), getattr(config, name)
            if own != wanted:
                raise ValueError(
                    f"The data set was loaded with data.{name} = {own}, now it is "
                    f"{wanted}."
                )

    def _resampled(self, clips: np.ndarray, span: ClipSpan, steps: int) -> np.ndarray:
        return resampled(clips, span, steps, self.time_model, self.config)


def resampled(
    clips: np.ndarray,
    span: ClipSpan,
    steps: int,
    time_model: TimeModel,
    config: DataConfig,
) -> np.ndarray:
    """Resamples the clips of a span.

    Args:
        clips: Features `[clips, channels]` of the span alone.
        span: Where they are from.
        steps: Number of steps wanted.
        time_model: When the clips happen.
        config: Pooling and edge rule.

    Returns:
        Sequence `[steps, channels]`, float32.
    """
    timing = (len(clips), span.fps, span.duration_sec)
    return resample(
        clips,
        time_model.centres_sec(*timing),
        time_model.covered_sec(*timing),
        steps,
        config.pooling,
        config.edge,
    )


def statistics_of(clips: np.ndarray) -> ClipStatistics:
    """Computes mean and scatter of clips `[clips, channels]`."""
    values = clips.astype(np.float64)
    mean = values.mean(axis=0)
    return ClipStatistics(len(values), mean, np.square(values - mean).sum(axis=0))
