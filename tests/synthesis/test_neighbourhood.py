import numpy as np
import tensorflow as tf

from ahernet_tf.synthesis.neighbourhood import cut_out, neighbourhood


def test_neighbourhood_ends_at_other_instances_and_at_the_sequence():
    segments = tf.constant(
        [[[10.0, 20.0], [23, 30], [2, 8]], [[4, 12], [0, 0], [0, 0]]]
    )
    mask = tf.constant([[True, True, True], [True, False, False]])
    sides = neighbourhood(segments, mask, tf.constant([0, 0]), 32)
    np.testing.assert_allclose(sides.instance, [[10, 20], [4, 12]])
    np.testing.assert_allclose(sides.before, [[8, 10], [0, 4]])
    np.testing.assert_allclose(sides.after, [[20, 23], [12, 16]])


def test_neighbourhood_of_a_video_without_instance_is_empty():
    empty = neighbourhood(
        tf.zeros([1, 2, 2]), tf.zeros([1, 2], tf.bool), tf.constant([0]), 16
    )
    for bounds in empty:
        np.testing.assert_array_equal(bounds, [[0, 0]])


def test_cut_out_reads_linearly():
    ramp = tf.range(10, dtype=tf.float32)[tf.newaxis, :, tf.newaxis]
    found = cut_out(ramp, tf.constant([[2.0, 6.0]]), 8)[0, :, 0]
    np.testing.assert_allclose(found, 2 + np.arange(8) / 2)
    clamped = cut_out(ramp, tf.constant([[8.0, 12.0]]), 4)[0, :, 0]
    np.testing.assert_allclose(clamped, [8, 9, 9, 9])
