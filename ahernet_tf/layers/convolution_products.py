"""Temporal convolutions as matrix products over shifted copies of their input.

Equal to TensorFlow's convolution to rounding, and faster where there are many channels.
"""

from __future__ import annotations

import contextlib

import tensorflow as tf

from ahernet_tf import devices

#: Threads that write a matrix whose rows lie a large power of two apart get into each
#: other's way, but in oneDNN's products. Without it, products with a multiple of so
#: many columns get a few more, of zeros.
_SLOW_COLUMNS, _MORE_COLUMNS = 1024, 16
#: Below so many steps, a kernel is not used often enough to be worth that copy.
_LONG = 64
#: Rows of shifted copies that lie in memory side by side at one time.
_ROWS_AT_ONCE = 1024


def convolution(
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


def with_gradient_at(
    steps: tf.Tensor,
    outputs: tf.Tensor,
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    relu: bool,
) -> tf.Tensor:
    """Returns the outputs, and lets their gradient reach the inputs at given steps.

    Args:
        steps: `[batch, count]` int32, for each sequence different steps.
        outputs: `[batch, time, filters]`, convolved with stride 1.
        inputs: `[batch, time, channels]`; no gradient reaches them otherwise.
        kernel: `[width, channels, filters]`.
        relu: Whether negative outputs were set to 0.
    """
    width, channels, filters = kernel.shape
    before = (width - 1) // 2

    @tf.custom_gradient
    def attach(outputs, inputs):
        def gradient(upstream):
            at_sums = upstream
            if relu:
                at_sums = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
            padded = tf.pad(at_sums, [[0, 0], [width - 1 - before, before], [0, 0]])
            reading = steps[..., tf.newaxis] + tf.range(width)
            windows = tf.gather(padded, reading, batch_dims=1)
            with _once_known(upstream):
                backwards = tf.transpose(kernel[::-1], [0, 2, 1])
            own = tf.matmul(
                tf.reshape(windows, [-1, width * filters]),
                tf.reshape(backwards, [width * filters, channels]),
            )
            count = tf.shape(steps)
            rows = tf.broadcast_to(tf.range(count[0])[:, tf.newaxis], count)
            at_inputs = tf.scatter_nd(
                tf.stack([rows, steps], axis=-1),
                tf.reshape(own, tf.concat([count, [channels]], axis=0)),
                tf.shape(inputs),
            )
            return upstream, at_inputs

        return tf.identity(outputs), gradient

    return attach(outputs, inputs)


def _unfolded_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int, relu: bool
) -> tf.Tensor:
    """Convolves by one product; TensorFlow finds the gradient."""
    width, channels, filters = kernel.shape
    copies = _shifted_copies(inputs, width, stride)
    unfolded = copies[0] if width == 1 else tf.concat(copies, axis=-1)
    more = _more_columns(filters, copies[0].shape[1])
    outputs = tf.nn.bias_add(
        tf.matmul(
            tf.reshape(unfolded, [-1, width * channels]),
            _wider(tf.reshape(kernel, [width * channels, filters]), more),
        ),
        tf.pad(bias, [[0, more]]) if more else bias,
    )
    outputs = tf.nn.relu(outputs) if relu else outputs
    return tf.reshape(
        _narrower(outputs, more),
        [-1, copies[0].shape[1] or tf.shape(copies[0])[1], filters],
    )


