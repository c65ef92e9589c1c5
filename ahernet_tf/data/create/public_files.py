"""Tells public annotation files, whatever they are called, by what is in them."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

from ahernet_tf.data.annotations.column_names import FACTS
from ahernet_tf.data.annotations.forms import form_of
from ahernet_tf.data.annotations.source import Source

FORMS_OF_ANNOTATIONS = (
    *("activitynet", "bsn", "csv", "thumos14_text", "kinetics", "k600_validation"),
)
LISTED_CLASSES = 600  # of Kinetics-600
_ENDINGS = ("json", "csv", "txt")


def public_files(paths: Iterable[str | pathlib.Path]) -> list[pathlib.Path]:
    """Lists files, and those in directories; THUMOS14's directory stays one."""
    found: list[pathlib.Path] = []
    for path in map(pathlib.Path, paths):
        if not path.exists():
            raise ValueError(f"--annotations: {path} does not exist")
        if path.is_dir() and public_form(path) is None:
            found += sorted(p for p in path.iterdir() if not p.name.startswith("."))
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def public_form(path: pathlib.Path) -> str | None:
    """Finds out how a file is written; None where it is nothing known.

    Raises:
        ValueError: It should be JSON, and is not.
    """
    source = Source(path)
    if not path.is_dir() and source.ending not in _ENDINGS:
        return None
    try:
        form, table = form_of(source), source.table
    except ValueError as error:
        if source.ending == "json":
            raise ValueError(f"{path}: {error}") from error
        return None
    if form is not None:
        return form
    if table is not None and "video" in table.columns and {*FACTS} & {*table.columns}:
        return "facts"
    lines = len(source.lines)
    return "classes" if source.ending == "txt" and lines == LISTED_CLASSES else None
