"""Several moments per sequence at their real length, generated context between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.config import SynthesisConfig
from ahernet_tf.synthesis.layouts import END, MOMENT, START, Layout
from ahernet_tf.synthesis.mode import Draw, DrawInputs, SynthesisMode, take_turns


def draw(
    inputs: DrawInputs,
    random: np.random.Generator,
    row: int,
    durations_sec: Sequence[float],
) -> Draw:
    """Draws moments and gaps in a sequence as long as one of an untrimmed video.

    Returns:
        `source_row [max_segments]` int32, which of the moments; `segments
        [max_segments, 2]` float32 in whole steps; `segment_mask [max_segments]` bool.
    """
    gaps_sec = inputs.gaps_sec if inputs.config.context_length == "source" else None
    segments, mask, moments = tile(
        durations_sec,
        inputs.stretch(random).covered_sec,
        inputs.config,
        inputs.max_segments,
        inputs.steps,
        random,
        gaps_sec,
    )
    return {"source_row": moments, "segments": segments, "segment_mask": mask}


def tile(
    durations_sec: Sequence[float],
    sequence_sec: float,
    config: SynthesisConfig,
    max_segments: int,
    steps: int,
    random: np.random.Generator,
    gaps_sec: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lays moments at their real lengths into a sequence, with gaps between.

    A moment of d seconds takes d / sequence_sec of the steps. The moments come in a
    random order, again and again; before each lies a gap, one of `gaps_sec` or uniform
    from `context_min_sec` to `context_max_sec`. The first that would not fit ends the
    layout, and what remains is context. A moment longer than the sequence less two of
    the shortest gaps is shrunk to that.

    Args:
        durations_sec: Lengths of the moments to choose from.
        sequence_sec: Duration that the steps stand for.
        config: Gap lengths.
        max_segments: The most tiles to lay.
        steps: Steps of the sequence.
        random: Where the draws come from.
        gaps_sec: Lengths of gaps to choose from; None: uniform.

    Returns:
        Segments `[max_segments, 2]` in whole steps, float32, ascending; the mask
        `[max_segments]` of those laid; and the index `[max_segments]` of each one's
        moment.
    """
    scale = steps / sequence_sec
    moments = take_turns(len(durations_sec), max_segments, random)
    if gaps_sec is None:
        shortest = config.context_min_sec
        gaps = scale * random.uniform(shortest, config.context_max_sec, max_segments)
    else:
        shortest = gaps_sec.min()
        gaps = scale * random.choice(gaps_sec, max_segments)
    longest = max(1, int(steps - 2 * scale * shortest))
    segments = np.zeros((max_segments, 2), np.float32)
    mask = np.zeros(max_segments, bool)
    end = 0
    for number, moment in enumerate(moments):
        length = min(longest, max(1, round(durations_sec[moment] * scale)))
        start = end + round(gaps[number])
        if number == 0:
            start = min(start, steps - length)
        if start + length > steps:
            break
        end = start + length
        segments[number] = start, end
        mask[number] = True
    return segments, mask, moments


def layout(
    draws: Mapping[str, tf.Tensor], steps: int, legacy_synthetic_gt: bool = False
) -> Layout:
    """Lays several moments side by side, generated context in every gap.

    The first half of a gap is the end context of the moment before it, the second half
    the start context of the moment after it; the gaps at the two ends are one context.

    Args:
        draws: `segments [batch, tiles, 2]` in whole steps, ascending, not overlapping;
            `segment_mask [batch, tiles]`, what exists stands first; `source_row
            [batch, tiles]` int32, the row of the batch that each moment comes from.
        steps: Length of the sequence.
        legacy_synthetic_gt: Changes nothing.

    Returns:
        The layout, with the given segments.
    """
    segments, segment_mask = draws["segments"], draws["segment_mask"]
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
    part = tf.where(in_moment, MOMENT, tf.where(in_end, END, START))
    offset = tf.where(in_end, in_gap, in_gap - end_length)
    context_length = tf.where(in_end, end_length, gap - end_length)
    return Layout(
        row=pick(draws["source_row"], tile),
        part=part,
        offset=tf.where(in_moment, step - tile_start, offset),
        length=tf.where(in_moment, tile_end - tile_start, context_length),
        segments=segments,
        segment_mask=segment_mask,
    )


MODE = SynthesisMode(draw, layout, uses_generators=True, shares_class=True)
