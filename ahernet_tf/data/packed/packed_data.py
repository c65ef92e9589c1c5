"""Finds a packed data set, and refuses it where it is damaged or out of date."""

from __future__ import annotations

import os
import pathlib
from typing import Any, NamedTuple

from ahernet_tf.data.checks import DataError
from ahernet_tf.data.description import DESCRIPTION
from ahernet_tf.data.features.packed_store import PackedStore
from ahernet_tf.data.packed.provenance import changes, checksum, provenance
from ahernet_tf.files import naming, read_json

DIRECTORY = "packed"  # beside dataset.json
PLAN = "plan.json"
FINISHED = "packed.json"
VERSION = 2

_FIRST_VERSION = "records.json"  # what version 1 wrote last
_REMEDY = (
    "Pack again (python -m data_tools.pack --replace), or move the packed data away to "
    "read the features."
)


class Place(NamedTuple):
    """Where a data set is read.

    Attributes:
        directory: The data set itself, or its packed form.
        skip_bad: Whether the packed form lacks videos that were faulty.
        counts: Sentences for the report, with a number each.
    """

    directory: pathlib.Path
    skip_bad: bool
    counts: dict[str, int]


def place_of(directory: pathlib.Path, packed: str | os.PathLike | bool) -> Place:
    """Decides where a data set is read.

    Args:
        directory: The data set, or a packed one itself.
        packed: Where its packed form is; True: beside dataset.json, if it is there;
            False: the features are read.

    Raises:
        DataError: There is no packed form where the caller says it is; or it is
            damaged, of an earlier version, or does not fit the data set any more.
    """
    if packed is False:
        return Place(directory, False, {})
    beside = directory / DIRECTORY
    for place in [directory, beside] if packed is True else [pathlib.Path(packed)]:
        if (place / FINISHED).is_file():
            content = require_fit(place, directory)
            text = f"{place}: videos that are read packed ({content['dtype']})"
            count = sum(content["videos"].values())
            return Place(place, content["skip_bad"], {text: count})
        if (place / _FIRST_VERSION).exists() and (place / PLAN).exists():
            raise DataError(f"{place}: was packed by an earlier version. {_REMEDY}")
    if packed is not True:
        raise DataError(f"{packed}: no packed data set, or it is not finished")
    if not (beside / PLAN).exists():
        return Place(directory, False, {})
    text = f"{beside}: packing is not finished, the features are read instead"
    return Place(directory, False, {text: 1})


def require_fit(place: pathlib.Path, data: pathlib.Path | None) -> dict[str, Any]:
    """Refuses a packed data set that is damaged or does not fit what it was made of.

    Args:
        place: Where it lies.
        data: Directory of the data set it was made of; what is there must not have
            changed, what is not is not missed. None: the packed one is all there is.

    Returns:
        What packed.json holds.

    Raises:
        DataError: Names every file that is damaged, and everything that has changed.
    """
    path = place / FINISHED
    try:
        content = read_json(path)
        with naming(path):
            if content["version"] != VERSION:
                raise DataError(f"was packed by another version. {_REMEDY}")
            _check_form(content)
            damaged = [
                f"{place / name}: is missing, or not as {FINISHED} says"
                for name, expected in content["sha256"].items()
                if expected is None or checksum(place / name) != expected
            ]
            changed = []
            if data is not None and data != place:
                made_of = content["provenance"]
                changed = changes(made_of, _provenance_now(data, made_of))
    except (OSError, ValueError) as error:
        raise DataError(str(error)) from error
    if damaged:
        raise DataError("\n".join([*damaged, _REMEDY]))
    if changed:
        raise DataError(
            f"{place}: the packed data do not fit any more: {'; '.join(changed)}. "
            f"{_REMEDY}"
        )
    return content


def _check_form(content: dict[str, Any]) -> None:
    """Refuses a packed.json whose fields are missing or of another kind."""
    forms = {"dtype": str, "skip_bad": bool, "videos": dict, "sha256": dict}
    wrong = [name for name, form in forms.items() if type(content[name]) is not form]
    if wrong or not all(type(count) is int for count in content["videos"].values()):
        raise ValueError(f"expected {', '.join(wrong or ['videos'])} of another form")


def verify(place: pathlib.Path) -> int:
    """Reads everything in a packed data set and compares all checksums.

    Returns:
        The number of videos.

    Raises:
        DataError: Names every file and video that is damaged.
    """
    content = require_fit(place, None)
    faults, count = [], 0
    for name in content["videos"]:
        try:
            store = PackedStore(place / name)
        except ValueError as error:
            faults.append(str(error))
            continue
        for video in store.ids():
            count += 1
            try:
                store.read(video)
            except ValueError as error:
                faults.append(str(error))
    if faults:
        raise DataError("\n".join([*faults, _REMEDY]))
    return count


def _provenance_now(data: pathlib.Path, packed: dict[str, Any]) -> dict[str, Any]:
    """Describes what the data set is made of now."""
    there = (data / DESCRIPTION).exists()
    content = read_json(data / DESCRIPTION) if there else {}
    return provenance(data, content, packed["annotations"], packed["features"])
