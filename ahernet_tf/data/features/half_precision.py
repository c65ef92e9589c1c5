"""float16 features: what they cannot hold, and a quick way to read them.

NumPy converts float16 number by number. Here the bits of many numbers are moved to
where float32 has them; what then lacks is the difference of the two exponents' biases,
a factor of 2^112. A matrix product can take it into its weights.
"""

from __future__ import annotations

import numpy as np

#: What `widen` leaves out: exponent bias of float32 less that of float16, as a factor.
WIDENED = 2.0**112

_LARGEST = 65504.0
_SMALLEST_NORMAL = 2.0**-14  # smaller float16 numbers have fewer digits
_SMALL_SHARE = 0.05  # of the numbers may be smaller, and become 0
_BITS = np.uint32(0x8FFFE000).astype(np.int32)  # sign, exponent, mantissa
_BLOCK_ROWS = 32  # converted at once; they stay in the CPU cache


def fault_of_values(values: np.ndarray, dtype: str) -> str | None:
    """Says why clips cannot be kept in a type, or returns None where they can.

    Args:
        values: `[clips, channels]`, any floating type.
        dtype: "float16" or "float32".
    """
    if not np.isfinite(values.sum(dtype=np.float64)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            clip, channel = bad[0]
            return (
                f"{values[clip, channel]} in the features ({len(bad)} values, first "
                f"at clip {clip}, channel {channel})"
            )
    largest = np.finfo(dtype).max if dtype == "float32" else _LARGEST
    size = np.abs(values)
    if size.max(initial=0.0) > largest:
        more = "; pack as float32" if dtype == "float16" else ""
        return f"{size.max()} does not fit {dtype}{more}"
    if dtype == "float16" and values.dtype != np.float16:
        small = np.count_nonzero((size > 0) & (size < _SMALLEST_NORMAL))
        if small > _SMALL_SHARE * max(1, np.count_nonzero(size)):
            return (
                f"{small} of {size.size} values are smaller than "
                f"{_SMALLEST_NORMAL:.1e}, too small for float16; pack as float32"
            )
    return None


def to_float16(values: np.ndarray) -> np.ndarray:
    """Rounds numbers to float16; those below 2^-14 become 0, as `widen` needs it."""
    half = values.astype("<f2")
    half[np.abs(half) < np.float16(_SMALLEST_NORMAL)] = 0
    return half


def widen(out: np.ndarray, half: np.ndarray) -> None:
    """Writes float16 numbers, divided by `WIDENED`, as float32.

    Exact for all that `to_float16` returns.

    Args:
        out: Where to write, float32.
        half: Finite numbers, float16, of the same shape.
    """
    bits = out.view(np.int32)
    bits[...] = half.view(np.int16)
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _BITS, out=bits)


def to_float32(half: np.ndarray) -> np.ndarray:
    """Returns clips `[clips, channels]` that `to_float16` returned, as float32."""
    result = np.empty(half.shape, np.float32)
    for begin in range(0, len(half), _BLOCK_ROWS):
        block = result[begin : begin + _BLOCK_ROWS]
        widen(block, half[begin : begin + _BLOCK_ROWS])
        np.multiply(block, np.float32(WIDENED), out=block)
    return result
