"""What a packed data set was made of, and whether that is still so.

A packed data set notes the roles of dataset.json, a checksum of each annotation file
and a fingerprint of the features. The fingerprint looks at names and sizes, not at all
of the data: a file that was changed in the middle without changing its size is not
noticed.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from ahernet_tf.data.features.feature_store import DESCRIPTION_FILE

_EDGE_BYTES = 1 << 20  # looked at on both ends of a file
_SIZED_FILES = 1000  # of a directory, so many files are asked for their size
_ROLES = ("untrimmed", "moments", "test", "oracle", "ignored_classes")


def provenance(
    directory: pathlib.Path,
    content: dict[str, Any],
    annotations: Iterable[str],
    features: Iterable[str],
) -> dict[str, Any]:
    """Describes what a data set is made of; files that are not there get None.

    Args:
        directory: Directory of the data set.
        content: What dataset.json holds; empty where it is not there.
        annotations: Annotation files and tables, relative to the directory.
        features: Files or directories of features, relative to the directory.
    """
    return {
        "dataset.json": {key: content[key] for key in _ROLES if key in content},
        "annotations": {name: checksum(directory / name) for name in annotations},
        "features": {name: fingerprint(directory / name) for name in features},
    }


def changes(packed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Lists what has changed since a data set was packed; what is gone has not.

    Args:
        packed: `provenance` when it was packed.
        now: What it is now.
    """
    found = []
    before, after = packed["dataset.json"], now["dataset.json"]
    for key in sorted(before.keys() | after.keys()) if after else ():
        if before.get(key) != after.get(key):
            found.append(f"dataset.json: '{key}' has changed")
    for kind in ("annotations", "features"):
        for name, value in packed[kind].items():
            current = now[kind].get(name)
            if current is not None and current != value:
                found.append(f"{name} has changed")
    return found


def fingerprint(path: pathlib.Path) -> str | None:
    """Returns a text that changes when features are added, removed or made anew.

    Of a file it covers the size and both ends; of a directory its features.json, the
    names in it and its subdirectories, and the sizes of up to 1,000 of its files.
    """
    if path.is_dir():
        return _fingerprint_of_directory(path)
    if not path.is_file():
        return None
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_EDGE_BYTES))
        file.seek(max(0, size - _EDGE_BYTES))
        digest.update(file.read(_EDGE_BYTES))
    return digest.hexdigest()


def _fingerprint_of_directory(path: pathlib.Path) -> str:
    """Combines names and sizes so that the order of the listing does not matter."""
    total = count = 0

    def names(folder: pathlib.Path, above: str) -> Iterator[tuple[bytes, str]]:
        nonlocal total, count
        with os.scandir(folder) as entries:
            for entry in entries:
                name = above + entry.name
                if entry.name.startswith("."):
                    continue
                if os.path.isdir(entry):
                    yield from names(folder / entry.name, f"{name}/")
                    continue
                digest = hashlib.sha256(name.encode()).digest()
                count += 1
                total += int.from_bytes(digest, "big")
                yield digest, name

    chosen = heapq.nsmallest(_SIZED_FILES, names(path, ""))
    facts = [f"{name} {(path / name).stat().st_size}" for _, name in chosen]
    facts.append(str(checksum(path / DESCRIPTION_FILE)))
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    return f"{count}-{total % 2**256:064x}-{digest}"


def checksum(path: pathlib.Path) -> str | None:
    """Returns the SHA-256 of a file's content, or None where there is no file."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_EDGE_BYTES):
            digest.update(block)
    return digest.hexdigest()
