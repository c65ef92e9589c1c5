"""Resamples a sequence of clip features to a fixed number of time steps."""

from __future__ import annotations

import functools

import numpy as np

from ahernet_tf.data.features import half_precision

_MARGIN_SEC = 1e-4  # keeps sample points strictly between the outermost clip centres
# Multiplications in one block's matrix product. Blocks this small stay in the CPU cache
# and below the size at which BLAS starts threads, so callers may run in parallel.
_BLOCK_PRODUCTS = {np.float64: 1 << 17, np.float32: 3 << 16}
_GROUP_BYTES = 1 << 19  # the clips of so many blocks are converted at once

POOLINGS = ("mean", "max")
EDGES = ("zero", "clamp")


def resample(
    features: np.ndarray,
    centres_sec: np.ndarray,
    covered_sec: float,
    steps: int,
    pooling: str = "mean",
    edge: str = "zero",
    precision: type = np.float64,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Resamples clip features to `steps` equal parts of the covered duration.

    Step k covers the interval [k, k + 1] / steps of the covered duration. The clip
    sequence is linearly interpolated at the start, the middle and the end of that
    interval, and the three vectors are pooled. The interval is first cut to the span
    between the outermost clip centres (less 0.1 ms); a step that lies wholly outside
    the span is an edge step. A single clip is repeated.

    Positions and weights are float64, sums are so by default; the result is rounded
    once. As a linear map of the clips the mean needs few of them for each step, so it
    is computed as a product with a banded matrix, a block of steps at a time.

    Args:
        features: Clip features `[clips, channels]`, any floating type.
        centres_sec: Ascending times of the clip centres `[clips]` in seconds.
        covered_sec: Duration that the `steps` steps divide, in seconds.
        steps: Number of steps wanted.
        pooling: "mean" or "max" over the three points of a step.
        edge: What edge steps hold: "zero", or "clamp" for the outermost clip.
        precision: Type of the sums. With `np.float32` it takes half the time, and less
            where the features are what `half_precision.to_float16` returned.
        out: Where to write the sequence; None: into a new array.

    Returns:
        Sequence `[steps, channels]`, float32.

    Raises:
        ValueError: Shapes do not fit, there is no clip, or an option is unknown.

    Source: paper section 4.2 resizes every sequence to 512 (256) steps; the rule for
        doing so, including the zero steps at the edges, is the 2020 release's.
    """
    features = np.asarray(features)
    centres = np.asarray(centres_sec, np.float64)
    _check(features, centres, pooling, edge)
    to_float32 = functools.partial(np.asarray, dtype=np.float32)
    if precision is np.float32 and features.dtype == np.float16:
        to_float32 = half_precision.to_float32
    if out is None:
        out = np.empty((steps, features.shape[1]), np.float32)
    if len(features) == 1:
        out[...] = to_float32(features)
        return out
    points, before, after = _sample_points(centres, float(covered_sec), steps)
    left = np.clip(np.searchsorted(centres, points), 1, len(centres) - 1) - 1
    weight = (points - centres[left]) / np.diff(centres)[left]
    if pooling == "mean":
        _write_means(out, features, left, weight, precision)
    else:
        exact = precision is np.float64
        numbers = features.astype(np.float64) if exact else to_float32(features)
        out[...] = _maximum_of_points(numbers, left, weight.astype(precision))
    if edge == "zero":
        out[before | after] = 0.0
    else:
        out[before] = to_float32(features[:1])
        out[after] = to_float32(features[-1:])
    return out


def _check(features: np.ndarray, centres: np.ndarray, pooling: str, edge: str) -> None:
    """Refuses what `resample` does not take."""
    if features.ndim != 2 or centres.shape != features.shape[:1] or not len(centres):
        raise ValueError(
            "Expected features [clips, channels] and centres_sec [clips] of at least "
            f"one clip, received {features.shape} and {centres.shape}."
        )
    if pooling not in POOLINGS or edge not in EDGES:
        raise ValueError(
            f"Expected pooling of {POOLINGS} and edge of {EDGES}, received "
            f"'{pooling}' and '{edge}'."
        )


def _sample_points(
    centres: np.ndarray, covered_sec: float, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes where each step samples the sequence.

    Returns:
        Times `[3, steps]` in seconds, and two masks `[steps]` of the steps that end
        before the first centre and that begin after the last.
    """
    number = np.arange(steps, dtype=np.float64)
    begin = (1.0 / steps * number) * covered_sec
    end = (1.0 / steps * (number + 1.0)) * covered_sec
    low = np.maximum(begin, centres[0] + _MARGIN_SEC)
    high = np.minimum(end, centres[-1] - _MARGIN_SEC)
    before, after = high < centres[0], low > centres[-1]
    points = np.stack([low, (low + high) / 2.0, high])
    return np.clip(points, centres[0], centres[-1]), before, after


def _write_means(
    out: np.ndarray,
    features: np.ndarray,
    left: np.ndarray,
    weight: np.ndarray,
    precision: type,
) -> None:
    """Averages the interpolated points of each step.

    Args:
        out: Where to write them `[steps, channels]`, float32.
        features: Clip features `[clips, channels]`.
        left: Clip to the left of each point `[points, steps]`.
        weight: Weight `[points, steps]` of the clip to its right.
        precision: Type of the sums.
    """
    clips, channels = features.shape
    steps = left.shape[1]
    products = _BLOCK_PRODUCTS[precision]
    rows = int((products / channels / max(clips / steps, 0.1)) ** 0.5)
    rows = min(max(rows, 1), steps)
    band, first, end = _band(left, weight, rows)
    convert = np.copyto
    if precision is np.float32 and features.dtype == np.float16:
        convert = half_precision.widen
        band *= half_precision.WIDENED
    band = band.astype(precision)
    product = np.empty((rows, channels), precision)
    group = max(1, _GROUP_BYTES // (band[0].nbytes * channels))
    for begin in range(0, len(first), group):
        blocks = range(begin, min(begin + group, len(first)))
        low, high = first[blocks[0]], end[blocks[-1]]
        numbers = np.empty((high - low, channels), precision)
        convert(numbers, features[low:high])
        for block in blocks:
            part = out[block * rows : (block + 1) * rows]
            weights = band[block * rows : (block + 1) * rows]
            needed = numbers[first[block] - low : end[block] - low]
            sums = part if precision is np.float32 else product[: len(part)]
            np.matmul(weights[:, : len(needed)], needed, out=sums)
            if sums is not part:
                part[...] = sums


def _band(
    left: np.ndarray, weight: np.ndarray, rows: int
) -> tuple[np.ndarray, list[int], list[int]]:
    """Returns the weights of the clips in each step.

    Args:
        left: As for `_write_means`.
        weight: As for `_write_means`.
        rows: Steps of a block.

    Returns:
        Weights `[steps, clips of a block]`, float64; and for each block its first clip
        and the clip after its last.
    """
    points, steps = left.shape
    begins = np.arange(0, steps, rows)
    first = np.minimum.reduceat(left.min(axis=0), begins)
    end = np.maximum.reduceat(left.max(axis=0), begins) + 2
    step = np.arange(steps)
    band = np.zeros((steps, (end - first).max()))
    column = left - first[step // rows]
    for p in range(points):
        band[step, column[p]] += 1.0 - weight[p]
        band[step, column[p] + 1] += weight[p]
    band /= points
    return band, first.tolist(), end.tolist()


def _maximum_of_points(
    features: np.ndarray, left: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Takes the maximum of the interpolated points; arguments as for the means."""
    result = None
    for index, right in zip(left, weight[..., None]):
        value = features[index] * (1.0 - right) + features[index + 1] * right
        result = value if result is None else np.maximum(result, value)
    return result
