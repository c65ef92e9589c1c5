"""The pyramid against a plain rendering, and the standardisation before it."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.layers import Backbone, FeatureStandardization
from tests.layers import plain
from tests.layers.every_layer import normal


def plain_backbone(features, backbone):
    """Computes all maps of one sequence."""
    hidden = features
    for layer in backbone.base:
        kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
        hidden = plain.relu(plain.convolution(hidden, kernel, bias))
    pooled = range(0, len(hidden) - 2, 2)
    hidden = np.array([hidden[k : k + 3].max(axis=0) for k in pooled])
    maps = []
    for layer in backbone.levels:
        kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
        hidden = plain.relu(plain.convolution(hidden, kernel, bias, stride=2))
        maps.append(hidden)
    return maps


@pytest.mark.parametrize("steps", [16, 21, 34])
def test_maps_follow_a_plain_rendering(steps):
    backbone = Backbone((5, 4), (3, 4, 2, 3))
    features = normal(2, steps, 6)
    backbone(features)
    for seed, variable in enumerate(backbone.weights):
        variable.assign(normal(*variable.shape, seed=seed) * 0.5)
    maps = backbone(tf.constant(features))
    for row in range(2):
        for found, expected in zip(maps, plain_backbone(features[row], backbone)):
            np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("base", "levels", "message"),
    [
        (256, (128,), "base_channels, a list of numbers, received 256"),
        ((4, 0), (3,), "base_channels, a whole number of at least 1, received 0"),
        ((4,), (3.0,), "level_channels, a whole number .* received 3.0"),
        ((4,), (), "at least 1 level, got none"),
    ],
)
def test_channels_that_make_no_sense_are_refused(base, levels, message):
    with pytest.raises(ValueError, match=message):
        Backbone(base, levels)


def test_sequences_too_short_to_pool_are_refused_with_their_shape():
    backbone = Backbone((4,), (3,))
    for features in (tf.zeros([1, 2, 5]), tf.keras.Input([2, 5])):
        with pytest.raises(ValueError, match=r"at least 3 steps, received \(.*, 2, 5"):
            backbone(features)
    assert backbone(tf.zeros([1, 3, 5]))[0].shape == (1, 1, 3)


def test_standardization_is_the_identity_until_set():
    layer, features = FeatureStandardization(), normal(2, 5, 3)
    np.testing.assert_array_equal(layer(features), features)
    assert not layer.trainable_variables


def test_standardization_shifts_and_scales_each_channel():
    layer, features = FeatureStandardization(), normal(2, 5, 3)
    layer.build((None, None, 3))
    mean, deviation = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.1, 1.0])
    layer.set_statistics(mean, deviation)
    np.testing.assert_allclose(
        layer(features), (features - mean) / deviation, rtol=1e-5
    )


def test_deviation_of_zero_is_refused():
    layer = FeatureStandardization()
    layer.build((None, None, 2))
    with pytest.raises(ValueError, match="above 0"):
        layer.set_statistics(np.zeros(2), np.array([1.0, 0.0]))
