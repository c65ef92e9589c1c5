"""Writes the packed records of a plan, one unit after the other.

A unit is every n-th video of a role. Each of its videos is read once; the shards of
the unit appear whole or not at all, and last its index, which says that it is done.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.data import sequences
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.packed import packed_files, record_files
from ahernet_tf.data.packed.plans import CUTS, WHOLE, Plan, deferred_stores
from ahernet_tf.data.packed.records import key_of
from ahernet_tf.data.roles import Role
from ahernet_tf.files import whole_file

# Cuts with fewer clips than this part of their steps can be kept as clips.
SHORT = 0.25


@dataclasses.dataclass(frozen=True)
class UnitReport:
    """What became of a unit.

    Attributes:
        videos: Videos in it.
        faults: What is wrong with some of them, by id. A unit with faults is written
            only where the plan says to leave faulty videos out.
    """

    videos: int
    faults: dict[str, str]


class Packer:
    """Packs units of a plan; for use within one process."""

    def __init__(self, directory: str | pathlib.Path, data: str | pathlib.Path) -> None:
        """Opens the plan in a directory and the features of a data set."""
        self.directory = pathlib.Path(directory)
        self.plan = Plan.read(self.directory)
        self._stores = deferred_stores(self.plan, pathlib.Path(data))
        self._roles: dict[str, tuple[Role, dict[str, list[ClipSpan]]]] = {}

    def units(self) -> list[tuple[str, int]]:
        """Lists all units, as role and number."""
        return [
            (role, unit)
            for role, part in self.plan.roles.items()
            for unit in range(part.units)
        ]

    def pack(self, role: str, unit: int) -> UnitReport:
        """Packs a unit, unless it is there already.

        Raises:
            ValueError: There is no such unit.
        """
        part = self.plan.roles[role]
        if not 0 <= unit < part.units:
            raise ValueError(f"Expected a unit below {part.units}, received {unit}.")
        rows = range(unit, part.videos, part.units)
        done = packed_files.read_unit(self.plan, self.directory, role, unit)
        if done is not None:
            return UnitReport(len(rows), done.faults)
        try:
            faults = self._write(role, unit, rows)
        except _FaultyUnit as faulty:
            faults = faulty.faults
        return UnitReport(len(rows), faults)

    def _write(self, name: str, unit: int, rows: range) -> dict[str, str]:
        """Writes the files of a unit.

        Returns:
            The faults of the videos left out.

        Raises:
            _FaultyUnit: There are faults, and they must not be left out.
        """
        if name not in self._roles:
            role = self.plan.role(
                self.directory, name, self._stores[name], Config().data
            )
            spans = collections.defaultdict(list)
            for span in role.instance_spans(self.plan.roles[name].minimum_clips):
                spans[span.video].append(span)
            self._roles[name] = role, spans
        role, spans = self._roles[name]
        plan, part = self.plan, self.plan.roles[name]
        faults: dict[str, str] = {}
        with contextlib.ExitStack() as files:
            shards = {
                kind: files.enter_context(
                    _Shard.create(plan.shard(self.directory, name, kind, unit))
                )
                for kind in part.splits
            }
            path = plan.statistics(self.directory, name, unit)
            moments = (
                files.enter_context(_Shard.create(path)) if part.statistics else None
            )
            for row in rows:
                video = role.videos[row]
                clips, fault = self._clips(role, video.id)
                if fault is not None:
                    faults[video.id] = fault
                if moments is not None:
                    moments.write(_moments_record(clips, plan.channels))
                if fault is not None:
                    continue
                if WHOLE in shards:
                    self._add(shards, name, role, row, role.whole_span(video), clips)
                for span in spans[video.id] if CUTS in shards else ():
                    stretch = clips[span.first_clip : span.end_clip]
                    self._add(shards, name, role, row, span, stretch)
            if faults and not plan.skip_bad:
                raise _FaultyUnit(faults)
        packed_files.write_unit(
            plan,
            self.directory,
            role=name,
            unit=unit,
            columns={kind: shard.columns() for kind, shard in shards.items()},
            faults=faults,
        )
        return faults

    def _clips(self, role: Role, video: str) -> tuple[np.ndarray | None, str | None]:
        """Reads the features of a video, or says what is wrong with them."""
        try:
            clips = role.sequences.store.read(video)
        except (ValueError, OSError) as error:
            return None, f"cannot be read ({error})"
        expected = (role.features.at[video, "clips"], self.plan.channels)
        if clips.shape != expected:
            return None, f"its features are {clips.shape}, they were {expected}"
        fault = record_files.fault_of_values(clips, self.plan.dtype)
        return (None, fault) if fault else (clips, None)

    def _add(
        self,
        shards: dict[str, _Shard],
        name: str,
        role: Role,
        row: int,
        span: ClipSpan,
        clips: np.ndarray,
    ) -> None:
        """Packs one span of the video of a row."""
        kind = CUTS if span.label else WHOLE
        steps = self.plan.roles[name].steps[kind]
        keep = self.plan.short_as_clips and kind == CUTS and len(clips) < SHORT * steps
        values = clips
        if not keep:
            options = role.sequences.config
            values = sequences.resampled(clips, span, steps, role.time_model, options)
        facts = _facts(role, span, row)
        shards[kind].add(span, values, self.plan.dtype, not keep, facts)


class _FaultyUnit(Exception):
    """Ends the writing of a unit whose files must not appear."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(faults)
        self.faults = faults


