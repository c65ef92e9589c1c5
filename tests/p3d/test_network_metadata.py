"""Which arrays a network has."""

import pytest

from ahernet_tf.p3d import (
    P3DMetadata,
    named_variables,
)
from ahernet_tf.p3d.network_metadata import array_shapes
from tests.p3d.test_weights import DEPTHS, small


def test_array_names_and_shapes_are_the_networks():
    model = small(classes=None)
    shapes = {k: tuple(v.shape) for k, v in named_variables(model).items()}
    metadata = P3DMetadata("torch", DEPTHS, base_channels=4)
    assert array_shapes(metadata) == shapes


def test_class_names_must_fit():
    with pytest.raises(ValueError, match="2 class names for 3 classes"):
        P3DMetadata("caffe", DEPTHS, classes=3, class_names=("a", "b"))
