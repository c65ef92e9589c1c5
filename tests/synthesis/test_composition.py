import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.synthesis import MODES
from ahernet_tf.synthesis.composition import compose
from tests.layers.every_layer import normal, tiled_draw
from tests.synthesis.test_single import single


def test_resizing_is_that_of_tensorflow_1():
    # No corner alignment, no half-pixel centres: step k reads k * in / out.
    ramp = tf.reshape(tf.range(4.0), [1, 4, 1])
    layout = single([(10, 0, True)], 16)
    found = compose(ramp, ramp, ramp, layout)[0, :8, 0]
    theirs = tf.compat.v1.image.resize_bilinear(ramp[..., tf.newaxis], [8, 1])
    np.testing.assert_array_equal(found, theirs[0, :, 0, 0])
    assert found.numpy().tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]


def test_a_graph_need_not_know_the_length_of_the_moments():
    parts = [normal(2, steps, 3, seed=steps) for steps in (4, 5, 8)]
    layout = single([(10, 0, True), (6, 9, False)], 16)
    unknown = [tf.TensorSpec([None, None, 3])] * 3
    found = tf.function(lambda *p: compose(*p, layout), unknown)(*parts)
    np.testing.assert_array_equal(found, compose(*map(tf.constant, parts), layout))


@pytest.mark.parametrize("mode", ["single", "tiled"])
def test_composition_is_differentiable_in_all_its_parts(mode):
    if mode == "single":
        layout = single([(14, 10, True), (10, 3, False), (16, 19, True)], 20)
    else:
        draw = {name: tf.constant(value) for name, value in tiled_draw().items()}
        layout = MODES["tiled"].layout(draw, 20, False)
    parts = [tf.constant(normal(3, n, 1, seed=n)) for n in (4, 4, 8)]
    weights = normal(3, 20, 1, seed=9)
    with tf.GradientTape() as tape:
        tape.watch(parts)
        total = tf.reduce_sum(compose(*parts, layout) * weights)
    gradients = tape.gradient(total, parts)
    # The composition is linear, so its gradient is the change of the sum itself.
    for index, gradient in enumerate(gradients):
        for row, step in [(0, 0), (1, 2), (2, parts[index].shape[1] - 1)]:
            moved = [part.numpy().copy() for part in parts]
            moved[index][row, step, 0] += 1
            change = tf.reduce_sum(compose(*map(tf.constant, moved), layout) * weights)
            np.testing.assert_allclose(
                gradient[row, step, 0], change - total, atol=1e-4
            )
    assert all(np.any(gradient) for gradient in gradients)
