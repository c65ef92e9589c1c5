"""Where moments lie in synthetic sequences, and contexts beside real instances.

A synthetic sequence is read from a bank: for every row of the batch the generated
start context, the generated end context and the moment, one after the other in time.
A layout says for each step of the sequence which part it belongs to and how far into
that part it lies.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

#: Length ratios and positions are counted in units of 1/20 = 0.05.
UNITS = 20


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


def transplanted_layout(
    segments: tf.Tensor,
    segment_mask: tf.Tensor,
    source_row: tf.Tensor,
    context_step: tf.Tensor,
    steps: int,
) -> Layout:
    """Lays moments amid the background of an untrimmed video.

    Args:
        segments: As in `tiled_layout`.
        segment_mask: Likewise.
        source_row: Likewise.
        context_step: `[batch, steps]` int32, step of the video that each step shows;
            -1 where a moment lies.
        steps: Length of the sequence, and of the video.

    Returns:
        The layout; the video stands in the place of the start context.
    """
    tiles = tiled_layout(segments, segment_mask, source_row, steps)
    inside = context_step < 0
    own = tf.range(tf.shape(context_step)[0])[:, tf.newaxis]
    return tiles._replace(
        row=tf.where(inside, tiles.row, own),
        part=tf.where(inside, _MOMENT, _START),
        offset=tf.where(inside, tiles.offset, context_step),
        length=tf.where(inside, tiles.length, steps),
    )


def whole_layout(batch: tf.Tensor, steps: int) -> Layout:
    """Lets each moment fill its sequence; there is no context.

    Args:
        batch: Scalar, number of moments.
        steps: Length of the sequence.

    Returns:
        The layout, with one segment a row.
    """
    shape = tf.stack([batch, steps])
    return Layout(
        row=tf.broadcast_to(tf.range(batch)[:, tf.newaxis], shape),
        part=tf.fill(shape, _MOMENT),
        offset=tf.broadcast_to(tf.range(steps)[tf.newaxis], shape),
        length=tf.fill(shape, steps),
        segments=tf.tile(tf.constant([[[0.0, steps]]]), [batch, 1, 1]),
        segment_mask=tf.ones([batch, 1], tf.bool),
    )


def most_context_steps(length_ratio_min: int, steps: int) -> int:
    """Returns how many steps around the shortest moment of `single_layout` are context.

    Args:
        length_ratio_min: The least length ratio, in units of 0.05 of the sequence.
        steps: Length of the sequence.
    """
    return steps - steps * length_ratio_min // UNITS


def generated_steps(layout: Layout, count: int) -> tf.Tensor:
    """Returns the steps of each sequence that show context, then some of the moment.

    Args:
        layout: Of sequences of at least `count` steps.
        count: How many steps of each sequence to name.

    Returns:
        `[batch, count]` int32, all different.
    """
    in_moment = tf.cast(layout.part == _MOMENT, tf.int32)
    return tf.argsort(in_moment, axis=-1, stable=True)[:, :count]


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
