"""The numbers of a page: each result's scores and errors, and their differences."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from ahernet_tf import evaluation
from ahernet_tf.evaluation import DetectionIntervals, Interval, ProposalIntervals

AVERAGE_NUMBERS = (1, 10, 100)


@dataclasses.dataclass(frozen=True)
class Resampling:
    """How the intervals of the scores are made.

    Attributes:
        samples: Resamples of the videos; 0: no intervals.
        seed: Seed of the resampling.
        progress: Wraps the loop over samples, for a progress bar.
    """

    samples: int = 1000
    seed: int = 0
    progress: Callable[[Iterable[int]], Iterable[int]] = iter


@dataclasses.dataclass(frozen=True)
class _Intervals:
    """What one result's differences to another are computed from."""

    detections: DetectionIntervals
    proposals: ProposalIntervals


def score_summaries(
    truth: pd.DataFrame,
    found: Sequence[pd.DataFrame],
    verdicts: Sequence[evaluation.Verdicts],
    thresholds: Sequence[float],
    resampling: Resampling,
) -> list[dict[str, Any]]:
    """Computes what the page shows of each result, ready for JSON.

    Args:
        truth: Ground truth, as `load_ground_truth` returns it.
        found: Detections of each result.
        verdicts: The same, judged.
        thresholds: tIoU thresholds.
        resampling: How intervals are made.

    Returns:
        A summary per result; a value is `[estimate, low, high]`, percent, its ends None
        where there is no interval. Of two results the second holds `difference`, it
        less the first.
    """
    summaries, first = [], None
    for frame, judged in zip(found, verdicts):
        detection = evaluation.evaluate_detections(truth, frame, thresholds)
        proposal = evaluation.evaluate_proposals(truth, frame, thresholds)
        errors = evaluation.count_errors(judged, truth)
        intervals = None
        if resampling.samples:
            samples, seed = resampling.samples, resampling.seed
            intervals = _Intervals(
                evaluation.bootstrap_detections(
                    truth,
                    frame,
                    thresholds,
                    samples,
                    seed,
                    progress=resampling.progress,
                ),
                evaluation.bootstrap_proposals(proposal, samples, seed),
            )
        summary = _scores(detection, proposal, intervals)
        summary["errors"] = dataclasses.asdict(errors)
        summary["counts"] = detection.counts
        if first and intervals and len(found) == 2:
            summary["difference"] = _difference(intervals, first, proposal)
        first = first or intervals
        summaries.append(summary)
    return summaries


def _scores(
    detection: evaluation.DetectionResult,
    proposal: evaluation.ProposalResult,
    intervals: _Intervals | None,
) -> dict[str, Any]:
    """Lays scores and their intervals out."""
    parts = intervals.detections if intervals else None
    recall = intervals.proposals if intervals else None
    ap = {
        label: float(values.mean()) for label, values in detection.ap_per_class.items()
    }
    points = _points(proposal)
    curve = [
        _value(value, recall and recall.ar_at_an[point])
        for point, value in enumerate(proposal.ar_at_an)
    ]
    return {
        "average_map": _value(detection.average_map, parts and parts.average_map),
        "map_at_tiou": [
            _value(value, parts and parts.map_at_tiou[place])
            for place, value in enumerate(detection.map_at_tiou)
        ],
        "ap_per_class": {
            label: _value(value, parts and parts.ap_per_class[label])
            for label, value in ap.items()
        },
        "instances_per_class": detection.instances_per_class,
        "auc": _value(proposal.auc, recall and recall.auc, 1.0),
        "average_numbers": proposal.proposals_per_video.tolist(),
        "ar_at_an": curve,
        "ar_at": {str(number): curve[point] for number, point in points.items()},
    }


def _difference(
    intervals: _Intervals, first: _Intervals, proposal: evaluation.ProposalResult
) -> dict[str, Any]:
    """Lays out what a result differs by from the first, on the same resamples."""

    def less(a: Interval, b: Interval, unit: float = 100.0) -> list[float | None]:
        interval = evaluation.paired_interval(a, b)
        return _value(interval.estimate, interval, unit)

    ours, theirs = intervals.detections, first.detections
    recall, of_first = intervals.proposals, first.proposals
    return {
        "average_map": less(ours.average_map, theirs.average_map),
        "map_at_tiou": [
            less(a, b) for a, b in zip(ours.map_at_tiou, theirs.map_at_tiou)
        ],
        "ap_per_class": {
            label: less(interval, theirs.ap_per_class[label])
            for label, interval in ours.ap_per_class.items()
        },
        "auc": less(recall.auc, of_first.auc, 1.0),
        "ar_at": {
            str(number): less(recall.ar_at_an[point], of_first.ar_at_an[point])
            for number, point in _points(proposal).items()
        },
    }


def _points(proposal: evaluation.ProposalResult) -> dict[int, int]:
    """Returns the points of the curve of the average numbers that are named."""
    return {
        number: int(abs(proposal.proposals_per_video - number).argmin())
        for number in AVERAGE_NUMBERS
    }


def _value(
    estimate: float, interval: Interval | None, unit: float = 100.0
) -> list[float | None]:
    """Returns `[estimate, low, high]` in percent, None for what is not known."""
    ends = (interval.low, interval.high) if interval else (math.nan, math.nan)
    values = (unit * float(value) for value in (estimate, *ends))
    return [round(value, 4) if math.isfinite(value) else None for value in values]
