"""The background beside a real instance, which context regression imitates."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Neighbourhood(NamedTuple):
    """An instance and the background beside it, each `[batch, 2]`, steps.

    Where there is no background, a side ends where it starts.
    """

    instance: tf.Tensor
    before: tf.Tensor
    after: tf.Tensor


def neighbourhood(
    segments: tf.Tensor, segment_mask: tf.Tensor, chosen: tf.Tensor, steps: int
) -> Neighbourhood:
    """Finds the background beside an instance, half as long as it on either side.

    Args:
        segments: `[batch, max_segments, 2]`, `[start, end]`, steps.
        segment_mask: `[batch, max_segments]` bool, which of them exist.
        chosen: `[batch]` int32, index of the instance.
        steps: Length of the sequence.

    Returns:
        Bounds; of a video without an instance, empty ones.
    """
    own = tf.one_hot(chosen, segments.shape[1], True, False, dtype=tf.bool)
    exists = tf.reduce_any(own & segment_mask, axis=-1, keepdims=True)
    instance = tf.gather(segments, chosen, batch_dims=1)
    instance = tf.where(exists, instance, 0.0)
    start, end = instance[:, :1], instance[:, 1:]
    half = (end - start) / 2
    others = segment_mask & ~own
    # Others that reach into the instance leave nothing on the side they come from.
    earlier = others & (segments[..., 0] < start)
    later = others & (segments[..., 1] > end)
    ends = tf.where(earlier, tf.minimum(segments[..., 1], start), 0.0)
    starts = tf.where(later, tf.maximum(segments[..., 0], end), float(steps))
    first = tf.maximum(start - half, tf.reduce_max(ends, axis=-1, keepdims=True))
    last = tf.minimum(end + half, tf.reduce_min(starts, axis=-1, keepdims=True))
    return Neighbourhood(
        instance,
        tf.concat([first, start], axis=-1),
        tf.concat([end, last], axis=-1),
    )


def cut_out(sequences: tf.Tensor, bounds: tf.Tensor, steps: int) -> tf.Tensor:
    """Cuts a stretch out of each sequence and resizes it in time.

    Step k reads the sequence at start + k * (end - start) / steps, linearly
    interpolated, the upper neighbour clamped to the last step.

    Args:
        sequences: `[batch, time, channels]`.
        bounds: `[batch, 2]`, `[start, end]`, steps of the sequences.
        steps: Steps wanted.

    Returns:
        `[batch, steps, channels]`.
    """
    start, end = bounds[:, :1], bounds[:, 1:]
    source = start + (end - start) * (tf.range(steps, dtype=tf.float32) / steps)
    last = tf.shape(sequences)[1] - 1
    lower = tf.clip_by_value(tf.cast(tf.floor(source), tf.int32), 0, last)
    upper = tf.minimum(lower + 1, last)
    weight = tf.cast(source - tf.floor(source), sequences.dtype)[..., tf.newaxis]
    low = tf.gather(sequences, lower, batch_dims=1)
    high = tf.gather(sequences, upper, batch_dims=1)
    return low + (high - low) * weight
