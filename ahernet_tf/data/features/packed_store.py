"""Packed features: the clips of many videos in a few files, read by memory map.

A packed store is a directory:

    features.json        as of any store; also the number of shards and their type
    00000.npy            a shard: clips of many videos, one below the other
    00000.csv            its index: which rows are whose, with a checksum of each

`data.packed.packing` writes it. Any video is read at once, in any order.
"""

from __future__ import annotations

import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from ahernet_tf.data.features.directory_stores import require_inside
from ahernet_tf.data.features.feature_store import DESCRIPTION_FILE, read_description
from ahernet_tf.data.features.indexed_store import Entry, IndexedStore
from ahernet_tf.files import naming, whole_file

DTYPES = {"float16": np.dtype("<f2"), "float32": np.dtype("<f4")}

_COLUMNS = {"video": str, "clips": np.int64, "crc32": np.int64, "fault": str}
_MAGIC = b"\x93NUMPY\x01\x00"


class PackedStore(IndexedStore):
    """Features that were packed; see the module.

    The values were looked at when they were packed, so they are finite. The checksum
    of a video is verified when it is first read.
    """

    format = "packed"
    packed = True

    def _names(self) -> Iterable[str]:
        self.description = read_description(self.path)
        channels, dtype, shards = (
            self.description.get(key) for key in ("dim", "dtype", "shards")
        )
        counts = (channels, shards)
        if dtype not in DTYPES or not all(type(n) is int and n > 0 for n in counts):
            raise ValueError(
                f"{self.path / DESCRIPTION_FILE}: expected dim, dtype and shards of "
                f"packed features, received {channels}, {dtype} and {shards}"
            )
        self.precision = np.float32 if dtype == "float16" else np.float64
        self._clips: list[np.ndarray] = []
        tables = []
        for number in range(shards):
            path = shard_path(self.path, number)
            for file in (path, index_path(path)):
                with naming(file):
                    require_inside(file, self.path, self.spec)
                    if not file.is_file():
                        raise ValueError("is missing, or is no file")
            table = read_index(path)
            self._clips.append(_map(path, _rows(table), channels, dtype))
            begin = table["clips"].cumsum() - table["clips"]
            tables.append(table.assign(shard=number, begin=begin))
        index = pd.concat(tables, ignore_index=True)
        index = index[index["fault"] == ""]
        self._index = index[["shard", "begin", "clips", "crc32"]].to_numpy()
        self._verified = np.zeros(len(index), bool)
        return index["video"]

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video."""
        entry = self._entry(video_id)
        if entry is None:
            return self.path
        return shard_path(self.path, self._index[entry.row][0])

    def _read(self, entry: Entry) -> np.ndarray:
        shard, begin, clips, crc32 = self._index[entry.row].tolist()
        values = self._clips[shard][begin : begin + clips]
        if not self._verified[entry.row]:
            if zlib.crc32(values) != crc32:
                raise ValueError("the clips are damaged")
            self._verified[entry.row] = True
        return values

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        return int(self._index[entry.row][2]), self.description["dim"]


def write_shard(
    path: pathlib.Path,
    channels: int,
    dtype: str,
    planned: Mapping[str, int],
    sequences: Iterator[tuple[str, np.ndarray | None, str]],
) -> dict[str, str]:
    """Writes a shard and, when it is there, its index; each appears whole.

    Args:
        path: Of the shard.
        channels: Of each clip.
        dtype: One of `DTYPES`.
        planned: Number of clips by video.
        sequences: Of each video its id, its clips `[clips, channels]` in the type of
            the shard, and "". Or None and why it is left out: its rows are zeros.

    Returns:
        Why videos were left out, by id.
    """
    rows = sum(planned.values())
    index = []
    with whole_file(path) as temporary, temporary.open("wb") as file:
        header = {"shape": (rows, channels), "fortran_order": False}
        header["descr"] = np.lib.format.dtype_to_descr(DTYPES[dtype])
        np.lib.format.write_array_header_1_0(file, header)
        for video, clips, fault in sequences:
            if clips is None:
                clips = np.zeros((planned[video], channels), DTYPES[dtype])
            file.write(clips.data)
            index.append((video, len(clips), zlib.crc32(clips), fault))
    table = pd.DataFrame(index, columns=list(_COLUMNS))
    with whole_file(index_path(path)) as temporary:
        table.to_csv(temporary, index=False)
    return _faults(table)


def shard_path(directory: pathlib.Path, number: int) -> pathlib.Path:
    """Returns the path of a shard of a store."""
    return directory / f"{number:05d}.npy"


def index_path(shard: pathlib.Path) -> pathlib.Path:
    """Returns the path of the index of a shard."""
    return shard.with_suffix(".csv")


def read_index(shard: pathlib.Path) -> pd.DataFrame:
    """Reads the index of a shard: columns `video`, `clips`, `crc32` and `fault`.

    Raises:
        ValueError: There is none, or it is damaged.
    """
    path = index_path(shard)
    try:
        table = pd.read_csv(path, dtype=_COLUMNS, na_filter=False, encoding="utf-8")
        sound = list(table) == list(_COLUMNS) and (table["clips"] > 0).all()
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if not sound:
        raise ValueError(f"{path}: is no index of packed features")
    return table


def faults_in_shard(
    shard: pathlib.Path, planned: Mapping[str, int], channels: int, dtype: str
) -> dict[str, str] | None:
    """Returns why videos of a shard were left out, or None where it is not done."""
    if not index_path(shard).exists() or not shard.exists():
        return None
    try:
        table = read_index(shard)
        _map(shard, _rows(table), channels, dtype)
    except ValueError:
        return None
    same = dict(zip(table["video"], table["clips"])) == dict(planned)
    return _faults(table) if same else None


def _faults(table: pd.DataFrame) -> dict[str, str]:
    faulty = table[table["fault"] != ""]
    return dict(zip(faulty["video"], faulty["fault"]))


def _rows(table: pd.DataFrame) -> int:
    """Returns the clips of a shard; they may be more than 64 bits can count."""
    return sum(table["clips"].tolist())


def _map(path: pathlib.Path, rows: int, channels: int, dtype: str) -> np.ndarray:
    """Maps the numbers of a shard into memory.

    The index says how many there are; of the header only its length counts.

    Raises:
        ValueError: The file is missing or has another size.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC) + 2)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    begin = len(start) + int.from_bytes(start[len(_MAGIC) :], "little")
    expected = begin + rows * channels * DTYPES[dtype].itemsize
    if not start.startswith(_MAGIC) or size != expected:
        raise ValueError(
            f"{path}: expected {rows} clips of {channels} {dtype} in {expected} bytes, "
            f"found {size} bytes; it is damaged"
        )
    shape = (rows, channels)
    return np.asarray(np.memmap(path, DTYPES[dtype], "r", begin, shape))
