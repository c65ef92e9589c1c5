"""A network with fresh weights whose training is measured."""

from __future__ import annotations

from ahernet_tf.config import Config
from ahernet_tf.models.checkpoint import Description
from ahernet_tf.training import schedule
from ahernet_tf.training.algorithm import Algorithm


def fresh_training(
    config: Config, channels: int, source_classes: int, target_classes: int
) -> Algorithm:
    """Builds a network and its training, at the rates of the first iteration.

    Args:
        config: What is trained.
        channels: Of the features.
        source_classes: With temporal annotations.
        target_classes: With moments only.
    """
    model = Description(
        channels,
        tuple(f"source {number}" for number in range(source_classes)),
        tuple(f"target {number}" for number in range(target_classes)),
    ).build(config)
    algorithm = Algorithm(model, config.loss, config.training)
    algorithm.set_learning_rates(**schedule.rates(config.training, 0))
    return algorithm
