"""Opens feature stores: one sequence `[clips, channels]` of clip features per video."""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
import re
from typing import Any

from ahernet_tf.data.features.container_stores import Hdf5Store, NpzStore
from ahernet_tf.data.features.csv_store import CsvStore
from ahernet_tf.data.features.directory_stores import (
    NpyStore,
    NpzFilesStore,
    PtStore,
    require_inside,
)
from ahernet_tf.data.features.feature_entries import TIME
from ahernet_tf.data.features.feature_store import (
    DESCRIPTION_FILE,
    FeatureStore,
    read_description,
)
from ahernet_tf.data.features.indexed_store import IndexedStore
from ahernet_tf.data.features.joined_stores import ConcatenatedStore, UnionStore
from ahernet_tf.data.features.packed_store import PackedStore
from ahernet_tf.data.features.tfrecord_store import TfrecordStore
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.files import naming


@dataclasses.dataclass(frozen=True)
class StoreFormat:
    """One way in which sequences lie on the disk.

    Attributes:
        endings: Of its files, in lower case; numbers of shards may follow.
        one_file: What opens a single file with many videos, if there are such.
        directory: What opens a directory of its files, if there are such.
    """

    endings: tuple[str, ...]
    one_file: type[IndexedStore] | None = None
    directory: type[IndexedStore] | None = None

    def fits(self, name: str) -> bool:
        """Tells by its name whether a file is of this format."""
        endings = "|".join(map(re.escape, self.endings))
        pattern = rf"[^.].*({endings})([-_.]?\d+(-of-\d+)?)?"
        return bool(self.endings) and bool(re.fullmatch(pattern, name.lower()))


FORMATS: dict[str, StoreFormat] = {
    "npz": StoreFormat((".npz",), one_file=NpzStore, directory=NpzFilesStore),
    "npy": StoreFormat((".npy",), directory=NpyStore),
    "csv": StoreFormat(CsvStore.endings, directory=CsvStore),
    "pt": StoreFormat(PtStore.endings, directory=PtStore),
    "hdf5": StoreFormat((".h5", ".hdf5", ".hdf"), one_file=Hdf5Store),
    "tfrecord": StoreFormat(
        (".tfrecord", ".tfrecords"), one_file=TfrecordStore, directory=TfrecordStore
    ),
    "packed": StoreFormat((), directory=PackedStore),
}
_OTHERS = 4  # files of other formats are passed over where they are so many times fewer
_HINTS = {
    ".gz": "unpack the files",
    ".txt": "call tables of numbers .csv",
    ".zip": "unpack the files",
    **dict.fromkeys((".mat", ".json", ".parquet", ".mdb"), "save the arrays as npy"),
    "hdf5": "a file holds many videos: give the file, or save the arrays as npy",
}
_PICKLES = (".pkl", ".pickle", ".p", ".joblib")


