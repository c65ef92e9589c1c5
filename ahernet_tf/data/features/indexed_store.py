"""What stores share that list their sequences when they are opened."""

from __future__ import annotations

import abc
import pathlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ahernet_tf.data import checks
from ahernet_tf.data.features.feature_store import FeatureStore, spellings
from ahernet_tf.files import naming

_ANY_GROUP = "*/"


class Template:
    """How the name of a sequence is made of the video's id, such as `v_{video}`.

    Args:
        text: The name, with `{video}` where the id is; `*/` at its beginning stands for
            any group of an HDF5 file.

    Raises:
        ValueError: It does not hold `{video}` once.
    """

    def __init__(self, text: str = "{video}") -> None:
        parts = text.split("{video}") if isinstance(text, str) else ()
        if len(parts) != 2:
            raise ValueError(
                f"template: expected a text with {{video}} once, received {text!r}"
            )
        self.prefix, self.suffix = parts
        self.any_group = self.prefix.startswith(_ANY_GROUP)

    def name(self, video_id: str) -> str:
        """Returns the name of a video's sequence."""
        return f"{self.prefix}{video_id}{self.suffix}"

    def video(self, name: str) -> str | None:
        """Returns the id that a name stands for, or None where it stands for none."""
        if self.any_group:
            name = f"{_ANY_GROUP}{name.partition('/')[2]}"
        begin, end = len(self.prefix), len(name) - len(self.suffix)
        fits = name.startswith(self.prefix) and name.endswith(self.suffix)
        return name[begin:end] if fits and begin < end else None


class Entry(NamedTuple):
    """One sequence of a store.

    Attributes:
        found: Id that the store has, with or without `v_`.
        name: Its name in the store.
        row: Its row in the list of names.
    """

    found: str
    name: str
    row: int


class IndexedStore(FeatureStore):
    """A store that lists its sequences when it is opened.

    A format is a class below this one: it lists names, reads an array and, where that
    is cheaper, its shape. What these raise becomes a ValueError that names the file.

    Args:
        path: File or directory.
        spec: The `features` entry of dataset.json; see `opening.open_store`.

    Raises:
        ValueError: There is no such store at the path.
    """

    def __init__(
        self, path: str | pathlib.Path, spec: dict[str, Any] | None = None
    ) -> None:
        self.path = pathlib.Path(path)
        self.spec = spec or {}
        self.description = {}
        self._rows: dict[str, int] = {}
        self._repeated: dict[str, int] = {}
        with naming(self.path):
            self.template = Template(self.spec.get("template", "{video}"))
            self._listed = list(self._names())
            for row, name in enumerate(self._listed):
                video = self.template.video(name)
                if video is None or checks.fault_of_id(video):
                    continue
                if self._rows.setdefault(video, row) != row:
                    self._repeated[video] = row

    @abc.abstractmethod
    def _names(self) -> Iterable[str]:
        """Lists the names of all sequences."""

    @abc.abstractmethod
    def _read(self, entry: Entry) -> np.ndarray:
        """Reads a sequence that is there."""

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        """Finds the shape of a sequence, without reading all of it where possible."""
        return self._read(entry).shape

    def ids(self) -> list[str]:
        """Returns the ids of all sequences, as the store has them."""
        return list(self._rows)

    def __len__(self) -> int:
        """Returns the number of sequences."""
        return len(self._rows)

    def find(self, video_id: str) -> str | None:
        """Returns the id that the store has for a video, or None."""
        entry = self._entry(video_id)
        return None if entry is None else entry.found

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video; see `FeatureStore.shape`."""
        with naming(self.where(video_id)):
            shape = _checked(self._shape(self._existing(video_id)))
            return shape[::-1] if self.spec.get("transposed") else shape

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features of a video; see `FeatureStore.read`."""
        with naming(self.where(video_id)):
            values = self._read(self._existing(video_id))
            _checked(values.shape)
            if values.dtype.kind != "f" or values.dtype.itemsize > 8:
                raise ValueError(
                    f"expected float16, float32 or float64, received {values.dtype}"
                )
            values = values.astype(values.dtype.newbyteorder("="), copy=False)
            return values.T if self.spec.get("transposed") else values

    def _entry(self, video_id: str) -> Entry | None:
        for found in spellings(video_id):
            row = self._rows.get(found)
            if row is not None:
                return Entry(found, self._listed[row], row)
        return None

    def _existing(self, video_id: str) -> Entry:
        fault = checks.fault_of_id(video_id)
        entry = None if fault else self._entry(video_id)
        if entry is None:
            raise ValueError(fault or "no such sequence")
        if entry.found in self._repeated:
            other = self._listed[self._repeated[entry.found]]
            if other == entry.name:
                raise ValueError(f"two sequences are called '{other}'")
            raise ValueError(f"is there as {entry.name} and as {other}")
        return entry


def _checked(shape: tuple[int, ...]) -> tuple[int, int]:
    """Returns the shape of a matrix.

    Raises:
        ValueError: It is none.
    """
    if len(shape) != 2:
        hint = "an average over all axes but two would do"
        if sum(size > 1 for size in shape) == 2:
            hint = "leave out the axes of length 1, with array.squeeze()"
        elif len(shape) == 1:
            hint = "a file is a video, with a row per clip"
        raise ValueError(f"expected [clips, channels], received {shape}: {hint}")
    return int(shape[0]), int(shape[1])
