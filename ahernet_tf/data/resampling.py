"""Resamples a sequence of clip features to a fixed number of time steps."""

from __future__ import annotations

import numpy as np

_MARGIN_SEC = 1e-4  # keeps sample points strictly between the outermost clip centres
_BLOCK_VALUES = 1 << 16  # values worked on at a time: 512 KiB, stays in the CPU cache

POOLINGS = ("mean", "max")
EDGES = ("zero", "clamp")


def resample(
    features: np.ndarray,
    centres_sec: np.ndarray,
    covered_sec: float,
    steps: int,
    pooling: str = "mean",
    edge: str = "zero",
) -> np.ndarray:
    """Resamples clip features to `steps` equal parts of the covered duration.

    Step k covers the interval [k, k + 1] / steps of the covered duration. The clip
    sequence is linearly interpolated at the start, the middle and the end of that
    interval, and the three vectors are pooled. The interval is first cut to the span
    between the outermost clip centres (less 0.1 ms); a step that lies wholly outside
    the span is an edge step. A single clip is repeated.

    Positions, weights and sums are float64; the result is rounded once.

    Args:
        features: Clip features `[clips, channels]`, any floating type.
        centres_sec: Ascending times of the clip centres `[clips]` in seconds.
        covered_sec: Duration that the `steps` steps divide, in seconds.
        steps: Number of steps wanted.
        pooling: "mean" or "max" over the three points of a step.
        edge: What edge steps hold: "zero", or "clamp" for the outermost clip.

    Returns:
        Sequence `[steps, channels]`, float32.

    Raises:
        ValueError: Shapes do not fit, there is no clip, or an option is unknown.

    Source: paper section 4.2 resizes every sequence to 512 (256) steps; the rule for
        doing so, including the zero steps at the edges, is the 2020 release's.
    """
    features = np.asarray(features)
    centres = np.asarray(centres_sec, np.float64)
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
    if len(features) == 1:
        return np.repeat(features.astype(np.float32), steps, axis=0)
    points, before, after = _sample_points(centres, float(covered_sec), steps)
    values = _interpolate(features, centres, points, pooling)
    if edge == "zero":
        values[before | after] = 0.0
    else:
        values[before] = features[0]
        values[after] = features[-1]
    return values


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


def _interpolate(
    features: np.ndarray, centres: np.ndarray, points: np.ndarray, pooling: str
) -> np.ndarray:
    """Interpolates at `points` `[3, steps]` and pools: `[steps, channels]` float32."""
    steps, channels = points.shape[1], features.shape[1]
    left = np.clip(np.searchsorted(centres, points), 1, len(centres) - 1) - 1
    offset = points - centres[left]
    features = np.ascontiguousarray(features, np.float64)
    slopes = np.diff(features, axis=0)
    slopes /= np.diff(centres)[:, None]

    result = np.empty((steps, channels), np.float32)
    rows = max(1, min(steps, _BLOCK_VALUES // max(1, channels)))
    pooled, point, product = (np.empty((rows, channels)) for _ in range(3))
    combine = np.add if pooling == "mean" else np.maximum
    for first in range(0, steps, rows):
        block = slice(first, min(first + rows, steps))
        size = block.stop - first
        for p in range(3):
            target = (point if p else pooled)[:size]
            index = left[p, block]
            np.take(slopes, index, axis=0, out=product[:size], mode="clip")
            product[:size] *= offset[p, block, None]
            np.take(features, index, axis=0, out=target, mode="clip")
            target += product[:size]
            if p:
                combine(pooled[:size], target, out=pooled[:size])
        if pooling == "mean":
            pooled[:size] /= 3.0
        result[block] = pooled[:size]
    return result
