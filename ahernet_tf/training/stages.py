"""Backward passes of several losses side by side, one stage of the network at a time.

Each loss of a row has an optimizer of its own, so it needs a backward pass of its own.
If one pass ran after the other, the gradients of the first would be held until the
second has read the same layers, since no variable may be updated before that. So all
passes leave a stage before the one below it is entered: its variables are updated then,
and what it computed forwards is forgotten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from ahernet_tf.training.adam import tensorflow_variable

#: Lets operations begin when tensors are known.
After = Callable[[Sequence[tf.Tensor]], contextlib.AbstractContextManager]


class Stages:
    """Divides what is computed under a tape into stages.

    Args:
        tape: A persistent tape.
        variables: What the losses move; the tape watches them.
    """

    def __init__(self, tape: tf.GradientTape, variables: Iterable[Any]):
        self._tape = tape
        self._moved = {id(variable): variable for variable in variables}
        tape.watch([tensorflow_variable(v) for v in self._moved.values()])
        self._ends: list[tuple[tf.Tensor, tf.Tensor]] = []

    def end(self, output: tf.Tensor, *layers: tf.keras.layers.Layer) -> tf.Tensor:
        """Ends a stage, unless nothing is moved up to here.

        Args:
            output: All that later stages read of this one.
            *layers: Hold the variables of this stage and of those before it.

        Returns:
            The output, for later stages to read.
        """
        variables = [v for layer in layers for v in layer.trainable_variables]
        if not any(id(variable) in self._moved for variable in variables):
            return output
        following = tf.stop_gradient(output)
        self._tape.watch(following)
        self._ends.append((output, following))
        return following

    def gradients(
        self, losses: Mapping[Any, tuple[tf.Tensor, Sequence[Any]]], after: After
    ) -> dict[Any, list[tf.Tensor | None]]:
        """Computes gradients, with one backward pass for each loss.

        Args:
            losses: By any key, a loss and the variables that it moves.
            after: Makes a pass through a stage wait for the one before it, so that what
                the two hold in memory is never held at once.

        Returns:
            By the same key, one gradient a variable; None where the loss does not
            reach it.
        """
        followings = [following for _, following in self._ends]
        found = {key: [None] * len(moved) for key, (_, moved) in losses.items()}
        at_ends = {key: [None] * len(followings) for key in losses}
        before: list[tf.Tensor] = []

        def enter(key: Any, target: tf.Tensor, upstream: tf.Tensor | None, ends: int):
            nonlocal before
            variables = [tensorflow_variable(v) for v in losses[key][1]]
            with after(before):
                parts = self._tape.gradient(
                    target,
                    [*variables, *followings[:ends]],
                    output_gradients=upstream,
                )
                own, others = parts[: len(variables)], parts[len(variables) :]
                found[key] = list(map(_sum, found[key], own))
                at_ends[key][:ends] = map(_sum, at_ends[key], others)
            before = [part for part in parts if part is not None]

        for key, (loss, _) in losses.items():
            enter(key, loss, None, len(followings))
        for end, (output, _) in reversed([*enumerate(self._ends)]):
            for key in losses:
                if at_ends[key][end] is not None:
                    enter(key, output, at_ends[key][end], end)
        return found


def _sum(first: tf.Tensor | None, second: tf.Tensor | None) -> tf.Tensor | None:
    """Adds gradients, of which None stands for nothing."""
    if first is None or second is None:
        return second if first is None else first
    return first + second
