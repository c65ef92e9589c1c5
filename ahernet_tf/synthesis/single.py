"""One moment per sequence, in one of its two generated contexts (Eq. 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.synthesis.layouts import END, MOMENT, START, Layout
from ahernet_tf.synthesis.mode import Draw, DrawInputs, SynthesisMode

#: Length ratios and positions are counted in units of 1/20 = 0.05.
UNITS = 20


def draw(
    inputs: DrawInputs,
    random: np.random.Generator,
    row: int,
    durations_sec: Sequence[float],
) -> Draw:
    """Draws the length ratio, the position and the context that is split.

    Returns:
        `length_ratio` and `position`, int32 in units of 0.05; `inside_start`, bool
        (the moment splits the start context, else the end context).
    """
    config = inputs.config
    lengths = (config.length_ratio_min, config.length_ratio_max)
    positions = (config.position_min, config.position_max)
    ratio, position = (
        np.int32(random.integers(*limits, endpoint=True))
        for limits in (lengths, positions)
    )
    inside_start = bool(random.integers(2))
    if config.legacy_synthetic_gt:
        inside_start = row % 2 == 0
    return {
        "length_ratio": ratio,
        "position": position,
        "inside_start": np.bool_(inside_start),
    }


def layout(
    draws: Mapping[str, tf.Tensor], steps: int, legacy_synthetic_gt: bool = False
) -> Layout:
    """Lays one moment into one of its two contexts (Eq. 2).

    The moment takes `length_ratio` of the sequence, the contexts share the rest. The
    moment splits the start context (or the end context) after `position` of the part
    of it that the ratio leaves free.

    Args:
        draws: What `draw` returned for each row, `[batch]` each.
        steps: Length of the sequence.
        legacy_synthetic_gt: Records the segment's end as the 2020 release did, too
            early by the start context's length where the end context is split.

    Returns:
        The layout, with one segment per row.
    """
    names = ("length_ratio", "position", "inside_start")
    length_ratio, position, inside_start = (draws[name] for name in names)
    moment = steps * length_ratio // UNITS
    start = (steps - moment) // 2
    end = steps - moment - start
    split = tf.where(inside_start, start, end)
    cut = (UNITS - length_ratio) * split * position // UNITS**2
    before = tf.where(inside_start, 0, start)
    begins = (before + cut)[:, tf.newaxis]
    recorded_end = before + cut + moment
    if legacy_synthetic_gt:
        recorded_end = cut + moment

    step = tf.range(steps)[tf.newaxis]  # [1, steps]
    in_moment = (step >= begins) & (step < begins + moment[:, tf.newaxis])
    # Without the moment, the sequence is the start context and then the end context.
    outside = tf.where(step < begins, step, step - moment[:, tf.newaxis])
    in_start = outside < start[:, tf.newaxis]
    part = tf.where(in_moment, MOMENT, tf.where(in_start, START, END))
    offset = tf.where(in_start, outside, outside - start[:, tf.newaxis])
    context_length = tf.where(in_start, start[:, tf.newaxis], end[:, tf.newaxis])
    batch = tf.shape(length_ratio)[0]
    return Layout(
        row=tf.broadcast_to(tf.range(batch)[:, tf.newaxis], tf.shape(part)),
        part=part,
        offset=tf.where(in_moment, step - begins, offset),
        length=tf.where(in_moment, moment[:, tf.newaxis], context_length),
        segments=tf.cast(
            tf.stack([begins[:, 0], recorded_end], axis=-1)[:, tf.newaxis], tf.float32
        ),
        segment_mask=tf.ones([batch, 1], tf.bool),
    )


MODE = SynthesisMode(draw, layout, uses_generators=True)
