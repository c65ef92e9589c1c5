"""Proposal, offset and overlap heads of the anchors (paper section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.layers.convolution import temporal_convolution
from ahernet_tf.layers.shapes import channels_of, check_counts, check_levels, check_maps


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class AnchorHead(tf.keras.layers.Layer):
    """Predicts offsets and overlap of one level's anchors, and perhaps proposal logits.

    Convolutions of kernel 3 with bias, computed as one.

    Args:
        ratios: Number of anchors per cell.
        proposal_classifier: Whether to predict the proposal logits of the 2020 release.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, ratios: int = 3, proposal_classifier: bool = False, **kwargs):
        super().__init__(**kwargs)
        check_counts(ratios=ratios)
        self.ratios = ratios
        self.proposal_classifier = proposal_classifier

    @property
    def outputs(self) -> dict[str, int]:
        """What it predicts of each anchor, and with how many numbers."""
        proposal = {"proposal_logits": 2} if self.proposal_classifier else {}
        return proposal | {"offsets": 2, "overlap": 1}

    def build(self, input_shape) -> None:
        """Creates a kernel `[3, channels, filters]` and a bias for each output."""
        self.kernels, self.biases = (), ()
        for name, size in self.outputs.items():
            filters = self.ratios * size
            self.kernels += (
                self.add_weight(
                    name=f"{self.name}_{name}_kernel",
                    shape=(3, channels_of(input_shape), filters),
                    initializer="glorot_uniform",
                ),
            )
            self.biases += (
                self.add_weight(
                    name=f"{self.name}_{name}_bias",
                    shape=(filters,),
                    initializer="zeros",
                ),
            )
        super().build(input_shape)

    def call(self, level_map: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts what the anchors of one level hold.

        Args:
            level_map: `[batch, cells, channels]`.

        Returns:
            `offsets` `[batch, anchors, 2]` (Eq. 5), `overlap` `[batch, anchors]` in
            0..1, and with a proposal classifier `proposal_logits` `[batch, anchors, 2]`
            (background, action); anchors = cells * ratios, cell by cell.
        """
        kernel = tf.concat([*map(tf.convert_to_tensor, self.kernels)], axis=-1)
        bias = tf.concat([*map(tf.convert_to_tensor, self.biases)], axis=-1)
        predicted = temporal_convolution(level_map, kernel, bias)
        sizes = [self.ratios * size for size in self.outputs.values()]
        parts = tf.split(predicted, sizes, axis=-1)
        cells = predicted.shape[1] or tf.shape(predicted)[1]
        anchors = cells * self.ratios
        found = {
            name: tf.reshape(part, [-1, anchors, size] if size > 1 else [-1, anchors])
            for part, (name, size) in zip(parts, self.outputs.items())
        }
        return found | {"overlap": tf.sigmoid(found["overlap"])}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "ratios": self.ratios,
            "proposal_classifier": self.proposal_classifier,
        }


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class PyramidHead(tf.keras.layers.Layer):
    """One `AnchorHead` per level; their outputs joined along the anchors.

    Args:
        levels: Number of levels.
        ratios: Number of anchors per cell.
        proposal_classifier: As of `AnchorHead`.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(
        self,
        levels: int = 8,
        ratios: int = 3,
        proposal_classifier: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(levels=levels)
        self.num_levels = levels
        self.ratios = ratios
        self.proposal_classifier = proposal_classifier
        self.levels = tuple(
            AnchorHead(
                ratios, proposal_classifier, name=f"level_{i}", dtype=self.dtype_policy
            )
            for i in range(1, levels + 1)
        )

    def build(self, input_shape: Sequence) -> None:
        """Builds each level's head for its map `[batch, cells, channels]`."""
        self.channels = check_levels(input_shape, self.num_levels)
        for head, shape in zip(self.levels, input_shape):
            head.build(shape)
        super().build(input_shape)

    def call(self, maps: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        """Predicts what all anchors hold.

        Args:
            maps: One map `[batch, cells, channels]` per level.

        Returns:
            As `AnchorHead`, with the anchors of all levels, finest first.
        """
        maps = check_maps(maps, self.channels)
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
            "proposal_classifier": self.proposal_classifier,
        }
