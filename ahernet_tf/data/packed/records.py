"""Packed sequences: found by their cut, read from anywhere in sharded TFRecords."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.clip_spans import Cut
from ahernet_tf.data.packed import record_files
from ahernet_tf.data.video_columns import Texts, key64


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
        keys: `key_of` each record's cut, ascending.
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

    def read(self, cut: Cut) -> tuple[np.ndarray, bool]:
        """Reads the numbers of a cut.

        Returns:
            Array `[rows, channels]`, float32; and whether it is the resampled
            sequence, else it is the clips of the cut.

        Raises:
            ValueError: The cut was not packed, or its record is damaged.
        """
        row = self.row(cut)
        if row is None:
            raise ValueError(
                f"{self.where()}: nothing packed of video '{cut.video}', clips "
                f"{cut.first_clip} to {cut.end_clip}"
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

    def row(self, cut: Cut) -> int | None:
        """Returns the number of a cut's record, or None where there is none."""
        key = np.uint64(key_of(cut))
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
        cuts: Iterable[Cut],
        steps: int,
        config: DataConfig,
        option: str | None = None,
    ) -> None:
        """Refuses records that lack some of the cuts, before they are needed.

        Args:
            cuts: What will be read.
            steps: Steps that will be asked for.
            config: Options that will be asked for.
            option: Option of the data that decides which cuts are packed.

        Raises:
            ValueError: Cuts are missing, or `require` refuses.
        """
        self.require(steps, config)
        missing = [cut for cut in cuts if self.row(cut) is None]
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


def key_of(cut: Cut) -> int:
    """Returns 64 bits that stand for a cut."""
    return key64(f"{cut.video}\n{cut.first_clip}\n{cut.end_clip}\n{cut.duration_sec!r}")


@dataclasses.dataclass(frozen=True, eq=False)
class ClipMoments:
    """Mean and scatter of the clips of each video of a role, packed.

    Video number n of `ids` is record n // units of file n % units; all records have
    the same length.

    Attributes:
        ids: The videos.
        files: One file a unit.
        channels: Channels of a clip.
    """

    ids: Texts
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
        number = self.ids.find(video)
        if number is None:
            raise KeyError(video)
        place, unit = divmod(number, len(self.files))
        length = 16 * self.channels
        offset = place * (length + record_files.OVERHEAD_BYTES)
        record = record_files.read_record(self.files[unit], offset, length)
        values = np.frombuffer(record, "<f8", 2 * self.channels)
        return values[: self.channels], values[self.channels :]


@dataclasses.dataclass(frozen=True)
class PackedRole:
    """What is packed of a role.

    Attributes:
        whole: Whole untrimmed videos, or None where they are not packed.
        cuts: Foreground segments or moments, or None.
        moments: Statistics of the clips of its videos, or None.
    """

    whole: Records | None = None
    cuts: Records | None = None
    moments: ClipMoments | None = None
