"""How long an action of a class lasts: its moments tell, without any annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ahernet_tf.inference.candidates import Candidates

#: Moments that count beside a class's own: their spread is that of all classes.
_BORROWED = 3.0
#: Log lengths that differ by less are equal.
_EQUAL = 0.01
_SHORTEST_SEC = 1e-6


class DurationPrior:
    """Scores candidates by how usual their length is for their class.

    The factor is `exp(-(log length - mean)^2 / (2 (width deviation)^2))`, mean and
    deviation of the class's log durations. The spread within all
    classes counts as a few moments of each, and so stands in where there are few.

    Args:
        mean: `[classes]`, of log seconds; NaN for a class of which nothing is known.
        deviation: `[classes]`, likewise.

    Source:
        Beyond the paper.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]):
        self.mean = np.asarray(mean, np.float64)
        self.deviation = np.asarray(deviation, np.float64)

    @classmethod
    def of_classes(
        cls, typical: Mapping[str, Sequence[float]], classes: Sequence[str]
    ) -> DurationPrior:
        """Takes what `typical_durations` returned, in the order of the classes."""
        unknown = (np.nan, np.nan)
        return cls(*zip(*(typical.get(name, unknown) for name in classes)))

    def factors(
        self, candidates: Candidates, step_sec: float, width: float
    ) -> np.ndarray:
        """Computes the factor of each candidate, `[candidates]` in [0, 1].

        Args:
            candidates: Of one video.
            step_sec: Duration of a step.
            width: In deviations, above 0; the higher, the weaker the prior.
        """
        start, end = candidates.segments.astype(np.float64).T
        length = np.log(np.maximum((end - start) * step_sec, _SHORTEST_SEC))
        deviation = width * self.deviation[candidates.label]
        off = length - self.mean[candidates.label]
        factors = np.exp(-np.square(off / deviation) / 2)
        return np.where(np.isnan(factors), 1.0, factors).astype(np.float32)


def typical_durations(
    durations: Mapping[str, np.ndarray], shared: float | None = None
) -> dict[str, tuple[float, float]]:
    """Computes mean and deviation of the log durations of each class.

    Args:
        durations: Of moments or instances, in seconds, above 0, by class.
        shared: Variance of the log durations within classes, where other classes tell
            it; None: that of these.

    Returns:
        `{class: (mean, deviation)}`; without a class of which there is none. Empty
        where most are as long as the others of their class: somebody cut all clips to
        one length, which says nothing.
    """
    logs = {name: np.log(values) for name, values in durations.items() if len(values)}
    groups = [values for values in logs.values() if len(values) > 1]
    if not groups and len(logs) > 1:  # one of each class
        groups = [np.concatenate(list(logs.values()))]
    others = sum(len(values) - 1 for values in groups)
    alike = sum(map(_equal_to_the_median, groups)) >= others / 2
    if alike and (groups or shared is None):
        return {}
    if shared is None:
        squares = sum(np.square(values - values.mean()).sum() for values in groups)
        shared = squares / others
    typical = {}
    for name, values in logs.items():
        own = np.square(values - values.mean()).sum() + _BORROWED * shared
        deviation = np.sqrt(own / (len(values) - 1 + _BORROWED))
        typical[name] = float(values.mean()), float(deviation)
    return typical


def _equal_to_the_median(values: np.ndarray) -> int:
    """Counts the values that are as good as equal to the middle one, without it."""
    middle = np.sort(values)[len(values) // 2]
    return int((np.abs(values - middle) < _EQUAL).sum()) - 1
