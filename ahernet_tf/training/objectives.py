"""What a step minimises: its objectives, each with variables and an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from ahernet_tf import replicas
from ahernet_tf.config import TrainingConfig
from ahernet_tf.training import optimizers
from ahernet_tf.training.adam import tensorflow_variable

Names = tuple[str, ...]


class Objective(NamedTuple):
    """Losses whose sum is minimised, the variables they move, and their optimizer."""

    losses: Names
    variables: tuple[Any, ...]
    optimizer: Any

    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """Takes the optimizer's step by the gradients of all replicas."""
        pairs = zip(replicas.total(list(gradients)), self.variables)
        self.optimizer.apply_gradients(pairs)


def make(
    moves: Mapping[str, Sequence[tf.keras.layers.Layer]],
    is_adversarial: bool,
    config: TrainingConfig,
) -> tuple[Objective, ...]:
    """Gives every loss of a step, or all together, an optimizer.

    Args:
        moves: Per loss the layers that it moves.
        is_adversarial: Whether the first moment decays as `adversarial_beta_1` says.
        config: Optimisation.
    """
    lines = {(loss,): layers for loss, layers in moves.items()}
    if config.optimizer_split == "joint":
        together = dict.fromkeys(layer for layers in moves.values() for layer in layers)
        lines = {tuple(moves): tuple(together)}
    made = []
    for losses, layers in lines.items():
        variables = tuple(v for layer in layers for v in layer.trainable_variables)
        optimizer = optimizers.make_optimizer(
            config.optimizer,
            beta_1=config.adversarial_beta_1 if is_adversarial else config.beta_1,
            beta_2=config.beta_2,
            epsilon=config.epsilon,
        )
        if variables:
            optimizers.build(optimizer, variables)
        made.append(Objective(losses, variables, optimizer))
    return tuple(made)


def gradients(
    losses_fn: Callable[[], dict[str, tf.Tensor]],
    wanted: Mapping[Names, Sequence[Any]],
    step: str,
) -> tuple[dict[str, tf.Tensor], dict[Names, list[tf.Tensor]]]:
    """Computes losses, and gradients of their sums, all at one point.

    Only the wanted variables are watched, so nothing is recorded, and nothing computed
    backwards, for what is not moved.

    Args:
        losses_fn: Computes losses by name.
        wanted: Per sum of losses, by their names, the variables that it moves.
        step: Whose losses they are, for the message.

    Returns:
        The losses; per sum one gradient per variable.

    Raises:
        ValueError: A loss does not reach a variable that it should move.
    """
    variables = {
        names: [tensorflow_variable(variable) for variable in moved]
        for names, moved in wanted.items()
    }
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch([v for moved in variables.values() for v in moved])
        losses = losses_fn()
        sums = {n: tf.add_n([losses[name] for name in n]) for n in variables}
    found = {n: tape.gradient(sums[n], moved) for n, moved in variables.items()}
    for names, own in found.items():
        if missing := sum(gradient is None for gradient in own):
            raise ValueError(
                f"Step '{step}': the {' + '.join(names)} loss does not reach {missing} "
                "of its variables."
            )
    return losses, found
