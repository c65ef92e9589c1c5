"""Proposal, offset and overlap heads of the anchors (paper section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.acceleration.constants import constant, dimensions
from ahernet_tf.layers.convolution import temporal_convolution

#: What a head predicts of each anchor, and with how many numbers.
OUTPUTS = {"proposal": 2, "offset": 2, "overlap": 1}


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class AnchorHead(tf.keras.layers.Layer):
    """Predicts proposal logits, offsets and overlap of one level's anchors.

    Three convolutions of kernel 3 with bias, computed as one.

    Args:
        ratios: Number of anchors a cell.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, ratios: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.ratios = ratios

    def build(self, input_shape) -> None:
        """Creates a kernel `[3, channels, filters]` and a bias for each output."""
        self.kernels, self.biases = (), ()
        for name, size in OUTPUTS.items():
            filters = self.ratios * size
            self.kernels += (
                self.add_weight(
                    name=f"{name}_kernel",
                    shape=(3, input_shape[-1], filters),
                    initializer="glorot_uniform",
                ),
            )
            self.biases += (
                self.add_weight(
                    name=f"{name}_bias", shape=(filters,), initializer="zeros"
                ),
            )
        super().build(input_shape)

    def call(self, level_map: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts what the anchors of one level hold.

        Args:
            level_map: `[batch, cells, channels]`.

        Returns:
            `proposal_logits` `[batch, anchors, 2]` (background, action), `offsets`
            `[batch, anchors, 2]` (Eq. 5), `overlap` `[batch, anchors]` in 0..1;
            anchors = cells * ratios, cell by cell.
        """
        kernel = tf.concat([*map(tf.convert_to_tensor, self.kernels)], constant(-1))
        bias = tf.concat([*map(tf.convert_to_tensor, self.biases)], constant(-1))
        outputs = temporal_convolution(level_map, kernel, bias)
        sizes = [self.ratios * size for size in OUTPUTS.values()]
        proposal, offset, overlap = tf.split(outputs, constant(sizes), constant(-1), 3)
        batch, cells, _ = dimensions(outputs)
        anchors = constant([batch, cells * self.ratios])
        pairs = constant([batch, cells * self.ratios, 2])
        return {
            "proposal_logits": tf.reshape(proposal, pairs),
            "offsets": tf.reshape(offset, pairs),
            "overlap": tf.sigmoid(tf.reshape(overlap, anchors)),
        }

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {"ratios": self.ratios}


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class PyramidHead(tf.keras.layers.Layer):
    """One `AnchorHead` a level; their outputs joined along the anchors.

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
            AnchorHead(ratios, name=f"level_{i}", dtype=self.dtype_policy)
            for i in range(1, levels + 1)
        )

    def build(self, input_shape: Sequence) -> None:
        """Builds each level's head for its map `[batch, cells, channels]`."""
        for head, shape in zip(self.levels, input_shape):
            head.build(shape)
        super().build(input_shape)

    def call(self, maps: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        """Predicts what all anchors hold.

        Args:
            maps: One map `[batch, cells, channels]` a level.

        Returns:
            As `AnchorHead`, with the anchors of all levels, finest first.
        """
        outputs = [head(level_map) for head, level_map in zip(self.levels, maps)]
        return {
            name: tf.concat([output[name] for output in outputs], axis=1)
            for name in outputs[0]
        }

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "levels": self.num_levels,
            "ratios": self.ratios,
        }
