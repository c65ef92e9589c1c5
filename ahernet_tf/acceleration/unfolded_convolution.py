"""Temporal convolutions as matrix products over shifted copies of their input.

Equal to TensorFlow's convolution to rounding, and faster where there are many channels.
"""

from __future__ import annotations

import contextlib

import tensorflow as tf

from ahernet_tf.acceleration import devices

_MANY_CHANNELS = 1024
#: Threads that write a matrix whose rows lie a large power of two apart get into each
#: other's way, but in oneDNN's products. Without it, products with a multiple of so
#: many columns get a few more, of zeros.
_SLOW_COLUMNS, _MORE_COLUMNS = 1024, 16
#: Below so many steps, a kernel is not used often enough to be worth a copy of it.
_LONG = 64


def is_better(inputs: tf.Tensor, kernel: tf.Tensor) -> bool:
    """Returns whether `convolve` is to take the place of TensorFlow's convolution.

    It is faster from so many channels on; below, the copies cost more. On a GPU the
    kernels that take bfloat16 are faster than the copies; those that take float32 are
    not. On processors, oneDNN leaves taps of the kernel's bfloat16 gradient unset
    where no step reads them.

    Args:
        inputs: `[batch, time, channels]`.
        kernel: `[width, channels, filters]`.
    """
    is_bfloat16 = inputs.dtype == tf.bfloat16
    if devices.has_gpu():
        return kernel.shape[1] >= _MANY_CHANNELS and not is_bfloat16
    return kernel.shape[1] >= _MANY_CHANNELS or (is_bfloat16 and inputs.shape[1] == 1)


def convolve(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int, relu: bool
) -> tf.Tensor:
    """Convolves over time in the form that is fastest for the length and the device.

    Args:
        inputs: `[batch, time, channels]`.
        kernel: `[width, channels, filters]`.
        bias: `[filters]`.
        stride: Step between outputs.
        relu: Whether to set negative outputs to 0.

    Returns:
        `[batch, ceil(time / stride), filters]`.
    """
    if devices.has_gpu() or inputs.shape[1] is None:
        return _unfolded_convolution(inputs, kernel, bias, stride, relu)
    return _strided_convolution(inputs, kernel, bias, stride, relu)


def _unfolded_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int, relu: bool
) -> tf.Tensor:
    """Convolves by one product; TensorFlow finds the gradient."""
    width, channels, filters = kernel.shape
    time = inputs.shape[1] or tf.shape(inputs)[1]
    steps_out = _padding(time, width, stride)[1]
    more = _more_columns(filters, None if tf.is_tensor(time) else steps_out)
    outputs = tf.nn.bias_add(
        tf.matmul(
            _unfolded(inputs, width, stride),
            _wider(tf.reshape(kernel, [width * channels, filters]), more),
        ),
        tf.pad(bias, [[0, more]]) if more else bias,
    )
    outputs = tf.nn.relu(outputs) if relu else outputs
    return tf.reshape(_narrower(outputs, more), [-1, steps_out, filters])


def _strided_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int, relu: bool
) -> tf.Tensor:
    """Convolves by one product, and backwards without sums of strided copies."""
    width, _, filters = kernel.shape
    time = inputs.shape[1]
    more_out = _more_columns(filters, _padding(time, width, stride)[1])

    @tf.custom_gradient
    def convolve(inputs, kernel, bias):
        outputs = _unfolded_convolution(inputs, kernel, bias, stride, relu)

        def gradient(upstream):
            if relu:
                upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
            with _once_known(upstream):
                own = _wider(tf.reshape(upstream, [-1, filters]), more_out)
                unfolded = _unfolded(inputs, width, stride)
                of_kernel = tf.matmul(unfolded, own, transpose_a=True)
                return (
                    _gradient_of_strided(upstream, kernel, time, stride),
                    tf.reshape(_narrower(of_kernel, more_out), [*kernel.shape]),
                    tf.raw_ops.BiasAddGrad(out_backprop=upstream),
                )

        return outputs, gradient

    return convolve(inputs, kernel, bias)


