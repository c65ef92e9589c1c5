"""What every feature store can do, and what those with an index of their own share."""

from __future__ import annotations

import abc
import pathlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ahernet_tf import files
from ahernet_tf.data import checks
from ahernet_tf.data.features.time_model import VideoInfo
from ahernet_tf.data.video_columns import Texts

DESCRIPTION_FILE = "features.json"


class FeatureStore(abc.ABC):
    """Clip features of many videos: one sequence `[clips, channels]` each.

    Safe to use from several threads. Ids are accepted with or without a leading
    `v_`. No store ever unpickles.

    Attributes:
        path: File or directory.
        description: What `features.json` in it says, or an empty dictionary.
        entry: The `features` entry of dataset.json by which it was opened, if so.
    """

    path: pathlib.Path
    description: dict[str, Any]
    entry: dict[str, Any] | None = None

    @abc.abstractmethod
    def ids(self) -> list[str]:
        """Returns the ids of all sequences, as the store has them."""

    @abc.abstractmethod
    def find(self, video_id: str) -> str | None:
        """Returns the id that the store has for a video, or None."""

    @abc.abstractmethod
    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video.

        Raises:
            ValueError: The store has no such video, or its file is damaged.
        """

    @abc.abstractmethod
    def read(self, video_id: str) -> np.ndarray:
        """Reads the features `[clips, channels]` of a video in the type of the file.

        Raises:
            ValueError: The store has no such video, its file is damaged, or it holds
                something else than a matrix of floating-point numbers.
        """

    def __contains__(self, video_id: str) -> bool:
        """Tells whether the store has features of a video."""
        return self.find(video_id) is not None

    def __len__(self) -> int:
        """Returns the number of sequences."""
        return len(self.ids())

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what the store's description says of a video, if anything."""
        videos = self.description.get("videos")
        found = self.find(video_id)
        entry = videos.get(found) if isinstance(videos, dict) else None
        if not isinstance(entry, dict):
            return None
        fps, frames, seconds = (entry.get(k) for k in ("fps", "frames", "duration_sec"))
        if fps is None and frames and seconds:
            fps = frames / seconds
        return VideoInfo(fps, frames, seconds)

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        return self.path

    def where(self, video_id: str) -> str:
        """Names file and video for messages."""
        return f"{self.file_of(video_id)}: video '{video_id}'"


class Template:
    """How the name of a sequence is made of the video's id, such as `v_{video}`."""

    def __init__(self, text: str = "{video}") -> None:
        """Takes the text.

        Raises:
            ValueError: It does not hold `{video}` once.
        """
        parts = text.split("{video}")
        if len(parts) != 2:
            raise ValueError(
                f"template: expected a text with {{video}} once, received {text!r}"
            )
        self.prefix, self.suffix = parts

    def name(self, video_id: str) -> str:
        """Returns the name of a video's sequence."""
        return f"{self.prefix}{video_id}{self.suffix}"

    def video(self, name: str) -> str | None:
        """Returns the id that a name stands for, or None where it stands for none."""
        begin, end = len(self.prefix), len(name) - len(self.suffix)
        fits = name.startswith(self.prefix) and name.endswith(self.suffix)
        return name[begin:end] if fits and begin < end else None


class Entry(NamedTuple):
    """One sequence of a store.

    Attributes:
        video: Id that was asked for.
        found: Id that the store has, with or without `v_`.
        name: Its name in the store.
        row: Its row in the list of names.
    """

    video: str
    found: str
    name: str
    row: int


class IndexedStore(FeatureStore):
    """A store that lists its sequences when it is opened."""

    format: str

    def __init__(
        self, path: str | pathlib.Path, spec: dict[str, Any] | None = None
    ) -> None:
        """Opens the store.

        Args:
            path: File or directory.
            spec: The `features` entry of dataset.json; see `features.open_store`.

        Raises:
            ValueError: There is no such store at the path.
        """
        self.path = pathlib.Path(path)
        self.spec = spec or {}
        self.description = {}
        self.template = Template(self.spec.get("template", "{video}"))
        videos, rows = [], []
        for row, name in enumerate(self._names()):
            video = self.template.video(name)
            if video is not None and not checks.fault_of_id(video):
                videos.append(video)
                rows.append(row)
        self._ids, self._rows = Texts.of(videos), np.array(rows, np.int32)

    @abc.abstractmethod
    def _names(self) -> Iterable[str]:
        """Lists the names of all sequences."""

    @abc.abstractmethod
    def _read(self, entry: Entry) -> np.ndarray:
        """Reads a sequence that is there."""

    @abc.abstractmethod
    def _shape(self, entry: Entry) -> tuple[int, ...]:
        """Finds the shape of a sequence, without reading all of it where possible."""

    def ids(self) -> list[str]:
        """Returns the ids of all sequences, as the store has them."""
        return list(self._ids)

    def __len__(self) -> int:
        """Returns the number of sequences."""
        return len(self._ids)

    def find(self, video_id: str) -> str | None:
        """Returns the id that the store has for a video, or None."""
        entry = self._entry(video_id)
        return None if entry is None else entry.found

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video; see `FeatureStore.shape`."""
        return self._checked(video_id, self._shape(self._existing(video_id)))

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features of a video; see `FeatureStore.read`."""
        values = self._read(self._existing(video_id))
        self._checked(video_id, values.shape)
        if values.dtype.kind != "f" or values.dtype.itemsize > 8:
            raise ValueError(
                f"{self.where(video_id)}: expected float16, float32 or float64, "
                f"received {values.dtype}"
            )
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def _entry(self, video_id: str) -> Entry | None:
        for found in spellings(video_id):
            place = self._ids.find(found)
            if place is not None:
                name = self.template.name(found)
                return Entry(video_id, found, name, int(self._rows[place]))
        return None

    def _existing(self, video_id: str) -> Entry:
        fault = checks.fault_of_id(video_id)
        entry = None if fault else self._entry(video_id)
        if entry is None:
            raise ValueError(f"{self.where(video_id)}: {fault or 'no such sequence'}")
        return entry

    def _checked(self, video_id: str, shape: tuple[int, ...]) -> tuple[int, int]:
        if len(shape) != 2:
            raise ValueError(
                f"{self.where(video_id)}: expected [clips, channels], received {shape}"
            )
        return int(shape[0]), int(shape[1])


def spellings(video_id: str) -> tuple[str, ...]:
    """Returns how a store may spell an id: as it is, with and without a leading `v_`.

    Some of YouTube's ids begin with `v_` themselves: `v_UmAH95xls` is stored as
    `v_v_UmAH95xls`.
    """
    more = f"v_{video_id}"
    if video_id.startswith("v_"):
        return video_id, more, video_id[2:]
    return video_id, more


def read_description(path: pathlib.Path) -> dict[str, Any]:
    """Reads the features.json of a directory, if there is one.

    Raises:
        ValueError: It is no JSON object.
    """
    file = path / DESCRIPTION_FILE
    if not file.exists():
        return {}
    content = files.read_json(file)
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected an object, received {content!r}")
    return content
