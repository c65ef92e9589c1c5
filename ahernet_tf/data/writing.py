"""Writes text files whole or not at all."""

from __future__ import annotations

import os
import pathlib


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a text file as UTF-8; missing directories are made.

    The text goes to a temporary file beside the path, which then takes its place.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
