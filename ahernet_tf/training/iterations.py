"""Iterations that were begun, and the record of those that have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ahernet_tf.training.distribution import Workers
from ahernet_tf.training.logs import LossLog, NoLog, ProgressBar
from ahernet_tf.training.losses_of_steps import Losses


class NonFiniteLossError(ArithmeticError):
    """A loss became NaN or infinite."""


class Iteration(NamedTuple):
    """An iteration that was begun.

    Attributes:
        number: Its number, from 0, pre-training included.
        phase: `pretrain` or `train`.
        losses: Scalars by name.
        rates: Learning rates by name.
        videos: Ids of the videos of each stream's batch.
        workers: Who computes it.
    """

    number: int
    phase: str
    losses: Losses
    rates: Mapping[str, float]
    videos: Sequence[tf.Tensor]
    workers: Workers

    def values(self) -> dict[str, float]:
        """Waits until it has ended; returns losses and learning rates by name.

        Raises:
            NonFiniteLossError: A loss became NaN or infinite.
        """
        read = tf.stack(list(self.losses.values())).numpy()  # from the device at once
        values = dict(zip(self.losses, map(float, read)))
        bad = {name: v for name, v in values.items() if not np.isfinite(v)}
        if bad:
            videos = [
                ", ".join(video.decode() for video in self.workers.rows(batch))
                for batch in self.videos
            ]
            raise NonFiniteLossError(
                f"Iteration {self.number} ({self.phase}): {bad}. Nothing of it was "
                f"saved. Videos of the batches: {'; '.join(videos)}"
            )
        rates = {f"learning_rate/{name}": rate for name, rate in self.rates.items()}
        return values | rates


class IterationRecord:
    """Logs and shows every iteration, when the next one is under way.

    So a GPU need not wait for its losses to be read.

    Args:
        log: Gets losses and learning rates.
        bar: Shows them.
    """

    def __init__(self, log: LossLog | NoLog, bar: ProgressBar):
        self._log, self._bar = log, bar
        self._unread: Iteration | None = None

    def add(self, iteration: Iteration) -> None:
        """Reads the iteration before; this one is read later.

        Raises:
            NonFiniteLossError: A loss of that one became NaN or infinite.
        """
        self.read()
        self._unread = iteration

    def read(self) -> None:
        """Waits for the last iteration, logs and shows it, if it is not read yet.

        Raises:
            NonFiniteLossError: A loss of it became NaN or infinite.
        """
        iteration, self._unread = self._unread, None
        if iteration is not None:
            values = iteration.values()
            self._log.write(iteration.number, iteration.phase, values)
            self._bar.show(iteration.phase, values)
