"""What a localizer does between its steps, as operations of a TensorFlow graph.

Each function says what one with NumPy says elsewhere; tests compare the two.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors.segments import pairwise_tiou
from ahernet_tf.config import DataConfig, InferenceConfig
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.discriminant import Discriminant
from ahernet_tf.inference.refinement import Refinement
from ahernet_tf.inference.segment_reader import (
    PARTS,
    PLACEMENT_TIOU,
    PLACEMENTS,
    WAY,
    SegmentReader,
)
from ahernet_tf.inference.step_reader import FLANK

_TIE = 1e-5  # clips; a step that ends with the first centre does not end before it
_SHORTEST = 1e-3  # steps; as in inference.segment_reader
_SHORTEST_SEC = 1e-6  # as in inference.duration_prior


def resample_windows(
    features: tf.Tensor,
    first: tf.Tensor,
    size: tf.Tensor,
    steps: int,
    reach: float,
    margin: tf.Tensor,
    config: DataConfig,
) -> tf.Tensor:
    """Resamples windows of clips, as `data.features.resampling.resample` does.

    Positions are counted in clips from the first centre of a window. Their whole part
    and the rest are kept apart: near 0, float32 is exact enough.

    Args:
        features: `[clips, channels]`.
        first: `[windows]` int32, first clip of each.
        size: Clips of a window.
        steps: Of a sequence.
        reach: Length of a clip in intervals between clips.
        margin: Least distance of a sample from the outermost centres, in clips.
        config: Uses `pooling` and `edge`.

    Returns:
        `[windows, steps, channels]`.
    """
    last = size - 1
    number = tf.range(steps + 1)
    whole = number * last // steps
    rest = tf.cast(number * last % steps, tf.float32) / steps
    rest += reach * (tf.cast(number, tf.float32) / steps - 0.5)
    from_start = tf.cast(whole, tf.float32) + rest
    from_end = tf.cast(whole - last, tf.float32) + rest
    early, late = from_start[:-1] < margin, from_end[1:] > -margin
    low = tf.where(early, 0, whole[:-1]), tf.where(early, margin, rest[:-1])
    high = tf.where(late, last, whole[1:]), tf.where(late, -margin, rest[1:])
    between = tf.cast(high[0] - low[0], tf.float32) + high[1] - low[1]
    pooled = None
    for whole, rest in (low, (low[0], low[1] + between / 2), high):
        left = whole + tf.cast(tf.floor(rest), tf.int32)
        left = tf.maximum(tf.minimum(left, size - 2), 0)
        right = (tf.cast(whole - left, tf.float32) + rest)[:, tf.newaxis]
        index = first[:, tf.newaxis] + left
        next_index = first[:, tf.newaxis] + tf.minimum(left + 1, last)
        value = tf.gather(features, index) * (1 - right)
        value += tf.gather(features, next_index) * right
        if pooled is None:
            pooled = value
        else:
            pooled = (tf.add if config.pooling == "mean" else tf.maximum)(pooled, value)
    pooled = pooled / 3 if config.pooling == "mean" else pooled
    before, after = from_start[1:] < -_TIE, from_end[:-1] > _TIE
    outermost = [
        tf.gather(features, end)[:, tf.newaxis] for end in (first, first + last)
    ]
    if config.edge == "zero":
        outermost = [tf.where(size > 1, tf.zeros_like(x), x) for x in outermost]
    pooled = tf.where(before[:, tf.newaxis], outermost[0], pooled)
    pooled = tf.where(after[:, tf.newaxis], outermost[1], pooled)
    return tf.where(size > 1, pooled, outermost[0])


def best_of_each(found: Candidates, count: int) -> Candidates:
    """Returns the `count` candidates of the highest rank of each row, best first."""
    rank, order = tf.math.top_k(found.rank, min(count, found.rank.shape[1]))
    parts = (
        None if part is None else tf.gather(part, order, batch_dims=1) for part in found
    )
    return Candidates(*parts)._replace(rank=rank)


def refine(
    found: Candidates, sequences: tf.Tensor, step_sec: tf.Tensor, refinement: Refinement
) -> Candidates:
    """Applies second look and duration prior, as `Refinement.apply` does.

    Args:
        found: `[windows, candidates]`.
        sequences: `[windows, steps, channels]`.
        step_sec: Duration of a step.
        refinement: What is applied.
    """
    look, prior = refinement.second_look, refinement.durations
    if look is not None:
        classes = refinement.classes
        described = describe_steps(sequences, look.steps.widths_sec / step_sec)
        shown = _classify(look.steps.discriminant, described)[..., :classes]
        here = _joined(found, found.segments, shown)
        label = tf.argmax(here, axis=-1, output_type=tf.int32)
        logits = placement_logits(look.segments, sequences, found.segments)
        placed = tf.nn.softmax(tf.gather(logits, label, axis=2, batch_dims=2))
        length = found.segments[..., 1:] - found.segments[..., :1]
        moved = found.segments + length * tf.matmul(placed, WAY.astype(np.float32))
        moved = tf.clip_by_value(moved, 0.0, float(sequences.shape[1]))
        logits = placement_logits(look.segments, sequences, moved)
        shape = tf.shape(logits)
        flat = tf.reshape(logits, [shape[0], shape[1], shape[2] * shape[3]])
        placed = tf.reshape(tf.nn.softmax(flat), shape)[:, :, :classes]
        looks = tf.linalg.matvec(placed, PLACEMENT_TIOU)
        scores = looks * _joined(found, moved, shown)
        score = tf.reduce_max(scores, axis=-1)
        label = tf.argmax(scores, axis=-1, output_type=tf.int32)
        found = found._replace(segments=moved, rank=score, score=score, label=label)
    if prior is not None:
        width = refinement.width * prior.deviation
        known = tf.constant(prior.mean == prior.mean)  # others are NaN
        mean = tf.where(known, tf.cast(prior.mean, tf.float32), 0.0)
        weight = tf.where(known, tf.cast(1 / width, tf.float32), 0.0)
        length = (found.segments[..., 1] - found.segments[..., 0]) * step_sec
        off = tf.math.log(tf.maximum(length, _SHORTEST_SEC))
        off -= tf.gather(mean, found.label)
        factor = tf.exp(-tf.square(off * tf.gather(weight, found.label)) / 2)
        found = found._replace(rank=found.rank * factor, score=found.score * factor)
    return found


def _joined(found: Candidates, segments: tf.Tensor, shown: tf.Tensor) -> tf.Tensor:
    """Joins network and steps at other places, as `Candidates.at` and `joined`."""
    tiou = pairwise_tiou(segments, found.segments)
    confirmed = tf.reduce_max(tiou * found.proposal[:, tf.newaxis], axis=-1)
    said = confirmed[..., tf.newaxis] * found.probability
    return (said + evidence(shown, segments)) / 2


def placement_logits(
    reader: SegmentReader, sequences: tf.Tensor, segments: tf.Tensor
) -> tf.Tensor:
    """Computes the logits of how segments are placed, as `SegmentReader` does.

    Args:
        reader: Of segments.
        sequences: `[windows, steps, channels]`.
        segments: `[windows, segments, 2]`, in steps.

    Returns:
        `[windows, segments, classes, placements]`.
    """
    logits = _logits(reader.discriminant, describe_segments(sequences, segments))
    shape = tf.shape(logits)
    classes = logits.shape[-1] // len(PLACEMENTS)
    return tf.reshape(logits, [shape[0], shape[1], classes, len(PLACEMENTS)])


def describe_segments(sequences: tf.Tensor, segments: tf.Tensor) -> tf.Tensor:
    """Computes means of parts, as `segment_reader.describe_segments`.

    Args:
        sequences: `[windows, steps, channels]`.
        segments: `[windows, segments, 2]`, in steps.

    Returns:
        `[windows, segments, PARTS * channels]`.
    """
    count = sequences.shape[1]
    start, end = tf.split(tf.clip_by_value(segments, 0.0, float(count)), 2, axis=-1)
    start = tf.minimum(start, count - _SHORTEST)
    end = tf.maximum(end, start + _SHORTEST)
    length = (end - start) / PARTS
    means = []
    for part in range(PARTS):
        low = start + part * length
        covered = _covered(low, low + length, count)
        means.append(tf.matmul(covered / length, sequences))
    return tf.concat(means, axis=-1)


def describe_steps(sequences: tf.Tensor, widths: tf.Tensor) -> tf.Tensor:
    """Computes means around steps, as `step_reader.describe_steps`.

    Args:
        sequences: `[windows, steps, channels]`.
        widths: `[widths]`, in steps.

    Returns:
        `[windows, steps, widths * channels]`.
    """
    count = sequences.shape[1]
    middles = tf.range(count, dtype=tf.float32)[:, tf.newaxis] + 0.5
    means = []
    for width in tf.unstack(widths):
        reach = tf.maximum(width, 1.0) / 2
        start = tf.maximum(middles - reach, 0.0)
        end = tf.minimum(middles + reach, float(count))
        means.append(tf.matmul(_covered(start, end, count) / (end - start), sequences))
    return tf.concat(means, axis=-1)


def evidence(probabilities: tf.Tensor, segments: tf.Tensor) -> tf.Tensor:
    """Estimates tIoU with what the steps show, as `step_reader.evidence`.

    Args:
        probabilities: `[windows, steps, classes]`.
        segments: `[windows, segments, 2]`, in steps.

    Returns:
        `[windows, segments, classes]`.
    """
    count = probabilities.shape[1]
    start, end = tf.split(segments, 2, axis=-1)
    flank = tf.maximum(FLANK * (end - start), 1.0)
    inside = tf.matmul(_covered(start, end, count), probabilities)
    wide = _covered(start - flank, end + flank, count)
    union = end - start + tf.matmul(wide, probabilities) - inside
    return tf.math.divide_no_nan(inside, union)


def _covered(start: tf.Tensor, end: tf.Tensor, count: int) -> tf.Tensor:
    """Returns how much of each of `count` steps segments cover, `[..., steps]`."""
    steps = tf.range(count, dtype=tf.float32)
    return tf.maximum(tf.minimum(end, steps + 1) - tf.maximum(start, steps), 0.0)


def _classify(by: Discriminant, described: tf.Tensor) -> tf.Tensor:
    """Classifies what was described, as `Discriminant.probabilities`."""
    return tf.nn.softmax(_logits(by, described))


def _logits(by: Discriminant, described: tf.Tensor) -> tf.Tensor:
    return (described - by.mean) / by.scale @ by.kernel + by.bias


def suppress(
    segments: tf.Tensor, rank: tf.Tensor, config: InferenceConfig, keep: int | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Keeps the best of candidates, as `inference.suppression` does.

    Args:
        segments: `[candidates, 2]`.
        rank: `[candidates]`.
        config: Uses `soft_nms_sigma`, or `nms_tiou`.
        keep: Number of candidates to keep at most.

    Returns:
        Indices of the kept ones, and what each one's rank was multiplied by.
    """
    start, end = tf.unstack(segments, axis=-1)
    boxes = tf.stack([tf.zeros_like(start), start, tf.ones_like(end), end], axis=-1)
    soft = config.soft_nms_sigma > 0
    kept, faded, count = tf.raw_ops.NonMaxSuppressionV5(
        boxes=boxes,
        scores=rank,
        max_output_size=keep,
        iou_threshold=1.0 if soft else config.nms_tiou,
        score_threshold=float("-inf"),
        soft_nms_sigma=config.soft_nms_sigma,
    )
    kept, faded = kept[:count], faded[:count]  # TensorFlow Lite fills them up
    ranks = tf.gather(rank, kept)
    if not soft:
        return kept, tf.ones_like(ranks)
    return kept, tf.where(ranks > 0, faded / tf.where(ranks > 0, ranks, 1.0), 1.0)


def fade_in_loop(
    segments: tf.Tensor, rank: tf.Tensor, sigma: float, keep: int | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes what `suppress` does with a sigma above 0, step by step."""
    start, end = tf.unstack(segments, axis=-1)
    numbers = tf.range(tf.shape(rank)[0])

    def keep_one(count, factor, taken):
        best = tf.argmax(
            tf.where(taken, float("-inf"), rank * factor), output_type=tf.int32
        )
        low, high = tf.gather(start, best), tf.gather(end, best)
        shared = tf.maximum(tf.minimum(end, high) - tf.maximum(start, low), 0.0)
        union = end - start + high - low - shared
        tiou = tf.where(union > 0, shared / tf.where(union > 0, union, 1.0), 0.0)
        taken = taken | (numbers == best)
        fading = tf.exp(-tf.square(tiou) / (2 * sigma))
        return count + 1, tf.where(taken, factor, factor * fading), taken

    keep = tf.minimum(keep, tf.shape(rank)[0])
    _, factor, taken = tf.while_loop(
        lambda count, *_: count < keep,
        keep_one,
        (0, tf.ones_like(rank), tf.zeros_like(rank, tf.bool)),
    )
    kept = tf.where(taken)[:, 0]
    return kept, tf.gather(factor, kept)
