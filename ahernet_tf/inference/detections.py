"""From the network's predictions to detections in seconds (paper section 3.4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.anchors import segments as segment_ops
from ahernet_tf.config import InferenceConfig
from ahernet_tf.models import Predictions


class Candidates(NamedTuple):
    """All anchors of a batch, decoded and scored.

    Attributes:
        segments: `[batch, anchors, 2]`, `[start, end]` in steps, inside the sequence.
        rank: `[batch, anchors]`, what non-maximum suppression orders by.
        score: `[batch, anchors]`, score of the detection that results.
        label: `[batch, anchors]` int32.
    """

    segments: tf.Tensor
    rank: tf.Tensor
    score: tf.Tensor
    label: tf.Tensor


class Detections(NamedTuple):
    """Detections of one video, best first.

    Attributes:
        segments: `[detections, 2]`, `[start, end]`.
        score: `[detections]`.
        label: `[detections]` int, index into the classes.
    """

    segments: np.ndarray
    score: np.ndarray
    label: np.ndarray


def proposal_score(predictions: Predictions, kind: str) -> tf.Tensor:
    """Scores each anchor whatever its class, `[batch, anchors]`.

    Args:
        predictions: Of the network.
        kind: `overlap` (predicted tIoU), `action` (probability of an action) or
            `product` of both.
    """
    if kind == "overlap":
        return predictions.overlap
    action = tf.nn.softmax(predictions.proposal_logits)[..., 1]
    return action if kind == "action" else action * predictions.overlap


def candidates(
    predictions: Predictions, anchors: tf.Tensor, steps: int, config: InferenceConfig
) -> Candidates:
    """Decodes and scores all anchors.

    With `ranking="anchor"` an anchor bears the likeliest class of its cell and scores
    that probability times its proposal score. With `"video"` the class probabilities
    are averaged over all cells of the video: one label for all its anchors.

    Args:
        predictions: Of the network.
        anchors: `[anchors, 2]`, `[centre, length]`, steps.
        steps: Length of the sequence; segments are clamped to it.
        config: Uses `ranking` and `proposal_score`.

    Returns:
        Every anchor as a candidate.
    """
    segments = segment_ops.to_start_end(
        anchor_grid.decode(predictions.offsets, anchors)
    )
    proposal = proposal_score(predictions, config.proposal_score)
    probability = tf.nn.softmax(predictions.class_logits)  # [batch, cells, classes]
    if config.ranking == "video":
        probability = tf.reduce_mean(probability, axis=1, keepdims=True)
    ratios = tf.shape(proposal)[1] // tf.shape(probability)[1]
    best = tf.repeat(tf.reduce_max(probability, axis=-1), ratios, axis=1)
    label = tf.argmax(probability, axis=-1, output_type=tf.int32)
    score = proposal * best
    return Candidates(
        segments=segment_ops.clip(segments, 0.0, float(steps)),
        rank=score if config.ranking == "anchor" else proposal,
        score=score,
        label=tf.repeat(label, ratios, axis=1),
    )


def suppress(
    segments: np.ndarray, rank: np.ndarray, config: InferenceConfig, keep: int
) -> np.ndarray:
    """Chooses detections by greedy non-maximum suppression.

    Args:
        segments: `[candidates, 2]`, `[start, end]` in any unit.
        rank: `[candidates]`; the highest enter first, of equal ones the first.
        config: Uses `candidates` and `nms_tiou`: a candidate goes when its tIoU with
            a kept one is above it.
        keep: Number of detections to keep at most.

    Returns:
        Indices of the kept candidates, best first.
    """
    order, boxes, ranks = _ordered(segments, rank, config)
    kept = tf.image.non_max_suppression(
        boxes, ranks, keep, iou_threshold=config.nms_tiou
    )
    return order[kept.numpy()]


def fade(
    segments: np.ndarray, rank: np.ndarray, config: InferenceConfig, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    """Chooses detections by soft non-maximum suppression, Gaussian.

    Time and again the highest is kept, and the rank of every other is multiplied by
    `exp(-tIoU^2 / (2 sigma))` of its tIoU with that one.

    Args:
        segments: As in `suppress`.
        rank: Likewise.
        config: Uses `candidates` and `soft_nms_sigma`, which must be above 0.
        keep: Number of detections to keep at most.

    Returns:
        Indices of the kept candidates, and what each one's rank was multiplied by, in
        (0, 1].

    Source:
        Bodla et al., Soft-NMS, 2017; beyond the paper.
    """
    order, boxes, ranks = _ordered(segments, rank, config)
    kept, faded = tf.image.non_max_suppression_with_scores(
        boxes, ranks, keep, iou_threshold=1.0, soft_nms_sigma=config.soft_nms_sigma
    )
    kept, faded = kept.numpy(), faded.numpy()
    unchanged = np.ones_like(faded)
    return order[kept], np.divide(
        faded, ranks[kept], out=unchanged, where=ranks[kept] > 0
    )


def merge(
    segments: np.ndarray,
    rank: np.ndarray,
    score: np.ndarray,
    label: np.ndarray,
    config: InferenceConfig,
    keep: int,
) -> Detections:
    """Makes detections of candidates: of those that overlap, the best.

    Args:
        segments: `[candidates, 2]`, `[start, end]` in any unit.
        rank: `[candidates]`, what suppression orders by.
        score: `[candidates]`, of the detections.
        label: `[candidates]` int.
        config: Uses `candidates`, and `soft_nms_sigma` or `nms_tiou`.
        keep: Number of detections to keep at most.
    """
    if config.soft_nms_sigma > 0:
        kept, factor = fade(segments, rank, config, keep)
        scores = score[kept] * factor
    else:
        kept = suppress(segments, rank, config, keep)
        scores = score[kept]
    order = np.argsort(-scores, kind="stable")
    return Detections(segments[kept][order], scores[order], label[kept][order])


def detections(batch: Candidates, config: InferenceConfig) -> list[Detections]:
    """Keeps the best detections of every video of a batch.

    Args:
        batch: Candidates of the videos.
        config: Uses `candidates`, `detections`, `soft_nms_sigma` or `nms_tiou`.

    Returns:
        One a video; segments in steps.
    """
    results = []
    for segments, rank, score, label in zip(*(part.numpy() for part in batch)):
        results.append(merge(segments, rank, score, label, config, config.detections))
    return results


def _ordered(
    segments: np.ndarray, rank: np.ndarray, config: InferenceConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the indices of the best candidates, their boxes and their ranks."""
    order = np.argsort(-rank, kind="stable")[: config.candidates]
    start, end = segments[order].astype(np.float32).T
    boxes = np.stack([np.zeros_like(start), start, np.ones_like(end), end], axis=-1)
    return order, boxes, rank[order].astype(np.float32)