def _gradient_of_strided(
    upstream: tf.Tensor, kernel: tf.Tensor, time: int, stride: int
) -> tf.Tensor:
    """Computes the gradient of the inputs of a convolution.

    With stride s, only every s-th tap reads the input steps q s + r of one r, so that
    their gradients are a product too. Those of all r are laid side by side.

    Args:
        upstream: `[batch, steps out, filters]`.
        kernel: `[width, channels, filters]`.
        time: Steps of the inputs.
        stride: Step between outputs.

    Returns:
        `[batch, time, channels]`.
    """
    width, channels, filters = kernel.shape
    before, steps_out = _padding(time, width, stride)
    more_in = _more_columns(channels, steps_out)
    padded = _surrounded(upstream, width, width)
    is_short = steps_out < _LONG
    taps_of = tf.unstack(kernel if is_short else _transposed(kernel))
    parts = []
    for rest in range(stride):
        # Tap t reads step q s + r for the output q + (r + before - t) / s.
        taps = [t for t in range(width) if (rest + before - t) % stride == 0]
        first = [width + (rest + before - t) // stride for t in taps]
        if not taps:
            parts.append(tf.zeros_like(parts[0]))
            continue
        sides = [padded[:, f : f + steps_out] for f in first]
        matrices = [taps_of[t] for t in taps]
        if is_short:
            # Few rows: the products cost less than copies of the kernel would.
            rows = [tf.reshape(side, [-1, filters]) for side in sides]
            products = [
                tf.matmul(*factors, transpose_b=True) for factors in zip(rows, matrices)
            ]
            parts.append(tf.add_n(products))
            continue
        product = tf.matmul(
            tf.reshape(tf.concat(sides, -1), [-1, len(taps) * filters]),
            _wider(tf.concat(matrices, 0), more_in),
        )
        parts.append(_narrower(product, more_in))
    together = parts[0] if stride == 1 else tf.stack(parts, axis=1)
    together = tf.reshape(together, [-1, steps_out * stride, channels])
    return together[:, :time]


def _unfolded(inputs: tf.Tensor, width: int, stride: int) -> tf.Tensor:
    """Lays what the taps of a kernel read side by side.

    So many taps are read at once as the stride has.

    Returns:
        `[batch * steps out, width * channels]`.
    """
    channels = inputs.shape[2]
    time = inputs.shape[1] or tf.shape(inputs)[1]
    before, steps_out = _padding(time, width, stride)
    copies = -(-width // stride)
    rows = steps_out - 1 + copies  # of as many steps as the stride has
    after = rows * stride - before - time
    padded = _surrounded(inputs, before, after)
    side_by_side = tf.reshape(padded, [-1, rows, stride * channels])
    reads = [min(stride, width - first * stride) for first in range(copies)]
    shifted = [
        side_by_side[:, first : first + steps_out, : taps * channels]
        for first, taps in enumerate(reads)
    ]
    return tf.reshape(tf.concat(shifted, -1), [-1, width * channels])


def _padding(time: int | tf.Tensor, width: int, stride: int) -> tuple:
    """Returns the steps added before a sequence, and the steps that result.

    Tensors where the length is one.
    """
    steps_out = -(-time // stride)
    padding = (steps_out - 1) * stride + width - time
    padding = tf.maximum(padding, 0) if tf.is_tensor(time) else max(padding, 0)
    return padding // 2, steps_out


def _once_known(upstream: tf.Tensor) -> contextlib.AbstractContextManager:
    """Lets what a gradient needs be made when the gradient is due.

    Copies of the inputs and of the kernel could else be made, and held, from the
    beginning of the forward pass on.
    """
    return tf.control_dependencies([upstream])


def _more_columns(columns: int, steps: int | None) -> int:
    """Returns how many columns of zeros to add to a product for sequences."""
    is_long = steps is not None and steps >= _LONG
    is_slow = columns % _SLOW_COLUMNS == 0 and not devices.has_onednn()
    return _MORE_COLUMNS if is_long and is_slow else 0


def _wider(matrix: tf.Tensor, more: int) -> tf.Tensor:
    """Adds columns of zeros."""
    return tf.pad(matrix, [[0, 0], [0, more]]) if more else matrix


def _narrower(matrix: tf.Tensor, more: int) -> tf.Tensor:
    """Takes them away."""
    return matrix[:, :-more] if more else matrix


def _surrounded(sequences: tf.Tensor, before: int, after: int) -> tf.Tensor:
    """Adds steps of zeros."""
    return tf.pad(sequences, [[0, 0], [before, after], [0, 0]])


def _transposed(kernel: tf.Tensor) -> tf.Tensor:
    """Returns the kernel with `[filters, channels]` of each tap."""
    return tf.transpose(kernel, [0, 2, 1])
