"""The anchor classifier: cells classified by transferred weights (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.layers.shapes import check_maps
from ahernet_tf.layers.weight_transfer import SegmentClassifier, WeightTransfer


def classify_cells(
    maps: Sequence[tf.Tensor], kernels: Sequence[tf.Tensor], biases: Sequence[tf.Tensor]
) -> tf.Tensor:
    """Applies the anchor classifier to every cell: a 1x1 convolution.

    Args:
        maps: One map `[batch, cells, channels]` per level.
        kernels: U of each level, `[channels, classes]`.
        biases: u of each level, `[classes]`.

    Returns:
        `[batch, cells, classes]`, the cells of all levels, finest first.

    Raises:
        ValueError: There are more or fewer maps, or one is of another shape.
    """
    maps = check_maps(maps, [kernel.shape[0] for kernel in kernels])
    logits = []
    for level_map, kernel, bias in zip(maps, kernels, biases, strict=True):
        kernel = tf.cast(kernel, level_map.dtype)
        bias = tf.cast(bias, level_map.dtype)
        logits.append(tf.nn.bias_add(tf.matmul(level_map, kernel), bias))
    return tf.concat(logits, axis=1)


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class AnchorClassifier(tf.keras.layers.Layer):
    """Classifies every cell by a transferred segment classifier (Eq. 1).

    Maps one map `[batch, cells, channels]` per level to `[batch, cells, classes]`, the
    cells of all levels, finest first. The segment classifier may be used beside it: a
    model that holds both trains its weights once.

    Args:
        classifier: Of trimmed sequences; built for the same maps.
        transfer: Of its weights; may be shared between anchor classifiers.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(
        self, classifier: SegmentClassifier, transfer: WeightTransfer, **kwargs
    ):
        super().__init__(**kwargs)
        self.classifier = classifier
        self.transfer = transfer

    def build(self, input_shape: Sequence) -> None:
        """Builds classifier and transfer where they are not yet."""
        if not self.classifier.built:
            self.classifier.build(input_shape)
        if not self.transfer.built:
            kernels = [kernel.shape for kernel in self.classifier.kernels]
            biases = [bias.shape for bias in self.classifier.biases]
            self.transfer.build((kernels, biases))
        super().build(input_shape)

    def call(self, maps: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the logits of all cells; see the class."""
        return classify_cells(maps, *self.transfer(self.classifier.weights_by_level()))

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        serialize = tf.keras.utils.serialize_keras_object
        return super().get_config() | {
            "classifier": serialize(self.classifier),
            "transfer": serialize(self.transfer),
        }

    @classmethod
    def from_config(cls, config: dict) -> AnchorClassifier:
        """Makes the layer, and the two that it holds."""
        # HDF5 files of Keras 2 name the classes without their package.
        known = {kind.__name__: kind for kind in (SegmentClassifier, WeightTransfer)}
        parts = {
            name: tf.keras.utils.deserialize_keras_object(config[name], known)
            for name in ("classifier", "transfer")
        }
        return cls(**(config | parts))
