"""Feature stores with a file per video: npy, npz, pt."""

from __future__ import annotations

import abc
import os
import pathlib
import zipfile
from collections.abc import Iterable

import numpy as np

from ahernet_tf.data.features import array_files
from ahernet_tf.data.features.feature_store import read_description
from ahernet_tf.data.features.indexed_store import Entry, IndexedStore
from ahernet_tf.data.features.torch_files import load_torch, require_torch


class DirectoryStore(IndexedStore):
    """A directory with a file per video.

    A format of such files is a class below this one that reads one file. What has
    another ending, is hidden or is no regular file is not looked at.

    Attributes:
        endings: Of its files' names, in lower case, the usual one first.
    """

    endings: tuple[str, ...]
    has_arrays = False  # several in a file, one of which the entry may name

    @abc.abstractmethod
    def _read_file(self, path: pathlib.Path) -> np.ndarray:
        """Reads the sequence of a file."""

    def _shape_of_file(self, path: pathlib.Path) -> tuple[int, ...]:
        """Finds the shape of a file's sequence."""
        return self._read_file(path).shape

    def _names(self) -> Iterable[str]:
        if not self.path.is_dir():
            raise ValueError("is no directory")
        if "array" in self.spec and not self.has_arrays:
            raise ValueError(
                f"array: {self.endings[0]} files hold one array each, without a name"
            )
        self.description = read_description(self.path)
        with os.scandir(self.path) as entries:
            self._files = sorted(
                e.name
                for e in entries
                if e.name.lower().endswith(self.endings)
                and not e.name.startswith(".")
                and os.path.isfile(e)
            )
        return [os.path.splitext(name)[0] for name in self._files]

    def _read(self, entry: Entry) -> np.ndarray:
        return self._read_file(self._file(entry))

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        return self._shape_of_file(self._file(entry))

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        entry = self._entry(video_id)
        if entry is not None:
            return self.path / self._files[entry.row]
        return self.path / f"{self.template.name(video_id)}{self.endings[0]}"

    def missing(self, video_id: str) -> str:
        """Says that a video has no features, and what is there in their place."""
        path = self.file_of(video_id)
        if path.is_dir():
            return f"has no features: {path.name} is a directory"
        if path.is_symlink():
            return f"has no features: {path.name} is a link to nothing"
        return super().missing(video_id)

    def _file(self, entry: Entry) -> pathlib.Path:
        path = self.path / self._files[entry.row]
        require_inside(path, self.path, self.spec)
        return path


class NpyStore(DirectoryStore):
    """A directory with one npy file per video."""

    endings = (".npy",)

    def _read_file(self, path: pathlib.Path) -> np.ndarray:
        return array_files.array_of(path.read_bytes())

    def _shape_of_file(self, path: pathlib.Path) -> tuple[int, ...]:
        with open(path, "rb") as file:
            return array_files.npy_header(file.read(array_files.HEADER_BYTES))[0]


class NpzFilesStore(DirectoryStore):
    """A directory with one npz file per video, each with one array.

    Files with several arrays need `array`, the name of the one to read.
    """

    endings = (".npz",)
    has_arrays = True

    def _read_file(self, path: pathlib.Path) -> np.ndarray:
        with zipfile.ZipFile(path) as archive:
            member = self._member(archive)
            return array_files.array_of(array_files.member_bytes(archive, member))

    def _shape_of_file(self, path: pathlib.Path) -> tuple[int, ...]:
        with zipfile.ZipFile(path) as archive:
            member, most = self._member(archive), array_files.HEADER_BYTES
            start = array_files.member_bytes(archive, member, most)
            return array_files.npy_header(start)[0]

    def _member(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        """Decides which array of a file is meant."""
        arrays = array_files.npz_members(archive)
        wanted = self.spec.get("array")
        if wanted is None and len(arrays) == 1:
            return next(iter(arrays.values()))
        if wanted not in arrays:
            raise ValueError(
                f"expected {'one array' if wanted is None else f'the array {wanted!r}'}"
                f", found {list(arrays)}; name one with --array of make_dataset, or as "
                "'array' among the features in dataset.json"
            )
        return arrays[wanted]


class PtStore(DirectoryStore):
    """A directory with one file per video that PyTorch saved: a tensor.

    PyTorch must be installed. Only tensors are loaded, never code.
    """

    endings = (".pt", ".pth")

    def _names(self) -> Iterable[str]:
        require_torch()
        return super()._names()

    def _read_file(self, path: pathlib.Path) -> np.ndarray:
        import torch

        value = load_torch(path)
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"expected a tensor, received {type(value).__name__}")
        if value.dtype == torch.bfloat16:
            value = value.float()
        return value.detach().numpy()


def require_inside(path: pathlib.Path, store: pathlib.Path, spec: dict) -> None:
    """Refuses a link that leads out of a store, unless the entry allows it.

    Args:
        path: File or directory in the store.
        store: Directory of the store.
        spec: The `features` entry of dataset.json.

    Raises:
        ValueError: It leads out of the store.
    """
    if spec.get("follow_links") or not path.is_symlink():
        return
    target = path.resolve()
    if not target.is_relative_to(store.resolve()):
        raise ValueError(
            f"is a link out of the store, to {target}; if that is meant, say "
            "--follow_links to make_dataset, or 'follow_links': true among the "
            "features in dataset.json"
        )
