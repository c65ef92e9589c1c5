"""Segment classifier, weight transfer, anchor classifier (paper section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.layers.shapes import (
    check_counts,
    check_levels,
    check_maps,
    check_weights,
)

ACTIVATIONS = {
    "none": tf.identity,
    "relu": tf.nn.relu,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, alpha=0.2),
    "elu": tf.nn.elu,
}


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class SegmentClassifier(tf.keras.layers.Layer):
    """Classifies a trimmed sequence from each level's map, averaged over time.

    `weights_by_level()` gives its kernels and biases as `WeightTransfer` takes them.

    Args:
        classes: Number of classes.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        check_counts(classes=classes)
        self.classes = classes

    def build(self, input_shape: Sequence) -> None:
        """Creates V `[channels, classes]` and v `[classes]` for each level."""
        self.channels = check_levels(input_shape, len(input_shape))
        self.kernels = tuple(
            self.add_weight(
                name=f"{self.name}_kernel_{i}",
                shape=(shape[-1], self.classes),
                initializer="glorot_uniform",
            )
            for i, shape in enumerate(input_shape, 1)
        )
        self.biases = tuple(
            self.add_weight(
                name=f"{self.name}_bias_{i}",
                shape=(self.classes,),
                initializer="zeros",
            )
            for i in range(1, len(input_shape) + 1)
        )
        super().build(input_shape)

    def weights_by_level(self) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns the kernels `[channels, classes]` and biases `[classes]`."""
        return (
            [tf.convert_to_tensor(kernel) for kernel in self.kernels],
            [tf.convert_to_tensor(bias) for bias in self.biases],
        )

    def call(self, maps: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the class logits of whole sequences.

        Args:
            maps: One map `[batch, cells, channels]` per level.

        Returns:
            `[levels, batch, classes]`.
        """
        maps = check_maps(maps, self.channels)
        kernels, biases = self.weights_by_level()
        return tf.stack(
            [
                tf.matmul(tf.reduce_mean(level_map, axis=1), kernel) + bias
                for level_map, kernel, bias in zip(maps, kernels, biases)
            ]
        )

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {"classes": self.classes}


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class TransferFunction(tf.keras.layers.Layer):
    """Maps segment-classifier weights of one level to anchor-classifier weights.

    U = f(V) (Eq. 1): fully connected layers on the weight vector of each class alone,
    an activation after each. The biases pass through as many 1 -> 1 layers. Starts as
    the identity.

    Args:
        layers: Number of fully connected layers; 0 leaves the weights as they are.
        activation: `none`, `relu`, `leaky_relu` (slope 0.2) or `elu`.
        **kwargs: Of the base layer (`name`, `dtype`).

    Raises:
        ValueError: The activation has no such name.
    """

    def __init__(self, layers: int = 2, activation: str = "elu", **kwargs):
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"Expected an activation of {list(ACTIVATIONS)}, received {activation}."
            )
        check_counts(0, layers=layers)
        self.num_layers = layers
        self.activation = activation

    def build(self, input_shape) -> None:
        """Creates the layers for kernels `[channels, classes]`."""
        self.channels = input_shape[0][0]
        self.weight_layers = self._affine_layers("weight", self.channels)
        self.bias_layers = self._affine_layers("bias", 1)
        super().build(input_shape)

    def _affine_layers(self, name: str, size: int) -> tuple[tuple, ...]:
        return tuple(
            (
                self.add_weight(
                    name=f"{self.name}_{name}_kernel_{i}",
                    shape=(size, size),
                    initializer="identity",
                ),
                self.add_weight(
                    name=f"{self.name}_{name}_bias_{i}",
                    shape=(size,),
                    initializer="zeros",
                ),
            )
            for i in range(1, self.num_layers + 1)
        )

    def call(self, inputs: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Transfers a segment classifier.

        Args:
            inputs: Kernel V `[channels, classes]` and bias v `[classes]`.

        Returns:
            Kernel U `[channels, classes]` and bias u `[classes]`.
        """
        kernel, bias = inputs
        check_weights(kernel, bias, self.channels)
        kernel = self._apply(self.weight_layers, tf.transpose(kernel))
        bias = self._apply(self.bias_layers, bias[:, tf.newaxis])
        return tf.transpose(kernel), bias[:, 0]

    def _apply(self, layers: tuple, rows: tf.Tensor) -> tf.Tensor:
        activate = ACTIVATIONS[self.activation]
        for kernel, bias in layers:
            kernel, bias = tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias)
            rows = activate(tf.matmul(rows, kernel) + bias)
        return rows

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "layers": self.num_layers,
            "activation": self.activation,
        }


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class WeightTransfer(tf.keras.layers.Layer):
    """One `TransferFunction` per level, shared between all classes and streams.

    Takes the kernels `[channels, classes]` and the biases `[classes]` of a segment
    classifier, a list of one per level each, as its `weights_by_level()` returns them,
    and returns those of the anchor classifier. Weights are no inputs of a Keras model:
    there, `AnchorClassifier` holds both layers and takes maps.

    Args:
        levels: Number of levels.
        layers: Fully connected layers of each function.
        activation: After each of them.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(
        self, levels: int = 8, layers: int = 2, activation: str = "elu", **kwargs
    ):
        super().__init__(**kwargs)
        check_counts(levels=levels)
        self.num_levels = levels
        self.num_layers = layers
        self.activation = activation
        self.levels = tuple(
            TransferFunction(
                layers, activation, name=f"level_{i}", dtype=self.dtype_policy
            )
            for i in range(1, levels + 1)
        )

    def build(self, input_shape: Sequence) -> None:
        """Builds each level's function; shapes of (kernels, biases)."""
        for shapes in input_shape:
            check_levels(shapes, self.num_levels)
        for function, kernel, bias in zip(self.levels, *input_shape):
            function.build((kernel, bias))
        super().build(input_shape)

    def call(self, inputs) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Transfers the segment classifiers of all levels.

        Args:
            inputs: Kernels `[channels, classes]` and biases `[classes]`, a list each.

        Returns:
            Anchor-classifier kernels and biases, of the same shapes.
        """
        for weights in inputs:
            check_levels([w.shape for w in weights], self.num_levels)
        pairs = [
            function([kernel, bias])
            for function, kernel, bias in zip(self.levels, *inputs)
        ]
        return [kernel for kernel, _ in pairs], [bias for _, bias in pairs]

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "levels": self.num_levels,
            "layers": self.num_layers,
            "activation": self.activation,
        }
