"""Reads archives of arrays; writes a matrix to a file row by row."""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib

import numpy as np

from ahernet_tf.files import whole_file

_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER_BYTES = 128  # of the whole header, a multiple of 64 as the format asks


def read_npz(path: str | os.PathLike, names=None) -> dict[str, np.ndarray]:
    """Reads the arrays of an `.npz` file, without unpickling.

    Args:
        path: the file.
        names: the arrays to read; None reads all.

    Raises:
        ValueError: the file is missing or damaged, is no archive, or lacks a name.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names or file.files}
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file.") from None
    except KeyError as error:
        raise ValueError(f"{path}: holds no array {error}.") from None
    except (
        *(EOFError, OSError, TypeError, ValueError, AttributeError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        raise ValueError(f"{path}: no readable .npz file ({error}).") from error


class NpyRowWriter:
    """Writes a matrix to an `.npy` file row by row, without holding it.

    The file appears on `close`; `discard` leaves nothing behind.

    Args:
        path: the file to appear.
        columns: length of a row.
        dtype: a NumPy type.
    """

    def __init__(self, path: str | os.PathLike, columns: int, dtype):
        self.rows = 0
        self._columns = columns
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._stack = contextlib.ExitStack()
        temporary = self._stack.enter_context(whole_file(path))
        self._file = self._stack.enter_context(temporary.open("wb"))
        self._file.write(b"\0" * _NPY_HEADER_BYTES)

    def write(self, row) -> None:
        """Appends one row.

        Raises:
            ValueError: the row is of another length, or holds values that the type
                cannot.
        """
        row = np.asarray(row)
        with np.errstate(over="ignore"):
            stored = row.astype(self._dtype)
        if stored.shape != (self._columns,) or not np.all(np.isfinite(stored)):
            raise ValueError(
                f"Expected {self._columns} numbers that fit into {self._dtype}, "
                f"received shape {row.shape} from {row.min()} to {row.max()}."
            )
        self._file.write(stored.tobytes())
        self.rows += 1

    def close(self) -> None:
        """Completes the file and lets it appear."""
        header = (
            f"{{'descr': '{self._dtype.str}', 'fortran_order': False, "
            f"'shape': ({self.rows}, {self._columns}), }}"
        ).encode("ascii")
        room = _NPY_HEADER_BYTES - len(_NPY_MAGIC) - 2
        self._file.seek(0)
        self._file.write(_NPY_MAGIC + room.to_bytes(2, "little"))
        self._file.write(header.ljust(room - 1) + b"\n")
        self._stack.close()

    def discard(self) -> None:
        """Removes what was written so far; nothing appears."""
        with contextlib.suppress(_DiscardedError), self._stack:
            raise _DiscardedError


class _DiscardedError(Exception):
    """Unwinds a writer without letting its file appear."""
