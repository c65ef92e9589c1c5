"""Convolutions and pools with the padding of the published networks."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.p3d import (
    ConvBatchNorm,
    P3DMaxPool,
)
from tests.p3d import reference
from tests.p3d.test_blocks import inputs


@pytest.mark.parametrize("size", [(6, 8), (7, 9), (7, 8)])
def test_strided_convolution_pads_both_sides_alike(size):
    x = inputs(1, 2, *size, 3)
    unit = ConvBatchNorm(4, (1, 7, 7), (1, 2, 2))
    unit.build(x.shape)
    kernel = unit.kernel.numpy().transpose(4, 3, 0, 1, 2)
    expected = reference.convolve(
        np.moveaxis(x, -1, 1), kernel, (1, 2, 2), (0, 3, 3)
    ) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(np.moveaxis(unit(x), -1, 1), expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_gradient_of_a_short_clip_in_bfloat16(frames):
    random = np.random.default_rng(0)
    clips = tf.constant(random.normal(size=(4, frames, 10, 10, 64)), tf.float32)
    upstream = tf.constant(random.normal(size=clips.shape), tf.float32)
    kernel = random.normal(size=(3, 1, 1, 64, 64))

    def gradient(dtype):
        layer = ConvBatchNorm(64, (3, 1, 1), dtype=dtype)
        layer.build(clips.shape)
        layer.kernel.assign(kernel)
        with tf.GradientTape() as tape:
            outputs = tf.cast(layer(clips), tf.float32)
            loss = tf.reduce_sum(outputs * upstream)
        return tape.gradient(loss, layer.trainable_variables)[0].numpy()

    exact = gradient("float32")
    error = np.abs(gradient("mixed_bfloat16") - exact).max()
    assert error < 0.02 * np.abs(exact).max()


@pytest.mark.parametrize("fusion", ["caffe", "torch"])
@pytest.mark.parametrize("size", [(4, 6, 8), (4, 7, 9), (5, 7, 6)])
@pytest.mark.parametrize("window", [(2, 3, 3), (2, 1, 1)])
def test_pool_rounds_as_its_flavour(fusion, size, window):
    x = np.abs(inputs(2, *size, 3))
    stride = (2, 2, 2) if window[1] == 3 else (2, 1, 1)
    got = P3DMaxPool(window, stride, fusion)(x).numpy()
    expected = reference.pool(np.moveaxis(x, -1, 1), window, stride, fusion)
    np.testing.assert_array_equal(np.moveaxis(got, -1, 1), expected.astype("f"))


def test_pool_flavours_differ_on_even_sizes():
    x = np.abs(inputs(1, 2, 8, 8, 1))
    caffe, torch = (
        P3DMaxPool((2, 3, 3), (2, 2, 2), f)(x).numpy() for f in ("caffe", "torch")
    )
    assert caffe.shape == torch.shape == (1, 1, 4, 4, 1)
    assert np.abs(caffe - torch).max() > 0
