"""The fused schedule: all steps of an iteration from one point.

One forward pass per stream, one backward pass per loss (steps with the same losses
share both), all updates at the end. The adversarial step is taken once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ahernet_tf.training.losses_of_steps import ForwardPass, Losses
from ahernet_tf.training.objectives import Names, Objective, gradients


def take(
    steps: Mapping[str, Callable[[ForwardPass], Losses]],
    objectives: Mapping[str, Sequence[Objective]],
    forward: ForwardPass,
) -> Losses:
    """Takes all steps at once.

    Args:
        steps: What computes the losses of each step, by its name.
        objectives: Per step.
        forward: At the present weights.

    Returns:
        Every loss by `step/name`, as it was before the updates.

    Raises:
        ValueError: A loss does not reach a variable that it should move.
    """
    first_with: dict[Callable, str] = {}
    for name, losses_of in steps.items():
        first_with.setdefault(losses_of, name)

    def losses() -> Losses:
        return {
            f"{name}/{loss}": value
            for losses_of, name in first_with.items()
            for loss, value in losses_of(forward).items()
        }

    shared = [
        objective._replace(
            losses=tuple(f"{first_with[losses_of]}/{n}" for n in objective.losses)
        )
        for name, losses_of in steps.items()
        for objective in objectives[name]
    ]
    moved: dict[Names, dict[int, Any]] = {}
    for objective in shared:
        own = {id(variable): variable for variable in objective.variables}
        moved[objective.losses] = moved.get(objective.losses, {}) | own
    wanted = {names: list(variables.values()) for names, variables in moved.items()}
    found, by_names = gradients(losses, wanted, ", ".join(steps))
    for objective in shared:
        own = dict(zip(moved[objective.losses], by_names[objective.losses]))
        objective.apply([own[id(variable)] for variable in objective.variables])
    return {
        f"{name}/{path.partition('/')[2]}": value
        for name, losses_of in steps.items()
        for path, value in found.items()
        if path.startswith(f"{first_with[losses_of]}/")
    }
