"""Temporal convolution, in the form that is fastest for its size."""

from __future__ import annotations

import tensorflow as tf

#: From so many input channels on, one matrix product over the shifted copies of the
#: input beats the convolution of TensorFlow on a CPU; below, the copies cost more.
UNFOLD_FROM_CHANNELS = 1024


def temporal_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int = 1
) -> tf.Tensor:
    """Convolves over time with TensorFlow's `same` padding.

    With many channels, the shifted copies of the input are laid side by side and
    multiplied once with the flattened kernel; the result is equal to rounding.

    Args:
        inputs: `[batch, time, channels]`.
        kernel: `[width, channels, filters]`.
        bias: `[filters]`.
        stride: Step between outputs.

    Returns:
        `[batch, ceil(time / stride), filters]`.
    """
    if kernel.shape[1] < UNFOLD_FROM_CHANNELS:
        outputs = tf.nn.conv1d(inputs, kernel, stride, "SAME")
        return tf.nn.bias_add(outputs, bias)
    return _unfolded_convolution(inputs, kernel, bias, stride)


def _unfolded_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int
) -> tf.Tensor:
    width, channels, filters = kernel.shape
    time = inputs.shape[1] or tf.shape(inputs)[1]
    steps_out = -(-time // stride)
    padding = (steps_out - 1) * stride + width - time
    padding = max(padding, 0) if inputs.shape[1] else tf.maximum(padding, 0)
    before = padding // 2
    padded = tf.pad(inputs, [[0, 0], [before, padding - before], [0, 0]])
    last = (steps_out - 1) * stride + 1
    copies = [padded[:, shift : shift + last : stride] for shift in range(width)]
    unfolded = copies[0] if width == 1 else tf.concat(copies, axis=-1)
    outputs = tf.matmul(
        tf.reshape(unfolded, [-1, width * channels]),
        tf.reshape(kernel, [width * channels, filters]),
    )
    outputs = tf.nn.bias_add(outputs, bias)
    return tf.reshape(outputs, [-1, steps_out, filters])


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
        self.filters = filters
        self.width = width
        self.stride = stride
        self.activation = activation
        self._activate = tf.keras.activations.get(activation)

    def build(self, input_shape) -> None:
        """Creates the kernel `[width, channels, filters]` and the bias `[filters]`."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.width, input_shape[-1], self.filters),
            initializer="glorot_uniform",
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[batch, time, channels]` to `[batch, ceil(time/stride), filters]`."""
        kernel = tf.convert_to_tensor(self.kernel)
        bias = tf.convert_to_tensor(self.bias)
        outputs = temporal_convolution(inputs, kernel, bias, self.stride)
        return self._activate(outputs)

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
