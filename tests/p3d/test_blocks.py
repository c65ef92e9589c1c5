"""Single blocks against NumPy, in both flavours; pools; saving."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.p3d import (
    ConvBatchNorm,
    ImageBottleneck,
    P3DBottleneck,
    P3DMaxPool,
    combine_spatial_temporal,
)
from tests.p3d import reference

PARTS = {
    "reduce": ("conv1", "bn1"),
    "spatial": ("conv2", "bn2"),
    "temporal": ("conv3", "bn3"),
    "expand": ("conv4", "bn4"),
    "shortcut": ("downsample.0", "downsample.1"),
}


def block_state(at, seed=0):
    """Returns the weights of one block of a small random network."""
    state = reference.random_state((2, 2, 2, 2), base=3, seed=seed)
    return {k: v for k, v in state.items() if k.startswith(at + ".")}


def assign(block, state, at):
    """Gives a built block the weights of a state dict."""
    for part, (conv, norm) in PARTS.items():
        unit = getattr(block, part, None)
        if unit is None:
            continue
        if part == "spatial" and f"{at}.conv_normal.weight" in state:
            conv, norm = "conv_normal", "bn_normal"
        kernel = state[f"{at}.{conv}.weight"]
        axes = (2, 3, 4, 1, 0) if kernel.ndim == 5 else (2, 3, 1, 0)
        unit.kernel.assign(kernel.transpose(axes))
        unit.batch_norm.gamma.assign(state[f"{at}.{norm}.weight"])
        unit.batch_norm.beta.assign(state[f"{at}.{norm}.bias"])
        unit.batch_norm.moving_mean.assign(state[f"{at}.{norm}.running_mean"])
        unit.batch_norm.moving_variance.assign(state[f"{at}.{norm}.running_var"])


def inputs(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("fusion", ["caffe", "torch"])
@pytest.mark.parametrize("kind", ["A", "B", "C"])
def test_block_computes_what_numpy_computes(kind, fusion):
    state = block_state("layer2.1")
    x = inputs(2, 4, 5, 6, 24)
    block = P3DBottleneck(6, kind=kind, fusion=fusion)
    block.build(x.shape)
    assign(block, state, "layer2.1")
    expected = reference.block_3d(
        np.moveaxis(x, -1, 1), state, "layer2.1", kind, fusion, (1, 1, 1)
    )
    got = block(x).numpy()
    assert np.abs(got).max() > 0.1
    np.testing.assert_allclose(np.moveaxis(got, -1, 1), expected, atol=2e-5)


@pytest.mark.parametrize("kind", ["B", "C"])
def test_flavours_differ_with_the_same_weights(kind):
    state, x = block_state("layer2.1"), inputs(1, 4, 5, 6, 24)
    results = []
    for fusion in ("caffe", "torch"):
        block = P3DBottleneck(6, kind=kind, fusion=fusion)
        block.build(x.shape)
        assign(block, state, "layer2.1")
        results.append(block(x).numpy())
    assert np.abs(results[0] - results[1]).max() > 0.1


def test_block_a_is_the_same_in_both_flavours():
    s, t = (lambda x: x - 1.0), (lambda x: 2.0 - x)
    x = tf.constant([0.0, 2.0, 5.0])
    for fusion in ("caffe", "torch"):
        got = combine_spatial_temporal("A", fusion, x, s, t)
        np.testing.assert_array_equal(got, [2.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("kind", "fusion", "expected"),
    [
        # x = 3, S x = 2, T x = x - 7 = -4, T S x = -5; and x = 9: 8, 2, 1.
        ("B", "caffe", [0.0, 10.0]),
        ("B", "torch", [2.0, 10.0]),
        ("C", "caffe", [0.0, 4.5]),
        ("C", "torch", [2.0, 9.0]),
    ],
)
def test_fusion_by_hand(kind, fusion, expected):
    got = combine_spatial_temporal(
        kind, fusion, tf.constant([3.0, 9.0]), lambda x: x - 1.0, lambda x: x - 7.0
    )
    np.testing.assert_array_equal(got, expected)


def test_first_block_of_a_stage_halves_space_and_projects_its_shortcut():
    state, x = block_state("layer2.0"), inputs(2, 4, 6, 7, 12)
    block = P3DBottleneck(6, strides=(1, 2, 2), project_shortcut=True)
    block.build(x.shape)
    assign(block, state, "layer2.0")
    expected = reference.block_3d(
        np.moveaxis(x, -1, 1), state, "layer2.0", "A", "caffe", (1, 2, 2)
    )
    assert expected.shape[2:] == (4, 3, 4)
    np.testing.assert_allclose(np.moveaxis(block(x), -1, 1), expected, atol=2e-5)


@pytest.mark.parametrize(("index", "stride"), [(0, (2, 2)), (1, (1, 1))])
def test_image_block_computes_what_numpy_computes(index, stride):
    at = f"layer4.{index}"
    state = block_state(at)
    x = inputs(2, 5, 6, 48 if index == 0 else 96)
    block = ImageBottleneck(24, strides=stride, project_shortcut=index == 0)
    block.build(x.shape)
    assign(block, state, at)
    expected = reference.block_2d(np.moveaxis(x, -1, 1), state, at, stride)
    np.testing.assert_allclose(np.moveaxis(block(x), -1, 1), expected, atol=2e-5)


@pytest.mark.parametrize("fusion", ["caffe", "torch"])
def test_block_in_a_functional_model_survives_saving(tmp_path, fusion):
    x = inputs(2, 4, 6, 6, 12)
    image = tf.keras.Input((4, 6, 6, 12))
    y = P3DBottleneck(4, "C", fusion, strides=(1, 2, 2), project_shortcut=True)(image)
    y = P3DMaxPool((2, 3, 3), (2, 2, 2), fusion)(y)
    model = tf.keras.Model(image, y)
    for variable in model.variables:
        variable.assign(np.abs(inputs(*variable.shape, seed=len(variable.shape))))
    model.save(tmp_path / "block.keras")
    again = tf.keras.models.load_model(tmp_path / "block.keras")
    assert np.abs(model(x)).max() > 0
    np.testing.assert_array_equal(again(x), model(x))


def test_block_refuses_unfit_input():
    with pytest.raises(ValueError, match="needs 16 channels, received 12"):
        P3DBottleneck(4).build((None, 4, 6, 6, 12))
    with pytest.raises(ValueError, match="kind"):
        P3DBottleneck(4, kind="D")
    for kernel, strides in (((1, 2, 2), None), ((3, 1, 1), (2, 1, 1)), ((1,), (1,))):
        with pytest.raises(ValueError, match="odd numbers"):
            ConvBatchNorm(4, kernel, strides)
    with pytest.raises(ValueError, match="fusion"):
        P3DBottleneck(4, fusion="pytorch")


def test_training_moves_the_statistics_and_inference_does_not():
    x = inputs(4, 4, 6, 6, 3) + 3.0
    unit = ConvBatchNorm(4, (1, 1, 1), momentum=0.9)
    unit.build(x.shape)
    unit(x)
    np.testing.assert_array_equal(unit.batch_norm.moving_mean, np.zeros(4))
    y = (x @ unit.kernel.numpy()[0, 0, 0]).mean(axis=(0, 1, 2, 3))
    unit(x, training=True)
    np.testing.assert_allclose(unit.batch_norm.moving_mean, 0.1 * y, rtol=1e-4)
