"""The anchor grid, and the coding of offsets."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ahernet_tf import layers
from ahernet_tf.anchors import grid as anchors

RATIOS = (1.0, 1.26, 1.587)
quick = hypothesis.settings(max_examples=40, deadline=None)


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


def test_offset_of_an_anchor_from_itself_is_zero():
    grid = tf.constant(anchors.grid(32, 3, RATIOS))
    np.testing.assert_array_equal(anchors.encode(grid, grid), np.zeros(grid.shape))


def test_offsets_by_hand():
    # One anchor length to the right and e times as long: 1 / 0.1 on both axes.
    anchor = tf.constant([[10.0, 4.0]])
    offsets = anchors.encode(tf.constant([[14.0, 4.0 * np.e]], tf.float32), anchor)
    np.testing.assert_allclose(offsets, [[10.0, 10.0]], rtol=1e-6)


def test_decoded_segment_by_hand():
    anchor = tf.constant([[10.0, 4.0]])
    decoded = anchors.decode(
        tf.constant([[-5.0, 10.0 * np.log(2)]], tf.float32), anchor
    )
    np.testing.assert_allclose(decoded, [[8.0, 8.0]], rtol=1e-6)


@quick
@hypothesis.given(
    st.lists(
        st.tuples(st.floats(0, 512, width=32), st.floats(0.25, 512, width=32)),
        min_size=1,
        max_size=5,
    ),
    st.tuples(st.floats(0, 512, width=32), st.floats(4, 1024, width=32)),
)
def test_decoding_undoes_encoding(segments, anchor):
    segments = tf.constant(segments, tf.float32)
    grid = tf.constant([anchor] * len(segments), tf.float32)
    decoded = anchors.decode(anchors.encode(segments, grid), grid)
    np.testing.assert_allclose(decoded, segments, rtol=1e-4, atol=1e-3)


def test_coding_broadcasts_over_the_batch():
    grid = tf.constant(anchors.grid(16, 1, (1.0,)))
    offsets = tf.random.stateless_normal([3, 4, 2], [1, 2])
    decoded = anchors.decode(offsets, grid)
    for row in range(3):
        alone = anchors.decode(offsets[row], grid)
        np.testing.assert_allclose(decoded[row], alone, rtol=1e-6)
