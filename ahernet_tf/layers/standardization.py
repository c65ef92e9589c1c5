"""Per-channel standardisation of input features."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ahernet_tf.layers.shapes import channels_of, check_sequences


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class FeatureStandardization(tf.keras.layers.Layer):
    """Shifts and scales each channel by stored statistics; the identity until set.

    The statistics are weights, so that a checkpoint carries what it was trained with.
    """

    def build(self, input_shape) -> None:
        """Creates mean and deviation for inputs `[batch, time, channels]`."""
        channels = (channels_of(input_shape),)
        self.mean = self.add_weight(
            name="mean", shape=channels, initializer="zeros", trainable=False
        )
        self.deviation = self.add_weight(
            name="deviation", shape=channels, initializer="ones", trainable=False
        )
        super().build(input_shape)

    def set_statistics(self, mean: np.ndarray, deviation: np.ndarray) -> None:
        """Stores mean and deviation `[channels]`; deviations must be above 0.

        Raises:
            ValueError: A deviation is 0 or negative, or a number is not finite.
        """
        if not np.all(deviation > 0) or not np.all(np.isfinite([mean, deviation])):
            raise ValueError(
                "Expected finite numbers, and deviations above 0, in every channel."
            )
        self.mean.assign(mean)
        self.deviation.assign(deviation)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Maps `[batch, time, channels]` to the same shape."""
        features = check_sequences(features, self.mean.shape[0])
        mean = tf.convert_to_tensor(self.mean)
        deviation = tf.convert_to_tensor(self.deviation)
        return (features - mean) / deviation
