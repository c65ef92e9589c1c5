"""Which sample comes when: pure functions of seed, stream and sample counter.

A stream numbers its samples 0, 1, 2, ... without end. What sample n is follows from
(seed, stream, n) alone, so a run that starts at iteration N sees exactly what a run
from 0 sees there; no position is saved and nothing is replayed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

STREAMS = ("untrimmed", "foreground", "moments", "oracle")
_PURPOSES = ("order", "draw")


class Shard(NamedTuple):
    """Which rows of every batch are read: the `index`-th of `count` equal parts."""

    index: int = 0
    count: int = 1

    def rows(self, batch_size: int) -> int:
        """Returns how many rows of a batch are read.

        Raises:
            ValueError: The batch cannot be parted so.
        """
        if batch_size % self.count:
            raise ValueError(
                f"Expected training.batch_size to be a multiple of the {self.count} "
                f"replicas that share a batch, received {batch_size}."
            )
        return batch_size // self.count


#: All rows.
WHOLE = Shard()


def generator(
    seed: int, stream: str, purpose: str, counter: int
) -> np.random.Generator:
    """Returns the random generator of one purpose at one place of a stream.

    Args:
        seed: Seed of the run.
        stream: One of `STREAMS`.
        purpose: "order" (of an epoch) or "draw" (of a sample).
        counter: Number of the epoch or of the sample.

    Raises:
        ValueError: There is no such stream.
    """
    if stream not in STREAMS:
        raise ValueError(f"Expected a stream of {STREAMS}, received '{stream}'.")
    key = (seed, STREAMS.index(stream), _PURPOSES.index(purpose), counter)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


class EpochOrder:
    """Visits each of `size` samples once an epoch, in an order of its own each time."""

    def __init__(self, size: int, seed: int, stream: str) -> None:
        """Makes the order of a stream of `size` samples."""
        self.size = size

        @functools.lru_cache(maxsize=4)
        def permutation(epoch: int) -> np.ndarray:
            return generator(seed, stream, "order", epoch).permutation(size)

        self._permutation = permutation

    def __getitem__(self, counter: int) -> int:
        """Returns the index of the sample that comes at a counter."""
        epoch, place = divmod(counter, self.size)
        return int(self._permutation(epoch)[place])


class ClassRuns:
    """Visits moments in runs of `run` of one class; each about once an epoch.

    In every epoch the moments of each class are shuffled and dealt into runs; the
    last run of a class is filled up from its beginning. The runs of all classes are
    then shuffled, so a class comes as often as it has moments.
    """

    def __init__(self, labels: Sequence[int], run: int, seed: int) -> None:
        """Makes the order of the moment stream.

        Args:
            labels: Class of each moment.
            run: Moments in a run.
            seed: Seed of the run.
        """
        self.run = run
        members = [np.flatnonzero(np.equal(labels, c)) for c in np.unique(labels)]
        self._runs = sum(-(-len(m) // run) for m in members)

        @functools.lru_cache(maxsize=4)
        def deal(epoch: int) -> np.ndarray:
            random = generator(seed, "moments", "order", epoch)
            runs = [
                np.resize(random.permutation(m), (-(-len(m) // run), run))
                for m in members
            ]
            return random.permutation(np.concatenate(runs))

        self._deal = deal

    def __getitem__(self, counter: int) -> np.ndarray:
        """Returns the moments `[run]` of the run that comes at a counter."""
        epoch, place = divmod(counter, self._runs)
        return self._deal(epoch)[place]
