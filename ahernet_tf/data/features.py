"""Feature stores: one sequence `[clips, channels]` of clip features a video."""

from __future__ import annotations

import abc
import io
import json
import os
import pathlib
import re
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

from ahernet_tf.data import checks
from ahernet_tf.data.time_model import TimeModel, VideoInfo

__all__ = [
    "CsvStore",
    "FeatureStore",
    "NpyStore",
    "NpzStore",
    "TimeModel",
    "VideoInfo",
    "check_description",
    "open_store",
    "store_key",
]

DESCRIPTION_FILE = "features.json"
FORMATS = ("npz", "npy", "csv")
_NPY_FIELDS = (
    r"""['"]descr['"]\s*:\s*['"]([^'"]+)['"]""",
    r"""['"]fortran_order['"]\s*:\s*(True|False)""",
    r"""['"]shape['"]\s*:\s*\(([\d,\sL]*)\)""",
)


class FeatureStore(abc.ABC):
    """Clip features of many videos. Safe to use from several threads.

    Ids are accepted with or without a leading `v_`. No store ever unpickles.

    Attributes:
        path: File or directory.
        description: What `features.json` in it says, or an empty dictionary.
    """

    format: str

    def __init__(self, path: str | pathlib.Path) -> None:
        """Opens the store; see `open_store` for the arguments and errors."""
        self.path = pathlib.Path(path)
        self.description: dict[str, Any] = {}
        self._index = self._make_index()

    @abc.abstractmethod
    def _make_index(self) -> dict[str, Any]:
        """Lists the sequences: where each lies, by the name it has in the store."""

    @abc.abstractmethod
    def _read(self, key: str) -> np.ndarray:
        """Reads the sequence of a name that exists."""

    @abc.abstractmethod
    def _shape(self, key: str) -> tuple[int, ...]:
        """Finds the shape of a sequence, without reading all of it where possible."""

    def ids(self) -> list[str]:
        """Returns the names of all sequences, as the store has them."""
        return list(self._index)

    def __contains__(self, video_id: str) -> bool:
        """Tells whether the store has features of a video."""
        return self._key(video_id) is not None

    def __len__(self) -> int:
        """Returns the number of sequences."""
        return len(self._index)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video.

        Raises:
            ValueError: The store has no such video, or its file is damaged.
        """
        return self._checked(video_id, self._shape(self._existing(video_id)))

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features `[clips, channels]` of a video in the type of the file.

        Raises:
            ValueError: The store has no such video, its file is damaged, or it holds
                something else than a matrix of floating-point numbers.
        """
        values = self._read(self._existing(video_id))
        self._checked(video_id, values.shape)
        if values.dtype.kind != "f" or values.dtype.itemsize > 8:
            raise ValueError(
                f"{self.where(video_id)}: expected float16, float32 or float64, "
                f"received {values.dtype}"
            )
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what the store's description says of a video, if anything."""
        videos = self.description.get("videos")
        key = self._key(video_id)
        entry = videos.get(key) if isinstance(videos, dict) else None
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

    def _key(self, video_id: str) -> str | None:
        other = video_id[2:] if video_id.startswith("v_") else f"v_{video_id}"
        for key in (video_id, other):
            if key in self._index:
                return key
        return None

    def _existing(self, video_id: str) -> str:
        fault = checks.fault_of_id(video_id)
        key = None if fault else self._key(video_id)
        if key is None:
            raise ValueError(f"{self.where(video_id)}: {fault or 'no such sequence'}")
        return key

    def _checked(self, video_id: str, shape: tuple[int, ...]) -> tuple[int, int]:
        if len(shape) != 2:
            raise ValueError(
                f"{self.where(video_id)}: expected [clips, channels], received {shape}"
            )
        return int(shape[0]), int(shape[1])


class NpzStore(FeatureStore):
    """One npz file with an array a video, read lazily.

    Members are read by position from one file descriptor, so threads neither wait
    for one another nor share a file position.
    """

    format = "npz"

    def _make_index(self) -> dict[str, zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                members = archive.infolist()
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.path}: is no npz file ({error})") from error
        self._file = open(self.path, "rb")  # noqa: SIM115 (open as long as the store)
        return {
            m.filename[:-4]: m
            for m in members
            if m.filename.endswith(".npy") and not checks.fault_of_id(m.filename[:-4])
        }

    def _read(self, key: str) -> np.ndarray:
        member = self._index[key]
        data = self._bytes(member, None)
        if len(data) != member.file_size or zlib.crc32(data) != member.CRC:
            raise ValueError(f"{self.where(key)}: the data is damaged")
        return _parse_npy(data, self.where(key))

    def _shape(self, key: str) -> tuple[int, ...]:
        start = io.BytesIO(self._bytes(self._index[key], 4096))
        return _npy_header(start, self.where(key))[0]

    def _bytes(self, member: zipfile.ZipInfo, limit: int | None) -> bytes:
        """Reads and inflates a member, or its first `limit` bytes."""
        file = self._file.fileno()
        header = os.pread(file, 30, member.header_offset)
        name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
        size = member.compress_size if limit is None else min(limit, member.file_size)
        data = os.pread(file, size, member.header_offset + 30 + name + extra)
        if member.compress_type == zipfile.ZIP_STORED:
            return data
        if member.compress_type != zipfile.ZIP_DEFLATED:
            raise ValueError(f"{self.path}: compression {member.compress_type} unknown")
        try:
            return zlib.decompressobj(-15).decompress(data, limit or 0)
        except zlib.error as error:
            where = self.where(member.filename)
            raise ValueError(f"{where}: the data is damaged") from error


