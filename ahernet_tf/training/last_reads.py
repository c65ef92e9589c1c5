"""Lets a variable be updated as soon as nothing reads it any more.

A gradient that waits for its update is memory that is held. But an update of a variable
that is still read would make a copy of it: TensorFlow's tensors share the variable's
memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from ahernet_tf.acceleration import devices

#: Operations whose output may be their input's memory.
_SHARING = {
    *("EnsureShape", "ExpandDims", "Identity", "IdentityN", "Reshape", "Slice"),
    *("Squeeze", "StopGradient", "StridedSlice", "Unpack"),
}


def once_unread(
    gradients: Sequence[Sequence[tf.Tensor]], variables: Sequence[Sequence[tf.Variable]]
) -> list[list[tf.Tensor]]:
    """Returns gradients that are known when nothing reads their variable any more.

    Everything counts that the gradients need and that is in the graph already. On a
    GPU, which takes its work in order, and outside graphs nothing has to wait.

    Args:
        gradients: Of each objective, one a variable.
        variables: Of each objective.
    """
    if tf.executing_eagerly() or devices.has_gpu():
        return [list(own) for own in gradients]
    needed = _needed_by(tf.nest.flatten(gradients))
    waiting = []
    for own, moved in zip(gradients, variables):
        waiting.append([])
        for gradient, variable in zip(own, moved):
            with tf.control_dependencies(_readers(variable, needed)):
                waiting[-1].append(tf.identity(gradient))
    return waiting


def _needed_by(tensors: Iterable[tf.Tensor]) -> set[tf.Operation]:
    """Returns the operations that tensors are computed by and of."""
    needed: set[Any] = set()
    queue = [tensor.op for tensor in tensors]
    while queue:
        operation = queue.pop()
        if operation not in needed:
            needed.add(operation)
            queue += [tensor.op for tensor in operation.inputs]
    return needed


def _readers(variable: tf.Variable, needed: set[tf.Operation]) -> list[tf.Operation]:
    """Returns those of the needed operations that see a variable's memory."""
    handle = tf.compat.v1.get_default_graph().capture(variable.handle)
    queue = [
        output
        for operation in handle.consumers()
        if operation.type == "ReadVariableOp"
        for output in operation.outputs
    ]
    readers: list[tf.Operation] = []
    while queue:
        tensor = queue.pop()
        for operation in tensor.consumers():
            if operation not in needed:
                continue
            readers.append(operation)
            if operation.type == "IdentityN":
                places = zip(operation.inputs, operation.outputs)
                queue += [out for part, out in places if part.name == tensor.name]
            elif operation.type in _SHARING:
                queue += operation.outputs
    return readers
