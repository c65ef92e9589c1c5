"""Layers refuse inputs of another shape, and say what they expect."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.layers.shapes import check_levels, check_maps, check_sequences


def zeros(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize("shape", [(2, 5, 4), (0, 5, 4), (2, 0, 4)])
def test_sequences_of_the_channels_pass(shape):
    check_sequences(zeros(*shape), 4)


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 3), (2, 5, 4, 1)])
def test_other_sequences_are_refused_with_their_shape(shape):
    with pytest.raises(ValueError, match=r"\[batch, time, 4\]") as error:
        check_sequences(zeros(*shape), 4)
    assert str(shape) in str(error.value)


def test_what_a_graph_does_not_know_passes():
    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec([None] * 3)])
    def check(any_rank, any_size):
        check_sequences(any_rank, 4)
        check_sequences(any_size, 4)
        return any_size

    assert check(zeros(1), zeros(2, 5, 4)).shape == (2, 5, 4)


def test_there_is_a_map_per_level_and_the_wrong_one_is_named():
    assert check_levels([(None, 6, 3), (None, 3, 2)], 2) == [3, 2]
    with pytest.raises(ValueError, match="3 maps, one per level, received 2"):
        check_levels([(None, 6, 3), (None, 3, 2)], 3)
    check_maps([zeros(1, 6, 3), zeros(1, 3, 2)], [3, 2])
    with pytest.raises(ValueError, match=r"Map of level 2: .*time, 2"):
        check_maps([zeros(1, 6, 3), zeros(1, 3, 3)], [3, 2])
    with pytest.raises(ValueError, match="1 maps, one per level, received 2"):
        check_maps([zeros(1, 6, 3), zeros(1, 3, 2)], [3])
