"""Proposal score: average recall against the average number of proposals, its AUC."""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection_matching import (
    check_frame,
    check_thresholds,
    codes_of,
    temporal_iou,
)

POINTS = 100
"""Points of the curve: recall at 1%, 2%, ..., 100% of the proposals."""


@dataclasses.dataclass(frozen=True)
class ProposalResult:
    """Average recall, as fractions of 1; the area under its curve in percent.

    Attributes:
        tiou_thresholds: `[thresholds]`.
        proposals_per_video: `[100]`, the average numbers of proposals (AN).
        ar_at_an: `[100]`, recall averaged over thresholds at each of those.
        recall: `[thresholds, 100]`.
        video_recall: `[videos, 100]`, by video, the sum over its instances of the
            recall averaged over thresholds.
        video_instances: `[videos]`.
        auc: The area under `ar_at_an`, divided by the last number, in percent.
        counts: `ground_truth_videos`, `ground_truth_instances`, `proposals` (in the
            file), `proposals_of_unknown_videos`, `unknown_videos`,
            `videos_without_proposals`.
    """

    tiou_thresholds: np.ndarray
    proposals_per_video: np.ndarray
    ar_at_an: np.ndarray
    recall: np.ndarray
    video_recall: np.ndarray
    video_instances: np.ndarray
    auc: float
    counts: dict[str, int]

    def ar_at(self, number: int) -> float:
        """Returns the average recall at an average number of proposals on the curve.

        Raises:
            ValueError: The curve has no point there.
        """
        point = int(np.argmin(np.abs(self.proposals_per_video - number)))
        if abs(self.proposals_per_video[point] - number) > 1e-6:
            raise ValueError(
                f"Expected one of the {POINTS} numbers up to "
                f"{self.proposals_per_video[-1]:g}, received {number}."
            )
        return float(self.ar_at_an[point])

    def area_under(self, ar_at_an: np.ndarray) -> float:
        """Returns the area under a curve `[100]` over these numbers, in percent."""
        return _area_under(ar_at_an, self.proposals_per_video)


def evaluate_proposals(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    tiou_thresholds: Sequence[float],
    max_average_number: int = 100,
) -> ProposalResult:
    """Computes average recall against the average number of proposals per video.

    With V videos and P proposals given, the fraction max_average_number * V / P of each
    video's proposals is kept, best scores first, equal scores in the order of the
    frame. Recall is measured at 1%, ..., 100% of what is kept and averaged over
    thresholds. Labels are ignored. Proposals of videos without ground truth are never
    matched but count in P, as in the official evaluation.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`.
        predictions: The same and `score`. Empty gives 0 and a warning.
        tiou_thresholds: Thresholds in (0, 1].
        max_average_number: The last number of proposals on the curve.

    Raises:
        ValueError: A column is missing, a number is not finite, a segment starts
            after its end, or the ground truth is empty.

    Source: Section 4.1 of the paper (AUC of AR-AN), computed as the ActivityNet
        evaluation does.
    """
    thresholds = check_thresholds(tiou_thresholds)
    columns = ["start_sec", "end_sec", "video"]
    check_frame(ground_truth, "ground truth", columns)
    check_frame(predictions, "predictions", [*columns, "score"])
    if ground_truth.empty:
        raise ValueError("Expected ground truth with an instance, received none.")
    videos = [str(video) for video in ground_truth["video"].unique()]
    video = codes_of(predictions["video"], videos)
    if not (video >= 0).any():
        warnings.warn("No proposal can be evaluated: recall is 0.", stacklevel=2)

    gt_video = codes_of(ground_truth["video"], videos)
    ratio = max_average_number * float(len(videos)) / max(len(predictions), 1)
    given = np.bincount(video[video >= 0], minlength=len(videos))
    kept = np.minimum((given * ratio).astype(np.int64), given)
    first_hit, gt_order = _first_hits(
        ground_truth, gt_video, predictions, video, given, kept, thresholds
    )
    total = int(kept.sum())
    percentages = np.arange(1, POINTS + 1) / 100.0
    share = percentages * (max_average_number * float(len(videos)) / max(total, 1))
    numbers = np.minimum((kept[:, None] * share).astype(np.int64), kept[:, None])
    allowed = numbers[gt_video[gt_order]]  # [instances, points]
    hits = [first_hit[:, i, None] < allowed for i in range(len(thresholds))]
    recall = np.stack([hit.mean(axis=0) for hit in hits])
    instances = np.bincount(gt_video, minlength=len(videos))
    first_instance = np.cumsum(instances) - instances
    of_instances = np.sum(hits, axis=0, dtype=np.float64) / len(thresholds)
    proposals_per_video = share * (float(total) / len(videos))
    if not total:
        proposals_per_video = percentages * max_average_number
    ar_at_an = recall.mean(axis=0)
    return ProposalResult(
        tiou_thresholds=thresholds,
        proposals_per_video=proposals_per_video,
        ar_at_an=ar_at_an,
        recall=recall,
        video_recall=np.add.reduceat(of_instances, first_instance),
        video_instances=instances,
        auc=_area_under(ar_at_an, proposals_per_video),
        counts={
            "ground_truth_videos": len(videos),
            "ground_truth_instances": len(ground_truth),
            **_counts_of_proposals(predictions, video, given),
        },
    )