class _DirectoryStore(FeatureStore):
    """A directory with a file a video."""

    def _make_index(self) -> dict[str, pathlib.Path]:
        if not self.path.is_dir():
            raise ValueError(f"{self.path}: is no directory")
        ending = f".{self.format}"
        with os.scandir(self.path) as entries:
            names = sorted(e.name for e in entries if e.name.endswith(ending))
        description = self.path / DESCRIPTION_FILE
        if description.exists():
            self.description = _read_description(description)
        return {name[: -len(ending)]: self.path / name for name in names}

    def file_of(self, video_id: str) -> pathlib.Path:
        key = self._key(video_id) or video_id
        return self._index.get(key) or self.path / f"{key}.{self.format}"


class NpyStore(_DirectoryStore):
    """A directory with one npy file a video."""

    format = "npy"

    def _read(self, key: str) -> np.ndarray:
        return _parse_npy(self._index[key].read_bytes(), self.where(key))

    def _shape(self, key: str) -> tuple[int, ...]:
        with open(self._index[key], "rb") as file:
            return _npy_header(file, self.where(key))[0]


class CsvStore(_DirectoryStore):
    """A directory with one csv file a video: a header line, then a line a clip.

    This is the layout of the 2020 release.
    """

    format = "csv"

    def _read(self, key: str) -> np.ndarray:
        import pandas as pd

        try:
            frame = pd.read_csv(self._index[key], dtype=np.float64, engine="c")
        except ValueError as error:  # pandas' own errors are ValueErrors, too
            raise ValueError(f"{self.where(key)}: {error}") from error
        return frame.to_numpy()

    def _shape(self, key: str) -> tuple[int, ...]:
        with open(self._index[key], "rb") as file:
            header = file.readline()
            lines = sum(1 for line in file if line.strip())
        return lines, header.count(b",") + 1


_STORES: dict[str, type[FeatureStore]] = {
    store.format: store for store in (NpzStore, NpyStore, CsvStore)
}


def open_store(path: str | pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens a feature store and checks that its own description agrees with `spec`.

    Args:
        path: An npz file, or a directory of npy or csv files.
        spec: The `features` entry of dataset.json. Its `format` may be left out: a
            file is npz, a directory is what its `features.json` or its files say.

    Raises:
        ValueError: The path does not exist or holds no such store, or `features.json`
            declares another time model or dimension than `spec`.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist")
    name = spec.get("format") or _guess_format(path)
    if name not in _STORES:
        raise ValueError(f"{path}: expected a format of {FORMATS}, received {name!r}")
    store = _STORES[name](path)
    check_description(store, spec)
    return store


def store_key(spec: dict[str, Any]) -> tuple[str, Any]:
    """Returns what tells stores apart: entries of one key name the same store."""
    return spec["path"], spec.get("format")


def check_description(store: FeatureStore, spec: dict[str, Any]) -> None:
    """Compares a store's own `features.json` with what dataset.json says of it.

    Raises:
        ValueError: They contradict each other.
    """
    for key in ("clip_frames", "stride_frames", "fps", "dim", "covers"):
        own, wanted = store.description.get(key), spec.get(key)
        if own is not None and wanted is not None and own != wanted:
            raise ValueError(
                f"{store.path / DESCRIPTION_FILE}: {key} is {own}, but dataset.json "
                f"says {wanted}"
            )


def _guess_format(path: pathlib.Path) -> str:
    """Finds out the format of a store from what lies there."""
    if path.is_file():
        return path.suffix.removeprefix(".")
    description = path / DESCRIPTION_FILE
    if description.exists():
        return str(_read_description(description).get("format", "npy"))
    with os.scandir(path) as entries:
        endings = {pathlib.PurePath(e.name).suffix for e in entries}
    present = [f for f in ("npy", "csv") if f".{f}" in endings]
    if len(present) != 1:
        raise ValueError(f"{path}: expected npy files or csv files, found {present}")
    return present[0]


def _read_description(path: pathlib.Path) -> dict[str, Any]:
    """Reads features.json."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object, received {content!r}")
    return content


def _npy_header(file: BinaryIO, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads shape, order and type at the start of an npy file.

    NumPy's own reader compiles the header as Python source, which is slow, and on
    Python 3.11 fails now and then when several threads do so at once.
    """
    start = file.read(8)
    if len(start) < 8 or not start.startswith(b"\x93NUMPY"):
        raise ValueError(f"{where}: is no npy array (begins with {start!r})")
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    header = file.read(length).decode("latin1")
    found = [re.search(pattern, header) for pattern in _NPY_FIELDS]
    if len(header) < length or not all(found):
        raise ValueError(f"{where}: is no npy array (its header is {header!r})")
    descr, order, shape = (match[1] for match in found)
    sizes = tuple(int(n.strip(" L")) for n in shape.split(",") if n.strip())
    try:
        return sizes, order == "True", np.dtype(descr)
    except TypeError as error:
        raise ValueError(f"{where}: is no npy array ({error})") from error


def _parse_npy(data: bytes, where: str) -> np.ndarray:
    """Interprets the bytes of an npy file; refuses pickled objects."""
    file = io.BytesIO(data)
    shape, fortran, dtype = _npy_header(file, where)
    if dtype.hasobject:
        raise ValueError(f"{where}: holds pickled objects, which are never read")
    count = int(np.prod(shape, dtype=np.int64))
    if len(data) - file.tell() < count * dtype.itemsize:
        raise ValueError(f"{where}: the file is cut short")
    values = np.frombuffer(data, dtype, count, file.tell())
    return values.reshape(shape, order="F" if fortran else "C")
