"""Linear discriminant analysis of a stream of examples, in one pass."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np

#: Shares of the covariance that are replaced by its diagonal, of which one is chosen.
SHRINKAGES = (0.1, 0.3, 0.6, 0.9)
#: What logits may be divided by, of which one is chosen.
TEMPERATURES = tuple(2.0 ** np.arange(-1.0, 6.5, 0.5))
_FOLDS = 3
#: Numbers of the examples that are kept to choose with: 256 MB.
_KEPT_NUMBERS = 1 << 26
#: Examples whose products are summed at once.
_BLOCK = 2048
_SMALLEST = 1e-12

_Labelled = list[tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Discriminant:
    """Class probabilities of examples: `softmax((x - mean) / scale @ kernel + bias)`.

    Attributes:
        mean: `[numbers]`, of the examples.
        scale: `[numbers]`, their deviation within classes; infinity where there is
            none, which says nothing.
        kernel: `[numbers, classes]`.
        bias: `[classes]`; minus infinity for a class without an example.
        covariance: `[numbers, numbers]`, of scaled examples within classes, shrunk and
            times the temperature: what further classes are solved with.
        spread: Squared distance of examples from their class's mean, on average, in
            that covariance.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    covariance: np.ndarray | None = None
    spread: float = 0.0

    def probabilities(self, examples: np.ndarray) -> np.ndarray:
        """Classifies examples `[examples, numbers]`; returns `[examples, classes]`."""
        return softmax(self.logits(examples))

    def logits(self, examples: np.ndarray) -> np.ndarray:
        """Returns the logits `[examples, classes]`."""
        return (examples - self.mean) / self.scale @ self.kernel + self.bias

    def by_part(self, sequence: np.ndarray) -> np.ndarray:
        """Computes what each step would add to the logits, in each part of an example.

        For examples whose parts are means over some steps of a sequence: their logits
        are the means of what is returned over these steps, summed over the parts, and
        the bias. It pays where many examples share their steps.

        Args:
            sequence: `[steps, channels]`; an example is parts of as many channels.

        Returns:
            `[parts, steps, classes]`.
        """
        mean, scale, kernel = (
            of.reshape(-1, sequence.shape[1], *of.shape[1:])
            for of in (self.mean, self.scale, self.kernel)
        )
        shown = np.empty((len(mean), len(sequence), len(self.bias)), np.float32)
        for part, to in enumerate(shown):
            centred = sequence - mean[part]
            centred /= scale[part]
            np.matmul(centred, kernel[part], out=to)
        return shown

    def with_classes(self, means: np.ndarray, counts: np.ndarray) -> Discriminant:
        """Returns it with more classes behind its own, of the same covariance.

        What it computes for its own classes stays as it is. How far these lie apart
        tells how far a further one may lie, and so how far to trust the mean of a few
        examples. The logit is that of the predictive distribution of its examples, a
        normal one that the uncertainty of the mean widens; its square, which own
        classes do not have, stands at what it is for an example of theirs.

        Args:
            means: `[more classes, numbers]`, of the examples of each.
            counts: `[more classes]`, how many those are; a class of none is never
                likely.
        """
        between = -2 * self.bias[np.isfinite(self.bias)].mean(dtype=np.float64)
        between = max(between, _SMALLEST)
        known = counts + self.spread / between  # examples that the mean is as good as
        centred = ((means - self.mean) / self.scale).T * (counts / known)
        kernel = np.linalg.solve(self.covariance.astype(np.float64), centred)
        bias = -(centred * kernel).sum(axis=0) / 2
        wider = known / (known + 1)
        square = (self.spread + between) * (1 - wider) / 2
        normalizer = self.spread * np.log(wider) / 2
        kernel, bias = wider * kernel, wider * bias + square + normalizer
        bias[counts == 0] = -np.inf
        return dataclasses.replace(
            self,
            kernel=np.concatenate([self.kernel, kernel], 1).astype(np.float32),
            bias=np.concatenate([self.bias, bias]).astype(np.float32),
        )

    def of_classes(self, numbers: Sequence[int]) -> Discriminant:
        """Returns it with some of its classes, by their numbers, in that order."""
        order = list(numbers)
        return dataclasses.replace(
            self, kernel=self.kernel[:, order], bias=self.bias[order]
        )


