"""The discriminators that tell real from generated background (Eq. 8)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution
from ahernet_tf.layers.shapes import check_counts, check_levels, check_maps


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class Discriminator(tf.keras.layers.Layer):
    """One convolution of kernel 3 per level, with one logit per anchor (section 3.3).

    Args:
        levels: Number of levels.
        ratios: Number of anchors per cell.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, levels: int = 8, ratios: int = 3, **kwargs):
        super().__init__(**kwargs)
        check_counts(levels=levels, ratios=ratios)
        self.num_levels = levels
        self.ratios = ratios
        self.levels = tuple(
            TemporalConvolution(ratios, name=f"level_{i}", dtype=self.dtype_policy)
            for i in range(1, levels + 1)
        )

    def build(self, input_shape: Sequence) -> None:
        """Builds each level's convolution for its map `[batch, cells, channels]`."""
        self.channels = check_levels(input_shape, self.num_levels)
        for layer, shape in zip(self.levels, input_shape):
            layer.build(shape)
        super().build(input_shape)

    def call(self, maps: Sequence[tf.Tensor]) -> tf.Tensor:
        """Scores every anchor; high means real.

        Args:
            maps: One map `[batch, cells, channels]` per level.

        Returns:
            Logits `[batch, anchors]`, the anchors of all levels, finest first.
        """
        maps = check_maps(maps, self.channels)
        logits = []
        for layer, level_map in zip(self.levels, maps):
            scores = layer(level_map)
            cells = scores.shape[1] or tf.shape(scores)[1]
            logits.append(tf.reshape(scores, [-1, cells * self.ratios]))
        return tf.concat(logits, axis=1)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "levels": self.num_levels,
            "ratios": self.ratios,
        }
