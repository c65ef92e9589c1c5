"""The coding of offsets (Eq. 5)."""

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from ahernet_tf.anchors import grid as anchors
from ahernet_tf.anchors import offset_coding

RATIOS = (1.0, 1.26, 1.587)
quick = hypothesis.settings(max_examples=40, deadline=None)


def test_offset_of_an_anchor_from_itself_is_zero():
    grid = tf.constant(anchors.grid(32, 3, RATIOS))
    np.testing.assert_array_equal(
        offset_coding.encode(grid, grid), np.zeros(grid.shape)
    )


def test_offsets_by_hand():
    # One anchor length to the right and e times as long: 1 / 0.1 on both axes.
    anchor = tf.constant([[10.0, 4.0]])
    offsets = offset_coding.encode(
        tf.constant([[14.0, 4.0 * np.e]], tf.float32), anchor
    )
    np.testing.assert_allclose(offsets, [[10.0, 10.0]], rtol=1e-6)


def test_decoded_segment_by_hand():
    anchor = tf.constant([[10.0, 4.0]])
    decoded = offset_coding.decode(
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
    decoded = offset_coding.decode(offset_coding.encode(segments, grid), grid)
    np.testing.assert_allclose(decoded, segments, rtol=1e-4, atol=1e-3)


def test_coding_broadcasts_over_the_batch():
    grid = tf.constant(anchors.grid(16, 1, (1.0,)))
    offsets = tf.random.stateless_normal([3, 4, 2], [1, 2])
    decoded = offset_coding.decode(offsets, grid)
    for row in range(3):
        alone = offset_coding.decode(offsets[row], grid)
        np.testing.assert_allclose(decoded[row], alone, rtol=1e-6)


def test_encoding_undoes_decoding_in_a_batch():
    grid = tf.constant(anchors.grid(16, 1, (1.0,)))
    offsets = tf.random.stateless_normal([3, 4, 2], [1, 2])
    encoded = offset_coding.encode(offset_coding.decode(offsets, grid), grid)
    np.testing.assert_allclose(encoded, offsets, rtol=1e-4, atol=1e-4)
