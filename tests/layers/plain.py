"""The layers' formulas in plain NumPy, one step at a time, in float64."""

import numpy as np


def convolution(inputs, kernel, bias, stride=1):
    """Convolves one sequence [time, channels] with TensorFlow's `same` padding."""
    time, width = len(inputs), len(kernel)
    steps_out = -(-time // stride)
    before = max((steps_out - 1) * stride + width - time, 0) // 2
    outputs = np.zeros((steps_out, kernel.shape[-1]))
    for step in range(steps_out):
        outputs[step] = bias
        for shift in range(width):
            source = step * stride + shift - before
            if 0 <= source < time:
                outputs[step] += inputs[source].astype(float) @ kernel[shift]
    return outputs


def relu(values):
    """Returns the positive part."""
    return np.maximum(values, 0)


def resize(source, length):
    """Resizes [time, channels] in time as TensorFlow 1's bilinear form does."""
    size, steps = len(source), np.arange(length)
    lower, rest = np.divmod(steps * size, max(length, 1))
    low, high = source[lower], source[np.minimum(lower + 1, size - 1)]
    return low + (high - low) * (rest / max(length, 1))[:, np.newaxis]


def single_sequence(moment, start, end, steps, ratio, position, inside_start):
    """Lays one moment into one of its contexts (Eq. 2), ratio and position in 1/20.

    Returns the sequence, where the moment lies, and the release's record of that.
    """
    length = steps * ratio // 20
    start_length = (steps - length) // 2
    end_length = steps - length - start_length
    moment = resize(moment, length)
    start, end = resize(start, start_length), resize(end, end_length)
    if inside_start:
        cut = (20 - ratio) * start_length * position // 400
        parts, begin = [start[:cut], moment, start[cut:], end], cut
    else:
        cut = (20 - ratio) * end_length * position // 400
        parts, begin = [start, end[:cut], moment, end[cut:]], start_length + cut
    sequence = np.concatenate(parts)
    return sequence, (begin, begin + length), (begin, cut + length)


def tiled_sequence(moments, starts, ends, steps, segments, source_rows):
    """Lays several moments side by side with generated context in every gap.

    Args are of one row: `segments` that exist, and the row each moment comes from.
    """
    parts, here = [], 0
    for number, ((begin, stop), row) in enumerate(zip(segments, source_rows)):
        gap = begin - here
        of_end = gap // 2 if number else 0
        if number:
            parts.append(resize(ends[source_rows[number - 1]], of_end))
        parts.append(resize(starts[row], gap - of_end))
        parts.append(resize(moments[row], stop - begin))
        here = stop
    parts.append(resize(ends[source_rows[-1]], steps - here))
    return np.concatenate(parts)