def open_store(path: str | pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens a feature store and checks that its own description agrees with `spec`.

    Args:
        path: An npz, HDF5 or TFRecord file, or a directory with a npy, npz, csv or pt
            file per video, or of TFRecord files; or one that holds such directories,
            with different videos, such as one per class.
        spec: The `features` entry of dataset.json. `format` may be left out where the
            ending of the file, features.json or the files of the directory tell it.
            `template` is the name of a sequence, by default `{video}`; `transposed`
            says that arrays are `[channels, clips]`; `follow_links` allows links that
            lead out of the store. What single formats need beside that, their
            classes say.

    Raises:
        ValueError: The path does not exist or holds no such store, or `features.json`
            declares another time model or dimension than `spec`.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist")
    name = spec.get("format")
    if name is not None and name not in FORMATS:
        raise ValueError(
            f"{path}: expected a format of {list(FORMATS)}, received {name!r}"
        )
    if path.is_dir():
        store = _open_directory(path, spec)
    elif path.is_file():
        store = _open_file(path, spec)
    else:
        raise ValueError(f"{path}: is neither a directory nor a regular file")
    check_description(store, spec)
    return store


def open_features(directory: pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens what a `features` entry of dataset.json names.

    Args:
        directory: Paths in the entry are relative to it.
        spec: As for `open_store`, with `path`. A list of paths is several stores with
            different videos. `parts` instead of `path` is a list of such entries with
            the same videos, whose channels are put together; a part's time model and
            layout are those of the whole where it does not say otherwise.

    Raises:
        ValueError: As `open_store`; or the parts cannot be brought together.
    """
    store = _open_features(directory, spec)
    store.entry = spec
    return store


def _open_features(directory: pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    if "parts" in spec:
        inherited = (*TIME, "format", "array", "transposed", "follow_links")
        whole = {key: spec[key] for key in inherited if key in spec}
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


def check_description(store: FeatureStore, spec: dict[str, Any]) -> None:
    """Compares a store's own `features.json` with what dataset.json says of it.

    Raises:
        ValueError: They contradict each other.
    """
    for key in ("clip_frames", "stride_frames", "fps", "dim", "covers"):
        own, wanted = store.description.get(key), spec.get(key)
        if own is not None and wanted is not None and own != wanted:
            raise ValueError(
                f"{store.path / DESCRIPTION_FILE}: {key} is {own}, but {wanted} was "
                f"given (by dataset.json, or --{key})"
            )


def _open_file(path: pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens a single file."""
    name = spec.get("format") or _format_of(path.name)
    if name is None:
        raise ValueError(
            f"{path}: {_refusal([path.suffix])}; expected a format of {list(FORMATS)}"
        )
    if FORMATS[name].one_file is None:
        raise ValueError(
            f"{path}: {name} stores are no single files, but a directory of them; give "
            "the directory"
        )
    return FORMATS[name].one_file(path, spec)


def _open_directory(path: pathlib.Path, spec: dict[str, Any]) -> FeatureStore:
    """Opens a directory of files, or of directories of files."""
    name, said_in = spec.get("format"), path
    description = read_description(path)
    if name is None and description:
        name, said_in = str(description.get("format", "npy")), path / DESCRIPTION_FILE
    files, folders, unknown = _contents(path)
    own = sum(files.values()) if name is None else files[name]
    below = {folder: _weight(path / folder, name) for folder in folders}
    if sum(below.values()) > own and not (description and own):
        used = [path / folder for folder in folders if below[folder]]
        for folder in used:
            with naming(folder):
                require_inside(folder, path, spec)
        return UnionStore([open_store(folder, spec) for folder in used], path)
    name = name or _most(path, files, unknown)
    if name not in FORMATS or FORMATS[name].directory is None:
        raise ValueError(f"{said_in}: {name} stores are no directories")
    return FORMATS[name].directory(path, spec)


def _contents(
    path: pathlib.Path,
) -> tuple[collections.Counter[str], list[str], collections.Counter[str]]:
    """Counts the files of a directory by format; lists folders; counts other endings.

    What is hidden, and features.json, is left out.
    """
    files, folders, unknown = collections.Counter(), [], collections.Counter()
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == DESCRIPTION_FILE:
                continue
            if os.path.isdir(entry):  # no error where links lead in a circle
                folders.append(entry.name)
            elif (name := _format_of(entry.name)) is not None:
                files[name] += 1
            else:
                unknown[os.path.splitext(entry.name)[1]] += 1
    return files, sorted(folders), unknown


def _weight(path: pathlib.Path, name: str | None) -> int:
    """Counts the feature files below a directory, of one format or of any."""
    files, folders, _ = _contents(path)
    own = sum(files.values()) if name is None else files[name]
    return own or sum(_weight(path / folder, name) for folder in folders)


def _most(path: pathlib.Path, files: collections.Counter[str], unknown) -> str:
    """Returns the format of nearly all files of a directory.

    Raises:
        ValueError: There is none, or several.
    """
    ranked = [
        (count, name)
        for name, count in files.most_common()
        if FORMATS[name].directory is not None
    ]
    if not ranked:
        found = _refusal(files or unknown or ["nothing"])
        raise ValueError(
            f"{path}: expected npy, npz, csv or pt files, of one kind, found {found}"
        )
    if len(ranked) > 1 and ranked[0][0] < _OTHERS * ranked[1][0]:
        kinds = " and ".join(f"{count} {name}" for count, name in ranked)
        raise ValueError(f"{path}: found {kinds} files; say which with --format")
    return ranked[0][1]


def _format_of(name: str) -> str | None:
    """Returns the format of a file by its name, or None."""
    fitting = (known for known, form in FORMATS.items() if form.fits(name))
    return next(fitting, None)


def _refusal(endings) -> str:
    """Says what files of endings that nothing reads are."""
    found = sorted(set(endings))
    hints = [hint for ending, hint in _HINTS.items() if ending in found]
    if hints:
        return f"{found}: {hints[0]}"
    if any(ending.lower() in _PICKLES for ending in found):
        return (
            f"{found}: pickled objects, not an array, which are never read; save "
            "arrays as npy"
        )
    return str(found)
