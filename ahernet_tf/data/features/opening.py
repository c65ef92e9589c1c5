"""Opens feature stores: one sequence `[clips, channels]` of clip features a video."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from ahernet_tf.data.features.container_stores import Hdf5Store, TfrecordStore
from ahernet_tf.data.features.feature_store import (
    DESCRIPTION_FILE,
    FeatureStore,
    IndexedStore,
    read_description,
)
from ahernet_tf.data.features.file_stores import (
    DIRECTORY_STORES,
    CsvStore,
    NpyStore,
    NpzStore,
)
from ahernet_tf.data.features.joined_stores import ConcatenatedStore, UnionStore
from ahernet_tf.data.features.time_model import TimeModel, VideoInfo

__all__ = [
    "CsvStore",
    "FeatureStore",
    "NpyStore",
    "NpzStore",
    "TimeModel",
    "VideoInfo",
    "check_description",
    "open_store",
    "paths_of",
    "store_key",
    "with_paths",
]

FORMATS = ("npz", "npy", "csv", "pt", "hdf5", "tfrecord")
_FILE_STORES: dict[str, type[IndexedStore]] = {
    store.format: store for store in (NpzStore, Hdf5Store, TfrecordStore)
}
_ENDINGS = {".h5": "hdf5", ".hdf5": "hdf5", ".hdf": "hdf5", ".npz": "npz"}
# Fields of a features entry that say where and how sequences are stored.
_WHERE = ("path", "format", "template", "array", "parts", "id_field", "features_field")
_TIME = ("clip_frames", "stride_frames", "fps", "covers", "resampled")


def open_store(path: str | pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens a feature store and checks that its own description agrees with `spec`.

    Args:
        path: An npz, HDF5 or TFRecord file, or a directory with a npy, npz, csv or pt
            file a video, or of TFRecord files; or one that holds such directories
            only, with different videos, such as one a class.
        spec: The `features` entry of dataset.json. `format` may be left out where the
            ending of the file, features.json or the files of the directory tell it.
            `template` is the name of a sequence, by default `{video}`. What single
            formats need beside that, their classes say (`feature_files`,
            `feature_containers`).

    Raises:
        ValueError: The path does not exist or holds no such store, or `features.json`
            declares another time model or dimension than `spec`.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist")
    if folders := _folders(path):
        return UnionStore([open_store(folder, spec) for folder in folders], path)
    name = spec.get("format") or _guess_format(path)
    if name not in FORMATS:
        raise ValueError(f"{path}: expected a format of {FORMATS}, received {name!r}")
    stores = _FILE_STORES
    if path.is_dir() and name != "tfrecord":
        stores = DIRECTORY_STORES
    if name not in stores:
        kind = "directories" if path.is_dir() else "single files"
        raise ValueError(f"{path}: {name} stores are no {kind}")
    store = stores[name](path, spec)
    check_description(store, spec)
    return store


def open_features(directory: pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens what a `features` entry of dataset.json names.

    Args:
        directory: Paths in the entry are relative to it.
        spec: As for `open_store`, with `path`. A list of paths is several stores with
            different videos. `parts` instead of `path` is a list of such entries with
            the same videos, whose channels are put together; a part's time model is
            that of the whole where it does not say otherwise.

    Raises:
        ValueError: As `open_store`; or the parts cannot be brought together.
    """
    store = _open_features(directory, spec)
    store.entry = spec
    return store


def _open_features(directory: pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    if "parts" in spec:
        whole = {key: spec[key] for key in _TIME if key in spec}
        parts = [{**whole, **part} for part in spec["parts"]]
        stores = [open_features(directory, part) for part in parts]
        models = [
            TimeModel.from_spec({**store.description, **part})
            for store, part in zip(stores, parts)
        ]
        return ConcatenatedStore(stores, models)
    paths = spec["path"]
    if isinstance(paths, str):
        return open_store(directory / paths, spec)
    return UnionStore([open_store(directory / path, spec) for path in paths])


def fault_of_entry(spec: Any) -> str | None:
    """Says what is wrong with the form of a `features` entry, or returns None."""
    if not isinstance(spec, dict):
        return "expected an object with a path"
    if "parts" in spec:
        parts = spec["parts"]
        if not isinstance(parts, list) or not parts or "path" in spec:
            return "parts: expected a list of entries, and no path beside it"
        faults = (fault_of_entry(part) for part in parts)
        return next((f"parts: {fault}" for fault in faults if fault), None)
    path = spec.get("path")
    if isinstance(path, str):
        return None
    if isinstance(path, list) and path and all(isinstance(p, str) for p in path):
        return None
    return "expected an object with a path"


def paths_of(spec: dict[str, Any]) -> list[str]:
    """Returns all paths that a `features` entry names."""
    if "parts" in spec:
        return [path for part in spec["parts"] for path in paths_of(part)]
    return [spec["path"]] if isinstance(spec["path"], str) else list(spec["path"])


def with_paths(spec: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Returns a `features` entry with all its paths changed, also that of a table."""
    changed = dict(spec)
    if "parts" in spec:
        changed["parts"] = [with_paths(part, change) for part in spec["parts"]]
    for name in ("path", "covered_durations"):
        if spec.get(name) is not None:
            one = isinstance(spec[name], str)
            changed[name] = change(spec[name]) if one else [*map(change, spec[name])]
    return changed


def store_key(spec: dict[str, Any]) -> str:
    """Returns what tells stores apart: entries of one key name the same store."""
    return json.dumps({k: spec[k] for k in _WHERE if k in spec}, sort_keys=True)


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


def _folders(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the directories in a directory that holds nothing else."""
    if not path.is_dir():
        return []
    folders = []
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                if not entry.is_dir():
                    return []
                folders.append(path / entry.name)
    return sorted(folders)


def _guess_format(path: pathlib.Path) -> str:
    """Finds out the format of a store from what lies there."""
    if path.is_file():
        if ".tfrecord" in path.name:
            return "tfrecord"
        return _ENDINGS.get(path.suffix, path.suffix.removeprefix("."))
    description = read_description(path)
    if description:
        return str(description.get("format", "npy"))
    present = set()
    with os.scandir(path) as entries:
        for entry in entries:
            if ".tfrecord" in entry.name:
                present.add("tfrecord")
            elif (ending := pathlib.PurePath(entry.name).suffix[1:]) in FORMATS:
                present.add(ending)
    if len(present) != 1:
        expected = "npy, npz, csv or pt files, of one kind"
        raise ValueError(f"{path}: expected {expected}, found {sorted(present)}")
    return present.pop()
