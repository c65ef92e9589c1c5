"""One iteration of training: the rows of Algorithm 1, in turn or all at once."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from ahernet_tf import replicas
from ahernet_tf.acceleration import devices
from ahernet_tf.config import LossConfig, TrainingConfig
from ahernet_tf.models import AherNet, systems
from ahernet_tf.training.adam import tensorflow_variable
from ahernet_tf.training.last_reads import once_unread
from ahernet_tf.training.losses_of_steps import Batch, Losses, RowLosses
from ahernet_tf.training.objectives import annotated_classifier, objectives_by_row
from ahernet_tf.training.stages import Stages

LossFunction = Callable[[], Losses]
Maps = tuple[tf.Tensor, ...]


class Algorithm:
    """Holds the optimizers of a system's rows and takes the steps of one iteration.

    Args:
        model: A built network.
        loss_config: Weights and forms of the losses.
        config: Optimisation, and the system.
    """

    def __init__(self, model: AherNet, loss_config: LossConfig, config: TrainingConfig):
        self.model = model
        self.config = config
        self.system = systems.system(config.system, model.synthesis.mode)
        annotated = annotated_classifier(model, self.system)
        self.losses = RowLosses(model, loss_config, annotated)
        self.rows = objectives_by_row(model, config)
        self._stages: Stages | None = None

    def set_learning_rates(
        self, localization: float, generators: float, adversarial: float
    ) -> None:
        """Sets the rate of every row for the iterations to come."""
        rates = {
            "contexts": generators,
            "generators": generators,
            "discriminators": adversarial,
            "adversarial": adversarial,
        }
        for row, objectives in self.rows.items():
            for objective in objectives:
                objective.optimizer.learning_rate = rates.get(row, localization)

    def train_step(
        self,
        untrimmed: Batch | None = None,
        foreground: Batch | None = None,
        moments: Batch | None = None,
    ) -> Losses:
        """Takes one iteration (Algorithm 1).

        Args:
            untrimmed: `features` `[batch, steps, channels]`, `segments`,
                `segment_mask`, `segment_labels` `[batch, max_segments]`.
            foreground: `features` `[batch, steps, channels]`, `label` `[batch]`.
            moments: `features` `[batch, moment_steps, channels]`, `label` `[batch]`,
                and the random draw of the synthesis. A stream that no row of the
                system reads may be left out.

        Returns:
            Every loss by `row/name`, as it was before its row's update.
        """
        return self._step(self.system.train, untrimmed, foreground, moments)

    def pretrain_step(
        self, untrimmed: Batch | None = None, foreground: Batch | None = None
    ) -> Losses:
        """Takes one iteration of pre-training: the rows of untrimmed videos alone.

        Args:
            untrimmed: As in `train_step`.
            foreground: As in `train_step`.

        Returns:
            Every loss by `row/name`, as it was before its row's update.
        """
        return self._step(self.system.pretrain, untrimmed, foreground, None)

    def _step(self, rows: Sequence[str], *batches: Batch | None) -> Losses:
        batches = [
            None if batch is None else self.losses.standardized(batch)
            for batch in batches
        ]
        if batches[2] is not None:
            # The same for all rows.
            batches[2]["layout"] = self.model.synthetic_moments.layout(batches[2])
        if self.config.schedule == "fused":
            return replicas.total(self._fused_step(rows, *batches))
        return replicas.total(self._alternating_step(rows, *batches))

    def _loss_functions(
        self,
        untrimmed: Batch | None,
        foreground: Batch | None,
        moments: Batch | None,
        real_maps: Callable[[], Maps],
        fake_maps: Callable[[], Maps],
    ) -> dict[str, LossFunction]:
        """Returns what computes the losses of each row but the adversarial pair.

        Args:
            untrimmed: Standardised batch.
            foreground: Likewise.
            moments: Likewise.
            real_maps: Computes the maps of the untrimmed videos.
            fake_maps: Computes those of the synthetic moments.
        """
        losses, model = self.losses, self.model
        # The same for two rows: neither moves the classifier or the transfer.
        transferred = functools.cache(
            lambda: model.anchor_classifier(model.target_classifier)
        )
        return {
            "contexts": lambda: losses.contexts(untrimmed),
            "proposals": lambda: losses.proposals(untrimmed, real_maps()),
            "moments": lambda: losses.moments(moments),
            "foreground": lambda: losses.foreground(foreground),
            "untrimmed": lambda: losses.untrimmed(untrimmed, real_maps()),
            "generators": lambda: losses.synthetic(moments, fake_maps(), transferred()),
            "synthetic": lambda: losses.synthetic(moments, fake_maps(), transferred()),
            "whole_moments": lambda: losses.synthetic(moments, fake_maps()),
        }

    def _alternating_step(
        self,
        rows: Sequence[str],
        untrimmed: Batch | None,
        foreground: Batch | None,
        moments: Batch | None,
    ) -> Losses:
        """Takes one row after the other, each from where the one before it ended."""
        named: Losses = {}

        def one_by_one() -> contextlib.AbstractContextManager:
            # A row begins when the one before it has ended, so that what the two
            # hold in memory is never held at once.
            return _after(list(named.values()))

        def minimize(row: str, loss_fn: LossFunction, run: str = "") -> None:
            with one_by_one():
                step = self.minimize(row, loss_fn)
            named.update({f"{row}{run}/{name}": loss for name, loss in step.items()})

        def real_maps() -> Maps:
            return self.losses.maps(untrimmed["features"], self._end_of_stage)

        def fake_maps() -> Maps:
            return self.losses.synthetic_maps(moments, self._end_of_stage)

        def adversarial_rows() -> None:
            with one_by_one():
                real = real_maps()
            real_mask, fake_mask = self.losses.background_masks(untrimmed, moments)

            def first_run() -> Losses:
                # The discriminators' row shares this run's maps: neither the backbone
                # nor the generators move between the two.
                with _after(real):
                    fake = fake_maps()
                fixed = _fixed(fake)
                minimize(
                    "discriminators",
                    lambda: self.losses.discriminators(
                        real, fixed, real_mask, fake_mask
                    ),
                )
                return self.losses.adversarial(fake, fake_mask)

            def further_run() -> Losses:
                return self.losses.adversarial(fake_maps(), fake_mask)

            minimize("adversarial", first_run, "_1")
            for run in range(2, self.config.generator_updates + 1):
                minimize("adversarial", further_run, f"_{run}")

        loss_functions = self._loss_functions(
            untrimmed, foreground, moments, real_maps, fake_maps
        )
        for row in rows:
            if row == "adversarial":
                adversarial_rows()
            elif row != "discriminators":
                minimize(row, loss_functions[row])
        return named

    def _fused_step(
        self,
        rows: Sequence[str],
        untrimmed: Batch | None,
        foreground: Batch | None,
        moments: Batch | None,
    ) -> Losses:
        """Takes all rows at once, from one forward pass of each stream."""

        @functools.cache
        def real_maps() -> Maps:
            return self.model.backbone(untrimmed["features"])

        @functools.cache
        def fake_maps() -> Maps:
            return self.losses.synthetic_maps(moments)

        @functools.cache
        def masks() -> tuple[tf.Tensor, tf.Tensor]:
            return self.losses.background_masks(untrimmed, moments)

        loss_functions = self._loss_functions(
            untrimmed, foreground, moments, real_maps, fake_maps
        )
        loss_functions["generators"] = loss_functions["synthetic"] = functools.cache(
            loss_functions["synthetic"]
        )
        loss_functions["discriminators"] = lambda: self.losses.discriminators(
            _fixed(real_maps()), _fixed(fake_maps()), *masks()
        )
        loss_functions["adversarial"] = lambda: self.losses.adversarial(
            fake_maps(), masks()[1]
        )
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            stages = Stages(tape, self._moved_by(rows))
            losses = {row: loss_functions[row]() for row in rows}
        gradients = self._gradients(stages, losses)
        for row in rows:
            self._apply(row, gradients[row])
        return {
            f"{row}/{name}": loss for row in rows for name, loss in losses[row].items()
        }

    def minimize(self, row: str, loss_fn: LossFunction) -> Losses:
        """Takes one step of a row: all its gradients at one point, then the updates.

        Args:
            row: Name of the row.
            loss_fn: Computes the losses that the row's objectives name, and others.

        Returns:
            All losses of `loss_fn`, as they were before the updates; in a graph, known
            only when the row's gradients are.
        """
        named, gradients = self.gradients(row, loss_fn)
        self._apply(row, gradients)
        with _after(tf.nest.flatten(gradients)):
            return {name: tf.identity(loss) for name, loss in named.items()}

    def gradients(
        self, row: str, loss_fn: LossFunction
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
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            stages = Stages(tape, self._moved_by([row]))
            around = self._stages
            self._stages = stages if len(self.rows[row]) > 1 else None
            try:
                named = loss_fn()
            finally:
                self._stages = around
        return named, self._gradients(stages, {row: named})[row]

    def _moved_by(self, rows: Iterable[str]) -> list[Any]:
        objectives = [objective for row in rows for objective in self.rows[row]]
        return [v for objective in objectives for v in objective.variables]

    def _end_of_stage(
        self, output: tf.Tensor, *layers: tf.keras.layers.Layer
    ) -> tf.Tensor:
        """Lets the backward passes of a row with several losses meet; see `Stages`."""
        return self._stages.end(output, *layers) if self._stages else output

    def _gradients(
        self, stages: Stages, losses: Mapping[str, Losses]
    ) -> dict[str, list[list[tf.Tensor]]]:
        """Computes the gradients of rows, with one backward pass for each loss.

        Args:
            stages: Of what the losses were computed by.
            losses: Losses by row; where two rows hold the same tensor, they share its
                backward pass.

        Returns:
            By row, for each objective one gradient a variable.
        """
        moved: dict[int, dict[int, Any]] = {}
        by_id: dict[int, tf.Tensor] = {}
        for row, named in losses.items():
            for objective in self.rows[row]:
                loss = named[objective.loss]
                by_id[id(loss)] = loss
                moved.setdefault(id(loss), {}).update(
                    {id(v): v for v in objective.variables}
                )
        parts = stages.gradients(
            {key: (loss, [*moved[key].values()]) for key, loss in by_id.items()}, _after
        )
        found = {key: dict(zip(moved[key], parts[key])) for key in parts}
        gradients = {}
        for row, named in losses.items():
            gradients[row] = []
            for objective in self.rows[row]:
                of_loss = found[id(named[objective.loss])]
                own = [of_loss[id(v)] for v in objective.variables]
                if any(gradient is None for gradient in own):
                    raise ValueError(
                        f"Row '{row}': the {objective.loss} loss does not reach "
                        f"{sum(g is None for g in own)} of its variables."
                    )
                gradients[row].append(own)
        return gradients

    def _apply(self, row: str, gradients: Sequence[Sequence[tf.Tensor]]) -> None:
        """Lets the optimizers of a row take their steps, by all replicas' gradients."""
        variables = [
            [tensorflow_variable(variable) for variable in objective.variables]
            for objective in self.rows[row]
        ]
        gradients = replicas.total(once_unread(gradients, variables))
        for objective, gradient in zip(self.rows[row], gradients):
            objective.optimizer.apply_gradients(zip(gradient, objective.variables))


def _after(tensors: Sequence[tf.Tensor]) -> contextlib.AbstractContextManager:
    """Lets operations begin when tensors are known.

    Not on a GPU, which takes its work in order anyway.
    """
    if devices.has_gpu():
        return contextlib.nullcontext()
    return tf.control_dependencies([tf.group(*tensors)])


def _fixed(maps: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    return [tf.stop_gradient(level_map) for level_map in maps]
