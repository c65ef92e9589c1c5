"""What layers check of their inputs before TensorFlow does worse with them."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import tensorflow as tf


def check_sequences(sequences: tf.Tensor, channels: int) -> tf.Tensor:
    """Refuses what is not `[batch, time, channels]`.

    Args:
        sequences: Any tensor.
        channels: What a layer was built for.

    Returns:
        The sequences. In a graph that does not know rank or channels before it runs,
        TensorFlow checks these as it runs (an InvalidArgumentError with both shapes).

    Raises:
        ValueError: The rank is not 3, or the channels differ.
    """
    shape = tf.TensorShape(sequences.shape)
    if shape.rank is None or (shape.rank == 3 and shape[-1] is None):
        return tf.ensure_shape(sequences, [None, None, channels])
    if shape.rank != 3 or shape[-1] != channels:
        raise ValueError(
            f"Expected sequences [batch, time, {channels}], received {tuple(shape)}."
        )
    return sequences


def channels_of(shape: Sequence) -> int:
    """Returns the channels of the sequences that a layer is built for.

    Raises:
        ValueError: The shape is none of `[batch, time, channels]`.
    """
    if not isinstance(shape, Sequence | tf.TensorShape) or len(shape) != 3:
        raise ValueError(
            f"Expected sequences [batch, time, channels], received {shape}."
        )
    return shape[-1]


def check_weights(kernel: tf.Tensor, bias: tf.Tensor, channels: int) -> None:
    """Refuses what is no kernel `[channels, classes]` with a bias `[classes]`.

    Args:
        kernel: Of a classifier.
        bias: Of the same.
        channels: What a layer was built for.

    Raises:
        ValueError: A rank is another, or channels or classes differ.
    """
    shape, of_bias = tf.TensorShape(kernel.shape), tf.TensorShape(bias.shape)
    fits = shape.is_compatible_with([channels, None])
    if not fits or not of_bias.is_compatible_with(shape[1:]):
        raise ValueError(
            f"Expected a kernel [{channels}, classes] and a bias [classes], received "
            f"{shape} and {of_bias}."
        )


def check_counts(least: int = 1, /, **counts: int) -> None:
    """Refuses sizes of a layer that are no whole numbers, or too small, by name.

    Args:
        least: The smallest that is allowed.
        **counts: The sizes.

    Raises:
        ValueError: Names the first.
    """
    for name, value in counts.items():
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not whole or value < least:
            raise ValueError(
                f"Expected {name}, a whole number of at least {least}, received "
                f"{value!r}."
            )


def check_levels(shapes: Sequence, levels: int) -> list[int]:
    """Returns the channels of the maps that a layer is built for.

    Args:
        shapes: One shape per map.
        levels: How many levels the layer has.

    Raises:
        ValueError: There are more or fewer maps than levels, or it is one alone.
    """
    if not all(isinstance(shape, Sequence | tf.TensorShape) for shape in shapes):
        raise ValueError(
            "Expected a list of maps, one per level, received one of shape "
            f"{tuple(shapes)}."
        )
    if len(shapes) != levels:
        raise ValueError(
            f"Expected {levels} maps, one per level, received {len(shapes)}."
        )
    return [shape[-1] for shape in shapes]


def check_maps(maps: Sequence[tf.Tensor], channels: Sequence[int]) -> list[tf.Tensor]:
    """Refuses what is not one map `[batch, cells, channels]` per level.

    Args:
        maps: Of any levels.
        channels: Per level that a layer was built for.

    Returns:
        The maps, as `check_sequences` returns them.

    Raises:
        ValueError: There are more or fewer maps, or one is of another shape.
    """
    if len(maps) != len(channels):
        raise ValueError(
            f"Expected {len(channels)} maps, one per level, received {len(maps)}."
        )
    checked = []
    for level, (level_map, size) in enumerate(zip(maps, channels), 1):
        try:
            checked.append(check_sequences(level_map, size))
        except ValueError as error:
            raise ValueError(f"Map of level {level}: {error}") from error
    return checked
