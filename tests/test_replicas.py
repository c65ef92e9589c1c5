"""Sums over replicas: the identity alone, and of the whole batch where it is shared."""

import types

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import replicas


@pytest.fixture
def second_of_two(monkeypatch):
    """Lets this be the second of two replicas; the first has all numbers tenfold."""

    def all_reduce(operation, values):
        assert operation == tf.distribute.ReduceOp.SUM
        return tf.nest.map_structure(lambda value: 11 * value, values)

    context = types.SimpleNamespace(
        num_replicas_in_sync=2, replica_id_in_sync_group=1, all_reduce=all_reduce
    )
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)


def test_alone_nothing_changes():
    values = {"a": tf.constant([1.0, 2.0]), "b": tf.constant(3)}
    assert replicas.total(values) is values
    assert replicas.gather(values["a"]) is values["a"]
    assert int(replicas.batch_size(tf.constant(4))) == 4
    assert float(replicas.mean(values["a"])) == 1.5


def test_totals_keep_their_types_and_let_no_gradient_pass(second_of_two):
    with tf.GradientTape() as tape:
        value = tf.constant([1.0, 2.0])
        tape.watch(value)
        found = replicas.total({"a": value, "b": tf.constant(3)})
        loss = tf.reduce_sum(found["a"])
    np.testing.assert_array_equal(found["a"], [11.0, 22.0])
    assert (found["b"].dtype, int(found["b"])) == (tf.int32, 33)
    assert tape.gradient(loss, value) is None


def test_rows_stand_in_the_order_of_the_replicas(second_of_two):
    found = replicas.gather(tf.constant([[1.0], [2.0]])).numpy()
    assert found.shape == (4, 1)
    # The sum of the fake is of a replica that has the same rows in the same place.
    np.testing.assert_array_equal(found[2:], [[11.0], [22.0]])
    np.testing.assert_array_equal(found[:2], [[0.0], [0.0]])


def test_parts_of_a_mean_and_rows_of_a_batch(second_of_two):
    assert float(replicas.mean(tf.constant([2.0, 4.0]))) == 1.5
    assert int(replicas.batch_size(tf.constant(4))) == 8
