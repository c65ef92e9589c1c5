"""Several moments per sequence at their real length."""

import dataclasses

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ahernet_tf.config import SynthesisConfig
from ahernet_tf.synthesis.composition import compose
from ahernet_tf.synthesis.tiled import layout as tiled_layout
from ahernet_tf.synthesis.tiled import tile
from tests.layers import plain
from tests.layers.every_layer import normal, tiled_draw


def no_gaps(low=0.0, high=0.0):
    return SynthesisConfig(mode="tiled", context_min_sec=low, context_max_sec=high)


def test_tiles_have_the_real_length_of_their_moments():
    # 100 steps for 50 s: a moment of 8 s is 16 steps, a gap of 2 s is 4.
    random = np.random.default_rng(0)
    segments, mask, _ = tile([8.0], 50.0, no_gaps(2.0, 2.0), 8, 100, random)
    assert mask.tolist() == [True] * 5 + [False] * 3
    expected = [[4 + 20 * n, 20 + 20 * n] for n in range(5)]
    np.testing.assert_array_equal(segments[:5], expected)
    np.testing.assert_array_equal(segments[5:], 0)


def test_gaps_are_drawn_from_those_given():
    random = np.random.default_rng(0)
    gaps = np.array([1.0, 3.0])
    segments, mask, _ = tile([2.0], 100.0, no_gaps(9.0, 9.0), 16, 100, random, gaps)
    between = segments[1:, 0] - segments[:-1, 1]
    assert set(between[mask[1:]].tolist()) == {1.0, 3.0}


def test_a_tile_that_does_not_fit_is_left_out():
    random = np.random.default_rng(0)
    _, mask, _ = tile([8.0], 49.0, no_gaps(2.0, 2.0), 8, 98, random)
    assert mask.sum() == 4


def test_a_moment_longer_than_the_sequence_is_shrunk_to_fit():
    random = np.random.default_rng(0)
    segments, mask, _ = tile([80.0], 50.0, no_gaps(2.0, 3.0), 8, 100, random)
    # 2 s of context stay on either side: 4 steps
    assert mask.sum() == 1
    assert segments[0, 1] - segments[0, 0] == 92
    assert 4 <= segments[0, 0] <= 8


def test_all_moments_of_a_run_take_turns():
    random = np.random.default_rng(0)
    _, _, moments = tile([1.0] * 4, 50.0, no_gaps(), 16, 100, random)
    assert [sorted(moments[n : n + 4]) for n in (0, 4, 8, 12)] == [[0, 1, 2, 3]] * 4


@settings(deadline=None, max_examples=200)
@given(
    durations=st.lists(st.floats(0.01, 400.0), min_size=1, max_size=6),
    sequence=st.floats(0.5, 900.0),
    low=st.floats(0.0, 5.0),
    more=st.floats(0.0, 20.0),
    limit=st.integers(1, 64),
    steps=st.sampled_from([32, 512]),
    seed=st.integers(0, 1000),
)
def test_every_layout_is_valid(durations, sequence, low, more, limit, steps, seed):
    config = dataclasses.replace(no_gaps(), context_min_sec=low)
    config = dataclasses.replace(config, context_max_sec=low + more)
    random = np.random.default_rng(seed)
    segments, mask, moments = tile(durations, sequence, config, limit, steps, random)
    assert segments.shape == (limit, 2)
    assert (segments.dtype, moments.dtype) == (np.float32, np.int32)
    assert mask[0]
    assert not np.any(np.diff(mask.astype(int)) > 0)
    assert set(moments) <= set(range(len(durations)))
    laid = segments[mask]
    np.testing.assert_array_equal(laid, np.round(laid))
    assert np.all(laid[:, 1] - laid[:, 0] >= 1)
    assert laid.min() >= 0
    assert laid.max() <= steps
    assert np.all(laid[1:, 0] >= laid[:-1, 1])
    wanted = np.array([durations[m] for m in moments[mask]]) / sequence * steps
    lengths = laid[:, 1] - laid[:, 0]
    whole = lengths < int(max(1, steps - 2 * steps / sequence * low))
    np.testing.assert_allclose(lengths[whole], np.maximum(wanted[whole], 1), atol=0.51)


def compose_tiled(moments, starts, ends, draw, steps):
    draws = {name: tf.constant(value) for name, value in draw.items()}
    layout = tiled_layout(draws, steps)
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
