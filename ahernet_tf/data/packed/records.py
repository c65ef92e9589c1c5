"""Packed sequences: found by their span, read from anywhere in sharded TFRecords."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.packed import record_files
from ahernet_tf.data.sequences import ClipStatistics, FeatureSequences, resampled


@dataclasses.dataclass(frozen=True)
class Form:
    """What the sequences of a split are.

    Attributes:
        steps: Steps of a sequence.
        channels: Channels of a step.
        dtype: Type of the numbers, "float16" or "float32".
        pooling: Rule of the resampling.
        edge: Rule of the resampling.
    """

    steps: int
    channels: int
    dtype: str
    pooling: str
    edge: str


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """The records of one split, in columns of `[records]`; about 30 bytes each.

    Attributes:
        name: Of the split, such as "moments".
        form: What the sequences are.
        shards: TFRecord files.
        keys: `key_of` each record's span, ascending.
        shard: Index into `shards`.
        offset: Where the record begins in its shard.
        length: Bytes of its data.
        values_at: Where in its data the numbers begin.
        rows: Rows of numbers.
        resampled: False where the rows are the clips of the cut, still to be
            resampled, which takes less room where clips are few.
    """

    name: str
    form: Form
    shards: tuple[pathlib.Path, ...]
    keys: np.ndarray
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    values_at: np.ndarray
    rows: np.ndarray
    resampled: np.ndarray

    COLUMNS = ("keys", "shard", "offset", "length", "values_at", "rows", "resampled")

    def read(self, span: ClipSpan) -> tuple[np.ndarray, bool]:
        """Reads the numbers of a span.

        Returns:
            Array `[rows, channels]`, float32; and whether it is the resampled
            sequence, else it is the clips of the span.

        Raises:
            ValueError: The span was not packed, or its record is damaged.
        """
        row = self.row(span)
        if row is None:
            raise ValueError(
                f"{self.where()}: nothing packed of video '{span.video}', clips "
                f"{span.first_clip} to {span.end_clip}"
            )
        data = record_files.read_record(
            self.shards[self.shard[row]], int(self.offset[row]), int(self.length[row])
        )
        values = record_files.decode(
            data,
            int(self.values_at[row]),
            int(self.rows[row]),
            self.form.channels,
            self.form.dtype,
        )
        return values, bool(self.resampled[row])

    def row(self, span: ClipSpan) -> int | None:
        """Returns the number of a span's record, or None where there is none."""
        key = np.uint64(key_of(span))
        row = int(np.searchsorted(self.keys, key))
        return row if row < len(self.keys) and self.keys[row] == key else None

    def require(self, steps: int, config: DataConfig) -> None:
        """Refuses another form than that of the records.

        Raises:
            ValueError: Names every option that differs.
        """
        asked = {"steps": steps, "pooling": config.pooling, "edge": config.edge}
        wrong = [
            f"{name} {getattr(self.form, name)}, but {value} is asked for"
            for name, value in asked.items()
            if getattr(self.form, name) != value
        ]
        if wrong:
            raise ValueError(
                f"{self.where()}: was packed with {'; '.join(wrong)}. {REMEDY}"
            )

    def require_all(
        self,
        spans: Iterable[ClipSpan],
        steps: int,
        config: DataConfig,
        option: str | None = None,
    ) -> None:
        """Refuses records that lack some of the spans, before they are needed.

        Args:
            spans: What will be read.
            steps: Steps that will be asked for.
            config: Options that will be asked for.
            option: Option of the data that decides which spans are packed.

        Raises:
            ValueError: Spans are missing, or `require` refuses.
        """
        self.require(steps, config)
        missing = [span for span in spans if self.row(span) is None]
        if missing:
            reason = f" Was it packed with a higher data.{option}?" if option else ""
            raise ValueError(
                f"{self.where()}: {len(missing)} sequences are not packed, such as "
                f"clips {missing[0].first_clip} to {missing[0].end_clip} of video "
                f"'{missing[0].video}'.{reason} {REMEDY}"
            )

    def where(self) -> str:
        """Names the records for messages."""
        parent = self.shards[0].parent if self.shards else "packed records"
        return f"{parent}: {self.name}"


REMEDY = (
    "Pack again (python -m data_tools.pack --replace), or move the packed records away "
    "to read the features."
)


def key_of(span: ClipSpan) -> int:
    """Returns 64 bits that stand for a span, the same in every process."""
    text = "\n".join(map(str, (span[:3], span.duration_sec)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclasses.dataclass(frozen=True, eq=False)
class ClipMoments:
    """Mean and scatter of the clips of each video of a role, packed.

    Video number n is record n // units of file n % units; all records have
    the same length.

    Attributes:
        numbers: Number of each video.
        files: One file a unit.
        channels: Channels of a clip.
    """

    numbers: dict[str, int]
    files: tuple[pathlib.Path, ...]
    channels: int

    def of(self, video: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean of a video's clips and the sum of squares around it.

        Returns:
            Two arrays `[channels]`, float64.

        Raises:
            ValueError: The file is damaged.
            KeyError: There is no such video.
        """
        place, unit = divmod(self.numbers[video], len(self.files))
        length = 16 * self.channels
        offset = place * (length + record_files.OVERHEAD_BYTES)
        record = record_files.read_record(self.files[unit], offset, length)
        values = np.frombuffer(record, "<f8", 2 * self.channels)
        return values[: self.channels], values[self.channels :]


@dataclasses.dataclass(frozen=True, eq=False)
class PackedSequences:
    """Sequences that are read packed; see `sequences.SequenceSource`.

    Attributes:
        features: Gives what is not packed, and says how clips are resampled.
        clip_counts: Number of clips of each video.
        whole: Whole untrimmed videos, or None where they are not packed.
        spans: Foreground segments or moments, or None.
        moments: Statistics of the clips of the videos, or None.
    """

    features: FeatureSequences
    clip_counts: dict[str, int]
    whole: Records | None = None
    spans: Records | None = None
    moments: ClipMoments | None = None

    @property
    def key(self) -> str:
        """Names the features that were packed."""
        return self.features.key

    @property
    def channels(self) -> int:
        """Channels of every sequence."""
        return self.features.channels

    @property
    def time_model(self) -> TimeModel:
        """When clips happen."""
        return self.features.time_model

    def sequence(self, span: ClipSpan, steps: int) -> np.ndarray:
        """Reads a span packed, or from the features where it is not packed."""
        records = self._records(span)
        if records is None:
            return self.features.sequence(span, steps)
        values, is_resampled = records.read(span)
        if is_resampled:
            return values
        return resampled(values, span, steps, self.time_model, self.features.config)

    def clips(self, span: ClipSpan) -> np.ndarray:
        """Reads the clips of a span from the features."""
        return self.features.clips(span)

    def statistics(self, video: str) -> ClipStatistics:
        """Returns mean and scatter of the clips of a video."""
        if self.moments is None:
            return self.features.statistics(video)
        return ClipStatistics(self.clip_counts[video], *self.moments.of(video))

    def require(
        self,
        spans: Iterable[ClipSpan],
        steps: int,
        config: DataConfig,
        option: str | None = None,
    ) -> None:
        """Refuses packed records that will not serve, before they are needed."""
        self.features.require((), steps, config)
        spans = list(spans)
        records = self._records(spans[0]) if spans else None
        if records is not None:
            records.require_all(spans, steps, config, option)

    def _records(self, span: ClipSpan) -> Records | None:
        """Returns the records that hold spans of this kind, if they are packed."""
        return self.spans if span.label else self.whole
