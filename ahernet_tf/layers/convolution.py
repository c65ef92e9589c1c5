"""Temporal convolution."""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.acceleration import unfolded_convolution
from ahernet_tf.layers.shapes import channels_of, check_counts, check_sequences


def temporal_convolution(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    stride: int = 1,
    relu: bool = False,
) -> tf.Tensor:
    """Convolves over time with TensorFlow's `same` padding.

    Args:
        inputs: `[batch, time, channels]`.
        kernel: `[width, channels, filters]`.
        bias: `[filters]`.
        stride: Step between outputs.
        relu: Whether to set negative outputs to 0.

    Returns:
        `[batch, ceil(time / stride), filters]`.

    Raises:
        ValueError: The inputs are not `[batch, time, channels]` of the kernel.
    """
    inputs = check_sequences(inputs, kernel.shape[1])
    if unfolded_convolution.is_better(inputs, kernel):  # equal to rounding
        return unfolded_convolution.convolve(inputs, kernel, bias, stride, relu)
    outputs = tf.nn.conv1d(inputs, kernel, stride, "SAME")
    outputs = tf.nn.bias_add(outputs, bias)
    return tf.nn.relu(outputs) if relu else outputs


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class TemporalConvolution(tf.keras.layers.Layer):
    """Convolves over time, `same` padding, with bias (paper section 3.1).

    Args:
        filters: Channels of the output.
        width: Steps that the kernel spans.
        stride: Step between outputs.
        activation: Name of a Keras activation, or None.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(
        self,
        filters: int,
        width: int = 3,
        stride: int = 1,
        activation: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(filters=filters, width=width, stride=stride)
        self.filters = filters
        self.width = width
        self.stride = stride
        self.activation = activation
        self._activate = tf.keras.activations.get(activation)

    def build(self, input_shape) -> None:
        """Creates the kernel `[width, channels, filters]` and the bias `[filters]`."""
        self.kernel = self.add_weight(
            name=f"{self.name}_kernel",
            shape=(self.width, channels_of(input_shape), self.filters),
            initializer="glorot_uniform",
        )
        self.bias = self.add_weight(
            name=f"{self.name}_bias", shape=(self.filters,), initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[batch, time, channels]` to `[batch, ceil(time/stride), filters]`."""
        is_relu = self.activation == "relu"
        outputs = temporal_convolution(
            inputs,
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.bias),
            self.stride,
            is_relu,
        )
        return outputs if is_relu else self._activate(outputs)

    def compute_output_shape(self, input_shape):
        """Returns `[batch, ceil(time / stride), filters]`."""
        time = input_shape[1]
        steps_out = None if time is None else -(-time // self.stride)
        return (input_shape[0], steps_out, self.filters)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "filters": self.filters,
            "width": self.width,
            "stride": self.stride,
            "activation": self.activation,
        }
