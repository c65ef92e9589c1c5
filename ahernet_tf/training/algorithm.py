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
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from ahernet_tf.config import LossConfig, TrainingConfig
from ahernet_tf.models import AherNet
from ahernet_tf.training import optimizers
from ahernet_tf.training.adam import tensorflow_variable
from ahernet_tf.training.row_losses import Batch, Losses, RowLosses


class Objective(NamedTuple):
    """One line of the table: a loss, the variables it moves, their optimizer."""

    loss: str
    variables: tuple[Any, ...]
    optimizer: Any


class Algorithm:
    """Holds the ten optimizers and takes the steps of one iteration.

    Args:
        model: A built network.
        loss_config: Weights and forms of the losses.
        config: Optimisation.
    """

    def __init__(self, model: AherNet, loss_config: LossConfig, config: TrainingConfig):
        self.model = model
        self.losses = RowLosses(model, loss_config)
        self.config = config
        self.rows = {
            row: self._objectives(row, lines) for row, lines in self._table().items()
        }

    def _table(self) -> dict[str, dict[str, tuple[Any, ...]]]:
        """Returns for every row which loss moves which variables."""
        model = self.model
        backbone, head = _trainable(model.backbone), _trainable(model.head)
        transfer = _trainable(model.weight_transfer)
        source_v = _trainable(model.source_classifier)
        target_v = _trainable(model.target_classifier)
        generators = _trainable(model.synthetic_moments)
        return {
            "moments": {"segment_classification": backbone + target_v},
            "foreground": {"segment_classification": source_v},
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
        }

    def _objectives(
        self, row: str, lines: Mapping[str, tuple[Any, ...]]
    ) -> tuple[Objective, ...]:
        if self.config.optimizer_split == "joint" and len(lines) > 1:
            union = {id(v): v for variables in lines.values() for v in variables}
            lines = {"total": tuple(union.values())}
        is_adversarial = row in ("discriminators", "adversarial")
        beta_1 = (
            self.config.adversarial_beta_1 if is_adversarial else self.config.beta_1
        )
        objectives = []
        for loss, variables in lines.items():
            optimizer = optimizers.make_optimizer(
                self.config.optimizer,
                beta_1=beta_1,
                beta_2=self.config.beta_2,
                epsilon=self.config.epsilon,
            )
            if variables:
                optimizers.build(optimizer, variables)
            objectives.append(Objective(loss, variables, optimizer))
        return tuple(objectives)

    def set_learning_rates(
        self, localization: float, generators: float, adversarial: float
    ) -> None:
        """Sets the rate of every row for the iterations to come."""
        rates = {
            "generators": generators,
            "discriminators": adversarial,
            "adversarial": adversarial,
        }
        for row, objectives in self.rows.items():
            for objective in objectives:
                objective.optimizer.learning_rate = rates.get(row, localization)

    def train_step(self, untrimmed: Batch, foreground: Batch, moments: Batch) -> Losses:
        """Takes one alternating iteration (Algorithm 1).

        Args:
            untrimmed: `features` `[batch, steps, channels]`, `segments`,
                `segment_mask`, `segment_labels` `[batch, max_segments]`.
            foreground: `features` `[batch, steps, channels]`, `label` `[batch]`.
            moments: `features` `[batch, moment_steps, channels]`, `label` `[batch]`,
                and the random draw of the synthesis.

        Returns:
            Every loss by `row/name`, as it was before its row's update.
        """
        untrimmed, foreground, moments = map(
            self.losses.standardized, (untrimmed, foreground, moments)
        )
        named: Losses = {}

        def minimize(row: str, loss_fn: Callable[[], Losses], run: str = "") -> None:
            step = self.minimize(row, loss_fn)
            named.update({f"{row}{run}/{name}": loss for name, loss in step.items()})

        minimize("moments", lambda: self.losses.moments(moments))
        minimize("foreground", lambda: self.losses.foreground(foreground))
        minimize("untrimmed", lambda: self.losses.untrimmed(untrimmed))
        minimize("generators", lambda: self.losses.synthetic(moments))
        real_maps = self.model.backbone(untrimmed["features"])
        real_mask, fake_mask = self.losses.background_masks(untrimmed, moments)

        def first_adversarial_run() -> Losses:
            # The discriminators' row shares this run's maps: neither the backbone nor
            # the generators move between the two.
            fake_maps = self.losses.synthetic_maps(moments)
            fixed = [tf.stop_gradient(level_map) for level_map in fake_maps]
            minimize(
                "discriminators",
                lambda: self.losses.discriminators(
                    real_maps, fixed, real_mask, fake_mask
                ),
            )
            return self.losses.adversarial(fake_maps, fake_mask)

        def further_adversarial_run() -> Losses:
            return self.losses.adversarial(
                self.losses.synthetic_maps(moments), fake_mask
            )

        minimize("adversarial", first_adversarial_run, "_1")
        for run in range(2, self.config.generator_updates + 1):
            minimize("adversarial", further_adversarial_run, f"_{run}")
        minimize("synthetic", lambda: self.losses.synthetic(moments))
        return named

    def pretrain_step(self, untrimmed: Batch, foreground: Batch) -> Losses:
        """Takes one iteration of pre-training: the rows of untrimmed videos alone.

        Args:
            untrimmed: As in `train_step`.
            foreground: As in `train_step`.

        Returns:
            Every loss by `row/name`, as it was before its row's update.
        """
        untrimmed, foreground = map(self.losses.standardized, (untrimmed, foreground))
        first = self.minimize("foreground", lambda: self.losses.foreground(foreground))
        second = self.minimize("untrimmed", lambda: self.losses.untrimmed(untrimmed))
        return {f"foreground/{name}": loss for name, loss in first.items()} | {
            f"untrimmed/{name}": loss for name, loss in second.items()
        }

    def minimize(self, row: str, loss_fn: Callable[[], Losses]) -> Losses:
        """Takes one step of a row: all its gradients at one point, then the updates.

        Args:
            row: Name of the row.
            loss_fn: Computes the losses that the row's objectives name, and others.

        Returns:
            All losses of `loss_fn`.
        """
        named, gradients = self.gradients(row, loss_fn)
        for objective, gradient in zip(self.rows[row], gradients):
            objective.optimizer.apply_gradients(zip(gradient, objective.variables))
        return named

    def gradients(
        self, row: str, loss_fn: Callable[[], Losses]
    ) -> tuple[Losses, list[list[tf.Tensor]]]:
        """Computes the gradients of each objective of a row.

        Only the row's own variables are watched, so nothing is recorded, and nothing
        computed backwards, for what the row does not move.

        Args:
            row: Name of the row.
            loss_fn: Computes the losses that the row's objectives name, and others.

        Returns:
            The losses of `loss_fn`, and for each objective one gradient a variable.

        Raises:
            ValueError: A loss does not reach a variable that it should move.
        """
        objectives = self.rows[row]
        with tf.GradientTape(
            persistent=len(objectives) > 1, watch_accessed_variables=False
        ) as tape:
            for objective in objectives:
                tape.watch(_values(objective.variables))
            named = loss_fn()
        gradients = []
        for objective in objectives:
            values = _values(objective.variables)
            gradients.append(tape.gradient(named[objective.loss], values))
            if any(gradient is None for gradient in gradients[-1]):
                raise ValueError(
                    f"Row '{row}': the {objective.loss} loss does not reach "
                    f"{sum(g is None for g in gradients[-1])} of its variables."
                )
        return named, gradients


def _trainable(layer: tf.keras.layers.Layer) -> tuple[Any, ...]:
    return tuple(layer.trainable_variables)


def _values(variables: Sequence[Any]) -> list[tf.Variable]:
    return [tensorflow_variable(variable) for variable in variables]