class Moments:
    """Counts, sums and products of the examples of every class.

    Args:
        numbers: Size of an example.
        classes: How many classes there are.
    """

    def __init__(self, numbers: int, classes: int):
        self.counts = np.zeros(classes)
        self.sums = np.zeros((classes, numbers))
        self.products = np.zeros((numbers, numbers))

    def add(self, examples: np.ndarray, labels: np.ndarray) -> None:
        """Adds examples `[examples, numbers]` of labels `[examples]`."""
        np.add.at(self.counts, labels, 1)
        np.add.at(self.sums, labels, examples)
        self.products += examples.T @ examples

    def plus(self, other: Moments, times: float = 1.0) -> Moments:
        """Returns the moments of both; with `times` -1 of what the other leaves."""
        both = Moments(self.sums.shape[1], len(self.counts))
        for name in ("counts", "sums", "products"):
            setattr(both, name, getattr(self, name) + times * getattr(other, name))
        return both

    def solve(self, shrinkages: Sequence[float]) -> Iterator[Discriminant]:
        """Solves for the discriminants of equally likely classes, one per shrinkage."""
        present = self.counts > 0
        counts = np.maximum(self.counts, 1)[:, np.newaxis]
        means = self.sums / counts
        mean = self.sums.sum(axis=0) / max(self.counts.sum(), 1)
        scatter = self.products - (self.sums / counts).T @ self.sums
        scatter /= max(self.counts.sum() - present.sum(), 1)
        variance = np.diag(scatter)
        floor = _SMALLEST + 1e-10 * np.square(mean)
        scale = np.sqrt(np.maximum(variance, floor))
        scale[variance <= floor] = np.inf  # constant within classes: says nothing
        correlation = scatter / scale / scale[:, np.newaxis]
        centred = ((means - mean) / scale).T
        for shrinkage in shrinkages:
            shrunk = (1 - shrinkage) * correlation
            np.fill_diagonal(shrunk, 1.0)
            kernel = np.linalg.solve(shrunk, centred)
            bias = -(centred * kernel).sum(axis=0) / 2
            bias[~present] = -np.inf
            yield Discriminant(mean, scale, kernel, bias, shrunk)


class DiscriminantFit:
    """Learns a discriminant from a stream of examples.

    Every example is held out once, with those of its group, to choose how much the
    covariance shrinks towards its diagonal and what the logits are divided by: what
    makes the held-out labels likeliest. Memory does not grow with the examples.

    Args:
        numbers: Size of an example.
        classes: How many classes there are.
    """

    def __init__(self, numbers: int, classes: int):
        self._folds = [Moments(numbers, classes) for _ in range(_FOLDS)]
        self._waiting: list[_Labelled] = [[] for _ in range(_FOLDS)]
        self._kept: list[_Labelled] = [[] for _ in range(_FOLDS)]
        self._waits = [0] * _FOLDS
        self._room = [max(1, _KEPT_NUMBERS // numbers // _FOLDS)] * _FOLDS
        self._shift: np.ndarray | None = None
        self._groups: dict[str, int] = {}

    def add(self, examples: np.ndarray, labels: np.ndarray, group: str) -> None:
        """Adds examples of one group, a person or a video for instance.

        Args:
            examples: `[examples, numbers]`.
            labels: `[examples]` int.
            group: Its name.
        """
        if not len(examples):
            return
        if self._shift is None:  # sums of squares lose nothing near zero
            self._shift = examples.mean(axis=0, dtype=np.float64)
        fold = self._groups.setdefault(group, len(self._groups)) % _FOLDS
        shifted = (examples - self._shift).astype(np.float32)
        self._waiting[fold].append((shifted, labels))
        self._waits[fold] += len(labels)
        if self._waits[fold] >= _BLOCK:
            self._sum_up(fold)

    def _sum_up(self, fold: int) -> None:
        """Adds what waits to the moments of a fold."""
        if not self._waiting[fold]:
            return
        examples, labels = map(np.concatenate, zip(*self._waiting[fold]))
        self._waiting[fold], self._waits[fold] = [], 0
        self._folds[fold].add(examples.astype(np.float64), labels)
        if self._room[fold] > 0:
            self._kept[fold].append((examples, labels))
            self._room[fold] -= len(labels)

    def solve(self) -> Discriminant:
        """Returns the discriminant of all examples.

        Raises:
            ValueError: There is no example.
        """
        if self._shift is None:
            raise ValueError("There is no example to learn from.")
        for fold in range(_FOLDS):
            self._sum_up(fold)
        everything = functools.reduce(Moments.plus, self._folds)
        shrinkage, temperature = self._choose(everything)
        (found,) = everything.solve([shrinkage])
        varies = np.isfinite(found.scale)
        inverse = np.diag(np.linalg.inv(found.covariance))[varies]
        # The trace of shrunk^-1 times the correlation, which was shrunk:
        spread = (1 - shrinkage * inverse).sum() / (1 - shrinkage)
        return Discriminant(
            mean=(found.mean + self._shift).astype(np.float32),
            scale=found.scale.astype(np.float32),
            kernel=(found.kernel / temperature).astype(np.float32),
            bias=(found.bias / temperature).astype(np.float32),
            covariance=(found.covariance * temperature).astype(np.float32),
            spread=float(spread / temperature),
        )

    def _choose(self, everything: Moments) -> tuple[float, float]:
        """Returns the shrinkage and temperature that explain held-out labels best."""
        likelihood = np.zeros((len(SHRINKAGES), len(TEMPERATURES)))
        for own, kept in zip(self._folds, self._kept):
            rest = everything.plus(own, -1.0)
            if not kept or not rest.counts.any():
                continue
            examples, labels = map(np.concatenate, zip(*kept))
            known = rest.counts[labels] > 0
            examples, labels = examples[known], labels[known]
            for place, found in enumerate(rest.solve(SHRINKAGES)):
                logits = found.logits(examples)
                for column, temperature in enumerate(TEMPERATURES):
                    logs = _log_softmax(logits / temperature)
                    likelihood[place, column] += logs[range(len(labels)), labels].sum()
        best = np.unravel_index(likelihood.argmax(), likelihood.shape)
        return SHRINKAGES[best[0]], TEMPERATURES[best[1]]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities `[examples, classes]` of logits."""
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
