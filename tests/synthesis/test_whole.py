"""A moment without context fills its sequence."""

import numpy as np
import tensorflow as tf

from ahernet_tf.synthesis.composition import compose
from ahernet_tf.synthesis.whole import MODE
from tests.layers.every_layer import normal


def test_a_moment_is_its_whole_sequence():
    assert MODE.draw(None, None, 0, [3.0]) == {}
    assert not MODE.uses_generators
    layout = MODE.layout({"label": tf.constant([1, 0])}, 6)
    np.testing.assert_array_equal(layout.segments, [[[0, 6]], [[0, 6]]])
    np.testing.assert_array_equal(layout.segment_mask, [[True], [True]])
    moments, contexts = normal(2, 6, 3), normal(2, 4, 3, seed=1)
    found = compose(
        tf.constant(contexts), tf.constant(contexts), tf.constant(moments), layout
    )
    np.testing.assert_allclose(found, moments, atol=1e-6)
