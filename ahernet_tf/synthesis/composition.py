"""Composes synthetic sequences from contexts and moments."""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.synthesis.layouts import Layout


def compose(
    start: tf.Tensor, end: tf.Tensor, moments: tf.Tensor, layout: Layout
) -> tf.Tensor:
    """Composes synthetic sequences: every part resized in time to its place.

    Resizing is TensorFlow 1's bilinear form without corner alignment: step k of a part
    of `length` steps reads the source at k * size / length, the upper neighbour
    clamped to the last step.

    Args:
        start: Generated start contexts, `[batch, context_steps, channels]`.
        end: Generated end contexts, `[batch, context_steps, channels]`.
        moments: `[batch, moment_steps, channels]`.
        layout: Where every step comes from.

    Returns:
        `[batch, steps, channels]`; differentiable in the contexts and the moments.
    """
    parts = (start, end, moments)
    sizes = [tf.shape(p)[1] if p.shape[1] is None else p.shape[1] for p in parts]
    size = tf.gather(tf.stack(sizes), layout.part)
    scale = tf.cast(size, tf.float32) / tf.cast(layout.length, tf.float32)
    source = tf.cast(layout.offset, tf.float32) * scale
    lower = tf.minimum(tf.cast(tf.floor(source), tf.int32), size - 1)
    upper = tf.minimum(lower + 1, size - 1)
    weight = tf.cast(source - tf.floor(source), moments.dtype)[..., tf.newaxis]
    # The rows of the bank: start, end and moment of the first row of the batch, ...
    bank = tf.concat(parts, axis=1)
    firsts = tf.stack([0, sizes[0], sizes[0] + sizes[1]])
    first = layout.row * sum(sizes) + tf.gather(firsts, layout.part)
    bank = tf.reshape(bank, [-1, moments.shape[-1]])
    low, high = tf.gather(bank, first + lower), tf.gather(bank, first + upper)
    return low + (high - low) * weight
