"""Each moment fills its sequence; there is no context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.synthesis.layouts import MOMENT, Layout
from ahernet_tf.synthesis.mode import Draw, DrawInputs, SynthesisMode


def draw(
    inputs: DrawInputs,
    random: np.random.Generator,
    row: int,
    durations_sec: Sequence[float],
) -> Draw:
    """Draws nothing."""
    return {}


def layout(
    draws: Mapping[str, tf.Tensor], steps: int, legacy_synthetic_gt: bool = False
) -> Layout:
    """Returns the layout of as many moments as the batch has labels."""
    batch = tf.shape(draws["label"])[0]
    shape = tf.stack([batch, steps])
    return Layout(
        row=tf.broadcast_to(tf.range(batch)[:, tf.newaxis], shape),
        part=tf.fill(shape, MOMENT),
        offset=tf.broadcast_to(tf.range(steps)[tf.newaxis], shape),
        length=tf.fill(shape, steps),
        segments=tf.tile(tf.constant([[[0.0, steps]]]), [batch, 1, 1]),
        segment_mask=tf.ones([batch, 1], tf.bool),
    )


MODE = SynthesisMode(draw, layout, uses_generators=False)
