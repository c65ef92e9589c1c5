"""Generated context, and the composition of synthetic moments (Eq. 2).

A synthetic sequence is read from a bank: for every row of the batch the generated
start context, the generated end context and the moment, one after the other in time.
A layout says for each step of the sequence which part it belongs to and how far into
that part it lies; one gather then composes all rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution

#: Length ratios and positions are counted in units of 1/20 = 0.05.
UNITS = 20


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class ContextGenerator(tf.keras.layers.Layer):
    """Generates context from a moment: two convolutions, the second of stride 2.

    Args:
        channels: Of the hidden layer.
        activation: Of the output; `linear` for features that may be negative.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, channels: int = 1024, activation: str = "relu", **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.activation = activation

    def build(self, input_shape) -> None:
        """Builds both convolutions for moments `[batch, time, channels]`."""
        self.hidden = TemporalConvolution(
            self.channels, activation="relu", name="hidden", dtype=self.dtype_policy
        )
        self.output_layer = TemporalConvolution(
            input_shape[-1],
            stride=2,
            activation=self.activation,
            name="output",
            dtype=self.dtype_policy,
        )
        self.hidden.build(input_shape)
        self.output_layer.build((*input_shape[:-1], self.channels))
        super().build(input_shape)

    def call(self, moments: tf.Tensor) -> tf.Tensor:
        """Maps `[batch, time, channels]` to `[batch, ceil(time / 2), channels]`."""
        return self.output_layer(self.hidden(moments))

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "channels": self.channels,
            "activation": self.activation,
        }


class Layout(NamedTuple):
    """Where every step of the synthetic sequences comes from.

    Attributes:
        row: `[batch, steps]` int32, row of the batch whose parts are read.
        part: `[batch, steps]` int32, index into `PARTS`.
        offset: `[batch, steps]` int32, steps since the part began.
        length: `[batch, steps]` int32, steps that the part takes up in all.
        segments: `[batch, max_segments, 2]`, where the moments lie, steps.
        segment_mask: `[batch, max_segments]` bool.
    """

    row: tf.Tensor
    part: tf.Tensor
    offset: tf.Tensor
    length: tf.Tensor
    segments: tf.Tensor
    segment_mask: tf.Tensor


PARTS = ("start", "end", "moment")
_START, _END, _MOMENT = range(3)


def single_layout(
    length_ratio: tf.Tensor,
    position: tf.Tensor,
    inside_start: tf.Tensor,
    steps: int,
    legacy_synthetic_gt: bool = False,
) -> Layout:
    """Lays one moment into one of its two contexts (Eq. 2).

    The moment takes `length_ratio` of the sequence, the contexts share the rest. The
    moment splits the start context (or the end context) after `position` of the part
    of it that the ratio leaves free.

    Args:
        length_ratio: `[batch]` int32, in units of 0.05 of the sequence.
        position: `[batch]` int32, in units of 0.05.
        inside_start: `[batch]` bool; whether the start context is the one to split.
        steps: Length of the sequence.
        legacy_synthetic_gt: Records the segment's end as the 2020 release did, too
            early by the start context's length where the end context is split.

    Returns:
        The layout, with one segment a row.
    """
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
    part = tf.where(in_moment, _MOMENT, tf.where(in_start, _START, _END))
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


