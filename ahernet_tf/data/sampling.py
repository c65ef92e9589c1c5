"""Which sample comes when: pure functions of seed, stream and sample counter.

A stream numbers its samples 0, 1, 2, ... without end. What sample n is follows from
(seed, stream, n) alone, so a run that starts at iteration N sees exactly what a run
from 0 sees there; no position is saved and nothing is replayed.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ahernet_tf.config import SynthesisConfig

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


def transplant(
    instances: np.ndarray,
    lengths: Sequence[int],
    steps: int,
    max_segments: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lays moments between the stretches of a video's background.

    The stretches come in the order of the video from a random one on, again and
    again, at their own length; after each lies a moment. From the first moment that
    would not fit on, background alone fills the sequence.

    Args:
        instances: `[instances, 2]`, where the video's own instances lie, steps. A
            video without background counts as background alone.
        lengths: Of the moments, in steps.
        steps: Length of the sequence, and of the video.
        max_segments: The most moments to lay; `lengths` has as many.
        random: Where the draw comes from.

    Returns:
        Segments `[max_segments, 2]` in whole steps, float32, and their mask
        `[max_segments]`; and the step of the video that each step shows `[steps]`
        int32, -1 within a moment.
    """
    background = np.ones(steps, bool)
    for start, end in instances:
        background[int(np.floor(start)) : int(np.ceil(end))] = False
    shown = np.flatnonzero(background)
    if not len(shown):
        shown = np.arange(steps)
    stretches = np.split(shown, np.flatnonzero(np.diff(shown) > 1) + 1)
    first = random.integers(len(stretches))
    context_step = np.full(steps, -1, np.int32)
    segments = np.zeros((max_segments, 2), np.float32)
    place = laid = 0
    fits = True
    for stretch in itertools.cycle(stretches[first:] + stretches[:first]):
        stretch = stretch[: steps - place]
        context_step[place : place + len(stretch)] = stretch
        place += len(stretch)
        if place == steps:
            break
        fits = fits and laid < max_segments and place + lengths[laid] <= steps
        if fits:
            segments[laid] = place, place + lengths[laid]
            place += lengths[laid]
            laid += 1
    return segments, np.arange(max_segments) < laid, context_step


def tile(
    durations_sec: Sequence[float],
    sequence_sec: float,
    config: SynthesisConfig,
    max_segments: int,
    steps: int,
    random: np.random.Generator,
    gaps_sec: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lays moments at their real lengths into a sequence, with gaps between.

    A moment of d seconds takes d / sequence_sec of the steps. The moments come in a
    random order, again and again; before each lies a gap, one of `gaps_sec` or uniform
    from `context_min_sec` to `context_max_sec`. The first that would not fit ends the
    layout, and what remains is context. A moment longer than the sequence less two of
    the shortest gaps is shrunk to that.

    Args:
        durations_sec: Lengths of the moments to choose from.
        sequence_sec: Duration that the steps stand for.
        config: Gap lengths.
        max_segments: The most tiles to lay.
        steps: Steps of the sequence.
        random: Where the draws come from.
        gaps_sec: Lengths of gaps to choose from; None: uniform.

    Returns:
        Segments `[max_segments, 2]` in whole steps, float32, ascending; the mask
        `[max_segments]` of those laid; and the index `[max_segments]` of each one's
        moment.
    """
    scale = steps / sequence_sec
    count = len(durations_sec)
    rounds = np.tile(np.arange(count, dtype=np.int32), (-(-max_segments // count), 1))
    moments = random.permuted(rounds, axis=1).ravel()[:max_segments]
    if gaps_sec is None:
        shortest = config.context_min_sec
        gaps = scale * random.uniform(shortest, config.context_max_sec, max_segments)
    else:
        shortest = gaps_sec.min()
        gaps = scale * random.choice(gaps_sec, max_segments)
    longest = max(1, int(steps - 2 * scale * shortest))
    segments = np.zeros((max_segments, 2), np.float32)
    mask = np.zeros(max_segments, bool)
    end = 0
    for number, moment in enumerate(moments):
        length = min(longest, max(1, round(durations_sec[moment] * scale)))
        start = end + round(gaps[number])
        if number == 0:
            start = min(start, steps - length)
        if start + length > steps:
            break
        end = start + length
        segments[number] = start, end
        mask[number] = True
    return segments, mask, moments