def _counts_of_proposals(
    predictions: pd.DataFrame, video: np.ndarray, given: np.ndarray
) -> dict[str, int]:
    """Counts proposals, and videos that one side alone has.

    Args:
        predictions: All of them.
        video: Of each, its number among the videos of the ground truth, or -1.
        given: Proposals of each of these videos.
    """
    return {
        "proposals": len(predictions),
        "proposals_of_unknown_videos": int((video < 0).sum()),
        "unknown_videos": int(predictions.loc[video < 0, "video"].nunique()),
        "videos_without_proposals": int((given == 0).sum()),
    }


def _area_under(ar_at_an: np.ndarray, proposals_per_video: np.ndarray) -> float:
    """Computes the area under a curve by its last number, in percent."""
    heights = (ar_at_an[1:] + ar_at_an[:-1]) / 2.0
    area = float(np.sum(np.diff(proposals_per_video) * heights))
    return 100.0 * area / float(proposals_per_video[-1])


def _first_hits(
    ground_truth: pd.DataFrame,
    gt_video: np.ndarray,
    predictions: pd.DataFrame,
    video: np.ndarray,
    given: np.ndarray,
    kept: np.ndarray,
    thresholds: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the rank of the best-scored proposal that reaches each instance.

    Returns:
        Ranks from 0 `[instances, thresholds]` (a huge number where none reaches it),
        for the instances in the order of the second array, rows of the ground truth
        sorted by video.
    """
    segments = ["start_sec", "end_sec"]
    gt_order = np.argsort(gt_video, kind="stable")
    gt_segments = ground_truth[segments].to_numpy(dtype=np.float64)[gt_order]
    gt_ends = np.cumsum(np.bincount(gt_video, minlength=len(given)))
    scores = predictions["score"].to_numpy(dtype=np.float64)
    order = np.lexsort((-scores, video))  # a stable sort
    sorted_segments = predictions[segments].to_numpy(dtype=np.float64)[order]
    ends = int((video < 0).sum()) + np.cumsum(given)
    never = np.iinfo(np.int64).max
    first_hit = np.full((len(gt_order), len(thresholds)), never)
    for index in np.flatnonzero(kept):
        first = ends[index] - given[index]
        proposals = sorted_segments[first : first + kept[index]]
        instances = slice(gt_ends[index - 1] if index else 0, gt_ends[index])
        truth = gt_segments[instances]
        tiou = temporal_iou(
            truth[:, :1], truth[:, 1:], proposals[:, 0], proposals[:, 1]
        )
        for i, threshold in enumerate(thresholds):
            hit = tiou >= threshold
            rank = np.where(hit.any(axis=1), hit.argmax(axis=1), never)
            first_hit[instances, i] = rank
    return first_hit, gt_order
