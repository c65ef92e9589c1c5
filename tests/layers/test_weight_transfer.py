"""Segment classifier, transfer and anchor classifier against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.layers import (
    SegmentClassifier,
    TransferFunction,
    WeightTransfer,
    classify_cells,
)
from tests.layers.every_layer import CLASSIFIER, maps, normal

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
}


def randomize(layer):
    for seed, variable in enumerate(layer.weights):
        variable.assign(normal(*variable.shape, seed=seed))


def test_segment_classifier_averages_over_time():
    classifier = SegmentClassifier(5)
    classifier(maps())
    randomize(classifier)
    found = classifier(maps()).numpy()
    for level, level_map in enumerate(maps()):
        kernel, bias = (
            classifier.kernels[level].numpy(),
            classifier.biases[level].numpy(),
        )
        expected = level_map.mean(axis=1) @ kernel + bias
        np.testing.assert_allclose(found[level], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_transfer_follows_numpy_class_by_class(depth, activation):
    function, act = TransferFunction(depth, activation), ACTIVATIONS[activation]
    kernel, bias = normal(4, 6), normal(6, seed=1)
    function([kernel, bias])
    randomize(function)
    found_kernel, found_bias = function([tf.constant(kernel), tf.constant(bias)])
    assert len(function.weights) == 4 * depth
    for k in range(6):
        weights, shift = kernel[:, k].astype(float), float(bias[k])
        for w, b in function.weight_layers:
            weights = act(weights @ w.numpy() + b.numpy())
        for w, b in function.bias_layers:
            shift = act(shift * w.numpy()[0, 0] + b.numpy()[0])
        np.testing.assert_allclose(found_kernel[:, k], weights, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found_bias[k], shift, rtol=1e-3, atol=1e-5)


def test_transfer_starts_as_the_identity():
    kernel, bias = np.abs(normal(4, 6)), np.abs(normal(6))
    found_kernel, found_bias = TransferFunction(2, "elu")([kernel, bias])
    np.testing.assert_allclose(found_kernel, kernel, rtol=1e-6)
    np.testing.assert_allclose(found_bias, bias, rtol=1e-6)


def test_unknown_activation_is_refused():
    with pytest.raises(ValueError, match=r"'elu'.*received gelu"):
        TransferFunction(2, "gelu")


def test_transfer_of_other_classes_by_the_same_function():
    transfer = WeightTransfer(2, 2, "elu")
    kernels, biases = transfer(CLASSIFIER)
    randomize(transfer)
    kernels, biases = transfer(CLASSIFIER)
    some = ([k[:, 1:3] for k in CLASSIFIER[0]], [b[1:3] for b in CLASSIFIER[1]])
    for part, whole in zip(transfer(some)[0], kernels):
        np.testing.assert_allclose(part, whole[:, 1:3], rtol=1e-5, atol=1e-6)
    for part, whole in zip(transfer(some)[1], biases):
        np.testing.assert_allclose(part, whole[1:3], rtol=1e-5, atol=1e-6)


def test_cells_are_classified_one_by_one():
    kernels, biases = (tf.nest.map_structure(tf.constant, part) for part in CLASSIFIER)
    found = classify_cells([tf.constant(m) for m in maps()], kernels, biases).numpy()
    expected = np.concatenate(
        [m @ k + b for m, k, b in zip(maps(), *CLASSIFIER)], axis=1
    )
    assert found.shape == (3, 9, 5)
    with pytest.raises(ValueError, match="1 maps, one per level, received 2"):
        classify_cells(maps(), kernels[:1], biases[:1])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
