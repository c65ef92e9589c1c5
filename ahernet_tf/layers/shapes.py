"""What layers check of their inputs before TensorFlow does worse with them."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import tensorflow as tf


def check_sequences(sequences: tf.Tensor, channels: int) -> None:
    """Refuses what is not `[batch, time, channels]`.

    Args:
        sequences: Any tensor.
        channels: What a layer was built for.

    Raises:
        ValueError: The rank is not 3, or the channels differ.
    """
    shape = tf.TensorShape(sequences.shape)
    if shape.rank is None:
        return
    if shape.rank != 3 or shape[-1] not in (None, channels):
        raise ValueError(
            f"Expected sequences [batch, time, {channels}], received {tuple(shape)}."
        )


def check_counts(**counts: int) -> None:
    """Refuses sizes of a layer that are no whole numbers above 0, by name.

    Raises:
        ValueError: Names the first.
    """
    for name, value in counts.items():
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not whole or value < 1:
            raise ValueError(
                f"Expected {name}, a whole number of at least 1, received {value!r}."
            )


def check_levels(shapes: Sequence, levels: int) -> list[int]:
    """Returns the channels of the maps that a layer is built for.

    Args:
        shapes: One shape per map.
        levels: How many levels the layer has.

    Raises:
        ValueError: There are more or fewer maps than levels.
    """
    if len(shapes) != levels:
        raise ValueError(
            f"Expected {levels} maps, one per level, received {len(shapes)}."
        )
    return [shape[-1] for shape in shapes]


def check_maps(maps: Sequence[tf.Tensor], channels: Sequence[int]) -> None:
    """Refuses what is not one map `[batch, cells, channels]` per level.

    Args:
        maps: Of any levels.
        channels: Per level that a layer was built for.

    Raises:
        ValueError: There are more or fewer maps, or one is of another shape.
    """
    if len(maps) != len(channels):
        raise ValueError(
            f"Expected {len(channels)} maps, one per level, received {len(maps)}."
        )
    for level, (level_map, size) in enumerate(zip(maps, channels), 1):
        try:
            check_sequences(level_map, size)
        except ValueError as error:
            raise ValueError(f"Map of level {level}: {error}") from error
