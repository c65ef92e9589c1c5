"""Temporal segments: `[start, end]` and `[centre, length]`, clipping, pairwise tIoU.

A segment is the last axis of a tensor and has two entries, in steps unless the caller
says otherwise. All functions are pure and accept any leading axes.
"""

from __future__ import annotations

import tensorflow as tf


def to_centre_length(segments: tf.Tensor) -> tf.Tensor:
    """Converts `[start, end]` to `[centre, length]`.

    Args:
        segments: `[..., 2]`, steps.

    Returns:
        `[..., 2]`, steps.
    """
    start, end = tf.unstack(segments, axis=-1)
    return tf.stack([(start + end) / 2.0, end - start], axis=-1)


def to_start_end(segments: tf.Tensor) -> tf.Tensor:
    """Converts `[centre, length]` to `[start, end]`.

    Args:
        segments: `[..., 2]`, steps.

    Returns:
        `[..., 2]`, steps.
    """
    centre, length = tf.unstack(segments, axis=-1)
    return tf.stack([centre - length / 2.0, centre + length / 2.0], axis=-1)


def clip(segments: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """Moves `[start, end]` that lie outside `[low, high]` onto its border.

    Args:
        segments: `[..., 2]`, steps.
        low: Smallest start and end.
        high: Largest start and end.

    Returns:
        `[..., 2]`, steps.
    """
    return tf.clip_by_value(segments, low, high)


def pairwise_tiou(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Computes the temporal intersection over union of every pair.

    A segment that does not end after its start has tIoU 0 with everything.

    Args:
        a: `[..., n, 2]`, `[start, end]`.
        b: `[..., m, 2]`, `[start, end]`; leading axes broadcast with those of `a`.

    Returns:
        `[..., n, m]`, between 0 and 1.
    """
    a_start, a_end = tf.unstack(a[..., :, tf.newaxis, :], axis=-1)
    b_start, b_end = tf.unstack(b[..., tf.newaxis, :, :], axis=-1)
    shared = tf.minimum(a_end, b_end) - tf.maximum(a_start, b_start)
    shared = tf.maximum(shared, 0.0)
    union = (a_end - a_start) + (b_end - b_start) - shared
    return tf.math.divide_no_nan(shared, union)
