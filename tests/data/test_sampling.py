import collections

import numpy as np
import pytest

from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.sampling import ClassRuns, EpochOrder, generator


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
