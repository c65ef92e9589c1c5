"""Feature stores of the usual files: npy, npz, csv, pt."""

from __future__ import annotations

import io
import os
import pathlib
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from ahernet_tf.data.features import npy
from ahernet_tf.data.features.feature_store import Entry, IndexedStore, read_description


class NpzStore(IndexedStore):
    """One npz file with an array a video, read lazily.

    Members are read by position from one file descriptor, so threads neither wait
    for one another nor share a file position.
    """

    format = "npz"

    def _names(self) -> Iterable[str]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                members = [m for m in archive.infolist() if m.filename[-4:] == ".npy"]
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.path}: is no npz file ({error})") from error
        self._file = open(self.path, "rb")  # noqa: SIM115 (open as long as the store)
        # offset, stored size, size, checksum, kind of compression
        self._members = np.array(
            [
                (m.header_offset, m.compress_size, m.file_size, m.CRC, m.compress_type)
                for m in members
            ],
            np.int64,
        ).reshape(-1, 5)
        return [m.filename[:-4] for m in members]

    def _read(self, entry: Entry) -> np.ndarray:
        data = self._bytes(entry, None)
        _, _, size, checksum, _ = self._members[entry.row]
        if len(data) != size or zlib.crc32(data) != checksum:
            raise ValueError(f"{self.where(entry.video)}: the data is damaged")
        return npy.parse(data, self.where(entry.video))

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        start = io.BytesIO(self._bytes(entry, 4096))
        return npy.read_header(start, self.where(entry.video))[0]

    def _bytes(self, entry: Entry, limit: int | None) -> bytes:
        """Reads and inflates a member, or its first `limit` bytes."""
        begin, stored, size, _, compression = self._members[entry.row].tolist()
        file = self._file.fileno()
        header = os.pread(file, 30, begin)
        name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
        wanted = stored if limit is None else min(limit, size)
        data = os.pread(file, wanted, begin + 30 + name + extra)
        if compression == zipfile.ZIP_STORED:
            return data
        if compression != zipfile.ZIP_DEFLATED:
            raise ValueError(f"{self.path}: compression {compression} unknown")
        try:
            return zlib.decompressobj(-15).decompress(data, limit or 0)
        except zlib.error as error:
            where = self.where(entry.video)
            raise ValueError(f"{where}: the data is damaged") from error


class DirectoryStore(IndexedStore):
    """A directory with a file a video."""

    def _names(self) -> Iterable[str]:
        if not self.path.is_dir():
            raise ValueError(f"{self.path}: is no directory")
        self.description = read_description(self.path)
        ending = f".{self.format}"
        with os.scandir(self.path) as entries:
            names = sorted(e.name for e in entries if e.name.endswith(ending))
        return [name[: -len(ending)] for name in names]

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        name = self.template.name(self.find(video_id) or video_id)
        return self.path / f"{name}.{self.format}"

    def _file(self, entry: Entry) -> pathlib.Path:
        return self.path / f"{entry.name}.{self.format}"


class NpyStore(DirectoryStore):
    """A directory with one npy file a video."""

    format = "npy"

    def _read(self, entry: Entry) -> np.ndarray:
        return npy.parse(self._file(entry).read_bytes(), self.where(entry.video))

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        with open(self._file(entry), "rb") as file:
            return npy.read_header(file, self.where(entry.video))[0]


class NpzFilesStore(DirectoryStore):
    """A directory with one npz file a video, each with one array.

    Files with several arrays need `array`, the name of the one to read.
    """

    format = "npz"

    def _read(self, entry: Entry) -> np.ndarray:
        store, array = self._open(entry)
        return store.read(array)

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        store, array = self._open(entry)
        return store.shape(array)

    def _open(self, entry: Entry) -> tuple[NpzStore, str]:
        """Opens a file and decides which of its arrays is meant."""
        store = NpzStore(self._file(entry))
        arrays = store.ids()
        wanted = self.spec.get("array")
        if wanted is None and len(arrays) == 1:
            return store, arrays[0]
        if wanted not in arrays:
            raise ValueError(
                f"{self.where(entry.video)}: expected "
                f"{'one array' if wanted is None else f'the array {wanted!r}'}, "
                f"found {arrays}; name one as 'array'"
            )
        return store, wanted


class CsvStore(DirectoryStore):
    """A directory with one csv file a video: a line a clip.

    A first line is a header, and left out, unless it holds numbers other than the
    column numbers 0, 1, 2, ... or 1, 2, 3, ...
    """

    format = "csv"

    def _read(self, entry: Entry) -> np.ndarray:
        import pandas as pd

        file = self._file(entry)
        with open(file, "rb") as lines:
            header = 0 if _is_header(lines.readline()) else None
        try:
            frame = pd.read_csv(file, dtype=np.float64, engine="c", header=header)
        except ValueError as error:  # pandas' own errors are ValueErrors, too
            raise ValueError(f"{self.where(entry.video)}: {error}") from error
        return frame.to_numpy()

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        with open(self._file(entry), "rb") as file:
            first = file.readline()
            count = sum(1 for line in file if line.strip())
        count += not _is_header(first)
        return count, first.count(b",") + 1


class PtStore(DirectoryStore):
    """A directory with one file a video that PyTorch saved: a tensor.

    PyTorch must be installed. Only tensors are loaded, never code.
    """

    format = "pt"

    def _names(self) -> Iterable[str]:
        try:
            import torch  # noqa: F401 (whether it is there)
        except ImportError as error:
            raise ValueError(
                f"{self.path}: pt files need PyTorch: pip install torch, or convert "
                "them to npy"
            ) from error
        return super()._names()

    def _read(self, entry: Entry) -> np.ndarray:
        import pickle

        import torch

        try:
            value = torch.load(self._file(entry), map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise ValueError(
                f"{self.where(entry.video)}: holds no plain tensor ({error})"
            ) from error
        if not isinstance(value, torch.Tensor):
            raise ValueError(
                f"{self.where(entry.video)}: expected a tensor, received "
                f"{type(value).__name__}"
            )
        if value.dtype == torch.bfloat16:
            value = value.float()
        return value.detach().numpy()

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        return self._read(entry).shape


def _is_header(line: bytes) -> bool:
    """Tells whether the first line of a csv file names the columns."""
    try:
        numbers = [float(word) for word in line.decode("utf-8", "replace").split(",")]
    except ValueError:
        return True
    return numbers in (
        [float(n) for n in range(len(numbers))],
        [float(n) for n in range(1, len(numbers) + 1)],
    )


DIRECTORY_STORES = {s.format: s for s in (NpyStore, CsvStore, NpzFilesStore, PtStore)}
