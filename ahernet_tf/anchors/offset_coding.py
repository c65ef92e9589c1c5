"""Segments coded as offsets from anchors, and decoded (Eq. 5)."""

from __future__ import annotations

import tensorflow as tf

#: Weights of the centre and the length offset in Eq. 5 (alpha_1 and alpha_2).
OFFSET_SCALE = 0.1


def encode(segments: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Codes segments as offsets from anchors; the inverse of `decode` (Eq. 5).

    Args:
        segments: `[..., anchors, 2]`, `[centre, length]`, lengths above 0.
        anchors: `[anchors, 2]`, `[centre, length]`.

    Returns:
        `[..., anchors, 2]`, offsets of centre and log-length.
    """
    centre, length = tf.unstack(segments, axis=-1)
    anchor_centre, anchor_length = tf.unstack(anchors, axis=-1)
    return tf.stack(
        [
            (centre - anchor_centre) / anchor_length / OFFSET_SCALE,
            tf.math.log(length / anchor_length) / OFFSET_SCALE,
        ],
        axis=-1,
    )


def decode(offsets: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Decodes offsets: c = a_c + 0.1 a_w t_c, w = a_w exp(0.1 t_w) (Eq. 5).

    Args:
        offsets: `[..., anchors, 2]`, offsets of centre and log-length.
        anchors: `[anchors, 2]`, `[centre, length]`.

    Returns:
        `[..., anchors, 2]`, `[centre, length]`, steps.
    """
    centre_offset, length_offset = tf.unstack(offsets, axis=-1)
    anchor_centre, anchor_length = tf.unstack(anchors, axis=-1)
    return tf.stack(
        [
            anchor_centre + OFFSET_SCALE * anchor_length * centre_offset,
            anchor_length * tf.exp(OFFSET_SCALE * length_offset),
        ],
        axis=-1,
    )
