"""Constants that a graph holds once, however often they are asked for.

A graph of training has thousands of axes, sizes and shapes, mostly the same few, and
each operation of it takes some 20 KB of the process.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_COLLECTION = "ahernet_tf_constants"


def constant(numbers: Any) -> tf.Tensor:
    """Returns whole numbers as an int32 tensor.

    Args:
        numbers: A number, or lists of them; where a list holds tensors, they are packed
            as TensorFlow does.
    """
    if tf.executing_eagerly() or any(map(tf.is_tensor, tf.nest.flatten(numbers))):
        return tf.convert_to_tensor(numbers, tf.int32)
    graph = tf.compat.v1.get_default_graph()
    collection = graph.get_collection_ref(_COLLECTION)
    if not collection:
        collection.append({})
    # A graph inherits the collections of the graph that it is made in.
    key = id(graph), str(numbers)
    if key not in collection[0]:
        with tf.control_dependencies(None):
            collection[0][key] = tf.constant(numbers, tf.int32)
    return collection[0][key]


def dimensions(tensor: tf.Tensor) -> list[int | tf.Tensor]:
    """Returns a tensor's shape: numbers, and tensors in place of unknown ones."""
    if tensor.shape.is_fully_defined():
        return tensor.shape.as_list()
    known, shape = tensor.shape.as_list(), tf.shape(tensor)
    return [shape[n] if size is None else size for n, size in enumerate(known)]


def sliced(tensor: tf.Tensor, ranges: tuple[slice, ...]) -> tf.Tensor:
    """Returns `tensor[ranges]`, of ranges of whole numbers with step 1.

    Args:
        tensor: What is sliced.
        ranges: As `numpy.s_[1:, :-2]` returns them.
    """
    bounds = [(part.start, part.stop) for part in ranges]
    begin_mask, end_mask = (
        sum(1 << axis for axis, bound in enumerate(side) if bound is None)
        for side in zip(*bounds)
    )
    return tf.strided_slice(
        tensor,
        constant([0 if start is None else start for start, _ in bounds]),
        constant([0 if stop is None else stop for _, stop in bounds]),
        constant([1] * len(bounds)),
        begin_mask=begin_mask,
        end_mask=end_mask,
    )
