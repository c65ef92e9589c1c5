"""Adam in TensorFlow 1's form, as the 2020 release trained with it.

The difference from Keras' Adam is in the last digits (Keras rounds 1 - beta_2 in the
second moment and not in the step size), and in speed: one fused pass over each
variable instead of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf


def tensorflow_variable(variable: Any) -> tf.Variable:
    """Returns the TensorFlow variable inside a variable of either Keras."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def assign_own(variable: tf.Variable, value: tf.Tensor) -> None:
    """Assigns to a variable; within a replica, to the replica's own copy alone."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


class Adam:
    """Moves variables by lr_t m / (sqrt(v) + epsilon).

    lr_t = lr sqrt(1 - beta_2^t) / (1 - beta_1^t); epsilon stands outside the bias
    correction. Call `build` before the first `tf.function` that applies gradients.

    Args:
        beta_1: Decay of the first moment m.
        beta_2: Decay of the second moment v.
        epsilon: Added to the root of the second moment.
    """

    def __init__(self, beta_1: float, beta_2: float, epsilon: float):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._rate = tf.Variable(0.0, trainable=False, name="learning_rate")
        self._powers = tuple(
            tf.Variable(beta, trainable=False, name="beta_power")
            for beta in (beta_1, beta_2)
        )
        self._slots: dict[int, tuple[tf.Variable, tf.Variable]] = {}

    def build(self, variables: Sequence[Any]) -> None:
        """Creates both moments of every variable, as zeros."""
        for variable in map(tensorflow_variable, variables):
            self._slots[id(variable)] = tuple(
                tf.Variable(tf.zeros_like(variable), trainable=False, name=name)
                for name in ("first_moment", "second_moment")
            )

    @property
    def learning_rate(self) -> tf.Variable:
        """The learning rate of the steps to come."""
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._rate.assign(value)

    @property
    def variables(self) -> list[tf.Variable]:
        """All state, in the order of `build`; the learning rate is no part of it."""
        return [
            *self._powers,
            *(slot for pair in self._slots.values() for slot in pair),
        ]

    def apply_gradients(self, pairs: Iterable[tuple[tf.Tensor, Any]]) -> None:
        """Takes one step; each replica of several moves its own copy.

        Args:
            pairs: Gradient and variable, for variables given to `build`; the gradient
                is that of the whole batch.
        """
        first_power, second_power = map(tf.convert_to_tensor, self._powers)
        rate = tf.convert_to_tensor(self._rate)
        beta_1, beta_2, epsilon = (
            tf.constant(value, rate.dtype)
            for value in (self.beta_1, self.beta_2, self.epsilon)
        )
        for gradient, variable in pairs:
            variable = tensorflow_variable(variable)
            first, second = self._slots[id(variable)]
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=first_power,
                beta2_power=second_power,
                lr=rate,
                beta1=beta_1,
                beta2=beta_2,
                epsilon=epsilon,
                grad=tf.convert_to_tensor(gradient),
            )
        assign_own(self._powers[0], first_power * self.beta_1)
        assign_own(self._powers[1], second_power * self.beta_2)

    def reset(self) -> None:
        """Forgets all moments and steps."""
        for pair in self._slots.values():
            for slot in pair:
                slot.assign(tf.zeros_like(slot))
        for power, beta in zip(self._powers, (self.beta_1, self.beta_2)):
            power.assign(beta)
