"""Convolutions as matrix products equal TensorFlow's, forwards and backwards."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.acceleration import devices, unfolded_convolution
from ahernet_tf.layers.convolution import temporal_convolution
from tests.graphs import needed_by
from tests.layers.every_layer import normal


@pytest.fixture
def many_channels(monkeypatch):
    """Lets small convolutions take the forms of large ones."""
    monkeypatch.setattr(unfolded_convolution, "_MANY_CHANNELS", 3)
    monkeypatch.setattr(unfolded_convolution, "_LONG", 6)
    monkeypatch.setattr(unfolded_convolution, "_SLOW_COLUMNS", 4)
    monkeypatch.setattr(unfolded_convolution, "_MORE_COLUMNS", 3)
    monkeypatch.setattr(unfolded_convolution, "_ROWS_AT_ONCE", 8)
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
