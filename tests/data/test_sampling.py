import collections
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ahernet_tf.config import SynthesisConfig
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.sampling import ClassRuns, EpochOrder, generator, tile, transplant


def test_an_epoch_visits_every_sample_once_in_an_order_of_its_own():
    order = EpochOrder(7, seed=3, stream="foreground")
    epochs = [[order[7 * e + n] for n in range(7)] for e in range(20)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 15


def test_the_order_is_a_function_of_seed_and_stream():
    def first(seed, stream):
        order = EpochOrder(1000, seed, stream)
        return [order[n] for n in range(20)]

    assert first(0, "untrimmed") == first(0, "untrimmed")
    assert first(0, "untrimmed") != first(1, "untrimmed")
    assert first(0, "untrimmed") != first(0, "foreground")


def test_the_order_does_not_depend_on_where_one_begins():
    order, late = (EpochOrder(50, 0, "moments") for _ in range(2))
    values = [order[n] for n in range(400)]
    assert [late[n] for n in range(333, 400)] == values[333:]


def test_draws_differ_by_sample_and_purpose():
    draws = {
        generator(0, "moments", purpose, n).integers(1 << 60)
        for n in range(50)
        for purpose in ("order", "draw")
    }
    assert len(draws) == 100


LABELS = [0] * 8 + [1] * 3 + [2] * 1


def test_runs_have_one_class_and_use_every_moment():
    runs = ClassRuns(LABELS, run=4, seed=0)
    for epoch in range(5):
        # 2 runs of class 0, and one each of the classes with fewer than 4 moments
        seen = [runs[4 * epoch + n] for n in range(4)]
        assert all(len({LABELS[m] for m in run}) == 1 for run in seen)
        assert sorted(LABELS[run[0]] for run in seen) == [0, 0, 1, 2]
        counts = collections.Counter(int(m) for run in seen for m in run)
        assert set(counts) == set(range(12))
        assert [counts[m] for m in range(8)] == [1] * 8
        assert sorted(counts[m] for m in (8, 9, 10)) == [1, 1, 2]
        assert counts[11] == 4


def test_runs_of_an_epoch_have_an_order_of_their_own():
    runs = ClassRuns(LABELS, run=4, seed=0)
    orders = {tuple(LABELS[runs[4 * e + n][0]] for n in range(4)) for e in range(20)}
    assert len(orders) > 4


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


@given(st.integers(0, 10_000))
def test_transplanted_moments_lie_between_the_stretches_of_background(seed):
    random = np.random.default_rng(seed)
    bounds = np.sort(random.uniform(0, 64, 2 * random.integers(0, 5))).reshape(-1, 2)
    lengths = random.integers(1, 20, 8)
    segments, mask, shown = transplant(bounds, lengths, 64, 8, random)
    laid = segments[mask]
    np.testing.assert_array_equal(laid[:, 1] - laid[:, 0], lengths[: len(laid)])
    inside = np.zeros(64, bool)
    for start, end in laid.astype(int):
        assert 0 < start < end <= 64
        assert not inside[start - 1 : end].any()  # background before each
        inside[start:end] = True
    np.testing.assert_array_equal(shown < 0, inside)
    for step in shown[~inside]:
        assert not any(start < step + 1 and step < end for start, end in bounds)


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


def test_a_full_cache_keeps_what_it_has():
    cache = SequenceCache(limit_bytes=100)
    cache.put("a", np.zeros(10))
    cache.put("b", np.ones(10))
    cache.put("c", np.zeros(2))
    assert (len(cache), cache.used_bytes) == (2, 96)
    assert cache.get("b") is None
    assert not cache.get("a").flags.writeable


def test_the_cache_does_not_hold_on_to_a_larger_array():
    cache = SequenceCache(limit_bytes=1000)
    cache.put("a", np.zeros(100)[:2])
    assert cache.get("a").base is None


def test_an_unknown_stream_is_refused():
    with pytest.raises(ValueError, match="received 'x'"):
        generator(0, "x", "draw", 0)
