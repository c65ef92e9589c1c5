"""Standardisation: the identity until statistics are stored, and then theirs."""

import numpy as np
import pytest

from ahernet_tf.layers import FeatureStandardization
from tests.layers.every_layer import normal


def test_features_pass_unchanged_until_statistics_are_set():
    layer, features = FeatureStandardization(), normal(2, 5, 3)
    np.testing.assert_array_equal(layer(features), features)
    layer.set_statistics(features.mean((0, 1)), features.std((0, 1)))
    found = layer(features).numpy()
    np.testing.assert_allclose(found.mean((0, 1)), np.zeros(3), atol=1e-6)
    np.testing.assert_allclose(found.std((0, 1)), np.ones(3), rtol=1e-5)
    assert not layer.trainable_variables


@pytest.mark.parametrize(
    "deviation", [[1, 0.0, 1], [1, -1.0, 1], [1, np.inf, 1], [1, np.nan, 1]]
)
def test_channels_without_deviation_are_refused_and_nothing_is_stored(deviation):
    layer = FeatureStandardization()
    layer(normal(2, 5, 3))
    with pytest.raises(ValueError, match="above 0, in every channel"):
        layer.set_statistics(np.ones(3), np.array(deviation))
    np.testing.assert_array_equal(layer.mean, np.zeros(3))
