"""TFRecord files read at any place, and the numbers inside their records.

A TFRecord file is a chain of records: length (8 bytes), checksum of the length (4),
data, checksum of the data (4). Who knows where a record begins can read it alone, and
its checksum tells whether it is whole.
"""

from __future__ import annotations

import os
import pathlib
import struct

import numpy as np

OVERHEAD_BYTES = 16  # of a record, beside its data
DTYPES = ("float16", "float32")

_HEADER = struct.Struct("<QI")
_MASK_DELTA = 0xA282EAD8
_BLOCK = 1 << 16  # numbers converted at once; they stay in the CPU cache
_HALF_BITS = np.uint32(0x8FFFE000).astype(np.int32)  # sign, exponent, mantissa
_HALF_SCALE = np.float32(2.0**112)  # exponent bias of float32 less that of float16
HALF_MAX = 65504.0
HALF_TINY = 2.0**-14  # smaller float16 numbers have fewer digits; we store 0


def masked_crc32c(data: bytes) -> int:
    """Returns TFRecord's checksum of some bytes.

    Raises:
        ValueError: The package that computes it is not installed.
    """
    try:
        import google_crc32c
    except ImportError as error:
        raise ValueError(
            "Packed records need the package google-crc32c: pip install google-crc32c"
        ) from error
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def read_record(path: str | pathlib.Path, offset: int, length: int) -> bytes:
    """Reads one record of a TFRecord file and checks it.

    Args:
        path: The file.
        offset: Where the record begins.
        length: Bytes of its data.

    Returns:
        Its data.

    Raises:
        ValueError: There is no such record, or a checksum is wrong.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        head = os.pread(descriptor, 12, offset)
        data = os.pread(descriptor, length, offset + 12)
        tail = os.pread(descriptor, 4, offset + 12 + length)
    finally:
        os.close(descriptor)
    if len(tail) < 4:
        raise ValueError(f"{path}: ends before the record at byte {offset} does")
    stated, crc = _HEADER.unpack(head)
    if stated != length or crc != masked_crc32c(head[:8]):
        raise ValueError(f"{path}: no record of {length} bytes at byte {offset}")
    if int.from_bytes(tail, "little") != masked_crc32c(data):
        raise ValueError(f"{path}: the record at byte {offset} is damaged")
    return data


def fault_of_values(values: np.ndarray, dtype: str) -> str | None:
    """Says why numbers cannot be packed, or returns None where they can.

    Args:
        values: Any floating-point array.
        dtype: One of `DTYPES`.
    """
    if not np.isfinite(values.sum(dtype=np.float64)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            clip, channel = bad[0]
            return (
                f"{values[clip, channel]} in the features ({len(bad)} values, first "
                f"at clip {clip}, channel {channel})"
            )
    if dtype == "float16" and values.dtype != np.float16:
        size = np.abs(values)
        if size.max(initial=0.0) > HALF_MAX:
            return f"{size.max()} does not fit float16; pack as float32"
        small = np.count_nonzero((size > 0) & (size < HALF_TINY))
        if small > 0.05 * max(1, np.count_nonzero(size)):
            return (
                f"{small} of {size.size} values are smaller than {HALF_TINY:.1e}, too "
                "small for float16; pack as float32"
            )
    return None


def encode(values: np.ndarray, dtype: str) -> bytes:
    """Returns numbers as bytes, float16 or float32, little endian.

    In float16, numbers smaller than 2^-14 become 0, so that `decode` is fast.
    """
    if dtype == "float32":
        return np.ascontiguousarray(values, "<f4").tobytes()
    half = values.astype("<f2")
    half[np.abs(half) < np.float16(HALF_TINY)] = 0
    return half.tobytes()


def decode(data: bytes, begin: int, rows: int, channels: int, dtype: str) -> np.ndarray:
    """Reads what `encode` wrote, as float32.

    NumPy converts float16 number by number. Here the bits of a block are moved to
    where float32 has them and its exponents are corrected by one multiplication,
    which is exact for all that `encode` writes, and several times faster.

    Args:
        data: Bytes that hold the numbers.
        begin: Where they begin.
        rows: Number of rows.
        channels: Numbers in a row.
        dtype: One of `DTYPES`.

    Returns:
        Array `[rows, channels]`, float32.
    """
    count = rows * channels
    if dtype == "float32":
        values = np.frombuffer(data, "<f4", count, begin)
        return values.reshape(rows, channels).astype(np.float32)
    half = np.frombuffer(data, "<i2", count, begin)
    result = np.empty(count, np.float32)
    bits = result.view(np.int32)
    for first in range(0, count, _BLOCK):
        block = slice(first, first + _BLOCK)
        bits[block] = half[block]
        np.left_shift(bits[block], 13, out=bits[block])
        np.bitwise_and(bits[block], _HALF_BITS, out=bits[block])
        np.multiply(result[block], _HALF_SCALE, out=result[block])
    return result.reshape(rows, channels)
