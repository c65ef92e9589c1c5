"""A model directory as training leaves it, of a tiny network and data set."""

import dataclasses

import numpy as np
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.exemplars import keep_exemplars
from ahernet_tf.inference.refinement import fit_refinement
from ahernet_tf.models import checkpoint, systems
from tests.data.tiny import CHANNELS, TinyData
from tests.models import tiny

BOTH_LOOKS = {"second_look": True, "duration_prior": 2.0}
TIMES = TimeModel(clip_frames=4, stride_frames=2, fps=10.0)


def config_of(system="AherNet", **inference):
    """Returns the configuration of a tiny network of a system."""
    config = dataclasses.replace(configuration.small(), network=tiny.NETWORK)
    config = systems.configure(config, system)
    inference = dataclasses.replace(config.inference, **inference)
    return dataclasses.replace(config, inference=inference)


def write_trained(directory, system="AherNet", ema_decay=0.0, **inference):
    """Writes a model directory; its classes are wave and jump, of run and sit."""
    config = config_of(system, **BOTH_LOOKS | inference)
    training = dataclasses.replace(config.training, ema_decay=ema_decay)
    config = dataclasses.replace(config, training=training)
    data = TinyData().write(directory / "data")
    return write_network(data, directory / "W", config)


def write_network(data, workdir, config):
    """Writes a model directory as if it had been trained on a data set."""
    dataset = Dataset.load(data, config.data)
    description = checkpoint.Description(
        dataset.feature_channels, dataset.source_classes, dataset.target_classes
    )
    tf.keras.utils.set_random_seed(0)
    model = description.build(config)
    tiny.randomize(model)
    checkpoint.save_description(workdir, description, config)
    checkpoint.save_weights(workdir, model, config)
    fit_refinement(workdir, dataset, config)
    keep_exemplars(workdir, model, dataset, config)
    return workdir


def clips_of(count, seed=0, shift=0.0):
    """Returns features `[count, channels]`."""
    values = np.random.default_rng(seed).normal(size=(count, CHANNELS)) + shift
    return values.astype(np.float32)


def moments_of(*names, count=3):
    """Returns a few moments per class, those of each class in a place of their own."""
    return {
        name: [
            clips_of(6 + own, 10 * number + own, 2.0 * number) for own in range(count)
        ]
        for number, name in enumerate(names, 1)
    }
