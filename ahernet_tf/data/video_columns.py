"""Many videos in little memory: columns of numbers instead of a Python object each.

A training process holds every moment's facts all the time. As `Video` objects with
their ids, numbers and dictionary entries they take over a kilobyte each; as columns
about a hundred bytes. `VideoTable` is a sequence of `Video` all the same: each is
made when it is asked for.
"""

from __future__ import annotations

import array
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ahernet_tf.data.annotations.activitynet import Instance, Video


def key64(text: str) -> int:
    """Returns 64 bits that stand for a text, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class Texts(Sequence[str]):
    """Strings, one after the other in one block of memory."""

    def __init__(self, data: np.ndarray, ends: np.ndarray) -> None:
        """Takes the UTF-8 bytes `[bytes]` of all and where each ends `[texts]`."""
        self.data = data
        self.ends = ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Copies strings."""
        data, ends = bytearray(), array.array("q")
        for text in texts:
            data += text.encode()
            ends.append(len(data))
        return cls(np.frombuffer(bytes(data), np.uint8), np.array(ends, np.int64))

    def __len__(self) -> int:
        """Returns the number of strings."""
        return len(self.ends)

    def __getitem__(self, index: Any) -> Any:
        """Returns a string, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        begin = self.ends[index - 1] if index else 0
        return self.data[begin : self.ends[index]].tobytes().decode()

    def find(self, text: str) -> int | None:
        """Returns the first index of a string, or None where there is none."""
        keys, order = self._sorted
        key = np.uint64(key64(text))
        for place in range(np.searchsorted(keys, key), len(keys)):
            if keys[place] != key:
                return None
            if self[order[place]] == text:
                return int(order[place])
        return None

    def take(self, rows: np.ndarray) -> Texts:
        """Returns a selection."""
        return Texts.of(self[row] for row in rows)

    @functools.cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the keys in ascending order and the index of each."""
        keys = np.fromiter((key64(text) for text in self), np.uint64, len(self))
        order = np.argsort(keys, kind="stable").astype(np.int32)
        return keys[order], order


