"""Exponential moving average of the weights, which localises in their place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from ahernet_tf.training.adam import assign_own


class WeightAverage:
    """Follows weights: average += (1 - decay) (weight - average), every iteration.

    Args:
        weights: What to follow; the average starts from their values.
        decay: Part of the average that an iteration keeps.
    """

    def __init__(self, weights: Sequence[tf.Variable], decay: float):
        self.decay = decay
        self.values = [tf.Variable(weight, trainable=False) for weight in weights]
        self._weights = list(weights)

    def update(self) -> None:
        """Takes one step towards the weights."""
        for value, weight in zip(self.values, self._weights):
            average = tf.convert_to_tensor(value)
            step = (1.0 - self.decay) * (tf.convert_to_tensor(weight) - average)
            assign_own(value, average + step)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Puts the average in the place of the weights for a while."""
        own = [weight.numpy() for weight in self._weights]
        for weight, value in zip(self._weights, self.values):
            weight.assign(value)
        try:
            yield
        finally:
            for weight, value in zip(self._weights, own):
                weight.assign(value)
