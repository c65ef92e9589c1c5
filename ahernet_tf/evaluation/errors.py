"""Error analysis: what kind the false positives are, how long the misses are."""

import dataclasses

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection_matching import (
    DetectionTable,
    build_table,
    check_thresholds,
    match,
    overlapping_pairs,
)

FALSE_POSITIVE_KINDS = ("duplicate", "wrong label", "bad localisation", "background")
LENGTH_BINS = {"XS": 0.2, "S": 0.4, "M": 0.6, "L": 0.8, "XL": np.inf}
"""Upper ends (inclusive) of the instance lengths, as fractions of the video."""


@dataclasses.dataclass(frozen=True)
class ErrorAnalysis:
    """True and false positives by kind, and misses by instance length.

    Attributes:
        tiou_threshold: The threshold of a true positive.
        predictions: How many predictions were analysed.
        true_positives: How many of them matched.
        false_positives: `{kind: predictions}` over `FALSE_POSITIVE_KINDS`.
        misses: `{bin: (missed instances, instances)}` over `LENGTH_BINS`, and
            "unknown" for videos without a duration. Every prediction counts here.
    """

    tiou_threshold: float
    predictions: int
    true_positives: int
    false_positives: dict[str, int]
    misses: dict[str, tuple[int, int]]


def analyse_errors(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    tiou_threshold: float = 0.5,
    background_tiou: float = 0.1,
    per_instance: float | None = 10.0,
) -> ErrorAnalysis:
    """Splits the false positives by kind and the missed instances by length.

    A false positive is the first of these that holds: *duplicate*: reaches the
    threshold with an instance of its label (which another prediction took); *wrong
    label*: reaches it with an instance of another label; *bad localisation*: its best
    tIoU with any instance is at least `background_tiou`; *background*: the rest.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`, `label`, and
            `duration_sec` for the length bins.
        predictions: Columns `video`, `start_sec`, `end_sec`, `label`, `score`.
        tiou_threshold: The threshold of a true positive.
        background_tiou: Below this tIoU a prediction lies on background.
        per_instance: Only the best-scored predictions of a label are analysed, so many
            for each of its instances: the hundreds of low scores that a detector adds
            to every video would hide the rest. None analyses all.

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
    count = len(table.video)
    matched = np.zeros(count, dtype=bool)
    matched[matches.prediction] = True

    pairs = overlapping_pairs(table, background_tiou, same_label=False)
    same = table.label[pairs.prediction] == table.gt_label[pairs.instance]
    best_same = np.zeros(count)
    best_any = np.zeros(count)
    np.maximum.at(best_same, pairs.prediction[same], pairs.tiou[same])
    np.maximum.at(best_any, pairs.prediction, pairs.tiou)
    kinds = np.select(
        [
            best_same >= tiou_threshold,
            best_any >= tiou_threshold,
            best_any >= background_tiou,
        ],
        [0, 1, 2],
        default=3,
    )
    chosen = _best_scored(table, per_instance)
    by_kind = np.bincount(kinds[chosen & ~matched], minlength=len(FALSE_POSITIVE_KINDS))
    return ErrorAnalysis(
        tiou_threshold=tiou_threshold,
        predictions=int(chosen.sum()),
        true_positives=int((chosen & matched).sum()),
        false_positives=dict(zip(FALSE_POSITIVE_KINDS, by_kind.tolist())),
        misses=_misses_by_length(ground_truth, matches.instance),
    )


def _best_scored(table: DetectionTable, per_instance: float | None) -> np.ndarray:
    """Marks the predictions `[predictions]` that are analysed."""
    if per_instance is None:
        return np.ones(len(table.video), dtype=bool)
    rank = np.arange(len(table.label)) - np.searchsorted(table.label, table.label)
    instances = np.bincount(table.gt_label, minlength=len(table.labels))
    return rank < per_instance * instances[table.label]


def _misses_by_length(
    ground_truth: pd.DataFrame, found: np.ndarray
) -> dict[str, tuple[int, int]]:
    """Counts missed and all instances by length over the video's duration."""
    missed = np.ones(len(ground_truth), dtype=bool)
    missed[found] = False
    length = (ground_truth["end_sec"] - ground_truth["start_sec"]).to_numpy(float)
    duration = np.full(len(ground_truth), np.nan)
    if "duration_sec" in ground_truth:
        duration = ground_truth["duration_sec"].to_numpy(float)
    bins = np.searchsorted(list(LENGTH_BINS.values()), length / duration)  # NaN: last
    names = [*LENGTH_BINS, "unknown"]
    return {
        name: (int(missed[bins == i].sum()), int((bins == i).sum()))
        for i, name in enumerate(names)
    }
