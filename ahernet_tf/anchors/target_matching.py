"""Ground truth to per-anchor targets and masks (paper section 3.4)."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from ahernet_tf.anchors import offset_coding
from ahernet_tf.anchors import segments as segment_ops


class Targets(NamedTuple):
    """What every anchor is taught. No gradient flows through any of it.

    Attributes:
        tiou: `[batch, anchors]`, tIoU with the matched segment; 0 without a match.
        offsets: `[batch, anchors, 2]`, coded match (Eq. 5); 0 without a match.
        segments: `[batch, anchors, 2]`, matched `[centre, length]` in steps; the
            anchor itself without a match.
        labels: `[batch, anchors]` int32, label of the match; 0 without a match.
        matched: `[batch, anchors]` bool, the anchor overlaps some segment.
        foreground: `[batch, anchors]` bool, tIoU above the foreground threshold.
        background: `[batch, anchors]` bool, tIoU below the background threshold,
            anchors that overlap nothing included. Between the two: ignored.
    """

    tiou: tf.Tensor
    offsets: tf.Tensor
    segments: tf.Tensor
    labels: tf.Tensor
    matched: tf.Tensor
    foreground: tf.Tensor
    background: tf.Tensor


def match(
    anchors: tf.Tensor,
    segments: tf.Tensor,
    segment_mask: tf.Tensor,
    segment_labels: tf.Tensor,
    *,
    steps: int,
    foreground_tiou: float,
    background_tiou: float,
) -> Targets:
    """Matches every anchor with the segment of its video that it overlaps most.

    Anchors are clipped to `[0, steps - 1]` for the tIoU, as in the 2020 release: a
    segment that covers the whole sequence scores at most (steps - 1) / steps. Of equal
    overlaps the first segment wins. Segments that do not end after their start never
    match.

    Args:
        anchors: `[anchors, 2]`, `[centre, length]`, steps.
        segments: `[batch, max_segments, 2]`, `[start, end]`, steps.
        segment_mask: `[batch, max_segments]` bool, which of them exist.
        segment_labels: `[batch, max_segments]` int32.
        steps: Length of the sequence.
        foreground_tiou: An anchor above it is foreground.
        background_tiou: An anchor below it is background.

    Returns:
        Targets of every anchor.

    Raises:
        ValueError: `segments` is not `[batch, max_segments, 2]`.
    """
    if segments.shape.rank != 3 or segments.shape[-1] != 2:
        raise ValueError(
            "Expected segments [batch, max_segments, 2], "
            f"received {tuple(segments.shape)}."
        )
    clipped = segment_ops.clip(segment_ops.to_start_end(anchors), 0.0, steps - 1.0)
    tiou = segment_ops.pairwise_tiou(clipped[tf.newaxis], segments)
    tiou = tf.where(segment_mask[:, tf.newaxis, :], tiou, 0.0)
    best = tf.argmax(tiou, axis=-1, output_type=tf.int32)  # [batch, anchors]
    tiou = tf.reduce_max(tiou, axis=-1)
    matched = tiou > 0.0
    best_segments = segment_ops.to_centre_length(
        tf.gather(segments, best, batch_dims=1)
    )
    best_segments = tf.where(matched[..., tf.newaxis], best_segments, anchors)
    targets = Targets(
        tiou=tiou,
        offsets=offset_coding.encode(best_segments, anchors),
        segments=best_segments,
        labels=tf.where(matched, tf.gather(segment_labels, best, batch_dims=1), 0),
        matched=matched,
        foreground=tiou > foreground_tiou,
        background=tiou < background_tiou,
    )
    return Targets(*[tf.stop_gradient(target) for target in targets])
