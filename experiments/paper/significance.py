"""Whether two systems differ by more than the noise of videos and seeds."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ahernet_tf import config as configuration
from ahernet_tf import evaluation
from ahernet_tf.data.dataset import Dataset

PREDICTIONS = "predictions.json"
CONFIDENCE = 0.95
#: How far a recomputed average mAP may be from that of metrics.json.
_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class SystemComparison:
    """The difference a - b of two systems' average mAPs, as fractions of 1.

    Attributes:
        difference: Of the means over seeds.
        low, high: A 95% interval around it.
        p_value: Two-sided: twice the share of resamples on the other side of zero.
        average_map_a, average_map_b: Means over the seeds that both have.
        seeds: How many those are.
        samples: Number of resamples.
    """

    difference: float
    low: float
    high: float
    p_value: float
    average_map_a: float
    average_map_b: float
    seeds: int
    samples: int

    def sentence(self, a: str, b: str) -> str:
        """Says it in one line."""
        least = 2 / self.samples
        p = f"p < {least:.2g}" if self.p_value < least else f"p = {self.p_value:.2g}"
        return (
            f"{a} less {b}: {100 * self.difference:+.1f} points of average mAP "
            f"[{100 * self.low:+.1f}, {100 * self.high:+.1f}], {p}, "
            f"{self.seeds} seed{'s' if self.seeds > 1 else ''}"
        )


class Resamples:
    """Average mAPs of runs on the same resamples of their test videos.

    Each run is resampled once, however many others it is compared with.

    Args:
        data: The runs' data set.
        samples: How often the videos are drawn.
        seed: Of the drawing.
    """

    def __init__(self, data: pathlib.Path, samples: int = 1000, seed: int = 0):
        self.data = data
        self.samples = samples
        self.seed = seed
        self._truth: pd.DataFrame | None = None
        self._known: dict[pathlib.Path, evaluation.Interval] = {}

    def of(self, run: pathlib.Path) -> evaluation.Interval:
        """Resamples a finished run.

        Raises:
            ValueError: It has no detections, or they are not of these videos.
        """
        if run not in self._known:
            self._known[run] = self._resample(run)
        return self._known[run]

    def _resample(self, run: pathlib.Path) -> evaluation.Interval:
        # Loads TensorFlow, which programs that compare nothing do not wait for.
        from ahernet_tf.inference import scoring

        if self._truth is None:
            config = configuration.load(run / "config.json")
            # Whatever was wrong with the data was reported when it was trained on.
            dataset = Dataset.load(self.data, config.data, True, "shape")
            self._truth = scoring.ground_truth(dataset.test())
        found = evaluation.load_predictions(run / PREDICTIONS)
        # Equal seeds draw equal videos, which pairs the runs.
        interval = evaluation.bootstrap_interval(
            self._truth, found, scoring.TIOU_THRESHOLDS, self.samples, self.seed
        )
        measured = json.loads((run / "metrics.json").read_text())["average_map"]
        if abs(interval.estimate - measured) > _TOLERANCE:
            raise ValueError(
                f"{run}: average mAP {interval.estimate:.6f} on the test videos of "
                f"{self.data}, but metrics.json says {measured:.6f}."
            )
        return interval


def compare(
    resamples: Resamples,
    runs_a: Mapping[int, pathlib.Path],
    runs_b: Mapping[int, pathlib.Path],
) -> SystemComparison | None:
    """Compares two systems by a paired bootstrap over videos and seeds.

    Each resample draws videos with replacement, the same for all runs, and seeds with
    replacement, the same for both systems; the mean of the resamples is moved to the
    difference measured (see `evaluation.Interval`). With few seeds their part of the
    noise is underestimated, with one seed it is absent.

    Args:
        resamples: Of the data set that both were trained on.
        runs_a: Work directories of the one system, by seed.
        runs_b: Of the other.

    Returns:
        The comparison over the seeds that both have; None where there is none.
    """
    seeds = sorted(set(runs_a) & set(runs_b))
    if not seeds:
        return None
    pairs = [(resamples.of(runs_a[s]), resamples.of(runs_b[s])) for s in seeds]
    estimates = np.array([(a.estimate, b.estimate) for a, b in pairs])
    by_seed = np.stack([a.resampled - b.resampled for a, b in pairs])
    samples = by_seed.shape[1]
    drawn = np.random.default_rng(resamples.seed).integers(
        len(seeds), size=(len(seeds), samples)
    )
    values = np.take_along_axis(by_seed, drawn, axis=0).mean(axis=0)
    mean_a, mean_b = estimates.mean(axis=0)
    difference = float(mean_a - mean_b)
    values = values - values.mean() + difference
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    above = float(np.mean((np.sign(values) + 1) / 2))
    return SystemComparison(
        difference=difference,
        low=float(low),
        high=float(high),
        p_value=2 * min(above, 1 - above),
        average_map_a=float(mean_a),
        average_map_b=float(mean_b),
        seeds=len(seeds),
        samples=samples,
    )


def finished_runs(directory: pathlib.Path) -> dict[int, pathlib.Path]:
    """Finds the finished runs of a system by seed.

    Args:
        directory: The system's directory, which holds one work directory a seed; or
            one such work directory.

    Raises:
        ValueError: There is none.
    """
    places: Sequence[pathlib.Path] = [directory]
    if not (directory / "metrics.json").exists():
        places = [path.parent for path in directory.glob("*/metrics.json")]
    runs = {
        json.loads((place / "run.json").read_text())["seed"]: place
        for place in sorted(places)
        if (place / PREDICTIONS).exists()
    }
    if not runs:
        raise ValueError(f"{directory}: no finished run with test videos.")
    return runs
