"""The whole network: its size, its numbers, its ways of being saved."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.p3d import (
    P3D,
    ClipNormalization,
    convert_arrays,
    convolution_units,
    freeze_batch_norm,
    named_variables,
)
from tests.p3d import reference

DEPTHS = (2, 2, 1, 2)


def clips(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network(fusion="caffe", depths=DEPTHS, dtype="float32", seed=0, **arguments):
    """Returns a small network with random weights and the state they came from."""
    settings = {"base": 4, "in_channels": 3, "classes": 5, **arguments}
    state = reference.random_state(depths, seed=seed, **settings)
    model = P3D(
        depths=depths,
        fusion=fusion,
        base_channels=settings["base"],
        in_channels=settings["in_channels"],
        classes=settings["classes"],
        dtype=dtype,
    )
    model.build((None, 16, 32, 32, settings["in_channels"]))
    arrays, _ = convert_arrays(state, fusion, "state")
    for name, variable in named_variables(model).items():
        variable.assign(arrays[name])
    return model, state


@pytest.fixture(scope="module")
def p3d_199():
    model = P3D()
    model.build((None, 16, 160, 160, 3))
    return model


def test_p3d_199_has_202_convolutions(p3d_199):
    kernels = [v for v in p3d_199.trainable_variables if len(v.shape) >= 4]
    assert len(kernels) == 202
    assert len(convolution_units(p3d_199)) == 202


def test_p3d_199_has_65_672_640_parameters(p3d_199):
    counted = sum(math.prod(v.shape) for v in p3d_199.trainable_variables)
    assert counted == 65_672_640


def test_p3d_199_names_every_variable_once(p3d_199):
    named = named_variables(p3d_199)
    assert len({id(v) for v in named.values()}) == len(named) == 202 * 5
    total = sum(math.prod(v.shape) for v in named.values())
    assert total == sum(
        math.prod(v.shape)
        for v in (*p3d_199.trainable_variables, *p3d_199.non_trainable_variables)
        if "seed" not in v.name
    )


def test_p3d_199_blocks_cycle_through_the_kinds(p3d_199):
    blocks = (*p3d_199.res2, *p3d_199.res3, *p3d_199.res4)
    kinds = "".join(block.kind for block in blocks)
    assert kinds == ("ABC" * 16)[:47]


@pytest.mark.parametrize("fusion", ["caffe", "torch"])
def test_small_network_computes_what_numpy_computes(fusion):
    model, state = network(fusion)
    x = clips(2, 16, 32, 48, 3)
    outputs = model(x)
    features, logits = reference.network(x, state, DEPTHS, fusion)
    assert outputs["features"].shape == (2, 128)
    assert np.std(features) > 0.01
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-3, atol=1e-3)


def test_flavours_give_different_features_with_the_same_weights():
    x = clips(1, 16, 32, 32, 3)
    caffe, torch = (network(f)[0](x)["features"] for f in ("caffe", "torch"))
    assert np.abs(caffe - torch).max() > 0.05 * np.abs(caffe).max()


def test_flow_network_reads_two_channels():
    model, state = network("torch", in_channels=2, classes=None)
    x = clips(1, 16, 32, 32, 2)
    outputs = model(x)
    assert set(outputs) == {"features"}
    features, _ = reference.network(x, state, DEPTHS, "torch")
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-3, atol=1e-4)


def test_function_with_free_batch_and_size_agrees_with_eager():
    model, _ = network()
    shape = tf.TensorSpec((None, 16, None, None, 3))
    function = tf.function(lambda x: model(x), input_signature=[shape])
    for x in (clips(1, 16, 32, 32, 3), clips(3, 16, 40, 36, 3)):
        np.testing.assert_allclose(
            function(x)["logits"], model(x)["logits"], rtol=1e-4, atol=1e-4
        )


def test_compiled_with_xla_gives_the_same():
    model, _ = network(depths=(1, 1, 1, 1))
    x = clips(2, 16, 32, 32, 3)
    compiled = tf.function(lambda x: model(x)["features"], jit_compile=True)
    np.testing.assert_allclose(compiled(x), model(x)["features"], rtol=1e-3, atol=1e-4)


def test_longer_clips_average_over_what_is_left_of_time():
    model, _ = network(depths=(1, 1, 1, 1))
    x = clips(2, 32, 32, 32, 3)
    assert model(x)["features"].shape == (2, 128)


def test_caffe_takes_shorter_clips_and_torch_refuses_them():
    assert network("caffe")[0](clips(1, 8, 32, 32, 3))["features"].shape == (1, 128)
    with pytest.raises(ValueError, match="at least 16 frames"):
        P3D(fusion="torch", depths=DEPTHS, base_channels=4).build((1, 8, 32, 32, 3))


def test_unfit_input_and_arguments_are_refused():
    with pytest.raises(ValueError, match=r"width, 2\], received .*3\)"):
        P3D(depths=DEPTHS, base_channels=4, in_channels=2).build((1, 16, 32, 32, 3))
    with pytest.raises(ValueError, match="4 numbers"):
        P3D(depths=(1, 2, 3))
    with pytest.raises(ValueError, match="classes"):
        P3D(depths=DEPTHS, classes=0)


def test_inference_leaves_every_variable_alone_and_training_does_not():
    model, _ = network()
    before = {k: v.numpy() for k, v in named_variables(model).items()}
    x = clips(2, 16, 32, 32, 3)
    model(x, training=False)
    for name, variable in named_variables(model).items():
        np.testing.assert_array_equal(variable, before[name])
    model(x, training=True)
    assert np.any(model.stem.batch_norm.moving_mean != before["stem/moving_mean"])


def test_frozen_batch_norm_is_untouched_by_training():
    model, _ = network()
    trainable = len(model.trainable_variables)
    freeze_batch_norm(model)
    units = convolution_units(model)
    assert trainable - len(model.trainable_variables) == 2 * len(units)
    before = model.stem.batch_norm.moving_mean.numpy()
    model(clips(2, 16, 32, 32, 3), training=True)
    np.testing.assert_array_equal(model.stem.batch_norm.moving_mean, before)


def test_every_trainable_variable_has_a_gradient():
    model, _ = network()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(clips(2, 16, 32, 32, 3), training=True)["logits"])
    for gradient in tape.gradient(loss, list(model.trainable_variables)):
        assert gradient is not None


def test_bfloat16_policy_reaches_every_layer_and_outputs_stay_float32():
    model, _ = network(dtype="mixed_bfloat16")
    units = convolution_units(model).values()
    assert {u.compute_dtype for u in units} == {"bfloat16"}
    assert {u.kernel.dtype for u in units} <= {tf.float32, "float32"}
    x = clips(2, 16, 32, 32, 3)
    outputs, exact = model(x), network()[0](x)
    for name in ("features", "logits"):
        assert outputs[name].dtype == tf.float32
    error = np.abs(outputs["features"] - exact["features"]).max()
    assert 0 < error < 0.1 * np.abs(exact["features"]).max()


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_keras_file_gives_the_same_outputs(tmp_path, dtype):
    model, _ = network("torch", dtype=dtype)
    model.save(tmp_path / "p3d.keras")
    again = tf.keras.models.load_model(tmp_path / "p3d.keras")
    assert again.fusion == "torch"
    assert again.depths == DEPTHS
    x = clips(2, 16, 32, 32, 3)
    np.testing.assert_array_equal(again(x)["logits"], model(x)["logits"])


def test_weights_h5_gives_the_same_outputs(tmp_path):
    model, _ = network()
    other, _ = network(seed=3)
    x = clips(1, 16, 32, 32, 3)
    assert np.any(other(x)["logits"] != model(x)["logits"])
    model.save_weights(tmp_path / "p3d.weights.h5")
    other.load_weights(tmp_path / "p3d.weights.h5")
    np.testing.assert_array_equal(other(x)["logits"], model(x)["logits"])


def test_in_a_functional_model():
    model, _ = network()
    image = tf.keras.Input((16, 32, 32, 3))
    head = tf.keras.Model(image, model(ClipNormalization()(image))["features"])
    x = clips(1, 16, 32, 32, 3)
    expected = model(ClipNormalization()(x))["features"]
    np.testing.assert_allclose(head(x), expected, rtol=1e-5, atol=1e-5)
