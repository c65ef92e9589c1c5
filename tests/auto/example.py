"""Facts of made-up data, to be changed where a test looks."""

import dataclasses

from ahernet_tf import config as configuration
from ahernet_tf.auto.choices import Budget
from ahernet_tf.auto.facts import PERCENTS, Facts
from ahernet_tf.config import Config

FAST_MACHINE = 1e6
PLENTY = Budget(minutes=60, gflops=FAST_MACHINE)


def even(low, high):
    """Returns the percentiles of values spread evenly from one to another."""
    return tuple(low + (high - low) * percent / 100 for percent in PERCENTS)


#: Videos with ten short instances each amid much background; signed features.
SHORT = Facts(
    channels=186,
    videos=200,
    source_classes=6,
    target_classes=6,
    instances=2000,
    moments=2400,
    fewest_moments=390,
    sequence_sec=even(20, 60),
    sequence_clips=even(150, 450),
    instances_per_video=even(8, 12),
    several_classes=0.0,
    overlapping=0.0,
    background=0.7,
    instance_sec=even(0.5, 2),
    instance_share=even(0.012, 0.05),
    gap_sec=even(0.8, 4),
    moment_sec=even(0.5, 2),
    moment_clips=even(3, 14),
    moment_spread=0.4,
    foreground_clips_of_each_class=3,
    moment_clips_of_each_class=2,
    lowest_feature=-2.5,
    channel_ratio=30.0,
)
#: One or two long instances per video, as in ActivityNet, non-negative features.
LONG = dataclasses.replace(
    SHORT,
    channels=2048,
    videos=10_000,
    instances=15_000,
    moments=15_000,
    sequence_sec=even(10, 230),
    instances_per_video=even(1, 2),
    instance_sec=even(10, 100),
    instance_share=even(0.2, 0.8),
    moment_sec=even(10, 100),
    moment_clips=even(40, 400),
    foreground_clips_of_each_class=40,
    moment_clips_of_each_class=40,
    lowest_feature=0.0,
    channel_ratio=3.0,
)


def changed(**values):
    """Returns the facts of short instances with some of them changed."""
    return dataclasses.replace(SHORT, **values)


def chosen(rule, facts, budget=PLENTY, **options):
    """Returns what a rule chooses, values and reasons by option."""
    start = {"network.proposal_classifier": True}
    start |= {name.replace("__", "."): value for name, value in options.items()}
    config = configuration.with_values(Config(), start)
    return {choice.option: choice for choice in rule(facts, budget, config)}


def values(*arguments, **options):
    return {name: c.value for name, c in chosen(*arguments, **options).items()}
