"""Keeps the best of candidates that overlap (paper section 3.4)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ahernet_tf.config import InferenceConfig
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.detections import Detections


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
        rank: `[candidates]`, as in `suppress`.
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


def merge(candidates: Candidates, config: InferenceConfig, keep: int) -> Detections:
    """Makes detections of candidates: of those that overlap, the best.

    Args:
        candidates: Of one video; their segments may be in any unit.
        config: Uses `candidates`, and `soft_nms_sigma` or `nms_tiou`.
        keep: Number of detections to keep at most.
    """
    segments, rank, score, label = candidates[:4]
    if config.soft_nms_sigma > 0:
        kept, factor = fade(segments, rank, config, keep)
        scores = score[kept] * factor
    else:
        kept = suppress(segments, rank, config, keep)
        scores = score[kept]
    order = np.argsort(-scores, kind="stable")
    return Detections(segments[kept][order], scores[order], label[kept][order])


def _ordered(
    segments: np.ndarray, rank: np.ndarray, config: InferenceConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the indices of the best candidates, their boxes and their ranks."""
    order = np.argsort(-rank, kind="stable")[: config.candidates]
    start, end = segments[order].astype(np.float32).T
    boxes = np.stack([np.zeros_like(start), start, np.ones_like(end), end], axis=-1)
    return order, boxes, rank[order].astype(np.float32)
