"""Temporal convolution against a loop over steps, and against tf.nn.conv1d."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.acceleration import unfolded_convolution as convolution_products
from ahernet_tf.layers import convolution
from ahernet_tf.layers.convolution import TemporalConvolution, temporal_convolution
from tests.graphs import needed_by
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


@pytest.fixture
def many_channels(monkeypatch):
    """Lets small convolutions take the forms of large ones."""
    monkeypatch.setattr(convolution, "UNFOLD_FROM_CHANNELS", 3)
    monkeypatch.setattr(convolution_products, "_LONG", 6)
    monkeypatch.setattr(convolution_products, "_SLOW_COLUMNS", 4)
    monkeypatch.setattr(convolution_products, "_MORE_COLUMNS", 3)
    monkeypatch.setattr(convolution_products, "_ROWS_AT_ONCE", 8)
    monkeypatch.setattr(devices, "has_onednn", lambda: False)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_forms_on_a_gpu(many_channels, monkeypatch, dtype):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    values = [tf.cast(normal(*shape), dtype) for shape in [(2, 8, 4), (3, 4, 5), (5,)]]
    graph = tf.function(temporal_convolution, autograph=False).get_concrete_function(
        *values
    )
    kinds = {operation.type for operation in graph.graph.get_operations()}
    assert ("Conv2D" in kinds) == (dtype == "bfloat16")
    assert ("MatMul" in kinds) == (dtype == "float32")
    wide = [tf.cast(value, "float32") for value in values]
    expected = tf.nn.conv1d(*wide[:2], 1, "SAME") + wide[2]
    found = tf.cast(temporal_convolution(*values), "float32")
    np.testing.assert_allclose(
        found, expected, atol=0.1 if dtype != "float32" else 1e-5
    )


@pytest.mark.parametrize("known", ["all", "no batch", "no time"])
@pytest.mark.parametrize("filters", [4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("relu", [False, True])
def test_forms_for_many_channels(many_channels, known, filters, stride, width, relu):
    shape = {"all": [2, 7, 4], "no batch": [None, 7, 4], "no time": [2, None, 4]}[known]
    inputs, kernel = normal(2, 7, 4), normal(width, 4, filters)
    bias = normal(filters, seed=1)

    def plainly(inputs, kernel, bias, stride, relu):
        outputs = tf.nn.conv1d(inputs, kernel, stride, "SAME") + bias
        return tf.nn.relu(outputs) if relu else outputs

    def with_gradients(convolve):
        @tf.function(input_signature=[tf.TensorSpec(shape)], autograph=False)
        def run(inputs):
            values = [inputs, tf.constant(kernel), tf.constant(bias)]
            with tf.GradientTape() as tape:
                tape.watch(values)
                outputs = convolve(*values, stride, relu)
                loss = tf.reduce_sum(tf.sin(outputs))
            return outputs, *tape.gradient(loss, values)

        return run(tf.constant(inputs))

    for ours, theirs in zip(
        with_gradients(temporal_convolution), with_gradients(plainly)
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("onednn", [False, True])
def test_paper_size_takes_the_long_form_and_equals_conv1d(monkeypatch, onednn):
    monkeypatch.setattr(devices, "has_onednn", lambda: onednn)
    inputs, kernel = normal(2, 64, 1024), normal(3, 1024, 1024) / 32
    bias = normal(1024, seed=1)
    graph = tf.function(temporal_convolution, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 64, 1024]), tf.constant(kernel), tf.constant(bias)
    )
    product = next(op for op in graph.graph.get_operations() if op.type == "MatMul")
    has_columns_of_zeros = product.outputs[0].shape[-1] > 1024
    assert has_columns_of_zeros == (not onednn)
    found = temporal_convolution(inputs, tf.constant(kernel), tf.constant(bias))
    theirs = tf.nn.conv1d(inputs, kernel, 1, "SAME") + bias
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("moved", ["kernel", "inputs"])
def test_only_gradients_that_are_asked_for_are_computed(many_channels, moved):
    kernel, bias = tf.constant(normal(3, 4, 5)), tf.zeros([5])

    @tf.function(autograph=False)
    def gradient(inputs):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            source = {"kernel": kernel, "inputs": inputs}[moved]
            tape.watch(source)
            outputs = temporal_convolution(inputs, kernel, bias)
        return tape.gradient(outputs, source)

    graph = gradient.get_concrete_function(tf.TensorSpec([2, 8, 4])).graph
    used = needed_by(tensor.op for tensor in graph.outputs)
    products = [operation for operation in used if operation.type == "MatMul"]
    # One a tap for the kernel and one for the ends of each but the middle one; one a
    # block for the inputs.
    assert len(products) == {"kernel": 5, "inputs": 2}[moved]


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_gradient_of_the_inputs_at_some_steps_only(width, relu):
    inputs, kernel = tf.constant(normal(2, 7, 4)), tf.constant(normal(width, 4, 5))
    bias, steps = tf.constant(normal(5, seed=1)), tf.constant([[0, 6, 2], [5, 1, 3]])

    def outputs_and_gradients(gradient_steps):
        values = [inputs, kernel, bias]
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = temporal_convolution(*values, 1, relu, gradient_steps)
            loss = tf.reduce_sum(tf.sin(outputs))
        return outputs, *tape.gradient(loss, values)

    outputs, at_inputs, *others = outputs_and_gradients(steps)
    expected, all_inputs, *expected_others = outputs_and_gradients(None)
    asked = tf.reduce_max(tf.one_hot(steps, 7), axis=1)[..., tf.newaxis]
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(at_inputs, all_inputs * asked, atol=1e-5)
    for ours, theirs in zip(others, expected_others):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_gradient_steps_need_a_stride_of_one():
    with pytest.raises(ValueError, match="stride of 1, received 2"):
        temporal_convolution(
            *map(tf.constant, (normal(1, 4, 2), normal(3, 2, 2), normal(2))),
            stride=2,
            gradient_steps=tf.constant([[0]]),
        )


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
