"""What an iteration takes, about."""

import dataclasses

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.auto import cost
from ahernet_tf.config import Config

TINY = configuration.with_values(
    Config(),
    {
        "network.untrimmed_steps": 16,
        "network.moment_steps": 8,
        "network.base_channels": (4,),
        "network.level_channels": (2,),
        "network.generator_channels": 5,
        "synthesis.mode": "transplanted",
        "training.schedule": "fused",
        "training.batch_size": 2,
    },
)


def test_arithmetic_by_hand():
    # 3 taps x 16 steps x 6 -> 4 channels, then 7 pooled steps to 4 cells of 2.
    sequence = 3 * 16 * 6 * 4 + 3 * 4 * 4 * 2
    # Moments (half), untrimmed, synthetic: forward and backward; foreground: forward.
    flop = 2 * 2 * (3 * 2.5 + 1) * sequence
    assert cost.gflop_per_iteration(6, TINY) == pytest.approx(flop / 1e9)


def test_generators_and_turns_come_on_top():
    single = configuration.with_values(TINY, {"synthesis.mode": "single"})
    # Two generators, 8 steps x 6 -> 5 channels and, at stride 2, back again.
    generators = 2 * (3 * 8 * 6 * 5 + 3 * 4 * 5 * 6)
    extra = cost.gflop_per_iteration(6, single) - cost.gflop_per_iteration(6, TINY)
    assert extra == pytest.approx(2 * 2 * 3 * generators / 1e9)
    alternating = configuration.with_values(TINY, {"training.schedule": "alternating"})
    assert cost.gflop_per_iteration(6, alternating) > cost.gflop_per_iteration(6, TINY)


def test_seconds_fall_with_the_rate():
    slow = cost.seconds_per_iteration(6, TINY, 10.0)
    assert slow == 10 * cost.seconds_per_iteration(6, TINY, 100.0)
    half = dataclasses.replace(TINY.training, batch_size=1)
    config = dataclasses.replace(TINY, training=half)
    assert cost.seconds_per_iteration(6, config, 10.0) == pytest.approx(slow / 2)


def test_rate_of_this_machine_is_positive():
    assert cost.measure_gflops(0.05) > 0