def _strided_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, stride: int, relu: bool
) -> tf.Tensor:
    """Convolves by one product, and backwards without sums of strided copies.

    With stride s, only every s-th tap reads the input steps q s + r of one r, so that
    their gradients are a product too. Those of all r are laid side by side.
    """
    width, channels, filters = kernel.shape
    time = inputs.shape[1]
    before, steps_out = _padding(time, width, stride)
    more_in = _more_columns(channels, steps_out)
    more_out = _more_columns(filters, steps_out)

    def gradient_of_inputs(upstream: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        padded = tf.pad(upstream, [[0, 0], [width, width], [0, 0]])
        parts = []
        for rest in range(stride):
            # Tap t reads step q s + r for the output q + (r + before - t) / s.
            taps = [t for t in range(width) if (rest + before - t) % stride == 0]
            first = [width + (rest + before - t) // stride for t in taps]
            if not taps:
                parts.append(tf.zeros_like(parts[0]))
                continue
            sides = tf.concat([padded[:, f : f + steps_out] for f in first], axis=-1)
            backwards = tf.concat([tf.transpose(kernel[t]) for t in taps], axis=0)
            product = tf.matmul(
                tf.reshape(sides, [-1, len(taps) * filters]),
                _wider(backwards, more_in),
            )
            parts.append(_narrower(product, more_in))
        together = parts[0] if stride == 1 else tf.stack(parts, axis=1)
        return tf.reshape(together, [-1, steps_out * stride, channels])[:, :time]

    @tf.custom_gradient
    def convolve(inputs, kernel, bias):
        outputs = _unfolded_convolution(inputs, kernel, bias, stride, relu)

        def gradient(upstream):
            if relu:
                upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
            with _once_known(upstream):
                own = _wider(tf.reshape(upstream, [-1, filters]), more_out)
                of_kernel = [
                    tf.matmul(
                        tf.reshape(copy, [-1, copy.shape[-1]]), own, transpose_a=True
                    )
                    for copy in _shifted_copies(inputs, width, stride)
                ]
                of_kernel = [_narrower(part, more_out) for part in of_kernel]
                return (
                    gradient_of_inputs(upstream, kernel),
                    tf.reshape(tf.concat(of_kernel, axis=0), kernel.shape),
                    tf.raw_ops.BiasAddGrad(out_backprop=upstream),
                )

        return outputs, gradient

    return convolve(inputs, kernel, bias)


def _shifted_copies(inputs: tf.Tensor, width: int, stride: int) -> list[tf.Tensor]:
    """Returns what the taps of a kernel read, so many taps in one as the stride has.

    Side by side they are `[batch, steps out, width * channels]`.
    """
    channels = inputs.shape[2]
    time = inputs.shape[1] or tf.shape(inputs)[1]
    before, steps_out = _padding(time, width, stride)
    copies = -(-width // stride)
    rows = steps_out - 1 + copies  # of as many steps as the stride has
    after = rows * stride - before - time
    padded = tf.pad(inputs, [[0, 0], [before, after], [0, 0]])
    side_by_side = tf.reshape(padded, [-1, rows, stride * channels])
    return [
        side_by_side[
            :, first : first + steps_out, : (width - first * stride) * channels
        ]
        for first in range(copies)
    ]


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
    """Convolves with stride 1, forwards and backwards without a strided copy.

    All sequences are written one below the other with rows of zeros between them.
    Every shifted copy of the input is then a range of rows, which is no copy at all,
    and so is that of the gradient; only what a product reads side by side is written
    anew. The rows between the sequences make results that nobody reads.
    """
    width, channels, filters = kernel.shape
    time = inputs.shape[1]
    before = (width - 1) // 2
    gap = width - 1 - before  # rows of zeros before each sequence; not below `before`
    period = gap + time
    more_in, more_out = _more_columns(channels, time), _more_columns(filters, time)

    def to_rows(sequences: tf.Tensor, more: int) -> tf.Tensor:
        # One sequence of zeros below the last, for the shifted ranges to end in.
        padded = tf.pad(sequences, [[0, 1], [gap, 0], [0, more]])
        return tf.reshape(padded, [-1, padded.shape[-1]])

    def shifted(rows: tf.Tensor, shift: int) -> tf.Tensor:
        # Row r of it is row r + shift of the sequence that begins at row r.
        return rows[gap + shift : gap + shift - period]

    def copies(inputs: tf.Tensor) -> list[tf.Tensor]:
        rows = to_rows(inputs, 0)
        return [shifted(rows, tap - before) for tap in range(width)]

    def product(ranges: list[tf.Tensor], matrix: tf.Tensor, columns: int, finish=None):
        # A few sequences at a time, so that few copies lie side by side.
        count = ranges[0].shape[0]
        rows_at_once = period * max(1, round(_ROWS_AT_ONCE / period))
        done = []
        for first in range(0, count, rows_at_once) if count else [0]:
            end = first + rows_at_once if count else None
            with tf.control_dependencies(done[-1:]):
                block = tf.concat([rows[first:end] for rows in ranges], axis=1)
            block = tf.matmul(block, matrix)
            block = finish(block) if finish else block
            sequences = tf.reshape(block, [-1, period, block.shape[-1]])
            done.append(sequences[:, :time, :columns])
        return done[0] if len(done) == 1 else tf.concat(done, axis=0)

    @tf.custom_gradient
    def convolve(inputs, kernel, bias):
        flat = tf.reshape(kernel, [width * channels, filters])
        padded_bias = tf.pad(bias, [[0, more_out]]) if more_out else bias

        def finish(sums: tf.Tensor) -> tf.Tensor:
            sums = tf.nn.bias_add(sums, padded_bias)
            return tf.nn.relu(sums) if relu else sums

        outputs = product(copies(inputs), _wider(flat, more_out), filters, finish)

        def gradient(upstream):
            if relu:
                upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
            with _once_known(upstream):
                rows_out = to_rows(upstream, more_out)
                own = shifted(rows_out, 0)
                of_kernel = [
                    tf.matmul(copy, own, transpose_a=True) for copy in copies(inputs)
                ]
                sides = [shifted(rows_out, before - tap) for tap in range(width)]
                backwards = tf.transpose(kernel, [0, 2, 1])
                if more_in or more_out:
                    more = [[0, 0], [0, more_out], [0, more_in]]
                    backwards = tf.pad(backwards, more)
                backwards = tf.reshape(backwards, [-1, channels + more_in])
                return (
                    product(sides, backwards, channels),
                    tf.stack([_narrower(part, more_out) for part in of_kernel]),
                    tf.raw_ops.BiasAddGrad(out_backprop=upstream),
                )

        return outputs, gradient

    return convolve(inputs, kernel, bias)


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
