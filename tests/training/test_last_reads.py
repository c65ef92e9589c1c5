"""An update waits for what still reads its variable, and for nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.training.last_reads import once_unread
from tests.graphs import needed_by


def two_layers(first, second, shape):
    """Returns gradients of two matrices in a row, and the same handed over."""
    inputs = tf.constant(np.ones([5, 2], np.float32))
    with tf.GradientTape() as tape:
        hidden = tf.matmul(inputs, tf.convert_to_tensor(first))
        outputs = tf.matmul(hidden, tf.reshape(tf.convert_to_tensor(second), shape))
        loss = tf.reduce_sum(tf.sin(outputs))
    gradients = tape.gradient(loss, [first, second])
    (handed,) = once_unread([gradients], [[first, second]])
    return gradients, handed


@pytest.mark.parametrize("gpu", [False, True])
def test_a_layer_is_free_once_the_layer_below_has_its_gradient(monkeypatch, gpu):
    monkeypatch.setattr(devices, "has_gpu", lambda: gpu)
    first, second = tf.Variable(tf.ones([2, 3])), tf.Variable(tf.ones([12]))
    found = {}

    @tf.function(autograph=False)
    def run():
        gradients, handed = two_layers(first, second, [3, 4])
        products = [
            operation
            for operation in tf.compat.v1.get_default_graph().get_operations()
            if operation.type == "MatMul"
        ]
        of_first, of_second = (gradient.op for gradient in gradients)
        # Besides the two forward and the two of the weights: the hidden gradient,
        # which reads the second matrix, behind a reshape, for the last time.
        (last_reader,) = [
            product for product in products[2:] if product.outputs[0].shape == [5, 3]
        ]
        before = needed_by([handed[1].op])
        found["waits"] = last_reader in before
        found["waits for more"] = of_first in before
        found["own"] = of_second in before
        return gradients, handed

    gradients, handed = run()
    assert found == {"waits": not gpu, "waits for more": False, "own": True}
    for gradient, same in zip(gradients, handed):
        np.testing.assert_array_equal(gradient, same)


def test_nothing_waits_outside_a_graph():
    first, second = tf.Variable(tf.ones([2, 3])), tf.Variable(tf.ones([12]))
    gradients, handed = two_layers(first, second, [3, 4])
    assert all(own is same for own, same in zip(gradients, handed))


def test_what_is_not_computed_is_not_waited_for():
    variable = tf.Variable(tf.ones([2, 2]))
    found = {}

    @tf.function(autograph=False)
    def run():
        with tf.GradientTape() as tape:
            value = tf.convert_to_tensor(variable)
            loss = tf.reduce_sum(tf.square(value))
            unused = tf.exp(value)
        gradient = tape.gradient(loss, variable)
        ((handed,),) = once_unread([[gradient]], [[variable]])
        found["waits"] = unused.op in needed_by([handed.op])
        return handed

    run()
    assert not found["waits"]
