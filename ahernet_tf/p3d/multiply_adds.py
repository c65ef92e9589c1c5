"""Counts the arithmetic of a network from the operations it really runs."""

from __future__ import annotations

import math

import tensorflow as tf

_CONVOLUTIONS = ("Conv2D", "Conv3D")


def count_multiply_adds(network: tf.keras.Model, clip_shape) -> int:
    """Counts the multiplications of all convolutions and matrix products of one clip.

    Normalisations, activations and pools are left out, as is usual; twice the count
    is the number of floating-point operations.

    Args:
        network: A model of clips.
        clip_shape: (time, height, width, channels).

    Returns:
        Multiply-adds of one forward pass with a batch of one.
    """
    spec = tf.TensorSpec((1, *clip_shape), tf.float32)
    graph = tf.function(lambda clips: network(clips, training=False))
    graph = graph.get_concrete_function(spec).graph
    return sum(_multiply_adds(op) for op in _all_operations(graph))


def _all_operations(graph):
    """Returns the operations of a graph and of the functions it calls."""
    operations = list(graph.get_operations())
    for function in graph._functions.values():
        inner = getattr(function, "graph", None)
        if inner is not None:
            operations += inner.get_operations()
    return operations


def _multiply_adds(operation) -> int:
    """Returns the multiply-adds of one graph operation."""
    if operation.type in _CONVOLUTIONS:
        kernel = operation.inputs[1].shape.as_list()
        return math.prod(operation.outputs[0].shape.as_list()) * math.prod(kernel[:-1])
    if operation.type == "MatMul":
        if operation.get_attr("transpose_a") or operation.get_attr("transpose_b"):
            raise ValueError(f"{operation.name}: transposed products are not counted.")
        inner = operation.inputs[0].shape.as_list()[-1]
        return math.prod(operation.outputs[0].shape.as_list()) * inner
    return 0
