"""Several moments per sequence at their real length, amid a real video's background."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.synthesis import tiled
from ahernet_tf.synthesis.layouts import MOMENT, START, Layout
from ahernet_tf.synthesis.mode import Draw, DrawInputs, SynthesisMode, take_turns


def draw(
    inputs: DrawInputs,
    random: np.random.Generator,
    row: int,
    durations_sec: Sequence[float],
) -> Draw:
    """Draws moments and the untrimmed video between whose background they lie.

    Returns:
        As `tiled.draw`; `context_step [steps]` int32, step of the video that each step
        shows, -1 where a moment lies; `context_span [3]` int32, the video and which
        of its clips.
    """
    steps, limit = inputs.steps, inputs.max_segments
    stretch = inputs.stretch(random)
    moments = take_turns(len(durations_sec), limit, random)
    scale = steps / stretch.covered_sec
    lengths = np.rint(np.asarray(durations_sec) * scale)
    lengths = np.clip(lengths, 1, steps - 2).astype(int)
    segments, mask, context_step = transplant(
        stretch.segments, lengths[moments], steps, limit, random
    )
    return {
        "source_row": moments,
        "segments": segments,
        "segment_mask": mask,
        "context_step": context_step,
        "context_span": np.array(stretch[:3], np.int32),
    }


def transplant(
    instances: np.ndarray,
    lengths: Sequence[int],
    steps: int,
    max_segments: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lays moments between the stretches of a video's background.

    The stretches come in the order of the video from a random one on, again and
    again, at their own length; after each lies a moment. From the first moment that
    would not fit on, background alone fills the sequence.

    Args:
        instances: `[instances, 2]`, where the video's own instances lie, steps. A
            video without background counts as background alone.
        lengths: Of the moments, in steps.
        steps: Length of the sequence, and of the video.
        max_segments: The most moments to lay; `lengths` has as many.
        random: Where the draw comes from.

    Returns:
        Segments `[max_segments, 2]` in whole steps, float32, and their mask
        `[max_segments]`; and the step of the video that each step shows `[steps]`
        int32, -1 within a moment.
    """
    background = np.ones(steps, bool)
    for start, end in instances:
        background[int(np.floor(start)) : int(np.ceil(end))] = False
    shown = np.flatnonzero(background)
    if not len(shown):
        shown = np.arange(steps)
    stretches = np.split(shown, np.flatnonzero(np.diff(shown) > 1) + 1)
    first = random.integers(len(stretches))
    context_step = np.full(steps, -1, np.int32)
    segments = np.zeros((max_segments, 2), np.float32)
    place = laid = 0
    fits = True
    for stretch in itertools.cycle(stretches[first:] + stretches[:first]):
        stretch = stretch[: steps - place]
        context_step[place : place + len(stretch)] = stretch
        place += len(stretch)
        if place == steps:
            break
        fits = fits and laid < max_segments and place + lengths[laid] <= steps
        if fits:
            segments[laid] = place, place + lengths[laid]
            place += lengths[laid]
            laid += 1
    return segments, np.arange(max_segments) < laid, context_step


def layout(
    draws: Mapping[str, tf.Tensor], steps: int, legacy_synthetic_gt: bool = False
) -> Layout:
    """Returns the layout of what `draw` drew, one value per row.

    The video stands in the place of the start context.
    """
    tiles = tiled.layout(draws, steps)
    context_step = draws["context_step"]
    inside = context_step < 0
    own = tf.range(tf.shape(context_step)[0])[:, tf.newaxis]
    return tiles._replace(
        row=tf.where(inside, tiles.row, own),
        part=tf.where(inside, MOMENT, START),
        offset=tf.where(inside, tiles.offset, context_step),
        length=tf.where(inside, tiles.length, steps),
    )


MODE = SynthesisMode(
    draw, layout, uses_generators=False, shares_class=True, real_context=True
)
