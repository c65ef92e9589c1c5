"""Optimizers by name, the same call on both Keras generations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ahernet_tf.training.adam import Adam, tensorflow_variable

#: Optimizers that tensorflow-addons has and Keras 2.15 has not.
ADDONS = ("rectified_adam", "lamb", "lookahead_adam")
NAMES = ("adam", "adamw", "sgd", *ADDONS)


def make_optimizer(name: str, *, beta_1: float, beta_2: float, epsilon: float) -> Any:
    """Creates an optimizer; its learning rate is set before every step.

    Args:
        name: One of `NAMES`.
        beta_1: Decay of the first moment (momentum of `sgd`).
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment.

    Raises:
        ValueError: The name is unknown, or not to be had with this TensorFlow.
    """
    moments = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
    keras = tf.keras.optimizers
    if name == "adam":
        return Adam(**moments)
    if name == "adamw":
        return keras.AdamW(learning_rate=0.0, **moments)
    if name == "sgd":
        return keras.SGD(learning_rate=0.0, momentum=beta_1)
    if name == "lamb" and hasattr(keras, "Lamb"):
        return keras.Lamb(learning_rate=0.0, **moments)
    if name not in ADDONS:
        raise ValueError(f"Expected an optimizer of {NAMES}, received '{name}'.")
    try:
        import tensorflow_addons as tfa
    except ImportError as error:
        raise ValueError(
            f"Optimizer '{name}' needs tensorflow-addons, which works with TensorFlow "
            "2.13 to 2.15 only: pip install ahernet_tf[addons] there, or choose one "
            "of adam, adamw, sgd."
        ) from error
    if name == "lamb":
        return tfa.optimizers.LAMB(learning_rate=0.0, **moments)
    rectified = tfa.optimizers.RectifiedAdam(learning_rate=0.0, **moments)
    return (
        rectified if name == "rectified_adam" else tfa.optimizers.Lookahead(rectified)
    )


def build(optimizer: Any, variables: Sequence[Any]) -> None:
    """Creates all slots of an optimizer before the first step."""
    if hasattr(optimizer, "_create_all_weights"):  # optimizers of Keras before 2.11
        optimizer._create_all_weights(variables)
    else:
        optimizer.build(variables)


def variables_of(optimizer: Any) -> list[tf.Variable]:
    """Returns all state of an optimizer as TensorFlow variables."""
    variables = optimizer.variables
    if callable(variables):
        variables = variables()
    found = [tensorflow_variable(variable) for variable in variables]
    if _is_lookahead(optimizer):
        known = {id(variable) for variable in found}  # both count the same steps
        found += [v for v in variables_of(optimizer._optimizer) if id(v) not in known]
    return found


def reset(optimizer: Any, variables: Sequence[Any]) -> None:
    """Forgets all moments and steps.

    Args:
        optimizer: Any that `make_optimizer` returns, built.
        variables: What it was built for.
    """
    if isinstance(optimizer, Adam):
        optimizer.reset()
        return
    for state in variables_of(optimizer):
        state.assign(tf.zeros_like(state))
    if _is_lookahead(optimizer):
        for variable in map(tensorflow_variable, variables):
            optimizer.get_slot(variable, "slow").assign(variable)


def _is_lookahead(optimizer: Any) -> bool:
    return hasattr(optimizer, "_optimizer")
