"""Temporal convolutions as matrix products over shifted copies of their input.

Equal to TensorFlow's convolution to rounding, and faster where there are many channels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import tensorflow as tf

from ahernet_tf.acceleration import devices

_MANY_CHANNELS = 1024
#: Threads that write a matrix whose rows lie a large power of two apart get into each
#: other's way, but in oneDNN's products. Without it, products with a multiple of so
#: many columns get a few more, of zeros.
_SLOW_COLUMNS, _MORE_COLUMNS = 1024, 16
#: Below so many steps, a kernel is not used often enough to be worth that copy.
_LONG = 64
#: Rows of shifted copies that lie in memory side by side at one time.
_ROWS_AT_ONCE = 1024


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
    width, time = kernel.shape[0], inputs.shape[1]
    if devices.has_gpu() or time is None:
        return _unfolded_convolution(inputs, kernel, bias, stride, relu)
    if time >= max(width, _LONG) and stride == 1 and width > 1:
        return _long_convolution(inputs, kernel, bias, relu)
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


def _long_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, relu: bool
) -> tf.Tensor:
    """Convolves with stride 1, forwards and backwards, a few sequences at a time."""
    width, channels, filters = kernel.shape
    time = inputs.shape[1]
    before = (width - 1) // 2
    more_in, more_out = _more_columns(channels, time), _more_columns(filters, time)

    @tf.custom_gradient
    def convolve(inputs, kernel, bias):
        flat = tf.reshape(kernel, [width * channels, filters])
        padded_bias = tf.pad(bias, [[0, more_out]]) if more_out else bias

        def finish(sums: tf.Tensor) -> tf.Tensor:
            sums = tf.nn.bias_add(sums, padded_bias)
            return tf.nn.relu(sums) if relu else sums

        reads = [tap - before for tap in range(width)]
        outputs = _by_blocks(inputs, _wider(flat, more_out), reads, filters, finish)

        def gradient(upstream):
            if relu:
                upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
            with _once_known(upstream):
                backwards = _transposed(kernel)
                backwards = tf.reshape(backwards, [width * filters, channels])
                of_inputs = _by_blocks(
                    upstream,
                    _wider(backwards, more_in),
                    [before - tap for tap in range(width)],
                    channels,
                )
                of_kernel = [
                    _gradient_of_tap(inputs, upstream, tap - before, more_out)
                    for tap in range(width)
                ]
                return (
                    of_inputs,
                    tf.stack(of_kernel),
                    tf.raw_ops.BiasAddGrad(out_backprop=upstream),
                )

        return outputs, gradient

    return convolve(inputs, kernel, bias)


def _by_blocks(
    sequences: tf.Tensor,
    matrix: tf.Tensor,
    reads: Sequence[int],
    columns: int,
    finish: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> tf.Tensor:
    """Multiplies what each step sees around it, side by side, with a matrix.

    The sequences of a block are written one below the other with rows of zeros around
    each. Every shifted copy is then a range of rows, which is no copy at all; only what
    the product reads side by side is written anew, and for one block at a time. The
    last rows of each sequence are results that nobody reads.

    Args:
        sequences: `[batch, time, channels]`.
        matrix: `[width * channels, columns or more]`.
        reads: From a step to those that it sees, a row of steps in any order.
        columns: Of the result.
        finish: What is done with a block's product.

    Returns:
        `[batch, time, columns]`.
    """
    batch, time, channels = sequences.shape
    width, before = len(reads), -min(reads)
    period = time + width - 1
    if batch is None:
        blocks, counts = [sequences], [tf.shape(sequences)[0]]
    else:
        together = max(1, round(_ROWS_AT_ONCE / time))
        counts = [min(together, batch - n) for n in range(0, batch, together)]
        blocks = tf.split(sequences, counts, 0, len(counts))
    starts = [[before + shift, 0] for shift in reads]
    done: list[tf.Tensor] = []
    for block, count in zip(blocks, counts):
        with tf.control_dependencies(done[-1:]):
            rows = _surrounded(block, before, width - 1 - before)
            rows = tf.reshape(rows, [-1, channels])
        size = [count * period - (width - 1), channels]
        sides = tf.concat([tf.slice(rows, start, size) for start in starts], 1)
        product = tf.matmul(sides, matrix)
        product = finish(product) if finish else product
        if batch is None:
            unread = tf.zeros([width - 1, matrix.shape[1]], matrix.dtype)
            periods = tf.concat([product, unread], 0)
            periods = tf.reshape(periods, [-1, period, matrix.shape[1]])
            return periods[:, :time, :columns]
        firsts = [[n * period, 0] for n in range(count)]
        done += [tf.slice(product, f, [time, columns]) for f in firsts]
    return tf.reshape(tf.concat(done, 0), [batch, time, columns])


def _gradient_of_tap(
    inputs: tf.Tensor, upstream: tf.Tensor, shift: int, more: int
) -> tf.Tensor:
    """Computes the gradient of the tap that reads `shift` steps later.

    All sequences are multiplied at once, as if they were one; what steps of two
    sequences add to that, at the ends of each, is taken off again.

    Args:
        inputs: `[batch, time, channels]`.
        upstream: `[batch, time, filters]`.
        shift: From the step of an output to the one that the tap reads.
        more: Columns of zeros that make the product faster.

    Returns:
        `[channels, filters]`.
    """
    time, size = inputs.shape[1], abs(shift)

    def product(inputs: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        return tf.matmul(inputs, upstream, transpose_a=True)

    def rows(sequences: tf.Tensor) -> tf.Tensor:
        return tf.reshape(sequences, [-1, sequences.shape[-1]])

    def early(sequences: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        ends = sequences[:-1, time - size :]
        return rows(sequences)[:-size], rows(ends)

    def late(sequences: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        beginnings = sequences[1:, :size]
        return rows(sequences)[size:], rows(beginnings)

    if shift == 0:
        own = product(rows(inputs), _wider(rows(upstream), more))
        return _narrower(own, more)
    read, given = (late, early) if shift > 0 else (early, late)
    (inputs, other_inputs), (upstream, other_upstream) = read(inputs), given(upstream)
    own = product(inputs, _wider(upstream, more))
    with tf.control_dependencies([own]):
        others = product(other_inputs, other_upstream)
    return _narrower(own, more) - others


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
