"""What became of every prediction and every instance at one tIoU threshold."""

import dataclasses

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection import average_precision, rank_matches
from ahernet_tf.evaluation.detection_matching import (
    DetectionTable,
    Matches,
    build_table,
    check_thresholds,
    match,
    overlapping_pairs,
)

KINDS = (
    "true positive",
    "duplicate",
    "wrong label",
    "bad localisation",
    "background",
)


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """Predictions and instances, each judged.

    Matching goes by descending score, so what is said of a prediction stays true when
    those of lower scores are left out.

    Attributes:
        tiou_threshold: The threshold of a true positive.
        table: The predictions and instances.
        kind: `[predictions]`, positions in `KINDS`.
        reached: `[predictions]`, the instance that a prediction overlaps most, by the
            threshold at least and one of its own label before all others; -1: none.
        matched_by: `[instances]`, the prediction that matches it; -1: none.
    """

    tiou_threshold: float
    table: DetectionTable
    kind: np.ndarray
    reached: np.ndarray
    matched_by: np.ndarray

    def video_average_precision(self) -> np.ndarray:
        """Computes each video's AP `[videos]`, all its predictions ranked together.

        NaN for a video without an instance.
        """
        table = self.table
        order = np.lexsort((-table.score, table.video))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        video = table.video[order]
        by_video = dataclasses.replace(
            table,
            labels=table.videos,
            gt_label=table.gt_video,
            video=video,
            label=video,
        )
        instance = np.flatnonzero(self.matched_by >= 0)
        matches = Matches(
            place[self.matched_by[instance]], np.zeros_like(instance), instance
        )
        ranked = rank_matches(by_video, matches, 1)
        return average_precision(ranked, np.ones(len(table.videos)))[:, 0]


def judge(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    tiou_threshold: float = 0.5,
    background_tiou: float = 0.1,
) -> Verdicts:
    """Judges every prediction and every instance.

    A false positive is the first of these that holds: *duplicate*: reaches the
    threshold with an instance of its label (which another prediction took); *wrong
    label*: reaches it with an instance of another label; *bad localisation*: its best
    tIoU with any instance is at least `background_tiou`; *background*: the rest.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`, `label`.
        predictions: The same and `score`.
        tiou_threshold: The threshold of a true positive.
        background_tiou: Below this tIoU a prediction lies on background.

    Raises:
        ValueError: The frames or numbers are not usable; see `build_table`.
    """
    thresholds = check_thresholds([tiou_threshold])
    if not 0 < background_tiou < tiou_threshold:
        raise ValueError(
            f"Expected 0 < background tIoU < {tiou_threshold}, "
            f"received {background_tiou}."
        )
    table = build_table(ground_truth, predictions)
    matches = match(table, thresholds)
    matched_by = np.full(len(table.gt_video), -1)
    matched_by[matches.instance] = matches.prediction
    matched, touching = np.zeros((2, len(table.video)), dtype=bool)
    matched[matches.prediction] = True

    pairs = overlapping_pairs(table, background_tiou, same_label=False)
    touching[pairs.prediction] = True
    same = table.label[pairs.prediction] == table.gt_label[pairs.instance]
    order = np.lexsort((-pairs.tiou, ~same, pairs.prediction))
    order = order[pairs.tiou[order] >= tiou_threshold]
    prediction, first = np.unique(pairs.prediction[order], return_index=True)
    reached = np.full(len(table.video), -1)
    reached[prediction] = pairs.instance[order[first]]
    own = (reached >= 0) & (table.gt_label[reached] == table.label)
    kind = np.select([matched, own, reached >= 0, touching], [0, 1, 2, 3], default=4)
    return Verdicts(tiou_threshold, table, kind, reached, matched_by)
