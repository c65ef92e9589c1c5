"""Writes a matrix to an npy file row by row, without holding it."""

from __future__ import annotations

import contextlib
import os

import numpy as np

from ahernet_tf.files import full_disk_named, whole_file


class NpyRowWriter:
    """Writes a matrix to an `.npy` file row by row, without holding it.

    The file appears on `close`; `discard` leaves nothing behind.

    Args:
        path: The file to appear.
        columns: Length of a row.
        dtype: A NumPy type.
    """

    def __init__(self, path: str | os.PathLike, columns: int, dtype):
        self.rows = 0
        self._path = path
        self._columns = columns
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._stack = contextlib.ExitStack()
        temporary = self._stack.enter_context(whole_file(path))
        self._file = self._stack.enter_context(temporary.open("wb"))
        self._write_header()

    def _write_header(self) -> None:
        """Writes the header; NumPy leaves room in it for any number of rows."""
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": self._dtype.str,
                "fortran_order": False,
                "shape": (self.rows, self._columns),
            },
        )

    def write(self, row) -> None:
        """Appends one row.

        Raises:
            ValueError: The row is of another length, or holds values that the type
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
        with full_disk_named(self._path):
            self._file.write(stored.tobytes())
        self.rows += 1

    def close(self) -> None:
        """Completes the file and lets it appear."""
        with full_disk_named(self._path):
            self._write_header()
            self._stack.close()

    def discard(self) -> None:
        """Removes what was written so far; nothing appears."""
        with contextlib.suppress(_DiscardedError), self._stack:
            raise _DiscardedError


class _DiscardedError(Exception):
    """Unwinds a writer without letting its file appear."""
