"""What an iteration of training takes, about: for choosing how many there are."""

from __future__ import annotations

import time

import tensorflow as tf

from ahernet_tf.anchors import grid
from ahernet_tf.config import Config
from ahernet_tf.synthesis import MODES

#: Share of the rate of large products that training reaches with everything else that
#: an iteration needs: measured with a width of 128 on two cores.
EFFICIENCY = 0.5
#: An alternating iteration beside a fused one.
_ALTERNATING = 2.1
_KERNEL = 3


def seconds_per_iteration(channels: int, config: Config, gflops: float) -> float:
    """Estimates the time of an iteration.

    Args:
        channels: Of the features.
        config: Sizes of network and batch, synthesis mode and schedule.
        gflops: Rate of the machine in large products, GFLOP/s.
    """
    return gflop_per_iteration(channels, config) / (EFFICIENCY * gflops)


def gflop_per_iteration(channels: int, config: Config) -> float:
    """Counts the arithmetic of an iteration's convolutions, in GFLOP.

    Moments (half a sequence), untrimmed videos and synthetic moments go forward and
    backward, foreground segments forward alone, generators forward and backward.
    """
    network = config.network
    sequence = _sequence_products(channels, config)
    passes = 3 * (network.moment_steps / network.untrimmed_steps + 2) + 1
    products = passes * sequence
    if MODES[config.synthesis.mode].uses_generators:
        hidden = 3 * network.moment_steps * channels * network.generator_channels
        products += 3 * _KERNEL * hidden  # both generators, both convolutions
    if config.training.schedule == "alternating":
        products *= _ALTERNATING
    return 2 * config.training.batch_size * products / 1e9


def seconds_of_training(
    channels: int, config: Config, gflops: float, done: int = 0
) -> float:
    """Estimates the time of all iterations that are left, pre-training first.

    Args:
        channels: Of the features.
        config: Of the run.
        gflops: Rate of the machine in large products, GFLOP/s.
        done: Iterations that are done.
    """
    training, network = config.training, config.network
    first = max(0, training.pretrain_iterations - done)
    second = training.iterations - max(0, done - training.pretrain_iterations)
    # Foreground segments (of a moment's length) and untrimmed videos, there and back.
    passes = 3 * (network.moment_steps / network.untrimmed_steps + 1)
    products = passes * training.batch_size * _sequence_products(channels, config)
    pretraining = 2 * products / 1e9 / (EFFICIENCY * gflops)
    return first * pretraining + max(0, second) * seconds_per_iteration(
        channels, config, gflops
    )


def _sequence_products(channels: int, config: Config) -> float:
    """Counts the multiplications of one untrimmed sequence through the backbone."""
    network, products = config.network, 0
    for filters in network.base_channels:
        products += _KERNEL * network.untrimmed_steps * channels * filters
        channels = filters
    cells = grid.cells_per_level(network.untrimmed_steps, len(network.level_channels))
    for count, filters in zip(cells, network.level_channels):
        products += _KERNEL * count * channels * filters
        channels = filters
    return products


def measure_gflops(seconds: float = 2.0) -> float:
    """Measures the rate of large float32 products on this machine, GFLOP/s."""
    size, best = 1024, 0.0
    left, right = tf.random.normal([size, size]), tf.random.normal([size, size])
    product = tf.function(lambda: tf.reduce_sum(left @ right))
    product().numpy()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        product().numpy()
        best = max(best, 2 * size**3 / (time.monotonic() - start) / 1e9)
    return float(f"{best:.2g}")
