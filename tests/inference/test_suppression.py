"""Suppression, hard and soft, against plain loops."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf.config import InferenceConfig
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.suppression import fade, merge, suppress


def crowd(count=40, seed=0):
    """Segments that overlap, and distinct ranks."""
    random = np.random.default_rng(seed)
    segments = np.sort(random.uniform(0, 30, (count, 2))).astype(np.float32)
    ranks = random.permutation(np.linspace(0.05, 1, count)).astype(np.float32)
    return segments, ranks


def tiou(one, other):
    shared = max(min(one[1], other[1]) - max(one[0], other[0]), 0.0)
    return shared / ((one[1] - one[0]) + (other[1] - other[0]) - shared)


def plain_fade(segments, ranks, sigma, keep):
    """The definition: keep the highest, fade the others by it, and again."""
    left = dict(enumerate(ranks.astype(np.float64)))
    kept, factors = [], []
    while left and len(kept) < keep:
        best = max(left, key=left.get)
        kept.append(best)
        factors.append(left.pop(best) / ranks[best])
        for other in left:
            overlap = tiou(segments[best], segments[other])
            left[other] *= np.exp(-(overlap**2) / (2 * sigma))
    return kept, factors


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_fade_equals_the_definition(sigma):
    segments, ranks = crowd()
    config = InferenceConfig(soft_nms_sigma=sigma)
    kept, factors = fade(segments, ranks, config, 25)
    expected, expected_factors = plain_fade(segments, ranks, sigma, 25)
    assert kept.tolist() == expected
    np.testing.assert_allclose(factors, expected_factors, rtol=1e-5)
    assert factors.min() < 0.9


def test_fade_leaves_ranks_of_zero():
    segments, ranks = crowd(6)
    ranks[:] = 0
    config = InferenceConfig(soft_nms_sigma=0.5)
    _, factors = fade(segments, ranks, config, 6)
    assert np.all(factors == 1)


def test_merge_fades_scores_by_what_the_ranks_lose():
    segments, ranks = crowd()
    scores, labels = ranks[::-1].copy(), np.arange(len(ranks))
    config = InferenceConfig(soft_nms_sigma=0.3)
    merged = merge(Candidates(segments, ranks, scores, labels), config, 30)
    kept, factors = fade(segments, ranks, config, 30)
    by_label = dict(zip(kept, scores[kept] * factors))
    assert sorted(merged.label) == sorted(kept)
    assert merged.score.tolist() == [by_label[label] for label in merged.label]
    assert np.all(np.diff(merged.score) <= 0)


def test_merge_without_sigma_suppresses():
    segments, ranks = crowd()
    config = InferenceConfig(nms_tiou=0.4)
    everything = Candidates(segments, ranks, ranks, np.arange(len(ranks)))
    merged = merge(everything, config, len(ranks))
    kept = suppress(segments, ranks, config, len(ranks))
    assert merged.label.tolist() == kept.tolist()
    assert len(kept) < len(ranks)
    for place, segment in enumerate(merged.segments):
        assert all(tiou(segment, o) <= 0.4 for o in merged.segments[:place])


def test_candidates_bound_what_enters():
    segments, ranks = crowd()
    config = InferenceConfig(soft_nms_sigma=0.3)
    few = dataclasses.replace(config, candidates=5)
    kept, _ = fade(segments, ranks, few, 30)
    assert set(kept) == set(np.argsort(-ranks)[:5])


def test_soft_suppression_drops_nothing_however_alike():
    """Of two equal segments the second fades by exp(-1 / 2 sigma), and stays."""
    segments = np.array([[2, 8], [2, 8], [2, 7.9]], np.float32)
    ranks = np.array([0.9, 0.8, 0.7], np.float32)
    kept, factors = fade(segments, ranks, InferenceConfig(soft_nms_sigma=0.5), 3)
    assert sorted(kept.tolist()) == [0, 1, 2]
    assert factors[kept.tolist().index(1)] == pytest.approx(np.exp(-1), rel=1e-5)


def test_equal_ranks_keep_their_order():
    """Of three ranks in turn, all of the highest come first, in their order."""
    segments = np.array([[5 * i, 5 * i + 3] for i in range(201)], np.float32)
    ranks = np.tile(np.array([0.3, 0.9, 0.6], np.float32), 67)
    everything = Candidates(segments, ranks, ranks, np.arange(201))
    expected = [*range(1, 201, 3), *range(2, 60, 3)]
    for sigma in (0.0, 0.5):
        config = InferenceConfig(candidates=len(expected), soft_nms_sigma=sigma)
        merged = merge(everything, config, 201)
        assert merged.label.tolist() == expected


def test_parts_for_a_second_look_do_not_disturb():
    segments, ranks = crowd(5)
    labels, config = np.arange(5), InferenceConfig(soft_nms_sigma=0.5)
    plain = merge(Candidates(segments, ranks, ranks, labels), config, 5)
    more = Candidates(segments, ranks, ranks, labels, ranks, np.ones((5, 2)))
    assert merge(more, config, 5).label.tolist() == plain.label.tolist()
