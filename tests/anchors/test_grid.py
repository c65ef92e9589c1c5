"""The anchor grid."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import layers
from ahernet_tf.anchors import grid as anchors

RATIOS = (1.0, 1.26, 1.587)


def test_paper_has_765_anchors_on_eight_levels():
    assert anchors.cells_per_level(512, 8) == [128, 64, 32, 16, 8, 4, 2, 1]
    assert anchors.strides(8) == [4, 8, 16, 32, 64, 128, 256, 512]
    assert anchors.grid(512, 8, RATIOS).shape == (765, 2)


def test_moments_of_256_steps_leave_one_cell_on_the_last_two_levels():
    assert anchors.cells_per_level(256, 8) == [64, 32, 16, 8, 4, 2, 1, 1]


@pytest.mark.parametrize("steps", [3, 4, 5, 16, 31, 100, 257])
def test_cells_are_those_of_the_convolutions(steps):
    backbone = layers.Backbone(base_channels=(1,), level_channels=(1,) * 8)
    maps = backbone(tf.zeros([1, steps, 1]))
    assert [level_map.shape[1] for level_map in maps] == anchors.cells_per_level(
        steps, 8
    )


def test_too_short_a_sequence_is_refused():
    with pytest.raises(ValueError, match="at least 3 steps, received 2"):
        anchors.cells_per_level(2, 8)


def test_anchors_stand_in_the_order_level_cell_ratio():
    found = anchors.grid(16, 2, (1.0, 1.5))
    # Level 1: 4 cells of 4 steps; level 2: 2 cells of 8 steps.
    expected = [
        *([2, 4], [2, 6], [6, 4], [6, 6], [10, 4], [10, 6], [14, 4], [14, 6]),
        *([4, 8], [4, 12], [12, 8], [12, 12]),
    ]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))
    assert found.dtype == np.float32


def test_cells_of_a_level_tile_the_sequence():
    grid = anchors.grid(512, 8, (1.0,))
    start = grid[:, 0] - grid[:, 1] / 2
    level = np.split(start, np.cumsum(anchors.cells_per_level(512, 8))[:-1])
    for starts, stride in zip(level, anchors.strides(8)):
        np.testing.assert_array_equal(starts, np.arange(0, 512, stride))
