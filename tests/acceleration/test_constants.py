import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.acceleration.constants import constant, dimensions, sliced

RANGES = [
    np.s_[1:3,],
    np.s_[:, 1:],
    np.s_[:-1, 2:4],
    np.s_[1:, :2],
    np.s_[:, :, :-1],
    np.s_[2:,],
]


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("ranges", RANGES, ids=str)
def test_sliced_is_indexing(ranges, in_graph):
    values = np.arange(60).reshape(4, 5, 3)

    def cut():
        return sliced(tf.constant(values), ranges)

    found = (tf.function(cut) if in_graph else cut)()
    np.testing.assert_array_equal(found, values[ranges])


def test_sliced_takes_tensors():
    values = tf.range(10)
    found = sliced(values, (slice(tf.constant(2), tf.constant(5)),))
    assert found.numpy().tolist() == [2, 3, 4]


def operations_of(function):
    graph = tf.function(function, autograph=False).get_concrete_function().graph
    return [operation.type for operation in graph.get_operations()]


def test_a_graph_holds_a_constant_once():
    def same():
        return [tf.reshape(tf.zeros([6]), constant([2, 3])) for _ in range(5)]

    def different():
        return [constant(1), constant([1]), constant([[1]]), constant(1)]

    assert operations_of(same).count("Const") <= 1 + 2 * 5  # the others are zeros
    assert operations_of(different).count("Const") == 3


def test_a_graph_within_another_has_constants_of_its_own():
    @tf.function(autograph=False)
    def outer(flag):
        before = constant([2, 3])
        (inner,) = tf.cond(
            flag,
            lambda: [tf.reshape(tf.range(6), constant([2, 3]))],
            lambda: [tf.reshape(tf.range(6, 0, -1), constant([2, 3]))],
        )
        assert inner.shape == [2, 3]  # known, thus no tensor from outside
        return inner + tf.reshape(tf.ones([6], tf.int32), before)

    assert outer(tf.constant(True)).numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert outer(tf.constant(False)).numpy().tolist() == [[7, 6, 5], [4, 3, 2]]


def test_a_constant_waits_for_nothing():
    @tf.function(autograph=False)
    def run():
        with tf.control_dependencies([tf.constant(1.0) + 1]):
            found = constant([4, 4])
        assert not found.op.control_inputs
        return found

    assert run().numpy().tolist() == [4, 4]


def test_dimensions_are_numbers_where_they_are_known():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3])], autograph=False)
    def run(values):
        batch, size = dimensions(values)
        seen.append((tf.is_tensor(batch), size))
        return batch

    assert run(tf.zeros([5, 3])) == 5
    assert seen == [(True, 3)]
    assert dimensions(tf.zeros([2, 4])) == [2, 4]
