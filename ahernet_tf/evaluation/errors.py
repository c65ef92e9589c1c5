"""Error analysis: kinds of false positives, confused classes, what is missed."""

import dataclasses
import itertools

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection_matching import DetectionTable
from ahernet_tf.evaluation.verdicts import KINDS, Verdicts, judge

LENGTH_BINS = {"XS": 0.2, "S": 0.4, "M": 0.6, "L": 0.8, "XL": np.inf}
"""Upper ends (inclusive) of the instance lengths, as fractions of the video."""


@dataclasses.dataclass(frozen=True)
class ErrorAnalysis:
    """True and false positives by kind, confused classes, and misses.

    Attributes:
        tiou_threshold: The threshold of a true positive.
        predictions: How many predictions were analysed.
        true_positives: How many of them matched.
        false_positives: `{kind: predictions}`.
        confusions: `(predicted label, label of the instance it reaches or None,
            predictions)`, most first; the own label is among them.
        misses: `{bin: (missed instances, instances)}` over `LENGTH_BINS`, and
            "unknown" for videos without a duration. Every prediction counts here.
        misses_by_length: The same by length in seconds, in fifths of the instances.
    """

    tiou_threshold: float
    predictions: int
    true_positives: int
    false_positives: dict[str, int]
    confusions: list[tuple[str, str | None, int]]
    misses: dict[str, tuple[int, int]]
    misses_by_length: dict[str, tuple[int, int]]


def analyse_errors(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    tiou_threshold: float = 0.5,
    background_tiou: float = 0.1,
    per_instance: float | None = 10.0,
) -> ErrorAnalysis:
    """Splits the false positives by kind and the missed instances by length.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`, `label`, and
            `duration_sec` for the length bins.
        predictions: Columns `video`, `start_sec`, `end_sec`, `label`, `score`.
        tiou_threshold: The threshold of a true positive.
        background_tiou: Below this tIoU a prediction lies on background.
        per_instance: See `count_errors`.

    Raises:
        ValueError: The frames or numbers are not usable; see `build_table`.
    """
    verdicts = judge(ground_truth, predictions, tiou_threshold, background_tiou)
    return count_errors(verdicts, ground_truth, per_instance)


def count_errors(
    verdicts: Verdicts, ground_truth: pd.DataFrame, per_instance: float | None = 10.0
) -> ErrorAnalysis:
    """Counts what was judged; see `judge` for the kinds of false positives.

    Args:
        verdicts: Of the predictions.
        ground_truth: That of the verdicts.
        per_instance: Only the best-scored predictions of a label are analysed, so many
            for each of its instances: the hundreds of low scores that a detector adds
            to every video would hide the rest. None analyses all.
    """
    chosen = _best_scored(verdicts.table, per_instance)
    kinds = np.bincount(verdicts.kind[chosen], minlength=len(KINDS)).tolist()
    length = (ground_truth["end_sec"] - ground_truth["start_sec"]).to_numpy(float)
    duration = np.full(len(ground_truth), np.nan)
    if "duration_sec" in ground_truth:
        duration = ground_truth["duration_sec"].to_numpy(float)
    missed = verdicts.matched_by < 0
    return ErrorAnalysis(
        tiou_threshold=verdicts.tiou_threshold,
        predictions=int(chosen.sum()),
        true_positives=kinds[0],
        false_positives=dict(zip(KINDS[1:], kinds[1:])),
        confusions=_confusions(verdicts, chosen),
        misses=_misses(
            missed,
            np.searchsorted(list(LENGTH_BINS.values()), length / duration),  # NaN: last
            [*LENGTH_BINS, "unknown"],
        ),
        misses_by_length=_misses(missed, *_fifths(length)),
    )


def _best_scored(table: DetectionTable, per_instance: float | None) -> np.ndarray:
    """Marks the predictions `[predictions]` that are analysed."""
    if per_instance is None:
        return np.ones(len(table.video), dtype=bool)
    rank = np.arange(len(table.label)) - np.searchsorted(table.label, table.label)
    instances = np.bincount(table.gt_label, minlength=len(table.labels))
    return rank < per_instance * instances[table.label]


def _confusions(
    verdicts: Verdicts, chosen: np.ndarray
) -> list[tuple[str, str | None, int]]:
    """Counts the analysed predictions by their label and that of what they reach."""
    table = verdicts.table
    instance = verdicts.reached[chosen]
    reached = np.where(instance < 0, len(table.labels), table.gt_label[instance])
    pairs = table.label[chosen] * (len(table.labels) + 1) + reached
    values, counts = np.unique(pairs, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names = [*table.labels, None]
    return [
        (table.labels[pair // len(names)], names[pair % len(names)], count)
        for pair, count in zip(values[order].tolist(), counts[order].tolist())
    ]


def _misses(
    missed: np.ndarray, bins: np.ndarray, names: list[str]
) -> dict[str, tuple[int, int]]:
    """Counts missed and all instances by bin."""
    return {
        name: (int(missed[bins == i].sum()), int((bins == i).sum()))
        for i, name in enumerate(names)
    }


def _fifths(length: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Parts lengths in seconds into up to five bins of about as many, and names them.

    Ends of bins have two digits; a length on an end is in the lower bin.
    """
    ends = [float(f"{end:.2g}") for end in np.quantile(length, [0.2, 0.4, 0.6, 0.8])]
    ends = [end for end in dict.fromkeys(ends) if end < length.max()]
    if not ends:
        return np.zeros(len(length), int), ["all"]
    names = [f"up to {ends[0]:g} s"]
    names += [f"{low:g} to {high:g} s" for low, high in itertools.pairwise(ends)]
    return np.searchsorted(ends, length), [*names, f"over {ends[-1]:g} s"]
