"""How far a score would move on other videos: bootstrap over videos."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.detection import (
    RankedMatches,
    average_precision,
    rank_matches,
)
from ahernet_tf.evaluation.detection_matching import (
    build_table,
    check_thresholds,
    match,
)


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
    """The difference a - b of two average mAPs on the same resamples.

    Attributes:
        average_map_a, average_map_b: Both on all videos.
        share_above_zero: The share of resamples, less their bias, in which a is better
            (a tie: half).
    """

    average_map_a: float
    average_map_b: float
    share_above_zero: float


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
    ranked = _ranked(ground_truth, predictions, thresholds, background_videos)
    estimate, resampled = _resample((ranked,), samples, seed, confidence, progress)
    return Interval(**_around(float(estimate[0]), resampled[:, 0], confidence))


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
    both = tuple(
        _ranked(ground_truth, predictions, thresholds, background_videos)
        for predictions in (predictions_a, predictions_b)
    )
    estimate, resampled = _resample(both, samples, seed, confidence, progress)
    difference = resampled[:, 0] - resampled[:, 1]
    around = _around(float(estimate[0] - estimate[1]), difference, confidence)
    return PairedInterval(
        **around,
        average_map_a=float(estimate[0]),
        average_map_b=float(estimate[1]),
        share_above_zero=float(np.mean((np.sign(difference - around["bias"]) + 1) / 2)),
    )


def _ranked(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    thresholds: Sequence[float],
    background_videos: Sequence[str],
) -> RankedMatches:
    """Matches once, for any resample of the videos."""
    checked = check_thresholds(thresholds)
    table = build_table(ground_truth, predictions, background_videos)
    return rank_matches(table, match(table, checked), len(checked))


def _average_map(ranked: RankedMatches, weights: np.ndarray) -> float:
    """Computes the average mAP of weighted videos over the classes that they hold."""
    ap = average_precision(ranked, weights)
    ap = ap[~np.isnan(ap).any(axis=1)]
    return float(ap.mean()) if ap.size else 0.0


def _resample(
    systems: tuple[RankedMatches, ...],
    samples: int,
    seed: int,
    confidence: float,
    progress: Callable[[Iterable[int]], Iterable[int]],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the average mAPs `[systems]` and of resamples `[samples, systems]`."""
    if samples < 1 or not 0 < confidence < 1:
        raise ValueError(
            "Expected at least 1 sample and a confidence in (0, 1), received "
            f"{samples} and {confidence}."
        )
    videos = systems[0].videos
    ones = np.ones(videos)
    estimate = np.array([_average_map(ranked, ones) for ranked in systems])
    generator = np.random.default_rng(seed)
    resampled = np.empty((samples, len(systems)))
    for sample in progress(range(samples)):
        drawn = generator.integers(videos, size=videos)
        weights = np.bincount(drawn, minlength=videos)
        resampled[sample] = [_average_map(ranked, weights) for ranked in systems]
    return estimate, resampled


def _around(
    estimate: float, values: np.ndarray, confidence: float
) -> dict[str, float | np.ndarray]:
    """Returns the fields of an `Interval` around an estimate."""
    bias = float(values.mean()) - estimate
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail]) - bias
    return {
        "estimate": estimate,
        "low": float(low),
        "high": float(high),
        "confidence": confidence,
        "bias": bias,
        "resampled": values,
    }
