"""How long actions last, and what that does to scores."""

import numpy as np
import pytest

from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.duration_prior import DurationPrior, typical_durations


def candidates_of(lengths, labels):
    segments = np.stack([np.ones(len(lengths)), 1 + np.asarray(lengths)], axis=1)
    score = np.ones(len(lengths), np.float32)
    return Candidates(segments.astype(np.float32), score, score, np.asarray(labels))


def test_factor_is_the_log_normal_of_the_class():
    prior = DurationPrior([np.log(4.0), np.log(20.0)], [0.5, 0.25])
    found = candidates_of([2, 2, 10, 20], [0, 1, 1, 1])  # steps of 2 s
    deviations = [0, np.log(4 / 20) / 0.25, 0, np.log(40 / 20) / 0.25]
    expected = [np.exp(-((d / 1.5) ** 2) / 2) for d in deviations]
    np.testing.assert_allclose(prior.factors(found, 2.0, 1.5), expected, rtol=1e-5)


def test_unknown_class_is_left_alone():
    prior = DurationPrior.of_classes({"b": (1.0, 0.2)}, ["a", "b"])
    factors = prior.factors(candidates_of([3, 3, 0], [0, 1, 1]), 1.0, 2.0)
    assert factors[0] == 1
    assert 0 < factors[1] < 1
    assert factors[2] == pytest.approx(0)


def test_many_moments_tell_mean_and_deviation():
    random = np.random.default_rng(0)
    durations = {
        "short": np.exp(random.normal(0.5, 0.3, 500)),
        "long": np.exp(random.normal(3.0, 0.6, 500)),
    }
    typical = typical_durations(durations)
    assert typical["short"] == pytest.approx((0.5, 0.3), abs=0.05)
    assert typical["long"] == pytest.approx((3.0, 0.6), abs=0.08)


def test_few_moments_borrow_the_spread_of_all_classes():
    random = np.random.default_rng(0)
    durations = {
        "many": np.exp(random.normal(1.0, 0.5, 200)),
        "one": np.array([3.0]),
        "equal": np.array([5.0, 5.0]),
        "none": np.zeros(0),
    }
    typical = typical_durations(durations)
    assert set(typical) == {"many", "one", "equal"}
    assert typical["one"] == pytest.approx((np.log(3), 0.5), abs=0.05)
    logs = np.log(durations["many"])  # and three borrowed beside two that are equal
    shared = np.square(logs - logs.mean()).sum() / 200
    assert typical["equal"][1] == pytest.approx(np.sqrt(3 * shared / 4))


@pytest.mark.parametrize(
    "durations",
    [
        {"a": np.full(20, 10.0), "b": np.full(20, 10.02)},
        {"a": np.array([10.0] * 15 + [3.0, 7.0]), "b": np.full(9, 10.0)},
        {"a": np.array([4.0])},
        {"a": np.zeros(0)},
        {"a": np.array([6.0]), "b": np.array([6.0])},
    ],
    ids=["all equal", "most equal", "one moment", "none", "one of each, equal"],
)
def test_moments_of_one_length_say_nothing(durations):
    assert typical_durations(durations) == {}


def test_one_moment_per_class_borrows_from_the_others():
    durations = {"a": np.array([2.0]), "b": np.array([4.0]), "c": np.array([8.0])}
    typical = typical_durations(durations)
    spread = np.std(np.log([2, 4, 8]), ddof=1)
    assert typical["a"] == pytest.approx((np.log(2), spread))


def test_other_classes_tell_the_spread_of_a_single_moment():
    found = typical_durations({"fly": np.array([3.0])}, shared=0.04)
    assert found["fly"] == pytest.approx((np.log(3), 0.2))
    assert typical_durations({"fly": np.array([3.0])}) == {}
    assert typical_durations({"fly": np.array([3.0, 3.0, 3.0])}, shared=0.04) == {}
