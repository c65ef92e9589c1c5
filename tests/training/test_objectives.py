"""What a step minimises: gradients at one point, one optimizer per sum of losses."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import TrainingConfig
from ahernet_tf.training import objectives


def layer(*shape):
    made = tf.keras.layers.Layer()
    made.own = made.add_weight(name="own", shape=shape, initializer="ones")
    return made


def test_losses_have_an_optimizer_each_or_one_together():
    one, other = layer(2), layer(3)
    moves = {"a": (one,), "b": (one, other)}
    split = objectives.make(moves, False, TrainingConfig(optimizer_split="per_loss"))
    assert [o.losses for o in split] == [("a",), ("b",)]
    assert [len(o.variables) for o in split] == [1, 2]
    assert split[0].optimizer is not split[1].optimizer
    (joint,) = objectives.make(moves, False, TrainingConfig(optimizer_split="joint"))
    assert joint.losses == ("a", "b")
    assert len(joint.variables) == 2


def test_adversarial_steps_have_a_first_moment_of_their_own():
    config = TrainingConfig(beta_1=0.9, adversarial_beta_1=0.5)
    for is_adversarial, beta in ((False, 0.9), (True, 0.5)):
        (made,) = objectives.make({"a": (layer(1),)}, is_adversarial, config)
        assert made.optimizer.beta_1 == beta


def test_gradients_of_each_sum_are_taken_at_one_point():
    x, y = tf.Variable(3.0), tf.Variable(2.0)

    def losses():
        return {"square": x * x, "product": x * y, "logged": x + y}

    found, gradients = objectives.gradients(
        losses, {("square", "product"): [x], ("product",): [x, y]}, "made_up"
    )
    assert {name: float(value) for name, value in found.items()} == {
        "square": 9.0,
        "product": 6.0,
        "logged": 5.0,
    }
    np.testing.assert_array_equal(gradients["square", "product"], [8.0])
    np.testing.assert_array_equal(gradients["product",], [2.0, 3.0])


def test_a_variable_out_of_reach_is_refused_with_its_step_and_loss():
    x, y = tf.Variable(3.0), tf.Variable(2.0)
    with pytest.raises(ValueError, match=r"Step 'made_up': the a loss .* 1 of its"):
        objectives.gradients(lambda: {"a": 2 * x}, {("a",): [x, y]}, "made_up")


def test_an_update_moves_the_variables_of_its_objective():
    made = layer(2)
    (objective,) = objectives.make({"a": (made,)}, False, TrainingConfig())
    objective.optimizer.learning_rate = 0.5
    objective.apply([tf.constant([1.0, -1.0])])  # the first step of Adam has no length
    np.testing.assert_allclose(made.own, [0.5, 1.5], rtol=1e-4)