class VideoTable(Sequence[Video]):
    """A sequence of `Video`, kept as columns.

    Attributes:
        ids: Their ids.
        columns: Arrays by name: `duration_sec`, `fps` (NaN: unknown), `frames` (-1:
            unknown), `subset` and `group` (indices into `texts`; -1: none), `instances`
            (where each video's instances end), and of all instances one after the
            other `start_sec`, `end_sec` and `label` (index into `texts`).
        texts: The different subsets, groups and labels.
    """

    _TYPES = (
        ("duration_sec", "d"),
        ("fps", "d"),
        ("frames", "q"),
        ("subset", "i"),
        ("group", "i"),
        ("instances", "q"),
        ("start_sec", "d"),
        ("end_sec", "d"),
        ("label", "i"),
    )
    _OF_INSTANCES = ("start_sec", "end_sec", "label")

    def __init__(
        self, ids: Texts, columns: Mapping[str, np.ndarray], texts: Texts
    ) -> None:
        """Takes the columns; see `of` and `from_arrays`."""
        self.ids = ids
        self.columns = dict(columns)
        self.texts = texts

    @classmethod
    def of(cls, videos: Iterable[Video]) -> VideoTable:
        """Copies videos; a table is returned as it is."""
        if isinstance(videos, VideoTable):
            return videos
        columns = {name: array.array(code) for name, code in cls._TYPES}
        codes: dict[str, int] = {}

        def identifiers() -> Iterator[str]:
            for video in videos:
                group = -1
                if video.group is not None:
                    group = codes.setdefault(video.group, len(codes))
                columns["duration_sec"].append(video.duration_sec)
                columns["fps"].append(np.nan if video.fps is None else video.fps)
                columns["frames"].append(-1 if video.frames is None else video.frames)
                columns["subset"].append(codes.setdefault(video.subset, len(codes)))
                columns["group"].append(group)
                for instance in video.instances:
                    label = codes.setdefault(instance.label, len(codes))
                    columns["start_sec"].append(instance.start_sec)
                    columns["end_sec"].append(instance.end_sec)
                    columns["label"].append(label)
                columns["instances"].append(len(columns["label"]))
                yield video.id

        ids = Texts.of(identifiers())
        arrays = {name: np.array(column) for name, column in columns.items()}
        return cls(ids, arrays, Texts.of(codes))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Returns plain arrays that `from_arrays` understands, for np.savez."""
        parts = {"ids": self.ids, "texts": self.texts}
        texts = {f"{n}_data": t.data for n, t in parts.items()}
        ends = {f"{n}_ends": t.ends for n, t in parts.items()}
        return {**texts, **ends, **self.columns}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> VideoTable:
        """Builds a table from what `to_arrays` returned."""
        ids, texts = (
            Texts(arrays[f"{n}_data"], arrays[f"{n}_ends"]) for n in ("ids", "texts")
        )
        return cls(ids, {name: arrays[name] for name, _ in cls._TYPES}, texts)

    def __len__(self) -> int:
        """Returns the number of videos."""
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        """Tells whether another sequence holds the same videos."""
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(one == another for one, another in zip(self, other))

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, index: Any) -> Any:
        """Makes one video, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        value = {name: self.columns[name] for name, _ in self._TYPES}
        fps, frames = float(value["fps"][row]), int(value["frames"][row])
        begin, end = self.instance_rows(row)
        instances = zip(
            value["start_sec"][begin:end].tolist(),
            value["end_sec"][begin:end].tolist(),
            value["label"][begin:end],
        )
        return Video(
            id=self.ids[row],
            subset=self._text(value["subset"][row]) or "",
            duration_sec=float(value["duration_sec"][row]),
            instances=tuple(
                Instance(start, stop, self._labels[label])
                for start, stop, label in instances
            ),
            frames=None if frames < 0 else frames,
            fps=None if np.isnan(fps) else fps,
            group=self._text(value["group"][row]),
        )

    def instance_rows(self, row: int) -> tuple[int, int]:
        """Returns which rows of the instance columns belong to a video."""
        ends = self.columns["instances"]
        return int(ends[row - 1]) if row else 0, int(ends[row])

    def select(self, rows: np.ndarray) -> VideoTable:
        """Returns the table of some videos, in the order of `rows`."""
        rows = np.asarray(rows, np.int64)
        ends = self.columns["instances"]
        begins = np.concatenate([[0], ends])[rows]
        counts = ends[rows] - begins
        chosen = np.repeat(begins - np.cumsum(counts) + counts, counts)
        chosen += np.arange(counts.sum())
        columns = {
            name: column[chosen if name in self._OF_INSTANCES else rows]
            for name, column in self.columns.items()
        }
        columns["instances"] = np.cumsum(counts)
        return VideoTable(self.ids.take(rows), columns, self.texts)

    @functools.cached_property
    def _labels(self) -> dict[int, str]:
        """Returns the texts that are labels, one string object for each."""
        return {int(i): self.texts[int(i)] for i in np.unique(self.columns["label"])}

    def _text(self, index: int) -> str | None:
        return None if index < 0 else self.texts[int(index)]


class ByVideo(Mapping[str, Any]):
    """A number for each video, found by the video's id; NaN stands for None."""

    def __init__(self, ids: Texts, values: np.ndarray) -> None:
        """Takes the ids and a value for each."""
        self.ids = ids
        self.values_array = values

    @classmethod
    def of(cls, table: VideoTable, values: Mapping[str, Any]) -> ByVideo:
        """Takes the values of a table's videos out of another mapping."""
        if isinstance(values, ByVideo) and values.ids is table.ids:
            return values
        found = [values[video] for video in table.ids]
        if any(value is None or isinstance(value, float) for value in found):
            return cls(table.ids, np.array(found, np.float64))
        return cls(table.ids, np.array(found, np.int32))

    def __getitem__(self, video: str) -> Any:
        """Returns the value of a video.

        Raises:
            KeyError: The video is not there.
        """
        row = self.ids.find(video)
        if row is None:
            raise KeyError(video)
        value = self.values_array[row].item()
        return None if value != value else value

    def column(self, ids: Texts) -> np.ndarray:
        """Returns the values of some videos as an array, NaN for None."""
        if ids is self.ids:
            return self.values_array
        return self.values_array[[self.ids.find(video) for video in ids]]

    def __iter__(self) -> Iterator[str]:
        """Yields the ids."""
        return iter(self.ids)

    def __len__(self) -> int:
        """Returns the number of videos."""
        return len(self.ids)
