"""Writes files and directories whole or not at all; reads and writes JSON."""

from __future__ import annotations

import contextlib
import errno
import functools
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import socket
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

PARTIAL = ".partial"
_MOST_DIGITS = 300  # of a whole number in JSON
_MOST_INFLATED = 1 << 31  # bytes of a gzipped file
_LONGEST_NAME = 255  # bytes, on the usual file systems
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ABANDONED_AFTER_SEC = 24 * 3600.0

PathLike = str | os.PathLike


@contextlib.contextmanager
def whole_file(path: PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, whose file takes its place at the end.

    The file is on the disk before it takes the place. After an error nothing remains;
    missing directories are made. The temporary name is unique to process and machine.
    """
    path = pathlib.Path(path)
    temporary = _temporary(path)
    try:
        with full_disk_named(path):
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def full_disk_named(path: PathLike) -> Iterator[None]:
    """Lets the error of a full disk name the file that was written.

    Raises:
        OSError: The disk is full, or the file larger than it may be.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL and error.filename is None:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


@contextlib.contextmanager
def new_directory(path: PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary directory beside `path`, which takes its place at the end.

    Being beside it, relative paths are the same there. After an error nothing remains;
    missing directories above are made.

    Raises:
        ValueError: `path` is a file, or a directory with something in it.
    """
    path = pathlib.Path(path)
    check_new_directory(path)
    made = _temporary(path)
    made.mkdir()
    try:
        yield made
        made.replace(path)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _temporary(path: pathlib.Path) -> pathlib.Path:
    """Returns the temporary path beside `path`; removes what dead processes left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent.resolve())
    owner = f"{socket.gethostname()}-{os.getpid()}{PARTIAL}"
    name = f".{path.name}.{owner}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}.{owner}"
    return path.with_name(name)


@functools.lru_cache(maxsize=1024)
def _remove_abandoned(directory: pathlib.Path) -> None:
    """Removes the temporary files of dead processes, once per directory."""
    for name in os.listdir(directory):
        if name.startswith(".") and name.endswith(PARTIAL):
            path = directory / name
            if _is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
                with contextlib.suppress(OSError):
                    path.unlink()


def _is_abandoned(path: pathlib.Path) -> bool:
    """Tells whether nobody writes a temporary file any more.

    Its process, one of this machine, is gone; or nobody wrote to it for a day.
    """
    writer = path.name.removesuffix(PARTIAL)
    owner, _, process = writer.rpartition("-")
    try:
        if owner.endswith(f".{socket.gethostname()}") and process.isdecimal():
            os.kill(int(process), 0)
        return time.time() - path.stat().st_mtime > _ABANDONED_AFTER_SEC
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False


def check_output(path: PathLike, suffixes: tuple[str, ...] = ()) -> None:
    """Refuses a path that no file can be written to, before work starts.

    Args:
        path: Where a program will write a file.
        suffixes: Endings that its name may have, such as `.json.gz`; empty for any.

    Raises:
        ValueError: The path is a directory, lies below a file, cannot be written to, or
            ends otherwise.
    """
    text, path = os.fspath(path), pathlib.Path(path)
    if path.is_dir() or text.endswith(("/", os.sep)):
        raise ValueError(f"{text}: is a directory, expected the name of a file.")
    if suffixes and not path.name.endswith(suffixes):
        raise ValueError(f"{text}: expected a name that ends in {', '.join(suffixes)}.")
    check_directory(path.parent, text)


def check_directory(path: PathLike, name: str | None = None) -> None:
    """Refuses a directory that cannot be made or written to; it is not made.

    Args:
        path: Where a program will write files.
        name: What the error calls it; the path by default.

    Raises:
        ValueError: The path lies below a file, or nothing can be written there.
    """
    name = name or os.fspath(path)
    place = pathlib.Path(path).absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise ValueError(f"{name}: {place} is a file, not a directory.")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise ValueError(
            f"{name}: nothing can be written to {place} ({error.strerror})."
        ) from error


def check_new_directory(path: PathLike) -> None:
    """Refuses a directory that is there with something in it, or cannot be made.

    Raises:
        ValueError: It is a file, not empty, or nothing can be written there.
    """
    path = pathlib.Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{path}: expected a new or empty directory")
    check_directory(path)


def write_text(path: PathLike, text: str) -> None:
    """Writes a text file as UTF-8; missing directories are made."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: PathLike, content: Any, indent: int | None = 1) -> None:
    """Writes JSON, gzipped where the path ends in `.gz`; makes missing directories.

    Raises:
        ValueError: The content holds a NaN or an infinite number, or is no JSON.
    """
    path = pathlib.Path(path)
    try:
        text = json.dumps(content, indent=indent, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: cannot be written as JSON: {error}") from error
    data = (text + "\n").encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def read_bytes(path: PathLike) -> bytes:
    """Reads a file, gzipped or not, which is seen from its content.

    Raises:
        ValueError: It cannot be read, inflates to more than 2 GiB, or is a device, or a
            pipe, which would be waited for; those that a shell makes in `/dev` are
            read.
    """
    path = pathlib.Path(path)
    if path.is_char_device() or path.is_block_device():
        raise ValueError(f"{path}: cannot be read (it is a device)")
    if path.is_fifo() and path.parts[:2] != ("/", "dev"):
        raise ValueError(f"{path}: cannot be read (it is a pipe)")
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as stream:
                data = stream.read(_MOST_INFLATED)
                if stream.read(1):
                    raise EOFError(f"it inflates to more than {_MOST_INFLATED} bytes")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path}: cannot be read ({reason})") from error
    return data


def read_json(
    path: PathLike, repeated: Callable[[str, Any], None] | None = None
) -> Any:
    """Reads JSON in UTF-8 or UTF-16, with or without byte order mark, gzipped or not.

    Args:
        path: The file; whether it is gzipped is seen from its content.
        repeated: Called with key and value of every key that an object has again; the
            first value is kept. By default such a key is a fault.

    Raises:
        ValueError: The file is absent or holds no readable JSON.
    """
    path = pathlib.Path(path)
    faults: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) == len(pairs):
            return result
        result = {}
        for key, value in pairs:
            if key not in result:
                result[key] = value
            elif repeated is None:
                faults.append(key)
            else:
                repeated(key, value)
        return result

    data = read_bytes(path)
    try:
        text = data.decode(json.detect_encoding(data))
        content = json.loads(text, object_pairs_hook=unique, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        what = f"{path}: is not JSON ({error})"
        raise ValueError(f"{what}{_json_hint(error)}") from error
    if faults:
        raise ValueError(f"{path}: the key {faults[0]!r} is there twice.")
    return content


def _json_hint(error: Exception) -> str:
    """Says what to change where JSON is written as other languages write it."""
    if not isinstance(error, json.JSONDecodeError):
        return ""
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if after[:1] in ("}", "]") and before.endswith(","):
        return f": remove the comma before '{after[0]}'"
    if after.startswith("'"):
        return ": strings stand in double quotes (json.dump of Python writes them)"
    if after.startswith(("//", "/*", "#")):
        return ": JSON has no comments, remove them"
    return ""


def _integer(text: str) -> int:
    """Converts the digits of a whole number.

    Raises:
        ValueError: No floating-point number is as large.
    """
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"the number {text[:9]}... is too large")
    return int(text)


def shortened(text: object, most: int = 300) -> str:
    """Returns the text of a message on one line, cut to `most` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 4]} ..."


@contextlib.contextmanager
def naming(where: PathLike) -> Iterator[None]:
    """Turns whatever a reader raises inside into a ValueError that names its file.

    Libraries answer damaged files with errors of many kinds: overflow, recursion,
    memory, zip, zlib, a missing key. To who reads a file they mean one thing.

    Args:
        where: The file, and what in it.

    Raises:
        ValueError: Its message begins with `where` and is at most a few lines long.
    """
    try:
        yield
    except ValueError as error:
        text = getattr(error, "strerror", None) or str(error)
        text = shortened(text.removeprefix(f"{where}: "))
        raise ValueError(f"{where}: {text}") from error
    except Exception as error:
        text = shortened(getattr(error, "strerror", None) or error) or "no reason given"
        raise ValueError(
            f"{where}: cannot be read ({type(error).__name__}: {text})"
        ) from error
