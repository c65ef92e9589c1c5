"""Rules for the network's size and for how, and how long, it is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from ahernet_tf.auto import cost
from ahernet_tf.auto.choices import Budget, Choice, number
from ahernet_tf.auto.facts import Facts, at
from ahernet_tf.config import Config

WIDTHS = (128, 256, 512, 1024, 2048)
#: Fewer teach a network nothing, however few the samples are.
LEAST_ITERATIONS = 400
#: Share of the budget that is for the iterations; loading and localising take the rest.
TRAINING_SHARE = 0.75
#: A video that is shown more often is learnt by heart: its loss goes to nothing, but
#: not that of other videos.
BY_HEART = 50
#: Shorter crops show long actions cut, and all at the wrong speed.
LEAST_CROP = 0.4


def width(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """The network is as wide as features and samples bear and the budget holds."""
    samples = facts.instances + facts.moments
    fitting = [w for w in WIDTHS if w <= facts.channels and 40 * w <= samples]
    by_data = max(fitting, default=WIDTHS[0])
    wanted = [w for w in WIDTHS if w <= by_data]
    while len(wanted) > 1 and _budget_iterations(
        facts, budget, _sized(chosen, wanted[-1])
    ) < sum(_wanted_iterations(facts)):
        wanted.pop()
    chosen_width = wanted[-1]
    reason = f"{facts.channels} channels, {samples} instances and moments: "
    if fitting:
        reason += f"40 for each channel of the network bear {by_data}"
    else:
        reason += f"few, so {by_data}, the narrowest there is"
    if chosen_width < by_data:
        reason += f", {budget.minutes:g} minutes hold {chosen_width}"
    for option, value in _sizes(chosen_width).items():
        yield Choice(f"network.{option}", value, reason)
        reason = f"goes with a width of {chosen_width}"
    rate = max(1e-4, 0.128 / chosen_width)
    yield Choice(
        "training.localization_learning_rate",
        rate,
        "1e-3 at a width of 128, 1e-4 at the paper's; narrow networks take more",
    )


def proposals(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Anchors tell action from background by a classifier besides the overlap."""
    reason = "on real data 2 to 4 points better than the overlap alone"
    yield Choice("network.proposal_classifier", True, reason)
    if chosen.network.proposal_classifier:
        yield Choice("inference.proposal_score", "product", reason)
        reason = "the classifier learns background"
        yield Choice("loss.overlap_anchors", "matched", reason)


def offsets(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Boundaries of short instances count as much as those of long ones."""
    low, high = at(facts.instance_share, 10), at(facts.instance_share, 90)
    yield Choice(
        "loss.offset_loss",
        "encoded",
        f"in units of the anchor's length: instances differ by a factor of "
        f"{number(high / max(low, 1e-6), 2)}",
    )


def schedule(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """An iteration computes each forward pass once; its number follows the data."""
    yield Choice("training.schedule", "fused", "half the arithmetic per iteration")
    yield Choice("training.optimizer_split", "joint", "one backward pass per step")
    yield Choice(
        "loss.anchor_cls_norm",
        "mean",
        "a sum over cells would drown localisation in one optimizer",
    )


def iterations(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """As many iterations as the data bear, and the budget holds."""
    wanted = _wanted_iterations(facts)
    held = _budget_iterations(facts, budget, chosen)
    scale = min(1.0, held / sum(wanted))
    before, after = (max(1, round(scale * count)) for count in wanted)
    samples = max(facts.instances, facts.moments)
    batch = chosen.training.batch_size
    reason = f"{number(after * batch / samples, 2)} times each of {samples} samples"
    if scale < 1:
        reason += (
            f"; {budget.minutes:g} minutes hold {after} of {wanted[1]} iterations, "
            f"--budget_minutes={budget.minutes / scale:.0f} all"
        )
    yield Choice("training.iterations", after, reason)
    yield Choice("training.pretrain_iterations", before, "a quarter of the iterations")


def crops(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Few videos are shown in part, each time another, or they are learnt by heart."""
    what, samples = "videos", float(facts.videos)
    if chosen.data.window_sec:
        # Percentiles at even distances stand for the videos.
        windows = np.array(facts.sequence_sec) / chosen.data.window_sec
        what, samples = "windows", facts.videos * np.maximum(1, windows).mean()
    training = chosen.training
    total = training.batch_size * (training.pretrain_iterations + training.iterations)
    times = total / samples
    few = times > BY_HEART
    reason = f"each of {samples:.0f} {what} is shown {times:.0f} times"
    if few:
        reason += ": random crops are not learnt by heart so soon"
    yield Choice("data.crop_min", LEAST_CROP if few else 1.0, reason)


def decay(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """The rate falls once, and the weights of the last iterations are averaged."""
    count = max(1, chosen.training.iterations)
    reason = "the rate falls once, after five eighths of the iterations"
    yield Choice("training.decay_every", max(1, round(0.625 * count)), reason)
    yield Choice("training.decay_times", 1, reason)
    average = round(max(0.0, 1 - 8 / count), 4)
    reason = "an average of the weights over an eighth of the iterations localises"
    if not average:
        reason = f"no average of the weights: {count} iterations are too few"
    yield Choice("training.ema_decay", average, reason)


def _sizes(width: int) -> dict[str, Any]:
    half = width // 2
    return {
        "base_channels": (width, width),
        "level_channels": (half,) * 4 + (width,) * 4,
        "generator_channels": width,
    }


def _sized(config: Config, width: int) -> Config:
    network = dataclasses.replace(config.network, **_sizes(width))
    return dataclasses.replace(config, network=network)


def _wanted_iterations(facts: Facts) -> tuple[int, int]:
    """Returns the iterations of pre-training and training that the data bear."""
    samples = max(facts.instances, facts.moments)
    after = max(LEAST_ITERATIONS, round(2.5 * samples / 16))
    return after // 4, after


def _budget_iterations(facts: Facts, budget: Budget, config: Config) -> float:
    """Returns the iterations that the budget holds."""
    seconds = cost.seconds_per_iteration(facts.channels, config, budget.gflops)
    return 60 * TRAINING_SHARE * budget.minutes / seconds
