"""Temporal convolution, in the form that is fastest for its size."""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.acceleration import unfolded_convolution as convolution_products

#: From so many input channels on, one matrix product over the shifted copies of the
#: input beats the convolution of TensorFlow; below, the copies cost more.
UNFOLD_FROM_CHANNELS = 1024


def temporal_convolution(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    stride: int = 1,
    relu: bool = False,
    gradient_steps: tf.Tensor | None = None,
) -> tf.Tensor:
    """Convolves over time with TensorFlow's `same` padding.

    With many channels, the shifted copies of the input are laid side by side and
    multiplied once with the flattened kernel; the result is equal to rounding.

    Args:
        inputs: `[batch, time, channels]`.
        kernel: `[width, channels, filters]`.
        bias: `[filters]`.
        stride: Step between outputs.
        relu: Whether to set negative outputs to 0.
        gradient_steps: `[batch, count]` int32, for each sequence different steps; with
            stride 1 only. The gradient of the input is computed for them, and is 0
            elsewhere. None: for all.

    Returns:
        `[batch, ceil(time / stride), filters]`.

    Raises:
        ValueError: There are gradient steps, and the stride is not 1.
    """
    if gradient_steps is not None:
        if stride != 1:
            raise ValueError(f"Gradient steps need a stride of 1, received {stride}.")
        fixed = tf.stop_gradient(inputs)
        outputs = temporal_convolution(fixed, kernel, bias, relu=relu)
        return convolution_products.with_gradient_at(
            gradient_steps, outputs, inputs, kernel, relu
        )
    channels = kernel.shape[1]
    on_gpu = devices.has_gpu()
    # The kernels of a GPU that take bfloat16 are faster than the copies; those that
    # take float32 are not.
    is_bfloat16 = inputs.dtype == tf.bfloat16
    is_fast = on_gpu and is_bfloat16
    # Of the kernel's gradient, oneDNN leaves the taps unset that no step reads.
    is_unsafe = is_bfloat16 and not on_gpu and inputs.shape[1] == 1
    if is_fast or (channels < UNFOLD_FROM_CHANNELS and not is_unsafe):
        outputs = tf.nn.conv1d(inputs, kernel, stride, "SAME")
        outputs = tf.nn.bias_add(outputs, bias)
        return tf.nn.relu(outputs) if relu else outputs
    return convolution_products.convolution(inputs, kernel, bias, stride, relu)


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

    def call(
        self, inputs: tf.Tensor, gradient_steps: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Maps `[batch, time, channels]` to `[batch, ceil(time/stride), filters]`.

        Args:
            inputs: `[batch, time, channels]`.
            gradient_steps: `[batch, count]` int32, steps for which the gradient of the
                input is computed; None: all.
        """
        is_relu = self.activation == "relu"
        outputs = temporal_convolution(
            inputs,
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.bias),
            self.stride,
            is_relu,
            gradient_steps,
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
