"""Feature stores of files that hold many videos: HDF5 and TFRecord."""

from __future__ import annotations

import pathlib
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from ahernet_tf.data.features.feature_store import Entry, IndexedStore
from ahernet_tf.data.packed.record_files import OVERHEAD_BYTES, read_record

_LENGTH = struct.Struct("<Q")


class Hdf5Store(IndexedStore):
    """One HDF5 file with a dataset a video.

    The template is the path of the dataset in the file: `{video}` where they lie flat,
    `{video}/c3d_features` where each video has a group, `features/v_{video}` and so
    on.
    """

    format = "hdf5"

    def _names(self) -> Iterable[str]:
        try:
            import h5py
        except ImportError as error:
            raise ValueError(
                f"{self.path}: HDF5 files need h5py: pip install h5py"
            ) from error
        try:
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise ValueError(f"{self.path}: is no HDF5 file ({error})") from error
        above, _, first = self.template.prefix.rpartition("/")
        last, slash, below = self.template.suffix.partition("/")
        if above and above not in self._file:
            raise ValueError(f"{self.path}: has no group '{above}'")
        group = self._file[above] if above else self._file
        above = f"{above}/" if above else ""
        return [
            f"{above}{key}{slash}{below}"
            for key in group
            if key.startswith(first) and key.endswith(last)
        ]

    def _read(self, entry: Entry) -> np.ndarray:
        return self._dataset(entry)[()]

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        return self._dataset(entry).shape

    def _dataset(self, entry: Entry):
        """Finds the dataset of a video.

        Raises:
            ValueError: There is none of that name, or it is a group.
        """
        found = self._file.get(entry.name)
        if found is None:
            raise ValueError(
                f"{self.where(entry.video)}: has no dataset '{entry.name}'"
            )
        if not hasattr(found, "shape"):
            raise ValueError(
                f"{self.where(entry.video)}: '{entry.name}' is a group of "
                f"{sorted(found)}; name one in the template, such as "
                f"'{{video}}/{next(iter(found), 'features')}'"
            )
        return found


class TfrecordStore(IndexedStore):
    """A TFRecord file, or a directory of them, with a `tf.train.Example` a video.

    `id_field` names the field of the video's id ("video"), `features_field` that of
    the numbers ("features"): a list of floats, or the bytes of an array of type
    `dtype`; either way rows of `dim` channels. All files are read once when the store
    is opened, to find out what lies where.
    """

    format = "tfrecord"

    def _names(self) -> Iterable[str]:
        if not isinstance(self.spec.get("dim"), int):
            raise ValueError(f"{self.path}: TFRecords need 'dim', the channels")
        self._id_field = self.spec.get("id_field", "video")
        self._features_field = self.spec.get("features_field", "features")
        self._files = [self.path]
        if self.path.is_dir():
            self._files = sorted(p for p in self.path.iterdir() if _is_records(p))
        if not self._files:
            raise ValueError(f"{self.path}: holds no TFRecord files")
        names, places = [], []
        for number, path in enumerate(self._files):
            for offset, length in _records(path):
                example = self._example(path, offset, length)
                known = self._id_field in example
                value = example[self._id_field].bytes_list.value if known else ()
                if len(value) != 1:
                    raise ValueError(
                        f"{path}: the record at byte {offset} has no field "
                        f"'{self._id_field}' with an id; its fields are "
                        f"{sorted(example)}"
                    )
                names.append(value[0].decode())
                places.append((number, offset, length))
        self._places = np.array(places, np.int64).reshape(-1, 3)
        return names

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video."""
        entry = self._entry(video_id)
        return self.path if entry is None else self._files[self._places[entry.row][0]]

    def _example(self, path: pathlib.Path, offset: int, length: int):
        """Reads the fields of a record."""
        import tensorflow as tf

        data = read_record(path, offset, length)
        return tf.train.Example.FromString(data).features.feature

    def _read(self, entry: Entry) -> np.ndarray:
        number, offset, length = self._places[entry.row].tolist()
        fields = self._example(self._files[number], offset, length)
        field = fields[self._features_field]
        if field.float_list.value:
            values = np.array(field.float_list.value, np.float32)
        elif len(field.bytes_list.value) == 1:
            dtype = np.dtype(self.spec.get("dtype", "float32")).newbyteorder("<")
            data = field.bytes_list.value[0]
            if len(data) % dtype.itemsize:
                raise ValueError(
                    f"{self.where(entry.video)}: {len(data)} bytes are no {dtype.name}"
                )
            values = np.frombuffer(data, dtype)
        else:
            values = np.zeros(0, np.float32)
        if values.size % self.spec["dim"]:
            raise ValueError(
                f"{self.where(entry.video)}: {values.size} numbers are no rows of "
                f"{self.spec['dim']}"
            )
        return values.reshape(-1, self.spec["dim"])

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        return self._read(entry).shape


def _is_records(path: pathlib.Path) -> bool:
    """Tells by its name whether a file holds TFRecords."""
    return ".tfrecord" in path.name and not path.name.startswith(".")


def _records(path: pathlib.Path) -> Iterator[tuple[int, int]]:
    """Yields where each record of a file begins and how long its data are.

    Raises:
        ValueError: The file does not end with a record.
    """
    size, offset = path.stat().st_size, 0
    with open(path, "rb") as file:
        while offset < size:
            file.seek(offset)
            head = file.read(_LENGTH.size)
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else size
            if offset + length + OVERHEAD_BYTES > size:
                raise ValueError(f"{path}: no whole record at byte {offset}")
            yield offset, length
            offset += length + OVERHEAD_BYTES
