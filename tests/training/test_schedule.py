"""Learning rates: where they fall, how far, and of which rows."""

import dataclasses

import pytest

from ahernet_tf.config import TrainingConfig
from ahernet_tf.training import schedule

CONFIG = TrainingConfig()


@pytest.mark.parametrize(
    ("iteration", "falls"),
    [
        (0, 0),
        (4_999, 0),
        (5_000, 1),
        (9_999, 1),
        (10_000, 2),
        (25_000, 5),
        (30_000, 5),
        (10**6, 5),
    ],
)
def test_paper_divides_by_ten_every_5000_iterations(iteration, falls):
    assert schedule.decay(CONFIG, iteration) == pytest.approx(0.1**falls)


@pytest.mark.parametrize(
    ("iteration", "falls"), [(0, 0), (937, 0), (938, 1), (1_875, 2), (4_688, 5)]
)
def test_release_counts_samples(iteration, falls):
    config = dataclasses.replace(CONFIG, decay_unit="samples", decay_every=15_000)
    assert schedule.decay(config, iteration) == pytest.approx(0.1**falls)


def test_release_has_fallen_to_1e_9_by_iteration_4688():
    config = dataclasses.replace(CONFIG, decay_unit="samples", decay_every=15_000)
    assert schedule.rates(config, 4_688)["localization"] == pytest.approx(1e-9)


def test_adversarial_rate_is_constant():
    rates = schedule.rates(CONFIG, 12_000)
    assert rates["localization"] == pytest.approx(1e-6)
    assert rates["generators"] == pytest.approx(1e-6)
    assert rates["adversarial"] == 1e-4


def test_generators_may_have_a_rate_of_their_own():
    config = dataclasses.replace(CONFIG, generator_learning_rate=0.02)
    assert schedule.rates(config, 5_000)["generators"] == pytest.approx(2e-3)
    assert schedule.rates(config, 5_000)["localization"] == pytest.approx(1e-5)


def test_pretraining_does_not_count():
    assert schedule.rates(CONFIG, None)["localization"] == 1e-4


def test_no_decay_at_all():
    config = dataclasses.replace(CONFIG, decay_times=0)
    assert schedule.decay(config, 10**6) == 1
