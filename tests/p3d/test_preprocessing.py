"""What each flavour was trained on."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.p3d import (
    ClipNormalization,
)


def test_caffe_input_is_bgr_minus_its_mean():
    rgb = np.array([[10, 20, 30]], np.uint8)
    got = ClipNormalization("caffe")(rgb)
    np.testing.assert_array_equal(got, [[30 - 104, 20 - 117, 10 - 123]])


def test_torch_input_is_rgb_scaled_and_standardised():
    rgb = np.array([[255, 0, 51]], np.uint8)
    got = ClipNormalization("torch")(rgb)
    expected = [[(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_normalization_refuses_flow_and_keeps_precision_under_bfloat16():
    with pytest.raises(ValueError, match="Optical flow"):
        ClipNormalization()(np.zeros((1, 2), np.uint8))
    got = ClipNormalization("torch", dtype="mixed_bfloat16")(
        tf.constant([[124.0, 117.0, 104.0]])
    )
    assert got.dtype == tf.bfloat16
    exact = ClipNormalization("torch")(tf.constant([[124.0, 117.0, 104.0]]))
    np.testing.assert_array_equal(got, tf.cast(exact, tf.bfloat16))
