"""Reads npy data: never unpickles, never compiles, from many threads at once."""

from __future__ import annotations

import io
import re
from typing import BinaryIO

import numpy as np

_FIELDS = (
    r"""['"]descr['"]\s*:\s*['"]([^'"]+)['"]""",
    r"""['"]fortran_order['"]\s*:\s*(True|False)""",
    r"""['"]shape['"]\s*:\s*\(([\d,\sL]*)\)""",
)


def read_header(file: BinaryIO, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads shape, order and type at the start of an npy file.

    NumPy's own reader compiles the header as Python source, which is slow, and on
    Python 3.11 fails now and then when several threads do so at once.
    """
    start = file.read(8)
    if len(start) < 8 or not start.startswith(b"\x93NUMPY"):
        raise ValueError(f"{where}: is no npy array (begins with {start!r})")
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    header = file.read(length).decode("latin1")
    found = [re.search(pattern, header) for pattern in _FIELDS]
    if len(header) < length or not all(found):
        raise ValueError(f"{where}: is no npy array (its header is {header!r})")
    descr, order, shape = (match[1] for match in found)
    sizes = tuple(int(n.strip(" L")) for n in shape.split(",") if n.strip())
    try:
        return sizes, order == "True", np.dtype(descr)
    except TypeError as error:
        raise ValueError(f"{where}: is no npy array ({error})") from error


def parse(data: bytes, where: str) -> np.ndarray:
    """Interprets the bytes of an npy file; refuses pickled objects."""
    file = io.BytesIO(data)
    shape, fortran, dtype = read_header(file, where)
    if dtype.hasobject:
        raise ValueError(f"{where}: holds pickled objects, which are never read")
    count = int(np.prod(shape, dtype=np.int64))
    if len(data) - file.tell() < count * dtype.itemsize:
        raise ValueError(f"{where}: the file is cut short")
    values = np.frombuffer(data, dtype, count, file.tell())
    return values.reshape(shape, order="F" if fortran else "C")
