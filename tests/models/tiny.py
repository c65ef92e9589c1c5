"""A network of two levels with a handful of channels, and batches for it."""

import numpy as np
import tensorflow as tf

from ahernet_tf.config import NetworkConfig, SynthesisConfig
from ahernet_tf.models import AherNet

CHANNELS, SOURCE, TARGET, BATCH = 6, 3, 4, 3
STEPS, MOMENT_STEPS = 32, 16
NETWORK = NetworkConfig(
    untrimmed_steps=STEPS,
    moment_steps=MOMENT_STEPS,
    base_channels=(5, 4),
    level_channels=(4, 3, 4),
    anchor_ratios=(1.0, 1.5),
    proposal_classifier=True,
    generator_channels=5,
    generator_activation="linear",
)
#: Options of a command that make training take a second.
OVERRIDES = (
    "network.untrimmed_steps=64",
    "network.moment_steps=32",
    "network.base_channels=4,4",
    "network.level_channels=4,4,4",
    "network.generator_channels=4",
    "training.batch_size=4",
    "synthesis.moments_per_class=2",
)


def network(seed=0, synthesis=SynthesisConfig(), network=NETWORK, **kwargs):  # noqa: B008
    """Returns a built network with random weights, biases included."""
    tf.keras.utils.set_random_seed(seed)
    model = AherNet(CHANNELS, SOURCE, TARGET, network, synthesis, **kwargs)
    model.build((None, STEPS, CHANNELS))
    randomize(model, seed)
    return model


def randomize(model, seed=0):
    """Adds noise to all trainable weights."""
    numbers = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        noise = numbers.normal(scale=0.2, size=variable.shape)
        variable.assign(variable.numpy() + noise.astype(np.float32))


def features(*shape, seed=0):
    """Returns random features as a tensor."""
    values = np.random.default_rng(seed).normal(size=shape)
    return tf.constant(values.astype(np.float32))


def batches(synthesis="single", seed=0):
    """Returns a batch of untrimmed videos, foreground segments and moments.

    Row 0 of the untrimmed videos holds instances of two classes, row 2 holds none.
    """
    untrimmed = {
        "features": features(BATCH, STEPS, CHANNELS, seed=seed),
        "segments": tf.constant(
            [[[3.5, 8.2], [15, 26.5]], [[4, 12], [0, 0]], [[0, 0], [0, 0]]], tf.float32
        ),
        "segment_mask": tf.constant([[True, True], [True, False], [False, False]]),
        "segment_labels": tf.constant([[1, 2], [0, 0], [0, 0]]),
    }
    foreground = {
        "features": features(BATCH, STEPS, CHANNELS, seed=seed + 1),
        "label": tf.constant([2, 0, 1]),
    }
    moments = {
        "features": features(BATCH, MOMENT_STEPS, CHANNELS, seed=seed + 2),
        "label": tf.constant([3, 1, 0]),
    }
    if synthesis == "single":
        moments |= {
            "length_ratio": tf.constant([14, 5, 10]),
            "position": tf.constant([3, 12, 10]),
            "inside_start": tf.constant([True, False, True]),
        }
    else:
        moments |= {
            "segments": tf.constant(
                [[[2, 9], [14, 22]], [[4, 12], [0, 0]], [[1, 5], [21, 29]]], tf.float32
            ),
            "segment_mask": tf.constant([[True, True], [True, False], [True, True]]),
            "source_row": tf.constant([[0, 0], [1, 0], [2, 2]]),
        }
    return untrimmed, foreground, moments


def iterate(algorithm, phase="train", **batches):
    """Takes an iteration of a phase; returns its losses."""
    return algorithm.take(algorithm.steps(phase), **batches)
