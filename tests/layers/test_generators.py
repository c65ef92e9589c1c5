"""Composition of synthetic moments against a plain loop over the rows."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.layers import ContextGenerator, SyntheticMoments
from tests.layers import plain
from tests.layers.every_layer import normal, single_draw


def test_generator_is_two_convolutions_that_halve_the_length():
    generator, moments = ContextGenerator(3), normal(2, 7, 4)
    generator(moments)
    for seed, variable in enumerate(generator.weights):
        variable.assign(normal(*variable.shape, seed=seed))
    found = generator(moments).numpy()
    for row in range(2):
        hidden, output = generator.hidden, generator.output_layer
        expected = moments[row]
        for layer, stride in ((hidden, 1), (output, 2)):
            kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
            expected = plain.relu(plain.convolution(expected, kernel, bias, stride))
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-5)
    assert found.shape == (2, 4, 4)


def test_linear_generator_may_give_negative_features():
    assert (ContextGenerator(3, "linear")(normal(2, 8, 4)).numpy() < 0).any()
    assert (ContextGenerator(3, "relu")(normal(2, 8, 4)).numpy() >= 0).all()


def test_layer_generates_and_composes():
    layer, moments = SyntheticMoments(20, channels=3), normal(3, 8, 4)
    draw = {name: tf.constant(value) for name, value in single_draw().items()}
    found = layer(moments, draw).numpy()
    starts = layer.start_generator(moments).numpy()
    ends = layer.end_generator(moments).numpy()
    for row, values in enumerate(zip(*single_draw().values())):
        expected, *_ = plain.single_sequence(
            moments[row], starts[row], ends[row], 20, *values
        )
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["single", "tiled"])
def test_bfloat16_moments_are_placed_exactly(mode):
    # Steps beyond 256 have no exact bfloat16; where a moment lies must not be rounded.
    if mode == "single":
        draw = {"length_ratio": [15], "position": [7], "inside_start": [False]}
        dtypes = {"length_ratio": tf.int32, "position": tf.int32}
    else:
        draw = {
            "segments": [[[259, 303], [307, 509]]],
            "segment_mask": [[True, True]],
            "source_row": [[0, 0]],
        }
        dtypes = {"segments": tf.float32, "source_row": tf.int32}
    draw = {name: tf.constant(v, dtypes.get(name)) for name, v in draw.items()}
    layer = SyntheticMoments(512, mode, channels=2, dtype="mixed_bfloat16")
    # Zero weights: contexts are 0, moments 1.
    layer(tf.ones([1, 8, 2]), draw)
    layer.set_weights([np.zeros(w.shape) for w in layer.get_weights()])
    sequence = tf.cast(layer(tf.ones([1, 8, 2]), draw), tf.float32)[0, :, 0]
    expected = np.zeros(512)
    for start, end in layer.layout(draw).segments[0].numpy().astype(int):
        expected[start:end] = 1
    np.testing.assert_array_equal(sequence, expected)


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"tiled.*received both"):
        SyntheticMoments(512, "both")


def test_moments_without_context_fill_their_sequences():
    layer = SyntheticMoments(steps=8, mode="whole", channels=3)
    moments = tf.constant(np.arange(24, dtype=np.float32).reshape(2, 4, 3))
    layer.build(moments.shape)
    found = layer(moments, {"label": tf.constant([0, 1])})
    np.testing.assert_allclose(found[:, ::2], moments)
    layout = layer.layout({"label": tf.constant([0, 1])})
    np.testing.assert_array_equal(layout.segments, [[[0, 8]], [[0, 8]]])


def test_transplanted_moments_stand_amid_the_given_context():
    layer = SyntheticMoments(steps=8, mode="transplanted", channels=3)
    random = np.random.default_rng(0)
    moments = random.normal(size=(2, 4, 3)).astype(np.float32)
    context = random.normal(size=(2, 8, 3)).astype(np.float32)
    layer.build(moments.shape)
    draw = {
        "segments": tf.constant([[[2, 4], [5, 7]], [[1, 5], [0, 0]]], tf.float32),
        "segment_mask": tf.constant([[True, True], [True, False]]),
        "source_row": tf.constant([[0, 1], [1, 0]]),
        "context_step": tf.constant(
            [[6, 7, -1, -1, 0, -1, -1, 1], [3, -1, -1, -1, -1, 4, 5, 6]]
        ),
        "context": tf.constant(context),
    }
    found = layer(tf.constant(moments), draw).numpy()
    np.testing.assert_array_equal(found[0, [0, 1, 4, 7]], context[0, [6, 7, 0, 1]])
    np.testing.assert_array_equal(found[0, 2:4], moments[0, ::2])
    np.testing.assert_array_equal(found[0, 5:7], moments[1, ::2])
    np.testing.assert_array_equal(found[1, [0, 5, 6, 7]], context[1, 3:7])
    np.testing.assert_array_equal(found[1, 1:5], moments[1])
