"""Writes files and directories whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

PARTIAL = ".partial"


@contextlib.contextmanager
def whole_file(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, whose file takes its place at the end.

    After an error nothing remains; missing directories are made. The temporary name
    is unique to process and machine.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = f"{socket.gethostname()}-{os.getpid()}"
    temporary = path.with_name(f".{path.name}.{owner}{PARTIAL}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_directory(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary directory beside `path`, which takes its place at the end.

    Being beside it, relative paths are the same there. After an error nothing remains;
    missing directories above are made.

    Raises:
        ValueError: `path` is a file, or a directory with something in it.
    """
    path = pathlib.Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{path}: expected a new or empty directory")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield made
        made.chmod(0o755)
        made.replace(path)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a text file as UTF-8; missing directories are made."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | pathlib.Path, content: Any) -> None:
    """Writes indented JSON; missing directories are made."""
    write_text(path, json.dumps(content, indent=1) + "\n")
