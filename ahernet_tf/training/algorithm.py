"""Algorithm 1 of the paper: the steps of one iteration, in order.

`STEPS` is the algorithm: per line one step with the streams that it reads, its losses,
and the layers that each loss moves. Each (step, loss) has an optimizer of its own, with
its own moments and step count: ten in all for AherNet. With `optimizer_split="joint"`
the two losses of a step share one, on their sum. Localization is the sum of proposal,
offset and overlap loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import tensorflow as tf

from ahernet_tf import replicas
from ahernet_tf.config import LossConfig, TrainingConfig
from ahernet_tf.models import AherNet, systems
from ahernet_tf.synthesis import MODES
from ahernet_tf.training import fused, losses_of_steps, objectives
from ahernet_tf.training.losses_of_steps import Batch, ForwardPass, Losses
from ahernet_tf.training.objectives import Objective

STREAMS = ("untrimmed", "foreground", "moments")


class Layers(NamedTuple):
    """The layers that steps move."""

    backbone: tf.keras.layers.Layer
    head: tf.keras.layers.Layer
    transfer: tf.keras.layers.Layer
    annotated_classifier: tf.keras.layers.Layer
    target_classifier: tf.keras.layers.Layer
    generators: tf.keras.layers.Layer
    discriminators: tf.keras.layers.Layer


class Step(NamedTuple):
    """A step of an iteration.

    Attributes:
        streams: What it reads, of `STREAMS`.
        losses: Computes its losses, and others that are logged.
        moves: Returns per loss the layers that it moves.
        rate: Which learning rate it has; adversarial steps also have a beta_1 of
            their own.
        for_generators: Whether it is there for generated context alone; it falls away
            where moments are surrounded without generators.
        repeats: How often it is taken in an iteration.
    """

    streams: tuple[str, ...]
    losses: Callable[[ForwardPass], Losses]
    moves: Callable[[Layers], Mapping[str, tuple[tf.keras.layers.Layer, ...]]]
    rate: Literal["localization", "generators", "adversarial"] = "localization"
    for_generators: bool = False
    repeats: Callable[[TrainingConfig], int] | None = None


#: By name, in the order of an iteration.
STEPS = {
    "moments": Step(
        ("moments",),
        losses_of_steps.moments,
        lambda to: {"segment_classification": (to.backbone, to.target_classifier)},
    ),
    "foreground": Step(
        ("foreground",),
        losses_of_steps.foreground,
        lambda to: {"segment_classification": (to.annotated_classifier,)},
    ),
    "untrimmed": Step(
        ("untrimmed",),
        losses_of_steps.untrimmed,
        lambda to: {
            "localization": (to.backbone, to.head),
            "anchor_classification": (to.backbone, to.transfer),
        },
    ),
    "generators": Step(
        ("moments",),
        losses_of_steps.synthetic,
        lambda to: {
            "localization": (to.generators,),
            "anchor_classification": (to.generators,),
        },
        rate="generators",
        for_generators=True,
    ),
    "discriminators": Step(
        ("untrimmed", "moments"),
        losses_of_steps.discriminators,
        lambda to: {"discriminator": (to.discriminators,)},
        rate="adversarial",
        for_generators=True,
    ),
    "adversarial": Step(
        ("untrimmed", "moments"),
        losses_of_steps.adversarial,
        lambda to: {"adversarial": (to.generators,)},
        rate="adversarial",
        for_generators=True,
        repeats=lambda config: config.generator_updates,
    ),
    "synthetic": Step(
        ("moments",),
        losses_of_steps.synthetic,
        lambda to: {
            "localization": (to.backbone, to.head),
            "anchor_classification": (to.backbone,),
        },
    ),
    # Of other systems than AherNet:
    "proposals": Step(
        ("untrimmed",),
        losses_of_steps.proposals,
        lambda to: {"localization": (to.backbone, to.head)},
    ),
    "contexts": Step(
        ("untrimmed",),
        losses_of_steps.contexts,
        lambda to: {"context": (to.generators,)},
        rate="generators",
        for_generators=True,
    ),
    "whole_moments": Step(
        ("moments",),
        losses_of_steps.synthetic,
        lambda to: {
            "localization": (to.backbone, to.head),
            "anchor_classification": (to.backbone, to.transfer),
        },
    ),
}


class Algorithm:
    """Holds the optimizers of a system's steps and takes iterations.

    Args:
        model: A built network.
        loss_config: Weights and forms of the losses.
        config: Optimisation, and the system.
    """

    def __init__(self, model: AherNet, loss_config: LossConfig, config: TrainingConfig):
        self.model = model
        self.loss_config = loss_config
        self.config = config
        self.system = systems.system(config.system)
        self.annotated_classifier = (
            model.target_classifier if self.system.oracle else model.source_classifier
        )
        layers = Layers(
            model.backbone,
            model.head,
            model.weight_transfer,
            self.annotated_classifier,
            model.target_classifier,
            model.synthetic_moments,
            model.discriminator,
        )
        #: Per step of the system, a loss (or several), what it moves, its optimizer.
        self.objectives: dict[str, tuple[Objective, ...]] = {
            name: objectives.make(
                STEPS[name].moves(layers), STEPS[name].rate == "adversarial", config
            )
            for name in dict.fromkeys(self.steps("pretrain") + self.steps("train"))
        }

    def steps(self, phase: str) -> tuple[str, ...]:
        """Returns the names of the steps of a phase, `pretrain` or `train`."""
        names = getattr(self.system, phase)
        generated = MODES[self.model.synthesis.mode].uses_generators
        return tuple(n for n in names if generated or not STEPS[n].for_generators)

    def streams(self, phase: str) -> tuple[str, ...]:
        """Returns the streams that the steps of a phase read."""
        read = {stream for name in self.steps(phase) for stream in STEPS[name].streams}
        return tuple(stream for stream in STREAMS if stream in read)

    def set_learning_rates(self, **rates: float) -> None:
        """Sets the rates of the iterations to come, by the names of `Step.rate`."""
        for name, of_step in self.objectives.items():
            for objective in of_step:
                objective.optimizer.learning_rate = rates[STEPS[name].rate]

    def take(self, names: tuple[str, ...], **batches: Batch) -> Losses:
        """Takes steps in order; those of a phase are one iteration (Algorithm 1).

        Args:
            names: Of the steps, see `steps`.
            **batches: By stream. `untrimmed`: `features` `[batch, steps, channels]`,
                `segments`, `segment_mask`, `segment_labels` `[batch, max_segments]`.
                `foreground`: `features` `[batch, steps, channels]`, `label` `[batch]`.
                `moments`: `features` `[batch, moment_steps, channels]`, `label`
                `[batch]`, and the random draw of the synthesis. A stream that no step
                reads may be left out.

        Returns:
            Every loss by `step/name`, as it was before the step's update.

        Raises:
            ValueError: A stream that a step reads is missing.
        """
        read = {stream for name in names for stream in STEPS[name].streams}
        if missing := sorted(read - set(batches)):
            raise ValueError(f"Expected a batch of the stream '{missing[0]}'.")
        if self.config.schedule == "fused":
            steps = {name: STEPS[name].losses for name in names}
            losses = fused.take(steps, self.objectives, self.forward_pass(**batches))
            return replicas.total(losses)
        losses: Losses = {}
        for name in names:
            step = STEPS[name]
            runs = range(1, step.repeats(self.config) + 1) if step.repeats else [None]
            for run in runs:
                found = self.minimize(name, self.forward_pass(**batches))
                prefix = name if run is None else f"{name}_{run}"
                losses |= {f"{prefix}/{loss}": v for loss, v in found.items()}
        return replicas.total(losses)

    def forward_pass(self, **batches: Batch) -> ForwardPass:
        """Returns what computes maps and targets of batches at the present weights."""
        return ForwardPass(
            self.model, self.annotated_classifier, self.loss_config, **batches
        )

    def minimize(self, name: str, forward: ForwardPass) -> Losses:
        """Takes one step: all its gradients at one point, then the updates.

        Args:
            name: Of the step.
            forward: At the present weights.

        Returns:
            Its losses, as they were before the updates.

        Raises:
            ValueError: A loss does not reach a variable that it should move.
        """
        losses, gradients = self.gradients(name, forward)
        for objective in self.objectives[name]:
            objective.apply(gradients[objective.losses])
        return losses

    def gradients(
        self, name: str, forward: ForwardPass
    ) -> tuple[Losses, dict[tuple[str, ...], list[Any]]]:
        """Returns a step's losses and, by objective, one gradient per variable."""
        wanted = {o.losses: o.variables for o in self.objectives[name]}
        losses_fn = STEPS[name].losses
        return objectives.gradients(lambda: losses_fn(forward), wanted, name)
