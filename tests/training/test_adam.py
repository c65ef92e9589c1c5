"""Adam against TensorFlow 1's formula and TensorFlow 1's own kernel."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.training.adam import Adam

RATE, BETA_1, BETA_2 = 0.01, 0.5, 0.999
SHAPE = (3, 2)


def gradients(steps, scale=1.0):
    values = np.random.default_rng(0).normal(size=(steps, *SHAPE)) * scale
    return values.astype(np.float32)


def by_formula(start, grads, epsilon, beta_1=BETA_1):
    """Takes steps in float64: epsilon outside the bias correction."""
    w, m, v = start.astype(np.float64), 0.0, 0.0
    for t, g in enumerate(grads.astype(np.float64), 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = BETA_2 * v + (1 - BETA_2) * g * g
        rate = RATE * np.sqrt(1 - BETA_2**t) / (1 - beta_1**t)
        w = w - rate * m / (np.sqrt(v) + epsilon)
    return w


def optimize(start, grads, epsilon=1e-8, beta_1=BETA_1, compiled=False):
    variable, adam = tf.Variable(start), Adam(beta_1, BETA_2, epsilon)
    adam.build([variable])
    adam.learning_rate = RATE

    def step(gradient):
        adam.apply_gradients([(gradient, variable)])

    step = tf.function(step) if compiled else step
    for gradient in grads:
        step(tf.constant(gradient))
    return variable.numpy(), adam


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("beta_1", [0.5, 0.9])
def test_steps_follow_the_formula(beta_1, compiled):
    start, grads = np.ones(SHAPE, np.float32), gradients(20)
    found, _ = optimize(start, grads, beta_1=beta_1, compiled=compiled)
    expected = by_formula(start, grads, 1e-8, beta_1)
    np.testing.assert_allclose(found - start, expected - start, rtol=2e-4, atol=1e-6)


def test_epsilon_stands_outside_the_bias_correction():
    # With gradients as small as epsilon the two forms differ several times over:
    # inside, it would count as epsilon * sqrt(1 - beta_2^t), 0.03 of it at first.
    start, grads = np.zeros(SHAPE, np.float32), gradients(1, scale=1e-4)
    found, _ = optimize(start, grads, epsilon=1e-4)
    np.testing.assert_allclose(found, by_formula(start, grads, 1e-4), rtol=1e-3)
    inside = -RATE * grads[0] / (np.abs(grads[0]) + 1e-4)
    assert np.abs(found / inside).max() < 0.5  # far from the other form


def test_numbers_are_those_of_tensorflow_1s_optimizer():
    start, grads = np.ones(SHAPE, np.float32), gradients(5)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        variable = tf.compat.v1.get_variable("w", initializer=start, use_resource=True)
        gradient = tf.compat.v1.placeholder(tf.float32, SHAPE)
        optimizer = tf.compat.v1.train.AdamOptimizer(RATE, BETA_1, BETA_2)
        step = optimizer.apply_gradients([(gradient, variable)])
        session.run(tf.compat.v1.global_variables_initializer())
        for value in grads:
            session.run(step, {gradient: value})
        expected = session.run(variable)
    found, _ = optimize(start, grads)
    np.testing.assert_array_equal(found, expected)


def test_state_is_all_moments_and_powers():
    variables = [tf.Variable(tf.ones([2, 3])), tf.Variable(tf.ones([4]))]
    adam = Adam(0.9, BETA_2, 1e-8)
    adam.build(variables)
    assert [tuple(v.shape) for v in adam.variables] == [
        *((), ()),
        *((2, 3), (2, 3), (4,), (4,)),
    ]
    adam.learning_rate = 0.1
    adam.apply_gradients([(tf.ones([2, 3]), variables[0]), (tf.ones(4), variables[1])])
    powers = [v.numpy() for v in adam.variables[:2]]
    np.testing.assert_allclose(powers, [0.9**2, BETA_2**2], rtol=1e-6)
    np.testing.assert_allclose(adam.variables[2], np.full([2, 3], 0.1), rtol=1e-6)
    np.testing.assert_allclose(adam.variables[3], np.full([2, 3], 1e-3), rtol=1e-4)


def test_copied_state_continues_the_same():
    start, grads = np.ones(SHAPE, np.float32), gradients(6)
    whole, _ = optimize(start, grads)
    half, adam = optimize(start, grads[:3])
    variable, second = tf.Variable(half), Adam(BETA_1, BETA_2, 1e-8)
    second.build([variable])
    second.learning_rate = RATE
    for there, here in zip(second.variables, adam.variables):
        there.assign(here)
    for gradient in grads[3:]:
        second.apply_gradients([(tf.constant(gradient), variable)])
    np.testing.assert_array_equal(variable.numpy(), whole)


def test_reset_forgets_moments_and_steps():
    start, grads = np.ones(SHAPE, np.float32), gradients(3)
    _, adam = optimize(start, grads[:1])
    adam.reset()
    fresh = Adam(BETA_1, BETA_2, 1e-8)
    fresh.build([tf.Variable(start)])
    for found, expected in zip(adam.variables, fresh.variables):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_variables_of_keras_are_moved_too():
    layer = tf.keras.layers.Dense(2)
    layer.build((None, 3))
    adam = Adam(0.9, BETA_2, 1e-8)
    adam.build(layer.trainable_variables)
    adam.learning_rate = 0.5
    before = layer.kernel.numpy()
    adam.apply_gradients([(tf.ones([3, 2]), layer.kernel)])
    np.testing.assert_allclose(layer.kernel.numpy(), before - 0.5, atol=1e-6)
