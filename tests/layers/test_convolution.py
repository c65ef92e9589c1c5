"""Temporal convolution against a loop over steps, and against tf.nn.conv1d."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution, temporal_convolution
from tests.layers import plain
from tests.layers.every_layer import normal


@pytest.mark.parametrize("time", [1, 2, 7, 8])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_convolution_follows_a_loop_over_steps(time, stride, width):
    inputs, kernel, bias = normal(2, time, 3), normal(width, 3, 4), normal(4, seed=1)
    found = temporal_convolution(
        tf.constant(inputs), tf.constant(kernel), tf.constant(bias), stride
    )
    expected = [plain.convolution(row, kernel, bias, stride) for row in inputs]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    theirs = tf.nn.conv1d(inputs, kernel, stride, "SAME") + bias
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("steps", "first", "last"), [(4, "0", "3, 0 right"), (5, "0 left", "4")]
)
def test_stride_of_two_pads_even_sequences_on_the_right_only(steps, first, last):
    # A kernel that reads its left, middle and right neighbour as 1, 10 and 100.
    inputs = tf.reshape(tf.range(1.0, steps + 1), [1, steps, 1])
    kernel = tf.reshape(tf.constant([1.0, 10.0, 100.0]), [3, 1, 1])
    found = temporal_convolution(inputs, kernel, tf.zeros([1]), 2)[0, :, 0]
    expected = {4: [321, 43], 5: [210, 432, 54]}[steps]
    assert found.numpy().tolist() == expected


@pytest.mark.parametrize("time", [6, 7])
def test_unknown_length(time):
    layer = TemporalConvolution(4, stride=2)
    layer.build((None, None, 3))
    call = tf.function(layer, input_signature=[tf.TensorSpec([None, None, 3])])
    inputs = tf.constant(normal(2, time, 3))
    np.testing.assert_allclose(call(inputs), layer(inputs), rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_conv1d():
    inputs, kernel = tf.constant(normal(2, 8, 3)), tf.constant(normal(3, 3, 4))
    bias = tf.zeros([4])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([inputs, kernel])
        ours = tf.reduce_sum(tf.sin(temporal_convolution(inputs, kernel, bias, 2)))
        theirs = tf.reduce_sum(tf.sin(tf.nn.conv1d(inputs, kernel, 2, "SAME")))
    for source in (inputs, kernel):
        np.testing.assert_allclose(
            tape.gradient(ours, source), tape.gradient(theirs, source), atol=1e-5
        )


@pytest.mark.parametrize("stride", [1, 2])
def test_gradient_of_single_steps_in_bfloat16(stride):
    inputs, kernel = normal(16, 1, 128), normal(3, 128, 128)
    bias = tf.zeros([128], tf.bfloat16)

    @tf.function(autograph=False)
    def gradient(*values):
        # Memory that is freed again, for the gradient to be written to.
        junk = tf.reduce_sum(tf.fill([3, 128, 128], tf.cast(np.nan, tf.bfloat16)))
        with tf.control_dependencies([junk]):
            values = [tf.cast(value, tf.bfloat16) for value in values]
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = temporal_convolution(*values, bias, stride)
        return tape.gradient(outputs, values)

    expected = np.zeros([3, 128, 128])
    expected[1] = inputs.sum(axis=(0, 1))[:, np.newaxis]
    for _ in range(10):
        found = gradient(inputs, kernel)[1]
        np.testing.assert_allclose(tf.cast(found, tf.float32), expected, atol=0.2)


def test_activation_and_initial_values():
    layer = TemporalConvolution(64, activation="relu")
    layer.build((None, None, 32))
    assert not layer.bias.numpy().any()
    limit = np.sqrt(6 / (3 * 32 + 3 * 64))  # Glorot's uniform distribution
    kernel = layer.kernel.numpy()
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    inputs = tf.constant(normal(2, 5, 32))
    without = temporal_convolution(inputs, tf.constant(kernel), tf.zeros([64]))
    np.testing.assert_allclose(layer(inputs), plain.relu(without.numpy()), atol=1e-6)
    assert (without.numpy() < 0).any()


def test_output_shape_without_data():
    layer = TemporalConvolution(5, stride=2)
    assert layer.compute_output_shape((None, 7, 3)) == (None, 4, 5)
    assert layer.compute_output_shape((2, None, 3)) == (2, None, 5)
