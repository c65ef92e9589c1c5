"""What every layer must stand: compilation, any batch, Functional models, saving."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import layers
from tests.layers.every_layer import BATCH, EXAMPLES, SEQUENCE

WITH_BATCH = [name for name, example in EXAMPLES.items() if example.has_batch]


def tensors(name):
    return tf.nest.map_structure(tf.constant, EXAMPLES[name].inputs)


def build(name, **kwargs):
    """Returns a layer with random weights, biases included."""
    layer = EXAMPLES[name].make(**kwargs)
    layer(*tensors(name))
    randomize(layer)
    return layer


def randomize(layer):
    for seed, variable in enumerate(layer.weights):
        values = np.random.default_rng(seed).normal(size=variable.shape)
        values = np.abs(values) + 0.5 if "deviation" in variable.name else values
        variable.assign(values.astype(np.float32))


def flat(outputs):
    return [np.asarray(tf.cast(part, tf.float32)) for part in tf.nest.flatten(outputs)]


def assert_same(found, expected, **tolerance):
    found, expected = flat(found), flat(expected)
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, **{"rtol": 1e-5, "atol": 1e-5} | tolerance)


def symbolic(name):
    """Returns Keras inputs like those of an example, of unknown batch size."""
    return tf.nest.map_structure(
        lambda a: tf.keras.Input(a.shape[1:], dtype=a.dtype.name), EXAMPLES[name].inputs
    )


def functional(name, layer):
    """Wraps a layer into a Functional model whose inputs are a flat list."""
    inputs = symbolic(name)
    return tf.keras.Model(tf.nest.flatten(inputs), layer(*inputs))


def test_every_public_layer_has_an_example():
    public = {getattr(layers, name) for name in layers.__all__}
    classes = {part for part in public if isinstance(part, type)}
    assert classes == {type(example.make()) for example in EXAMPLES.values()}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_is_eager(name, jit_compile):
    layer = build(name)
    compiled = tf.function(
        lambda *inputs: tf.nest.flatten(layer(*inputs)), jit_compile=jit_compile
    )
    assert_same(compiled(*tensors(name)), layer(*tensors(name)))


@pytest.mark.parametrize("name", WITH_BATCH)
def test_unknown_batch_size(name):
    layer = build(name)
    signature = tf.nest.map_structure(
        lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype), tensors(name)
    )
    traced = tf.function(
        lambda *inputs: tf.nest.flatten(layer(*inputs)), input_signature=signature
    )
    assert_same(traced(*tensors(name)), layer(*tensors(name)))
    if name != "tiled synthetic moments":  # whose rows read other rows
        few = tf.nest.map_structure(lambda a: a[:2], tensors(name))
        outputs = zip(flat(traced(*few)), flat(layer(*tensors(name))))
        for part, whole in outputs:
            batch_axis = list(whole.shape).index(BATCH)
            expected = np.take(whole, [0, 1], axis=batch_axis)
            np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", WITH_BATCH)
def test_use_inside_a_functional_model_saved_and_loaded(name, tmp_path):
    layer = build(name)
    model = functional(name, layer)
    inputs = tf.nest.flatten(tensors(name))
    expected = layer(*tensors(name))
    assert_same(model(inputs), expected)

    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert_same(loaded(inputs), expected)

    model.save(tmp_path / "model.h5")  # the older format asks for names of their own
    loaded = tf.keras.models.load_model(tmp_path / "model.h5")
    assert_same(loaded(inputs), expected)

    model.save_weights(tmp_path / "model.weights.h5")
    fresh = functional(name, EXAMPLES[name].make())
    fresh.load_weights(tmp_path / "model.weights.h5")
    assert_same(fresh(inputs), expected)


@pytest.mark.parametrize("name", EXAMPLES)
def test_config_gives_the_same_layer(name):
    layer = build(name)
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    copy(*tensors(name))
    assert [v.shape for v in copy.weights] == [v.shape for v in layer.weights]
    copy.set_weights(layer.get_weights())
    assert_same(copy(*tensors(name)), layer(*tensors(name)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_bfloat16_policy(name):
    exact = build(name)
    layer = build(name, dtype="mixed_bfloat16")
    layer.set_weights(exact.get_weights())
    assert all(v.dtype in ("float32", tf.float32) for v in layer.weights)
    outputs = layer(*tensors(name))
    assert {part.dtype for part in tf.nest.flatten(outputs)} == {tf.bfloat16}
    for found, expected in zip(flat(outputs), flat(exact(*tensors(name)))):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found / scale, expected / scale, atol=0.04)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_weight_gets_a_gradient(name):
    layer = build(name)
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(layer(*tensors(name)))
        total = sum(tf.reduce_sum(tf.sin(part)) for part in outputs)
    gradients = tape.gradient(total, list(layer.trainable_variables))
    for variable, gradient in zip(layer.trainable_variables, gradients):
        assert gradient is not None, variable.name
        assert np.isfinite(gradient).all(), variable.name
        assert np.any(gradient), variable.name


# What is refused


OF_SEQUENCES = [
    name for name, example in EXAMPLES.items() if example.inputs[0] is SEQUENCE[0]
]
OF_MAPS = [
    name
    for name, example in EXAMPLES.items()
    if example.has_batch and isinstance(example.inputs[0], list)
]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (3, 16, 5), (3, 16, 8), (3, 16, 4, 1)])
@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_sequences_of_another_rank_or_width_are_refused(name, shape, compiled):
    layer = build(name)
    others = tensors(name)[1:]
    call = tf.function(layer.call) if compiled else layer.call
    with pytest.raises(ValueError, match=r"\[batch, time, 4\]"):
        call(tf.zeros(shape), *others)


@pytest.mark.parametrize("name", OF_MAPS)
def test_more_or_fewer_maps_are_refused(name):
    layer = build(name)
    (maps,) = tensors(name)
    for wrong in (maps[:1], [*maps, maps[0]]):
        with pytest.raises(ValueError, match="2 maps, one per level"):
            layer.call(wrong)
    with pytest.raises(ValueError, match=r"level 2: .*\[batch, time, 2\]"):
        layer.call([maps[0], maps[0]])


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("kind", [layers.PyramidHead, layers.Discriminator])
def test_layer_of_other_levels_than_maps_is_not_built(kind, levels):
    with pytest.raises(ValueError, match="one per level"):
        kind(levels).build([(None, 6, 3), (None, 3, 2)])


@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_graph_of_unknown_shapes_refuses_what_it_gets(name):
    layer = build(name)
    others = tensors(name)[1:]

    @tf.function(input_signature=[tf.TensorSpec(None)])
    def call(sequences):
        return layer.call(sequences, *others)

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[\?,\?,4\]"):
        call(tf.zeros([3, 4]))


def test_anchor_classifier_trains_what_it_holds():
    layer = build("anchor classifier")
    model = functional("anchor classifier", layer)
    held = len(layer.classifier.weights) + len(layer.transfer.weights)
    assert len(model.trainable_variables) == held
    kernels, biases = layer.transfer(layer.classifier.weights_by_level())
    (maps,) = tensors("anchor classifier")
    assert_same(layer(maps), layers.classify_cells(maps, kernels, biases))
