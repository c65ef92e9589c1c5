"""Backward passes in stages give what passes at once give, and wait for one another."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.training.stages import Stages
from tests.graphs import needed_by


class Network:
    """Three matrices in a row; the second loss reads what lies between, too."""

    def __init__(self):
        random = np.random.default_rng(0)
        self.layers = []
        for _ in range(3):
            layer = tf.keras.layers.Dense(4, activation="tanh")
            layer.build([None, 4])
            layer.kernel.assign(random.standard_normal([4, 4]))
            self.layers.append(layer)
        self.inputs = tf.constant(random.standard_normal([5, 4]), tf.float32)
        self.variables = [v for layer in self.layers for v in layer.trainable_variables]

    def losses(self, end):
        """Computes two losses; `end` is called after each layer."""
        hidden, between = self.inputs, []
        for number, layer in enumerate(self.layers, 1):
            hidden = end(layer(hidden), *self.layers[:number])
            between.append(hidden)
        first = tf.reduce_sum(tf.sin(hidden))
        return first, tf.reduce_sum(tf.square(between[0])) + tf.reduce_sum(between[1])


def gradients(network, moved, in_stages, after=lambda _: contextlib.nullcontext()):
    """Returns both losses' gradients, and the stages."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        stages = Stages(tape, moved)
        losses = network.losses(stages.end if in_stages else lambda output, *_: output)
    return stages.gradients({n: (loss, moved) for n, loss in enumerate(losses)}, after)


@pytest.mark.parametrize("first_moved", [0, 1, 2])
def test_stages_change_no_gradient(first_moved):
    network = Network()
    moved = network.variables[2 * first_moved :]
    found = gradients(network, moved, in_stages=True)
    expected = gradients(network, moved, in_stages=False)
    for number in (0, 1):
        for own, other in zip(found[number], expected[number]):
            assert (own is None) == (other is None)
            if other is not None:
                np.testing.assert_allclose(own, other, rtol=1e-6)
    # The second loss does not reach the last layer.
    assert [g is None for g in found[1][-2:]] == [True, True]


def test_no_stage_ends_where_nothing_is_moved():
    network = Network()
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        stages = Stages(tape, network.variables[4:])
        output = tf.ones([2, 4])
        assert stages.end(output, *network.layers[:2]) is output
        assert stages.end(output, *network.layers) is not output


def test_both_losses_leave_a_layer_before_either_enters_the_one_below():
    network = Network()
    found = {}

    @tf.function(autograph=False)
    def run():
        def after(tensors):
            return tf.control_dependencies([tf.group(*tensors)])

        parts = gradients(network, network.variables, True, after)
        (first_below, *_), (second_below, *_) = parts[0], parts[1]
        above = [parts[0][2].op, parts[1][2].op]
        found["first"] = all(op in needed_by([first_below.op]) for op in above)
        found["second"] = all(op in needed_by([second_below.op]) for op in above)
        return parts

    run()
    assert found == {"first": True, "second": True}
