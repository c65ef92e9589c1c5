"""Detection score: mean average precision over classes and tIoU thresholds."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection_matching import (
    DetectionTable,
    Matches,
    build_table,
    check_thresholds,
    match,
)


@dataclasses.dataclass(frozen=True)
class DetectionResult:
    """Mean average precision, as fractions of 1.

    Attributes:
        tiou_thresholds: `[thresholds]`.
        map_at_tiou: `[thresholds]`, the mean over classes of the AP.
        average_map: The mean of `map_at_tiou`.
        ap_per_class: `{label: [thresholds]}`, labels in the ground truth's order.
        instances_per_class: `{label: instances}`.
        counts: What was given, used and dropped: `ground_truth_videos`,
            `ground_truth_instances`, `classes`, `predictions`, `predictions_used`,
            `predictions_of_unknown_videos`, `unknown_videos`,
            `predictions_of_unknown_labels`, `unknown_labels`,
            `videos_without_predictions`, `classes_without_predictions`.
    """

    tiou_thresholds: np.ndarray
    map_at_tiou: np.ndarray
    average_map: float
    ap_per_class: dict[str, np.ndarray]
    instances_per_class: dict[str, int]
    counts: dict[str, int]


def evaluate_detections(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    tiou_thresholds: Sequence[float],
    background_videos: Sequence[str] = (),
) -> DetectionResult:
    """Computes the mAP at each tIoU threshold and its average.

    Predictions are ranked within their class by descending score, equal scores in the
    order of the frame, and matched greedily (see `matching.match`). The AP of a class
    is the area under its interpolated precision-recall curve (VOC 2011); a class
    without predictions has AP 0. Predictions of videos without ground truth and of
    labels without ground truth are dropped and counted.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`, `label`.
        predictions: The same and `score`. Empty gives 0 and a warning.
        tiou_thresholds: Thresholds in (0, 1].
        background_videos: Videos without an instance that are evaluated all the same.

    Raises:
        ValueError: The frames or thresholds are not usable; see `build_table`.

    Source: Section 4.1 of the paper (mAP at tIoU 0.5:0.05:0.95), computed as the
        ActivityNet evaluation does.
    """
    thresholds = check_thresholds(tiou_thresholds)
    table = build_table(ground_truth, predictions, background_videos)
    if not table.counts["predictions_used"]:
        warnings.warn("No prediction can be evaluated: every AP is 0.", stacklevel=2)
    ranked = rank_matches(table, match(table, thresholds), len(thresholds))
    ap = average_precision(ranked, np.ones(len(table.videos)))
    map_at_tiou = ap.mean(axis=0)
    instances = np.bincount(table.gt_label, minlength=len(table.labels))
    return DetectionResult(
        tiou_thresholds=thresholds,
        map_at_tiou=map_at_tiou,
        average_map=float(map_at_tiou.mean()),
        ap_per_class=dict(zip(table.labels, ap)),
        instances_per_class=dict(zip(table.labels, instances.tolist())),
        counts=table.counts,
    )


class RankedMatches(NamedTuple):
    """True positives by class and threshold ("curve"), ready for any video weights.

    `curve`, `position`, `video` are `[matches]`, sorted by curve, then rank:
    curve = label * thresholds + threshold; position = place in the sorted predictions.
    `curve_start` `[matches]` is the first match of the same curve; `label_start`
    `[matches]` the first prediction of the same label. `prediction_video`
    `[predictions]`, `gt_video` and `gt_label` `[instances]` are the table's.
    """

    curve: np.ndarray
    position: np.ndarray
    video: np.ndarray
    curve_start: np.ndarray
    label_start: np.ndarray
    prediction_video: np.ndarray
    gt_video: np.ndarray
    gt_label: np.ndarray
    videos: int
    labels: int
    thresholds: int


def rank_matches(
    table: DetectionTable, matches: Matches, thresholds: int
) -> RankedMatches:
    """Sorts the true positives by class, threshold and rank."""
    curve = table.label[matches.prediction] * thresholds + matches.threshold
    order = np.lexsort((matches.prediction, curve))
    curve, position = curve[order], matches.prediction[order]
    return RankedMatches(
        curve=curve,
        position=position,
        video=table.video[position],
        curve_start=np.searchsorted(curve, curve),
        label_start=np.searchsorted(table.label, table.label[position]),
        prediction_video=table.video,
        gt_video=table.gt_video,
        gt_label=table.gt_label,
        videos=len(table.videos),
        labels=len(table.labels),
        thresholds=thresholds,
    )


def average_precision(ranked: RankedMatches, weights: np.ndarray) -> np.ndarray:
    """Computes AP = sum over true positives of (best precision from there on) / P.

    P is the number of instances of the class. Precision only rises at true positives,
    so this is the area under the interpolated precision-recall curve. A video of
    weight w counts as w copies of it, each copied prediction beside its original.

    Args:
        ranked: The true positives.
        weights: `[videos]`, how often each video counts.

    Returns:
        AP `[labels, thresholds]`; NaN for a label without an instance of any weight.
    """
    weights = np.asarray(weights, dtype=np.float64)
    positives = np.bincount(
        ranked.gt_label, weights[ranked.gt_video], minlength=ranked.labels
    )
    seen = np.concatenate([[0.0], np.cumsum(weights[ranked.prediction_video])])
    rank = seen[ranked.position + 1] - seen[ranked.label_start]
    weight = weights[ranked.video]
    hits = np.concatenate([[0.0], np.cumsum(weight)])
    hit = hits[1:] - hits[ranked.curve_start]
    precision = np.divide(hit, rank, out=np.zeros_like(rank), where=rank > 0)
    # A running maximum from the back of each curve: precision is at most 1, so adding
    # 2 a curve keeps the curves apart.
    lift = 2.0 * (ranked.labels * ranked.thresholds - ranked.curve)
    envelope = np.maximum.accumulate((precision + lift)[::-1])[::-1] - lift
    area = np.bincount(
        ranked.curve, envelope * weight, minlength=ranked.labels * ranked.thresholds
    ).reshape(ranked.labels, ranked.thresholds)
    with np.errstate(invalid="ignore"):
        return area / positives[:, None]
