"""Optimizers by name on either stack."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.training import optimizers
from ahernet_tf.training.adam import Adam

SETTINGS = {"beta_1": 0.5, "beta_2": 0.99, "epsilon": 1e-7}


def available(name):
    """Returns an optimizer; skips where neither Keras nor the add-ons have it."""
    try:
        return optimizers.make_optimizer(name, **SETTINGS)
    except ValueError as error:
        assert "tensorflow-addons" in str(error)  # noqa: PT017
        pytest.skip(str(error))


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_rate_of_a_compiled_step_can_be_set(name):
    optimizer, variable = available(name), tf.Variable(tf.fill([2, 3], 2.0))
    optimizers.build(optimizer, [variable])

    @tf.function
    def step():
        optimizer.apply_gradients([(tf.ones([2, 3]), variable)])

    # Lookahead and rectification need a few steps before they show.
    for rate, moves in ((0.0, False), (0.1, True)):
        optimizer.learning_rate = rate
        before = variable.numpy()
        for _ in range(7):
            step()
        assert np.all(variable.numpy() < before) == moves


def states(name, steps):
    """Returns an optimizer and its variable after some steps."""
    optimizer, variable = available(name), tf.Variable([2.0, -1.0, 0.5])
    optimizers.build(optimizer, [variable])
    for number in range(steps):
        optimizer.learning_rate = 0.1
        gradient = tf.constant([1.0, -2.0, 0.1]) * (number + 1.0)
        optimizer.apply_gradients([(gradient, variable)])
    return optimizer, variable


def assert_same_steps(count, *pairs):
    """Takes steps with two optimizers, each with its variable, which stay equal."""
    for number in range(count):
        for optimizer, variable in pairs:
            optimizer.learning_rate = 0.1
            gradient = tf.constant([0.5, 0.1, -1.0]) * (number + 1.0)
            optimizer.apply_gradients([(gradient, variable)])
    (_, one), (_, other) = pairs
    np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_no_state_is_added_by_steps(name):
    counts = [len(optimizers.variables_of(states(name, n)[0])) for n in (0, 9)]
    assert counts[0] == counts[1]
    for state in optimizers.variables_of(states(name, 0)[0]):
        assert isinstance(state, tf.Variable)


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_copied_state_continues_the_same(name):
    optimizer, variable = states(name, 9)
    other, copy = states(name, 0)
    for there, here in zip(
        [copy, *optimizers.variables_of(other)],
        [variable, *optimizers.variables_of(optimizer)],
    ):
        there.assign(here)
    assert_same_steps(5, (optimizer, variable), (other, copy))


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_reset_starts_anew_from_where_the_variables_are(name):
    optimizer, variable = states(name, 9)
    optimizers.reset(optimizer, [variable])
    fresh, copy = available(name), tf.Variable(variable)
    optimizers.build(fresh, [copy])
    assert_same_steps(13, (optimizer, variable), (fresh, copy))


def test_adam_is_tensorflow_1s():
    adam = optimizers.make_optimizer("adam", **SETTINGS)
    assert isinstance(adam, Adam)
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.5, 0.99, 1e-7)


def test_settings_reach_keras():
    adamw = optimizers.make_optimizer("adamw", **SETTINGS)
    config = adamw.get_config()
    assert {name: config[name] for name in SETTINGS} == pytest.approx(SETTINGS)
    sgd = optimizers.make_optimizer("sgd", **SETTINGS)
    assert sgd.get_config()["momentum"] == pytest.approx(0.5)


def test_unknown_optimizer_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'adam'.*received 'adagrad'"):
        optimizers.make_optimizer("adagrad", **SETTINGS)
