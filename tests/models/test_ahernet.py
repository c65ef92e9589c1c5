"""The whole network: its forward paths, saving, exporting, precision."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import NetworkConfig, SynthesisConfig
from ahernet_tf.layers import classify_cells
from ahernet_tf.models import AherNet
from tests.models import tiny

OUTPUTS = {"proposal_logits", "offsets", "overlap", "class_logits"}
FEATURES = tiny.features(tiny.BATCH, tiny.STEPS, tiny.CHANNELS)
LAYERS = (
    "standardization",
    "backbone",
    "head",
    "source_classifier",
    "target_classifier",
    "weight_transfer",
    "synthetic_moments",
    "discriminator",
)


@pytest.fixture(scope="module")
def model():
    return tiny.network()


def assert_same(found, expected, **tolerance):
    assert set(found) == set(expected)
    for name in expected:
        np.testing.assert_allclose(
            tf.cast(found[name], tf.float32),
            tf.cast(expected[name], tf.float32),
            err_msg=name,
            **{"rtol": 1e-5, "atol": 1e-5} | tolerance,
        )


def test_call_predicts_with_the_transferred_target_classifier(model):
    maps = model.backbone(FEATURES)
    heads = model.head(maps)
    kernels, biases = model.weight_transfer(model.target_classifier.weights_by_level())
    expected = dict(heads, class_logits=classify_cells(maps, kernels, biases))
    assert_same(model(FEATURES), expected)


def test_anchors_of_the_grid_are_those_of_the_predictions(model):
    outputs, anchors = model(FEATURES), model.anchors()
    assert outputs["offsets"].shape == (tiny.BATCH, *anchors.shape)
    cells = outputs["class_logits"].shape[1]
    assert cells * len(tiny.NETWORK.anchor_ratios) == len(anchors)
    # The prediction of a cell changes with the features under it and not with those
    # far away: the first and the last anchor of level 1 lie at the two ends.
    moved = FEATURES.numpy()
    moved[:, :2] += 5
    changed = model(tf.constant(moved))["overlap"] != outputs["overlap"]
    assert changed.numpy()[:, 0].all()
    level_1 = 8 * len(tiny.NETWORK.anchor_ratios)
    assert not changed.numpy()[:, level_1 - 1].any()


def test_streams_use_their_own_classifier(model):
    maps = model.backbone(FEATURES)
    source = model.segment_logits(maps, model.source_classifier)
    target = model.segment_logits(maps, model.target_classifier)
    assert (source.shape[-1], target.shape[-1]) == (tiny.SOURCE, tiny.TARGET)
    kernels, biases = model.anchor_classifier(model.source_classifier)
    assert [k.shape for k in kernels] == [
        (width, tiny.SOURCE) for width in tiny.NETWORK.level_channels
    ]
    prediction = model.predict_anchors(maps, (kernels, biases))
    assert prediction.class_logits.shape[-1] == tiny.SOURCE


def test_standardization_comes_before_everything():
    model = tiny.network()
    expected = model(FEATURES)
    mean, deviation = np.arange(6) + 100.0, np.arange(6) + 0.5
    model.standardization.set_statistics(mean, deviation)
    raw = tf.cast(FEATURES.numpy() * deviation + mean, tf.float32)
    assert_same(model(raw), expected, rtol=1e-3, atol=1e-3)


def test_every_variable_belongs_to_one_layer(model):
    owned = [id(v) for name in LAYERS for v in getattr(model, name).weights]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(v) for v in model.weights}
    assert len(model.trainable_variables) == len(model.weights) - 2


def test_paper_network_has_the_sizes_of_the_paper():
    # 2048-d features would need 200 MB here; the shapes follow from the options.
    network = NetworkConfig(
        base_channels=(8, 4), level_channels=(1, 1, 2, 2, 4, 4, 8, 8)
    )
    model = AherNet(8, 2, 3, network)
    model.build()
    outputs = model(tf.zeros([1, 512, 8]))
    assert {name: tuple(part.shape) for name, part in outputs.items()} == {
        "offsets": (1, 765, 2),
        "overlap": (1, 765),
        "class_logits": (1, 255, 3),
    }
    moments = model.backbone(tf.zeros([1, 256, 8]))
    assert [m.shape[1] for m in moments] == [64, 32, 16, 8, 4, 2, 1, 1]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_of_the_transfer_is_an_option(depth):
    network = dataclasses.replace(tiny.NETWORK, transfer_layers=depth)
    model = AherNet(tiny.CHANNELS, tiny.SOURCE, tiny.TARGET, network)
    model.build()
    assert len(model.weight_transfer.weights) == 3 * 4 * depth
    if depth == 0:
        kernels, biases = model.anchor_classifier(model.target_classifier)
        for found, variable in zip(
            kernels + biases,
            model.target_classifier.kernels + model.target_classifier.biases,
        ):
            np.testing.assert_array_equal(found, variable.numpy())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_is_eager_for_any_batch_size(model, jit_compile):
    shape = [None, tiny.STEPS, tiny.CHANNELS]
    compiled = tf.function(
        lambda batch: model(batch),
        input_signature=[tf.TensorSpec(shape)],
        jit_compile=jit_compile,
    )
    expected = model(FEATURES)
    assert_same(compiled(FEATURES), expected)
    first = {name: part[:1] for name, part in expected.items()}
    assert_same(compiled(FEATURES[:1]), first)


def test_saved_model_predicts_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert len(loaded.weights) == len(model.weights)
    assert_same(loaded(FEATURES), model(FEATURES))
    # What training needs and prediction does not is there as well.
    assert_equal_weights(loaded, model)


def test_saved_weights_predict_the_same(model, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = tiny.network(seed=1)
    fresh.load_weights(tmp_path / "model.weights.h5")
    assert_same(fresh(FEATURES), model(FEATURES))
    assert_equal_weights(fresh, model)


def assert_equal_weights(found, expected):
    for name in LAYERS:
        for a, b in zip(getattr(found, name).weights, getattr(expected, name).weights):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), name)


def test_config_gives_the_same_network():
    synthesis = SynthesisConfig(mode="tiled")
    model = tiny.network(synthesis=synthesis)
    copy = AherNet.from_config(model.get_config())
    assert copy.network == tiny.NETWORK
    assert copy.synthesis == synthesis
    assert copy.get_config() == model.get_config()
    copy.build()
    assert [v.shape for v in copy.weights] == [v.shape for v in model.weights]


def test_exported_network_has_a_flat_signature(model, tmp_path):
    model(FEATURES)
    model.export(str(tmp_path / "saved_model"))
    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    assert_same(loaded.serve(FEATURES), model(FEATURES))
    assert_same(loaded.serve(FEATURES[:1]), model(FEATURES[:1]))


def test_module_with_a_named_signature(model, tmp_path):
    class Localization(tf.Module):
        def __init__(self):
            super().__init__()
            self.network = model

        @tf.function(input_signature=[tf.TensorSpec([None, 32, 6], name="features")])
        def __call__(self, features):
            return dict(self.network(features))

    module, path = Localization(), str(tmp_path / "module")
    signatures = {"serving_default": module.__call__.get_concrete_function()}
    tf.saved_model.save(module, path, signatures)
    loaded = tf.saved_model.load(path).signatures["serving_default"]
    assert set(loaded.structured_outputs) == OUTPUTS
    assert_same(loaded(features=FEATURES), model(FEATURES))


def test_bfloat16_network_predicts_in_float32_about_the_same(model):
    lower = tiny.network(dtype="mixed_bfloat16")
    for found, exact in zip(lower.weights, model.weights):
        assert found.dtype in ("float32", tf.float32)
        found.assign(exact.numpy())
    outputs = lower(FEATURES)
    assert {part.dtype for part in outputs.values()} == {tf.float32}
    for name, expected in model(FEATURES).items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            outputs[name] / scale, expected / scale, atol=0.05, err_msg=name
        )
    config = lower.get_config()
    copy = AherNet.from_config(config)
    assert copy.backbone.compute_dtype == "bfloat16"


def test_bfloat16_network_tells_large_features_apart():
    model, lower = tiny.network(), tiny.network(dtype="mixed_bfloat16")
    for network in (model, lower):
        network.standardization.set_statistics(np.full(6, 1000.0), np.full(6, 1.0))
    for found, exact in zip(lower.weights, model.weights):
        found.assign(exact.numpy())
    expected = model(FEATURES + 1000.0)["offsets"]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        lower(FEATURES + 1000.0)["offsets"] / scale, expected / scale, atol=0.05
    )
