"""Reads npy and npz data: never unpickles, never makes more than the file holds."""

from __future__ import annotations

import io
import math
import os
import pathlib
import threading
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from ahernet_tf.files import naming

HEADER_BYTES = 1 << 14  # NumPy refuses longer headers, too
_PARSING = threading.Lock()
_LOCAL_HEADER = 30  # bytes before the name of a zip member


def npy_header(start: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Reads the header of an npy file.

    NumPy parses it as Python source, which on Python 3.11 fails now and then when
    several threads do so at once: they take turns.

    Args:
        start: The first `HEADER_BYTES` of the file, or more.

    Returns:
        Shape, whether columns come first, type, and where the numbers begin.

    Raises:
        ValueError: It is no npy file, or one of pickled objects.
    """
    file = io.BytesIO(start)
    try:
        with _PARSING:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                header = np.lib.format.read_array_header_1_0(file)
            else:
                header = np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        if start.startswith(b"version https://git-lfs"):
            raise ValueError("is a pointer of Git LFS: run git lfs pull") from error
        raise ValueError(f"is no npy array ({error})") from error
    shape, fortran, dtype = header
    if dtype.hasobject:
        raise ValueError(
            "holds pickled objects, which are never read; save an array of numbers"
        )
    if any(size < 0 for size in shape):
        raise ValueError(f"is no npy array (its shape is {shape})")
    return shape, fortran, dtype, file.tell()


def array_of(data: bytes) -> np.ndarray:
    """Interprets the bytes of an npy file.

    Raises:
        ValueError: They are none, hold pickled objects, or fewer numbers than stated,
            or more.
    """
    shape, fortran, dtype, begin = npy_header(data)
    count = math.prod(shape)
    if count * dtype.itemsize > len(data) - begin:
        raise ValueError(
            f"the file is cut short: {dtype} {shape} are {count * dtype.itemsize} "
            f"bytes, {len(data) - begin} are there"
        )
    if rest := len(data) - begin - count * dtype.itemsize:
        raise ValueError(f"{rest} bytes follow after {dtype} {shape}: a second array?")
    values = np.frombuffer(data, dtype, count, begin)
    return values.reshape(shape, order="F" if fortran else "C")


def npz_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Returns the arrays of an opened npz file by name.

    Raises:
        ValueError: Two have one name.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in members:
            raise ValueError(f"the array {name!r} is there twice")
        if name != member.filename:
            members[name] = member
    return members


def member_bytes(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int | None = None
) -> bytes:
    """Inflates an array of an npz file, or its start; never more than it declares.

    It is read by position, so that threads neither wait for one another nor share a
    place in the file, as `zipfile` has them do.

    Args:
        archive: The opened file.
        member: One of `npz_members`.
        most: Bytes wanted; None: all, whose checksum is compared.

    Raises:
        ValueError: It is damaged, or its compression is none of NumPy's.
    """
    file = archive.fp.fileno()
    header = os.pread(file, _LOCAL_HEADER, member.header_offset)
    if len(header) < _LOCAL_HEADER:
        raise ValueError("the data is damaged (no member where one is stated)")
    names = sum(int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
    begin = member.header_offset + _LOCAL_HEADER + names
    wanted = member.file_size if most is None else min(most, member.file_size)
    stored = wanted if most is not None else member.compress_size
    data = os.pread(file, min(stored, os.fstat(file).st_size), begin)
    if member.compress_type == zipfile.ZIP_DEFLATED and wanted:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, wanted)
        except zlib.error as error:
            raise ValueError(f"the data is damaged ({error})") from error
    elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compression {member.compress_type} is none of NumPy's")
    if most is None and (len(data), zlib.crc32(data)) != (wanted, member.CRC):
        raise ValueError("the data is damaged (its size or checksum is another)")
    return data


def read_npz(
    path: str | os.PathLike, names: Iterable[str] | None = None
) -> dict[str, np.ndarray]:
    """Reads the arrays of an npz file.

    Args:
        path: The file.
        names: The arrays to read; None reads all.

    Raises:
        ValueError: The file is missing or damaged, is no archive, or lacks a name.
    """
    if not pathlib.Path(path).is_file():
        raise ValueError(f"{path}: no such file.")
    with naming(os.fspath(path)), zipfile.ZipFile(path) as archive:
        members = npz_members(archive)
        wanted = list(members) if names is None else list(names)
        lacking = sorted(set(wanted) - members.keys())
        if lacking:
            raise ValueError(f"holds no array {', '.join(map(repr, lacking))}.")
        return {n: array_of(member_bytes(archive, members[n])) for n in wanted}
