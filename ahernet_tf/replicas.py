"""Sums and gathers over the replicas that share a batch.

With `tf.distribute` every replica holds as many rows of the batch. What a loss takes
over the whole batch (the size of a batch, how many anchors count, which background is
hardest) goes through these functions. Outside a replica of several they are the
identity and add nothing to the graph.
"""

from __future__ import annotations

from typing import TypeVar

import tensorflow as tf

Values = TypeVar("Values")


def count() -> int:
    """Returns how many replicas share the batch; 1 outside `tf.distribute`."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def batch_size(rows: tf.Tensor) -> tf.Tensor:
    """Returns how many rows the whole batch has from those of this replica."""
    return rows if count() == 1 else rows * count()


def total(values: Values) -> Values:
    """Sums over the replicas; no gradient passes.

    Args:
        values: A tensor, or a structure of tensors, of the same shapes everywhere.
            Counts (int32) are summed in float32: not every device sums integers.

    Returns:
        The sums, the same on every replica.
    """
    if count() == 1:
        return values
    context = tf.distribute.get_replica_context()

    def summable(value: tf.Tensor) -> tf.Tensor:
        value = tf.cast(value, tf.float32) if value.dtype == tf.int32 else value
        return tf.stop_gradient(value)

    sums = context.all_reduce(
        tf.distribute.ReduceOp.SUM, tf.nest.map_structure(summable, values)
    )
    return tf.nest.map_structure(lambda s, v: tf.cast(s, v.dtype), sums, values)


def gather(values: tf.Tensor) -> tf.Tensor:
    """Concatenates the rows of the replicas in their order; no gradient passes.

    Args:
        values: `[rows, ...]`, of the same shape everywhere.

    Returns:
        `[replicas * rows, ...]`, the same on every replica.
    """
    if count() == 1:
        return values
    context = tf.distribute.get_replica_context()
    own = tf.range(count()) == context.replica_id_in_sync_group
    own = tf.reshape(own, [-1] + [1] * values.shape.rank)
    rows = total(tf.where(own, values[tf.newaxis], tf.zeros_like(values)))
    return tf.reshape(rows, tf.concat([[-1], tf.shape(values)[1:]], axis=0))


def mean(values: tf.Tensor) -> tf.Tensor:
    """Returns this replica's part of the mean over the whole batch.

    The parts of all replicas sum up to the mean.
    """
    result = tf.reduce_mean(values)
    return result if count() == 1 else result / count()
