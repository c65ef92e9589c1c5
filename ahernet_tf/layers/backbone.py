"""The anchor pyramid: one temporal convolutional backbone for all streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution
from ahernet_tf.layers.shapes import channels_of, check_counts

_POOLED = 3  # steps


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class Backbone(tf.keras.layers.Layer):
    """Turns a feature sequence into maps on several temporal scales (section 3.1).

    Base convolutions of stride 1, an unpadded max-pooling of size 3 and stride 2, then
    one convolution of stride 2 a level; kernel 3, ReLU.

    Args:
        base_channels: Channels of the base convolutions.
        level_channels: Channels of the levels' maps.
        **kwargs: Of the base layer (`name`, `dtype`).

    Raises:
        ValueError: There is no level, or channels are no whole numbers above 0.
    """

    def __init__(
        self,
        base_channels: Sequence[int] = (2048, 1024),
        level_channels: Sequence[int] = (256, 256, 512, 512, 1024, 1024, 2048, 2048),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.base_channels = _checked(base_channels, "base_channels")
        self.level_channels = _checked(level_channels, "level_channels")
        if not self.level_channels:
            raise ValueError("Expected level_channels of at least 1 level, got none.")
        self.base = tuple(
            TemporalConvolution(
                filters, activation="relu", name=f"base_{i}", dtype=self.dtype_policy
            )
            for i, filters in enumerate(self.base_channels, 1)
        )
        self.levels = tuple(
            TemporalConvolution(
                filters,
                stride=2,
                activation="relu",
                name=f"level_{i}",
                dtype=self.dtype_policy,
            )
            for i, filters in enumerate(self.level_channels, 1)
        )

    def build(self, input_shape) -> None:
        """Builds every convolution for inputs `[batch, time, channels]`."""
        channels = channels_of(input_shape)
        for layer in self.base + self.levels:
            layer.build((None, None, channels))
            channels = layer.filters
        super().build(input_shape)

    def call(self, features: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Computes the maps of all levels, finest first.

        Args:
            features: `[batch, time, channels]`.

        Returns:
            One map `[batch, cells, channels]` a level.

        Raises:
            ValueError: There are fewer steps than the pooling needs.
        """
        shape = tf.TensorShape(features.shape)
        if shape.rank == 3 and shape[1] is not None and shape[1] < _POOLED:
            raise ValueError(
                f"Expected sequences [batch, time, channels] of at least {_POOLED} "
                f"steps, received {tuple(shape)}."
            )
        hidden = features
        for layer in self.base:
            hidden = layer(hidden)
        hidden = tf.nn.max_pool1d(hidden, ksize=_POOLED, strides=2, padding="VALID")
        maps = []
        for layer in self.levels:
            hidden = layer(hidden)
            maps.append(hidden)
        return tuple(maps)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "base_channels": self.base_channels,
            "level_channels": self.level_channels,
        }


def _checked(channels: Sequence[int], what: str) -> tuple[int, ...]:
    """Returns the channels of several convolutions."""
    if isinstance(channels, str) or not isinstance(channels, Iterable):
        raise ValueError(f"Expected {what}, a list of numbers, received {channels!r}.")
    for number in channels:
        check_counts(**{what: number})
    return tuple(channels)