class _Shard:
    """One TFRecord file while it is written, and where each record lies."""

    def __init__(self, writer: tf.io.TFRecordWriter) -> None:
        self._writer = writer
        self._offset = 0
        self._rows: list[tuple] = []

    @classmethod
    @contextlib.contextmanager
    def create(cls, path: pathlib.Path) -> Iterator[_Shard]:
        """Creates a file that appears when the context ends without an error."""
        with (
            whole_file(path) as temporary,
            tf.io.TFRecordWriter(str(temporary)) as writer,
        ):
            yield cls(writer)

    def write(self, data: bytes) -> int:
        """Appends a record and returns where it begins."""
        begin = self._offset
        self._writer.write(data)
        self._offset += len(data) + record_files.OVERHEAD_BYTES
        return begin

    def add(
        self,
        span: ClipSpan,
        values: np.ndarray,
        dtype: str,
        resampled: bool,
        facts: dict,
    ) -> None:
        """Appends the numbers of a span with what is known of it."""
        numbers = record_files.encode(values, dtype)
        data = example(numbers, resampled, facts)
        begin = self.write(data)
        values_at = data.index(numbers)
        self._rows.append(
            (key_of(span), begin, len(data), values_at, len(values), resampled)
        )

    def columns(self) -> dict[str, np.ndarray]:
        """Returns the columns of `Records` that are known here."""
        names = ("keys", "offset", "length", "values_at", "rows", "resampled")
        values = zip(*self._rows) if self._rows else [()] * len(names)
        types = (np.uint64, np.int64, np.int32, np.int32, np.int32, bool)
        return {n: np.array(v, t) for n, v, t in zip(names, values, types)}


def example(numbers: bytes, resampled: bool, facts: dict[str, Any]) -> bytes:
    """Returns a serialized `tf.train.Example`, the same bytes for the same content.

    Args:
        numbers: Bytes of the sequence.
        resampled: Whether they are the resampled sequence, or clips.
        facts: Lists of integers, floats or strings by name.
    """
    feature = {
        "features": tf.train.Feature(bytes_list=tf.train.BytesList(value=[numbers])),
        "resampled": tf.train.Feature(
            int64_list=tf.train.Int64List(value=[int(resampled)])
        ),
    }
    for name, (kind, values) in facts.items():
        if kind == "int64":
            value = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        elif kind == "float32":
            value = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            encoded = [text.encode() for text in values]
            value = tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
        feature[name] = value
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def _facts(role: Role, span: ClipSpan, row: int) -> dict[str, tuple[str, list]]:
    """Returns what a record says beside its numbers; see `packed_files.FACTS`."""
    video = role.videos[row]
    if not span.label:
        segments = [t for i in video.instances for t in (i.start_sec, i.end_sec)]
        labels = [i.label for i in video.instances]
    else:
        segments, labels = [0.0, span.duration_sec], [span.label]
    return {
        "video": ("text", [span.video]),
        "first_clip": ("int64", [span.first_clip]),
        "end_clip": ("int64", [span.end_clip]),
        "duration_sec": ("float32", [span.duration_sec]),
        "fps": ("float32", [span.fps or 0.0]),
        "segments_sec": ("float32", segments),
        "labels": ("text", labels),
    }


def _moments_record(clips: np.ndarray | None, channels: int) -> bytes:
    """Returns mean and scatter of a video's clips for `records.ClipMoments`."""
    if clips is None:
        return bytes(16 * channels)
    _, mean, squares = sequences.statistics_of(clips)
    return mean.astype("<f8").tobytes() + squares.astype("<f8").tobytes()
