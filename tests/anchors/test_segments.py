"""Segments: conversions, clipping and tIoU in named geometric cases."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ahernet_tf.anchors import segments

quick = hypothesis.settings(max_examples=40, deadline=None)
times = st.floats(-100, 600, width=32)


@st.composite
def batches(draw, size=4):
    """Segments [size, 2] of finite starts and ends, some of them reversed."""
    return np.array(
        [[draw(times), draw(times)] for _ in range(size)], np.float32
    ).reshape(size, 2)


def tiou_by_hand(a, b):
    """Intersection over union of two segments, straight from its definition."""
    if a[1] <= a[0] or b[1] <= b[0]:
        return 0.0
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)


def test_centre_and_length_of_a_segment():
    assert segments.to_centre_length(tf.constant([2.0, 10.0])).numpy().tolist() == [
        6,
        8,
    ]


def test_start_and_end_of_a_centre_and_length():
    assert segments.to_start_end(tf.constant([6.0, 8.0])).numpy().tolist() == [2, 10]


@quick
@hypothesis.given(batches())
def test_conversions_are_each_others_inverse(values):
    there = segments.to_centre_length(tf.constant(values))
    back = segments.to_start_end(there).numpy()
    np.testing.assert_allclose(back, values, atol=2e-4)


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ([3.0, 7.0], [3.0, 7.0]),  # inside
        ([-5.0, 7.0], [0.0, 7.0]),  # across the lower border
        ([3.0, 99.0], [3.0, 10.0]),  # across the upper border
        ([-5.0, 99.0], [0.0, 10.0]),  # around everything
        ([-9.0, -5.0], [0.0, 0.0]),  # outside: nothing is left
    ],
)
def test_clipping_moves_what_lies_outside_onto_the_border(segment, expected):
    assert segments.clip(tf.constant(segment), 0.0, 10.0).numpy().tolist() == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param([2, 6], [2, 6], 1, id="identical"),
        pytest.param([0, 8], [2, 4], 2 / 8, id="inside"),
        pytest.param([2, 4], [0, 8], 2 / 8, id="around"),
        pytest.param([0, 4], [2, 6], 2 / 6, id="overlapping"),
        pytest.param([0, 4], [0, 8], 4 / 8, id="same start"),
        pytest.param([4, 8], [0, 8], 4 / 8, id="same end"),
        pytest.param([0, 2], [2, 4], 0, id="touching"),
        pytest.param([0, 2], [5, 7], 0, id="outside"),
        pytest.param([3, 3], [0, 8], 0, id="zero length"),
        pytest.param([3, 3], [3, 3], 0, id="both of zero length"),
        pytest.param([6, 2], [0, 8], 0, id="reversed"),
        pytest.param([0, 8], [6, 2], 0, id="other reversed"),
        pytest.param([-1, -1], [0, 8], 0, id="padding of the recordings"),
    ],
)
def test_tiou_of_a_pair(a, b, expected):
    found = segments.pairwise_tiou(
        tf.constant([a], tf.float32), tf.constant([b], tf.float32)
    )
    assert found.numpy() == pytest.approx(expected, abs=1e-7)


@quick
@hypothesis.given(batches(), batches(3))
def test_tiou_follows_its_definition(a, b):
    found = segments.pairwise_tiou(tf.constant(a), tf.constant(b)).numpy()
    expected = [[tiou_by_hand(x, y) for y in b.astype(float)] for x in a.astype(float)]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@quick
@hypothesis.given(batches(), st.integers(-50, 50), st.sampled_from([0.5, 2.0, 8.0]))
def test_tiou_is_symmetric_and_knows_no_unit(values, shift, scale):
    a = tf.constant(np.round(values))
    found = segments.pairwise_tiou(a, a).numpy()
    np.testing.assert_array_equal(found, found.T)
    moved = segments.pairwise_tiou(a * scale + shift, a * scale + shift).numpy()
    np.testing.assert_allclose(moved, found, atol=1e-6)


def test_tiou_broadcasts_leading_axes():
    a = tf.constant([[[0.0, 4.0], [4.0, 8.0]]])  # [1, 2, 2]
    b = tf.constant([[[0.0, 8.0]], [[4.0, 8.0]], [[0.0, 2.0]]])  # [3, 1, 2]
    expected = [[[0.5], [0.5]], [[0.0], [1.0]], [[0.5], [0.0]]]
    assert segments.pairwise_tiou(a, b).numpy().tolist() == expected


def test_gradient_of_tiou_is_finite_for_segments_of_zero_length():
    a = tf.constant([[3.0, 3.0], [0.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(a)
        total = tf.reduce_sum(segments.pairwise_tiou(a, tf.constant([[3.0, 3.0]])))
    assert np.isfinite(tape.gradient(total, a).numpy()).all()
