"""The discriminators that tell real from generated background (Eq. 8)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class Discriminator(tf.keras.layers.Layer):
    """One convolution of kernel 3 a level, with one logit an anchor (section 3.3).

    Args:
        levels: Number of levels.
        ratios: Number of anchors a cell.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, levels: int = 8, ratios: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.num_levels = levels
        self.ratios = ratios
        self.levels = tuple(
            TemporalConvolution(ratios, name=f"level_{i}", dtype=self.dtype_policy)
            for i in range(1, levels + 1)
        )

    def build(self, input_shape: Sequence) -> None:
        """Builds each level's convolution for its map `[batch, cells, channels]`."""
        for layer, shape in zip(self.levels, input_shape):
            layer.build(shape)
        super().build(input_shape)

    def call(self, maps: Sequence[tf.Tensor]) -> tf.Tensor:
        """Scores every anchor; high means real.

        Args:
            maps: One map `[batch, cells, channels]` a level.

        Returns:
            Logits `[batch, anchors]`, the anchors of all levels, finest first.
        """
        scores = [layer(level_map) for layer, level_map in zip(self.levels, maps)]
        batch = tf.shape(scores[0])[0]
        return tf.concat([tf.reshape(s, [batch, -1]) for s in scores], axis=1)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "levels": self.num_levels,
            "ratios": self.ratios,
        }
