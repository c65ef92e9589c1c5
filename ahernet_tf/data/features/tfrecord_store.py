"""A feature store of TFRecord files."""

from __future__ import annotations

import os
import pathlib
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from ahernet_tf.data.features.directory_stores import require_inside
from ahernet_tf.data.features.indexed_store import Entry, IndexedStore

_LENGTH = struct.Struct("<Q")
_BEFORE, _BEHIND = 12, 4  # bytes around a record's data: length and checksums


class TfrecordStore(IndexedStore):
    """A TFRecord file, or a directory of them, with a `tf.train.Example` per video.

    `id_field` names the field of the video's id ("video"), `features_field` that of
    the numbers ("features"): a list of floats, or the bytes of an array of type
    `dtype`; either way rows of `dim` channels. All files are read once when the store
    is opened, to find out what lies where and to compare the checksums.
    """

    def _names(self) -> Iterable[str]:
        dim = self.spec.get("dim")
        if not isinstance(dim, int) or dim < 1:
            raise ValueError("TFRecords need 'dim', the channels")
        self._id_field = self.spec.get("id_field", "video")
        self._features_field = self.spec.get("features_field", "features")
        self._files = [self.path]
        if self.path.is_dir():
            self._files = sorted(p for p in self.path.iterdir() if _is_records(p))
        if not self._files:
            raise ValueError("holds no TFRecord files")
        names, self._places = [], []
        for path in self._files:
            require_inside(path, self.path, self.spec)
            for offset, length, data in _records(path):
                example = _fields(data)
                known = self._id_field in example
                value = example[self._id_field].bytes_list.value if known else ()
                if len(value) != 1:
                    raise ValueError(
                        f"{path.name}: the record at byte {offset} has no field "
                        f"'{self._id_field}' with an id; its fields are "
                        f"{sorted(example)}"
                    )
                names.append(value[0].decode())
                self._places.append((path, offset, length))
        return names

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video."""
        entry = self._entry(video_id)
        return self.path if entry is None else self._places[entry.row][0]

    def _read(self, entry: Entry) -> np.ndarray:
        path, offset, length = self._places[entry.row]
        with open(path, "rb") as file:
            file.seek(offset + _BEFORE)
            field = _fields(file.read(length))[self._features_field]
        if field.float_list.value:
            values = np.array(field.float_list.value, np.float32)
        elif len(field.bytes_list.value) == 1:
            dtype = np.dtype(self.spec.get("dtype", "float32")).newbyteorder("<")
            data = field.bytes_list.value[0]
            if len(data) % dtype.itemsize:
                raise ValueError(f"{len(data)} bytes are no {dtype.name}")
            values = np.frombuffer(data, dtype)
        else:
            values = np.zeros(0, np.float32)
        if values.size % self.spec["dim"]:
            raise ValueError(f"{values.size} numbers are no rows of {self.spec['dim']}")
        return values.reshape(-1, self.spec["dim"])


def _fields(data: bytes):
    """Returns the fields of a record."""
    import tensorflow as tf

    return tf.train.Example.FromString(data).features.feature


def _is_records(path: pathlib.Path) -> bool:
    """Tells by its name whether a file holds TFRecords."""
    return ".tfrecord" in path.name and not path.name.startswith(".") and path.is_file()


def _records(path: pathlib.Path) -> Iterator[tuple[int, int, bytes]]:
    """Yields where each record of a file begins, how long its data are, and these.

    Raises:
        ValueError: The file does not end with a record.
        tf.errors.DataLossError: A checksum is wrong.
    """
    import tensorflow as tf

    places = list(_places(path))
    records = tf.data.TFRecordDataset(os.fspath(path)).as_numpy_iterator()
    for (offset, length), data in zip(places, records, strict=True):
        yield offset, length, data


def _places(path: pathlib.Path) -> Iterator[tuple[int, int]]:
    """Yields where each record of a file begins and how long its data are."""
    size, offset = path.stat().st_size, 0
    with open(path, "rb") as file:
        while offset < size:
            file.seek(offset)
            head = file.read(_LENGTH.size)
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else size
            end = offset + _BEFORE + length + _BEHIND
            if end > size:
                raise ValueError(f"{path.name}: no whole record at byte {offset}")
            yield offset, length
            offset = end
