"""Learning rates over the iterations (paper section 4.2)."""

from __future__ import annotations

from ahernet_tf.config import TrainingConfig


def decay(config: TrainingConfig, iteration: int) -> float:
    """Returns what the initial localisation rate is multiplied with.

    Args:
        config: Uses `decay_factor`, `decay_every`, `decay_unit`, `decay_times`.
        iteration: Alternating iterations done before; 0 at the first.
    """
    done = iteration
    if config.decay_unit == "samples":
        done *= config.batch_size
    return config.decay_factor ** min(done // config.decay_every, config.decay_times)


def rates(config: TrainingConfig, iteration: int | None) -> dict[str, float]:
    """Returns the learning rates of an iteration.

    Args:
        config: Optimisation.
        iteration: Alternating iterations done before; None during pre-training, whose
            rate is constant.

    Returns:
        `localization`, `generators` and `adversarial`.
    """
    factor = 1.0 if iteration is None else decay(config, iteration)
    localization = config.localization_learning_rate
    generators = config.generator_learning_rate
    return {
        "localization": localization * factor,
        "generators": (localization if generators is None else generators) * factor,
        "adversarial": config.adversarial_learning_rate,
    }
