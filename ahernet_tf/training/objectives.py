"""Algorithm 1 of the paper: what each row of an iteration minimises and moves.

| row            | data                  | losses                          | moves              |
|----------------|-----------------------|---------------------------------|--------------------|
| moments        | moments               | segment classification          | backbone, target V |
| foreground     | foreground segments   | segment classification          | source V           |
| untrimmed      | untrimmed videos      | localization                    | backbone, heads    |
|                |                       | anchor classification           | backbone, transfer |
| generators     | synthetic moments     | localization                    | generators         |
|                |                       | anchor classification           | generators         |
| discriminators | untrimmed + synthetic | real as real, synthetic as fake | discriminators     |
| adversarial    | synthetic moments     | synthetic as real               | generators         |
| synthetic      | synthetic moments     | localization                    | backbone, heads    |
|                |                       | anchor classification           | backbone           |

Localization is the sum of proposal, offset and overlap loss. Each line has its own
optimizer with its own moments and step count: ten in all (the adversarial line runs
`generator_updates` times an iteration, on one optimizer). With
`optimizer_split="joint"` the two lines of a row share one, on the sum of their losses.

With `schedule="fused"` all losses of an iteration are computed at one point, from one
forward pass of each stream, and all updates are applied at the end; the adversarial
line then runs once.

Other systems of the paper's tables (see `systems`) have rows of their own:

| row           | data             | losses                | moves              |
|---------------|------------------|-----------------------|--------------------|
| proposals     | untrimmed videos | localization          | backbone, heads    |
| contexts      | untrimmed videos | context regression    | generators         |
| whole_moments | moments          | localization          | backbone, heads    |
|               |                  | anchor classification | backbone, transfer |

and the oracle's foreground and untrimmed rows move target V in place of source V.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from ahernet_tf.config import TrainingConfig
from ahernet_tf.layers import SegmentClassifier
from ahernet_tf.models import AherNet, systems
from ahernet_tf.training import optimizers

ADVERSARIAL = ("discriminators", "adversarial")


class Objective(NamedTuple):
    """One line of the table: a loss, the variables it moves, their optimizer."""

    loss: str
    variables: tuple[Any, ...]
    optimizer: Any


def objectives_by_row(
    model: AherNet, config: TrainingConfig
) -> dict[str, tuple[Objective, ...]]:
    """Returns the objectives of every row that a system trains with.

    Args:
        model: A built network.
        config: Optimisation, and the system.
    """
    system = systems.system(config.system, model.synthesis.mode)
    table = _table(model, annotated_classifier(model, system))
    used = {*system.pretrain, *system.train}
    return {
        row: _objectives(lines, row in ADVERSARIAL, config)
        for row, lines in table.items()
        if row in used
    }


def annotated_classifier(model: AherNet, system: systems.System) -> SegmentClassifier:
    """Returns the segment classifier of the classes with temporal annotations."""
    return model.target_classifier if system.oracle else model.source_classifier


def _table(
    model: AherNet, annotated: SegmentClassifier
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Returns for every row which loss moves which variables."""
    backbone, head = _trainable(model.backbone), _trainable(model.head)
    transfer = _trainable(model.weight_transfer)
    annotated_v = _trainable(annotated)
    target_v = _trainable(model.target_classifier)
    generators = _trainable(model.synthetic_moments)
    return {
        "moments": {"segment_classification": backbone + target_v},
        "foreground": {"segment_classification": annotated_v},
        "untrimmed": {
            "localization": backbone + head,
            "anchor_classification": backbone + transfer,
        },
        "generators": {
            "localization": generators,
            "anchor_classification": generators,
        },
        "discriminators": {"discriminator": _trainable(model.discriminator)},
        "adversarial": {"adversarial": generators},
        "synthetic": {
            "localization": backbone + head,
            "anchor_classification": backbone,
        },
        "proposals": {"localization": backbone + head},
        "contexts": {"context": generators},
        "whole_moments": {
            "localization": backbone + head,
            "anchor_classification": backbone + transfer,
        },
    }


def _objectives(
    lines: Mapping[str, tuple[Any, ...]], is_adversarial: bool, config: TrainingConfig
) -> tuple[Objective, ...]:
    """Gives every line, or all of a row together, an optimizer."""
    if config.optimizer_split == "joint" and len(lines) > 1:
        union = {id(v): v for variables in lines.values() for v in variables}
        lines = {"total": tuple(union.values())}
    objectives = []
    for loss, variables in lines.items():
        optimizer = optimizers.make_optimizer(
            config.optimizer,
            beta_1=config.adversarial_beta_1 if is_adversarial else config.beta_1,
            beta_2=config.beta_2,
            epsilon=config.epsilon,
        )
        if variables:
            optimizers.build(optimizer, variables)
        objectives.append(Objective(loss, variables, optimizer))
    return tuple(objectives)


def _trainable(layer: tf.keras.layers.Layer) -> tuple[Any, ...]:
    return tuple(layer.trainable_variables)
