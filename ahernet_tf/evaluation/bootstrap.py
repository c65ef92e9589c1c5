"""How far a score would move on other videos: bootstrap over videos."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection import average_precision, rank_matches
from ahernet_tf.evaluation.detection_matching import (
    build_table,
    check_thresholds,
    match,
)
from ahernet_tf.evaluation.proposal import ProposalResult


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value on all videos and an interval around it.

    The interval holds the central resamples after their mean is moved to the estimate.
    That matters: resampled mAP is too high where classes have few videos, because a
    class is averaged over only when drawn, and its instances are then drawn more often
    than the false positives in other videos. With only two or three videos a class the
    interval is still too narrow.

    Attributes:
        estimate: The value on all videos, as a fraction of 1.
        low, high: The ends of the interval.
        confidence: The share of the resamples within it.
        bias: The mean of the resamples less the estimate, which is taken off.
        resampled: `[samples]`, the value of each resample, bias included.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    bias: float
    resampled: np.ndarray


@dataclasses.dataclass(frozen=True)
class PairedInterval(Interval):
    """The difference a - b of two scores, mostly average mAPs, on the same resamples.

    Attributes:
        average_map_a, average_map_b: Both scores on all videos.
        share_above_zero: The share of resamples, less their bias, in which a is better
            (a tie: half).
    """

    average_map_a: float
    average_map_b: float
    share_above_zero: float


@dataclasses.dataclass(frozen=True)
class DetectionIntervals:
    """The mAP and what it is the mean of, all on the same resamples.

    Attributes:
        average_map: Averaged over thresholds.
        map_at_tiou: The mAP by threshold.
        ap_per_class: `{label: AP averaged over thresholds}`, each over the resamples
            that hold an instance of the label.
    """

    average_map: Interval
    map_at_tiou: list[Interval]
    ap_per_class: dict[str, Interval]


@dataclasses.dataclass(frozen=True)
class ProposalIntervals:
    """The average recall and the area under its curve, on the same resamples.

    Attributes:
        auc: The area, in percent.
        ar_at_an: The average recall, by point of the curve.
    """

    auc: Interval
    ar_at_an: list[Interval]


def bootstrap_interval(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    thresholds: Sequence[float],
    samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    background_videos: Sequence[str] = (),
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Interval:
    """Estimates a confidence interval of the average mAP.

    Videos are drawn with replacement, as many as there are, and a class is averaged
    over where one of its instances is drawn. Matching is done once.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`, `label`.
        predictions: The same and `score`.
        thresholds: tIoU thresholds in (0, 1].
        samples: How many resamples.
        seed: Seed of the resampling.
        confidence: Share of the resamples within the interval, in (0, 1).
        background_videos: Videos without an instance that are evaluated all the same.
        progress: Wraps the loop over samples, for a progress bar.

    Raises:
        ValueError: The frames, thresholds, samples or confidence are not usable.
    """
    return bootstrap_detections(
        ground_truth,
        predictions,
        thresholds,
        samples,
        seed,
        confidence,
        background_videos,
        progress,
    ).average_map


def bootstrap_detections(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    thresholds: Sequence[float],
    samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    background_videos: Sequence[str] = (),
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> DetectionIntervals:
    """Estimates confidence intervals of the mAP and of each class's AP.

    Takes what `bootstrap_interval` takes, whose interval is among the results.
    """
    checked = check_thresholds(thresholds)
    table = build_table(ground_truth, predictions, background_videos)
    ranked = rank_matches(table, match(table, checked), len(checked))
    ends = np.cumsum([1, len(checked)])

    def scores(weights: np.ndarray) -> np.ndarray:
        ap = average_precision(ranked, weights)
        present = ap[~np.isnan(ap).any(axis=1)]
        at_tiou = present.mean(axis=0) if len(present) else np.zeros(len(checked))
        return np.concatenate([[at_tiou.mean()], at_tiou, ap.mean(axis=1)])

    drawn = (
        scores(weights)
        for weights in _drawn_weights(
            ranked.videos, samples, seed, confidence, progress
        )
    )
    intervals = _intervals(scores(np.ones(ranked.videos)), drawn, confidence)
    return DetectionIntervals(
        average_map=intervals[0],
        map_at_tiou=intervals[1 : ends[1]],
        ap_per_class=dict(zip(table.labels, intervals[ends[1] :])),
    )


def bootstrap_proposals(
    result: ProposalResult,
    samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> ProposalIntervals:
    """Estimates confidence intervals of the average recall and of its AUC.

    Which of a video's proposals count stays as it is on all videos: the share that is
    kept is not computed anew on each resample.

    Args:
        result: On all videos.
        samples: How many resamples.
        seed: Seed of the resampling.
        confidence: Share of the resamples within the interval, in (0, 1).
        progress: Wraps the loop over samples, for a progress bar.
    """

    def scores(weights: np.ndarray) -> np.ndarray:
        recall = weights @ result.video_recall / (weights @ result.video_instances)
        return np.append(recall, result.area_under(recall))

    videos = len(result.video_instances)
    drawn = (
        scores(weights)
        for weights in _drawn_weights(videos, samples, seed, confidence, progress)
    )
    *recall, auc = _intervals(scores(np.ones(videos)), drawn, confidence)
    return ProposalIntervals(auc, recall)


def paired_bootstrap(
    ground_truth: pd.DataFrame,
    predictions_a: pd.DataFrame,
    predictions_b: pd.DataFrame,
    thresholds: Sequence[float],
    samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    background_videos: Sequence[str] = (),
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> PairedInterval:
    """Estimates a confidence interval of the difference a - b of two average mAPs.

    Both are measured on the same drawn videos; see `bootstrap_interval`.
    """
    a, b = (
        bootstrap_interval(
            ground_truth,
            predictions,
            thresholds,
            samples,
            seed,
            confidence,
            background_videos,
            progress,
        )
        for predictions in (predictions_a, predictions_b)
    )
    return paired_interval(a, b)


def paired_interval(a: Interval, b: Interval) -> PairedInterval:
    """Returns the interval of a difference a - b, both of the same drawn videos.

    Those are the same where ground truth, number of samples and seed are.
    """
    difference = a.resampled - b.resampled
    around = _around(a.estimate - b.estimate, difference, a.confidence)
    return PairedInterval(
        **around,
        average_map_a=a.estimate,
        average_map_b=b.estimate,
        share_above_zero=float(np.mean((np.sign(difference - around["bias"]) + 1) / 2)),
    )


def _drawn_weights(
    videos: int,
    samples: int,
    seed: int,
    confidence: float,
    progress: Callable[[Iterable[int]], Iterable[int]],
) -> Iterator[np.ndarray]:
    """Gives, per resample, how often each video is drawn `[videos]`."""
    if samples < 1 or not 0 < confidence < 1:
        raise ValueError(
            "Expected at least 1 sample and a confidence in (0, 1), received "
            f"{samples} and {confidence}."
        )
    generator = np.random.default_rng(seed)
    for _ in progress(range(samples)):
        yield np.bincount(generator.integers(videos, size=videos), minlength=videos)


def _intervals(
    estimates: np.ndarray, drawn: Iterable[np.ndarray], confidence: float
) -> list[Interval]:
    """Returns the interval of each value; NaN of a resample does not count there."""
    columns = np.stack(list(drawn)).T
    return [
        Interval(**_around(float(estimate), values, confidence))
        for estimate, values in zip(estimates, columns)
    ]


def _around(
    estimate: float, values: np.ndarray, confidence: float
) -> dict[str, float | np.ndarray]:
    """Returns the fields of an `Interval` around an estimate."""
    bias = float(np.nanmean(values)) - estimate
    tail = (1.0 - confidence) / 2.0
    low, high = np.nanquantile(values, [tail, 1.0 - tail]) - bias
    return {
        "estimate": estimate,
        "low": float(low),
        "high": float(high),
        "confidence": confidence,
        "bias": bias,
        "resampled": values,
    }
