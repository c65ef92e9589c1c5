"""The average of the weights follows them, and takes their place for a while."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.training.ema import WeightAverage


def test_average_moves_by_its_part_of_the_way():
    weight = tf.Variable([1.0, 3.0])
    average = WeightAverage([weight], 0.75)
    weight.assign([5.0, -1.0])
    average.update()
    np.testing.assert_allclose(average.values[0], [2.0, 2.0])
    average.update()
    np.testing.assert_allclose(average.values[0], [2.75, 1.25])


def test_weights_come_back_even_after_an_error():
    weight = tf.Variable([1.0])
    average = WeightAverage([weight], 0.5)
    weight.assign([9.0])

    def localise():
        with average.applied():
            np.testing.assert_array_equal(weight, [1.0])
            raise KeyError

    with pytest.raises(KeyError):
        localise()
    np.testing.assert_array_equal(weight, [9.0])