def tiled_layout(
    segments: tf.Tensor, segment_mask: tf.Tensor, source_row: tf.Tensor, steps: int
) -> Layout:
    """Lays several moments side by side, generated context in every gap.

    The first half of a gap is the end context of the moment before it, the second half
    the start context of the moment after it; the gaps at the two ends are one context.

    Args:
        segments: `[batch, tiles, 2]`, whole steps, ascending, not overlapping.
        segment_mask: `[batch, tiles]` bool; what exists stands first.
        source_row: `[batch, tiles]` int32, the batch row that each moment comes from.
        steps: Length of the sequence.

    Returns:
        The layout, with the given segments.
    """
    tiles = segments.shape[1]
    bounds = tf.cast(segments, tf.int32)
    starts = tf.where(segment_mask, bounds[..., 0], steps)
    ends = tf.where(segment_mask, bounds[..., 1], steps)
    step = tf.range(steps)
    reached = starts[:, tf.newaxis, :] <= step[tf.newaxis, :, tf.newaxis]
    current = tf.reduce_sum(tf.cast(reached, tf.int32), axis=-1) - 1  # [batch, steps]
    count = tf.reduce_sum(tf.cast(segment_mask, tf.int32), axis=-1)[:, tf.newaxis]
    following = tf.minimum(current + 1, tiles - 1)

    def pick(values: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, tf.maximum(tile, 0), batch_dims=1)

    is_first, is_last = current < 0, current + 1 >= count
    tile_start, tile_end = pick(starts, current), pick(ends, current)
    in_moment = ~is_first & (step < tile_end)
    gap_start = tf.where(is_first, 0, tile_end)
    gap = tf.where(is_last, steps, pick(starts, following)) - gap_start
    end_length = tf.where(is_first, 0, tf.where(is_last, gap, gap // 2))
    in_gap = step - gap_start
    in_end = in_gap < end_length
    tile = tf.where(in_moment | in_end, current, following)
    part = tf.where(in_moment, _MOMENT, tf.where(in_end, _END, _START))
    offset = tf.where(in_end, in_gap, in_gap - end_length)
    context_length = tf.where(in_end, end_length, gap - end_length)
    return Layout(
        row=pick(source_row, tile),
        part=part,
        offset=tf.where(in_moment, step - tile_start, offset),
        length=tf.where(in_moment, tile_end - tile_start, context_length),
        segments=segments,
        segment_mask=segment_mask,
    )


def compose(
    start: tf.Tensor, end: tf.Tensor, moments: tf.Tensor, layout: Layout
) -> tf.Tensor:
    """Composes synthetic sequences: every part resized in time to its place.

    Resizing is TensorFlow 1's bilinear form without corner alignment: step k of a part
    of `length` steps reads the source at k * size / length, the upper neighbour
    clamped to the last step.

    Args:
        start: Generated start contexts, `[batch, context_steps, channels]`.
        end: Generated end contexts, of the same shape.
        moments: `[batch, moment_steps, channels]`.
        layout: Where every step comes from.

    Returns:
        `[batch, steps, channels]`; differentiable in the contexts and the moments.
    """
    bank = tf.concat([start, end, moments], axis=1)
    context_steps, bank_steps = start.shape[1], bank.shape[1]
    sizes = tf.constant([context_steps, context_steps, moments.shape[1]], tf.int32)
    firsts = tf.constant([0, context_steps, 2 * context_steps], tf.int32)
    size = tf.gather(sizes, layout.part)
    first = layout.row * bank_steps + tf.gather(firsts, layout.part)
    scale = tf.cast(size, tf.float32) / tf.cast(layout.length, tf.float32)
    source = tf.cast(layout.offset, tf.float32) * scale
    lower = tf.minimum(tf.cast(tf.floor(source), tf.int32), size - 1)
    upper = tf.minimum(lower + 1, size - 1)
    weight = tf.cast(source - tf.floor(source), bank.dtype)[..., tf.newaxis]
    flat = tf.reshape(bank, [-1, bank.shape[-1]])
    low, high = tf.gather(flat, first + lower), tf.gather(flat, first + upper)
    return low + (high - low) * weight


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class SyntheticMoments(tf.keras.layers.Layer):
    """Surrounds action moments with generated context (section 3.3).

    Args:
        steps: Length of the synthetic sequences.
        mode: `single` or `tiled`.
        legacy_synthetic_gt: See `single_layout`.
        channels: Hidden channels of the generators.
        activation: Of the generators' output.
        **kwargs: Of the base layer (`name`, `dtype`).

    Raises:
        ValueError: The mode has no such name.
    """

    def __init__(
        self,
        steps: int = 512,
        mode: str = "single",
        legacy_synthetic_gt: bool = False,
        channels: int = 1024,
        activation: str = "relu",
        **kwargs,
    ):
        # Without autocast: a draw in a lower precision would move the moments.
        super().__init__(autocast=False, **kwargs)
        if mode not in ("single", "tiled"):
            raise ValueError(f"Expected mode single or tiled, received {mode}.")
        self.steps = steps
        self.mode = mode
        self.legacy_synthetic_gt = legacy_synthetic_gt
        self.channels = channels
        self.activation = activation
        self.start_generator = ContextGenerator(
            channels, activation, name="start", dtype=self.dtype_policy
        )
        self.end_generator = ContextGenerator(
            channels, activation, name="end", dtype=self.dtype_policy
        )

    def build(self, input_shape) -> None:
        """Builds the generators for moments `[batch, time, channels]`."""
        self.start_generator.build(input_shape)
        self.end_generator.build(input_shape)
        super().build(input_shape)

    def layout(self, draw: Mapping[str, tf.Tensor]) -> Layout:
        """Returns where each step comes from; see `single_layout`, `tiled_layout`.

        Args:
            draw: The random draw that travels in the batch: `length_ratio`,
                `position`, `inside_start`, or `segments`, `segment_mask`,
                `source_row`.
        """
        if self.mode == "single":
            return single_layout(
                draw["length_ratio"],
                draw["position"],
                draw["inside_start"],
                self.steps,
                self.legacy_synthetic_gt,
            )
        return tiled_layout(
            draw["segments"], draw["segment_mask"], draw["source_row"], self.steps
        )

    def call(self, moments: tf.Tensor, draw: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Generates contexts and composes the sequences.

        Args:
            moments: `[batch, time, channels]`.
            draw: See `layout`.

        Returns:
            `[batch, steps, channels]`.
        """
        moments = tf.cast(moments, self.compute_dtype)
        start = self.start_generator(moments)
        end = self.end_generator(moments)
        return compose(start, end, moments, self.layout(draw))

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "steps": self.steps,
            "mode": self.mode,
            "legacy_synthetic_gt": self.legacy_synthetic_gt,
            "channels": self.channels,
            "activation": self.activation,
        }
