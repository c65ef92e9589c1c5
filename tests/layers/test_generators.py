"""Composition of synthetic moments against a plain loop over the rows."""

import itertools

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ahernet_tf.layers import ContextGenerator, SyntheticMoments
from ahernet_tf.layers.generators import compose
from ahernet_tf.synthesis.layouts import (
    PARTS,
    UNITS,
    generated_steps,
    most_context_steps,
    single_layout,
    tiled_layout,
)
from tests.layers import plain
from tests.layers.every_layer import normal, single_draw, tiled_draw

ALL = list(itertools.product(range(1, 21), range(0, 21), (True, False)))


def single(draws, steps, legacy=False):
    ratio, position, inside_start = zip(*draws)
    return single_layout(
        tf.constant(ratio, tf.int32),
        tf.constant(position, tf.int32),
        tf.constant(inside_start),
        steps,
        legacy,
    )


@pytest.mark.parametrize("steps", [512, 60])
def test_single_sequences_follow_a_plain_loop_for_all_ratios_and_positions(steps):
    rows = len(ALL)
    moments, starts, ends = (normal(rows, n, 1, seed=n) for n in (16, 8, 8))
    ends += 10  # so that no part passes for another
    moments -= 10
    for legacy in (False, True):
        layout = single(ALL, steps, legacy)
        found = compose(
            tf.constant(starts), tf.constant(ends), tf.constant(moments), layout
        ).numpy()
        assert layout.segment_mask.numpy().all()
        for row, draw in enumerate(ALL):
            expected, true, recorded = plain.single_sequence(
                moments[row], starts[row], ends[row], steps, *draw
            )
            np.testing.assert_allclose(found[row], expected, atol=2e-4, err_msg=draw)
            segment = layout.segments[row, 0].numpy().tolist()
            assert segment == list(recorded if legacy else true), draw


def test_moment_of_the_paper_by_hand():
    # 0.7 of 512 steps: 358, contexts 77 and 77. The start context is split after
    # floor(0.3 * 77 * 0.5) = 11 steps; the end context ends the moment 77 later.
    layout = single([(14, 10, True), (14, 10, False)], 512)
    assert layout.segments.numpy().tolist() == [[[11, 369]], [[88, 446]]]
    slip = single([(14, 10, True), (14, 10, False)], 512, legacy=True)
    assert slip.segments.numpy().tolist() == [[[11, 369]], [[88, 369]]]


def test_generated_steps_are_all_context_then_some_of_the_moment():
    draws = [(14, 10, True), (19, 3, False), (20, 0, True)]
    layout = single(draws, 512)
    count = most_context_steps(14, 512)
    assert count == 512 - 358
    steps = generated_steps(layout, count).numpy()
    for row, part in enumerate(layout.part.numpy()):
        assert len({*steps[row]}) == count
        context = np.flatnonzero(part != PARTS.index("moment"))
        assert {*context} <= {*steps[row]}
        assert len(context) == 512 - 512 * draws[row][0] // UNITS


def test_parts_of_a_sequence_in_their_order():
    layout = single([(10, 10, True), (10, 10, False)], 20)
    names = [[PARTS[part][0] for part in row] for row in layout.part.numpy()]
    # 10 steps of moment, 5 of each context, cut after floor(0.5 * 5 * 0.5) = 1.
    assert "".join(names[0]) == "s" + "m" * 10 + "ssss" + "eeeee"
    assert "".join(names[1]) == "sssss" + "e" + "m" * 10 + "eeee"


def test_resizing_is_that_of_tensorflow_1():
    # No corner alignment, no half-pixel centres: step k reads k * in / out.
    ramp = tf.reshape(tf.range(4.0), [1, 4, 1])
    layout = single([(10, 0, True)], 16)
    found = compose(ramp, ramp, ramp, layout)[0, :8, 0]
    theirs = tf.compat.v1.image.resize_bilinear(ramp[..., tf.newaxis], [8, 1])
    np.testing.assert_array_equal(found, theirs[0, :, 0, 0])
    assert found.numpy().tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]


def compose_tiled(moments, starts, ends, draw, steps):
    layout = tiled_layout(
        tf.constant(draw["segments"]),
        tf.constant(draw["segment_mask"]),
        tf.constant(draw["source_row"]),
        steps,
    )
    parts = [tf.constant(part) for part in (starts, ends, moments)]
    return compose(*parts, layout).numpy()


def plain_tiled(moments, starts, ends, draw, steps):
    rows = []
    for segments, mask, source in zip(
        draw["segments"].astype(int), draw["segment_mask"], draw["source_row"]
    ):
        rows.append(
            plain.tiled_sequence(
                moments, starts, ends, steps, segments[mask], source[mask]
            )
        )
    return np.array(rows)


def test_tiled_sequences_follow_a_plain_loop():
    parts = normal(3, 8, 2), normal(3, 4, 2, seed=1) + 10, normal(3, 4, 2, seed=2) - 10
    found = compose_tiled(*parts, tiled_draw(), 20)
    np.testing.assert_allclose(found, plain_tiled(*parts, tiled_draw(), 20), atol=1e-5)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(st.data())
def test_tiled_sequences_of_any_layout_follow_a_plain_loop(data):
    steps, tiles, rows = data.draw(st.integers(6, 40)), 4, 2
    draw = {
        "segments": np.zeros([rows, tiles, 2], np.float32),
        "segment_mask": np.zeros([rows, tiles], bool),
        "source_row": np.zeros([rows, tiles], np.int32),
    }
    for row in range(rows):
        count = data.draw(st.integers(1, tiles))
        bounds = data.draw(
            st.lists(st.integers(0, steps), min_size=2 * count, max_size=2 * count).map(
                sorted
            )
        )
        pairs = [pair for pair in zip(bounds[::2], bounds[1::2]) if pair[0] < pair[1]]
        hypothesis.assume(pairs)
        draw["segments"][row, : len(pairs)] = pairs
        draw["segment_mask"][row, : len(pairs)] = True
        sources = data.draw(st.lists(st.integers(0, 1), min_size=tiles, max_size=tiles))
        draw["source_row"][row] = sources
    parts = normal(2, 8, 1), normal(2, 4, 1, seed=1) + 10, normal(2, 4, 1, seed=2) - 10
    found = compose_tiled(*parts, draw, steps)
    expected = plain_tiled(*parts, draw, steps)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("mode", ["single", "tiled"])
def test_composition_is_differentiable_in_all_its_parts(mode):
    if mode == "single":
        layout = single([(14, 10, True), (10, 3, False), (16, 19, True)], 20)
    else:
        draw = {name: tf.constant(value) for name, value in tiled_draw().items()}
        layout = tiled_layout(
            draw["segments"], draw["segment_mask"], draw["source_row"], 20
        )
    parts = [tf.constant(normal(3, n, 1, seed=n)) for n in (4, 4, 8)]
    weights = normal(3, 20, 1, seed=9)
    with tf.GradientTape() as tape:
        tape.watch(parts)
        total = tf.reduce_sum(compose(*parts, layout) * weights)
    gradients = tape.gradient(total, parts)
    # The composition is linear, so its gradient is the change of the sum itself.
    for index, gradient in enumerate(gradients):
        for row, step in [(0, 0), (1, 2), (2, parts[index].shape[1] - 1)]:
            moved = [part.numpy().copy() for part in parts]
            moved[index][row, step, 0] += 1
            change = tf.reduce_sum(compose(*map(tf.constant, moved), layout) * weights)
            np.testing.assert_allclose(
                gradient[row, step, 0], change - total, atol=1e-4
            )
    assert all(np.any(gradient) for gradient in gradients)


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
