"""Layers refuse inputs of another shape, and say what they expect."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.layers.shapes import (
    channels_of,
    check_counts,
    check_levels,
    check_maps,
    check_sequences,
    check_weights,
)


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


def test_a_layer_is_built_for_sequences_alone():
    assert channels_of((None, 5, 4)) == channels_of(tf.TensorShape([2, 5, 4])) == 4
    for shape in ((), (5, 4), (2, 5, 4, 1), tf.TensorShape([]), None):
        with pytest.raises(ValueError, match=r"Expected sequences \[batch, time, ch"):
            channels_of(shape)


@pytest.mark.parametrize("known", [None, [None] * 3])
def test_what_a_graph_does_not_know_is_checked_as_it_runs(known):
    @tf.function(input_signature=[tf.TensorSpec(known)])
    def check(sequences):
        return check_maps([sequences], [4])[0]

    assert check(zeros(2, 5, 4)).shape == (2, 5, 4)
    for shape in [(2, 5, 8), (5, 4)][: 2 if known is None else 1]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[\?,\?,4\]"):
            check(zeros(*shape))


def test_there_is_a_map_per_level_and_the_wrong_one_is_named():
    assert check_levels([(None, 6, 3), (None, 3, 2)], 2) == [3, 2]
    with pytest.raises(ValueError, match="3 maps, one per level, received 2"):
        check_levels([(None, 6, 3), (None, 3, 2)], 3)
    for alone in ((3, 6, 3), tf.TensorShape([None, 6, 3])):
        with pytest.raises(ValueError, match=r"list of maps, .* one of shape \(.*, 6"):
            check_levels(alone, 3)
    check_maps([zeros(1, 6, 3), zeros(1, 3, 2)], [3, 2])
    with pytest.raises(ValueError, match=r"Map of level 2: .*time, 2"):
        check_maps([zeros(1, 6, 3), zeros(1, 3, 3)], [3, 2])
    with pytest.raises(ValueError, match="1 maps, one per level, received 2"):
        check_maps([zeros(1, 6, 3), zeros(1, 3, 2)], [3])


def test_weights_of_another_shape_are_refused_with_it():
    check_weights(zeros(4, 3), zeros(3), 4)
    for kernel, bias in (((5, 3), (3,)), ((4, 3), (5,)), ((4, 3, 2), (3,)), ((4,), ())):
        with pytest.raises(ValueError, match=r"kernel \[4, classes\]") as error:
            check_weights(zeros(*kernel), zeros(*bias), 4)
        assert str(kernel) in str(error.value)


def test_counts_are_whole_numbers_from_the_least():
    check_counts(0, layers=0)
    for least, wrong in ((0, -1), (1, 0), (1, 1.5), (1, True), (1, None)):
        with pytest.raises(ValueError, match=f"layers, .* {least}, received {wrong}"):
            check_counts(least, layers=wrong)
