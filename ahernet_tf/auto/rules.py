"""One small rule per option: from facts of the data to a value and its reason.

A rule sees the facts, the budget and what the rules before it chose. What no rule names
is the paper's. No rule knows a data set: each follows from what an option does, or from
what was measured on several (docs/RESULTS.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ahernet_tf.anchors.reach import best_anchor_tiou
from ahernet_tf.auto import cost
from ahernet_tf.auto.facts import Facts, Percentiles, at
from ahernet_tf.config import Config, NetworkConfig
from ahernet_tf.synthesis import MODES

WIDTHS = (128, 256, 512, 1024, 2048)
FOREGROUND_TIOUS = (0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
#: Share of the instances that must have a foreground anchor.
NEARLY_ALL = 0.98
#: Fewer teach a network nothing, however few the samples are.
LEAST_ITERATIONS = 400
#: Share of the budget that is for the iterations; loading and localising take the rest.
TRAINING_SHARE = 0.75


class Choice(NamedTuple):
    """What a rule chose.

    Attributes:
        option: Such as `loss.foreground_tiou`.
        value: As the configuration holds it.
        reason: Why, in words.
    """

    option: str
    value: Any
    reason: str

    def line(self) -> str:
        """Returns the printed line."""
        value = self.value
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        elif isinstance(value, float):
            value = f"{value:g}"
        elif isinstance(value, bool):
            value = str(value).lower()
        return f"{self.option} {value}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a run may take.

    Attributes:
        minutes: For all of it.
        gflops: What the machine computes per second, in large products (GFLOP/s).
    """

    minutes: float
    gflops: float


Rule = Callable[[Facts, Budget, Config], Iterator[Choice]]


def steps(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Short instances must span more than an anchor's stride."""
    count = chosen.network.untrimmed_steps
    short = count * at(facts.instance_share, 10)
    yield Choice(
        "network.untrimmed_steps",
        count,
        f"the paper's; 9 of 10 source instances span {short:.2g} steps or more, the "
        "finest anchors 4",
    )


def labels(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Cells bear the label of the instance that they match, whatever the data."""
    reason = "a cell bears the label of the instance that it matches"
    if facts.several_classes:
        reason += f"; {facts.several_classes:.0%} of the videos hold several classes"
    yield Choice("loss.anchor_cls", "foreground", reason)


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
    reason = (
        f"{facts.channels} channels, {samples} instances and moments: 40 for each "
        f"channel of the network bear {by_data}"
    )
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


def features(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Signed or unequal channels are standardised, and generators may be negative."""
    signed, unequal = facts.lowest_feature < 0, facts.channel_ratio > 10
    if signed:
        reason = f"features go down to {facts.lowest_feature:g}"
    else:
        reason = "features are never negative"
    reason += f", channels differ in size by a factor of {facts.channel_ratio:.3g}"
    standardize = signed or unequal
    yield Choice("data.standardize", standardize, reason)
    linear = chosen.data.standardize or signed
    yield Choice(
        "network.generator_activation",
        "linear" if linear else "relu",
        "what generators make must be able to be negative"
        if linear
        else "features are never negative",
    )


def clips(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Nearly every instance and moment of every class is drawn."""
    for kind, enough, limit in (
        ("foreground", facts.foreground_clips_of_each_class, 32),
        ("moment", facts.moment_clips_of_each_class, 8),
    ):
        value = max(1, min(limit, enough))
        what = "instances" if kind == "foreground" else "moments"
        yield Choice(
            f"data.minimum_{kind}_clips",
            value,
            f"in every class 19 of 20 {what} have {enough} clips or more",
        )
    blank = 1 / max(1.0, at(facts.moment_clips, 50))
    yield Choice(
        "data.edge",
        "clamp",
        f"zeros beyond the outermost clip centres would blank {blank:.0%} of the "
        "median moment",
    )
    most = int(at(facts.instances_per_video, 100))
    yield Choice(
        "data.max_segments",
        max(64, most),
        f"the fullest untrimmed video has {most} instances",
    )


def synthesis(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Synthetic sequences look like the untrimmed videos."""
    share, count = at(facts.instance_share, 50), at(facts.instances_per_video, 50)
    like = (
        f"the median instance fills {share:.0%} of its video, the median video has "
        f"{count:g}"
    )
    if share >= 0.25 and count <= 2:
        mode, reason = "single", f"{like}: one moment per sequence looks so"
    elif facts.background >= 0.05 and len(facts.gap_sec):
        mode = "transplanted"
        reason = (
            f"{like}, and {facts.background:.0%} of the time is background: several "
            "moments amid real background look so"
        )
    else:
        mode = "tiled"
        reason = f"{like}, without background that could be lent: several moments"
    yield Choice("synthesis.mode", mode, reason)


def lengths(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Moments are as long, and as far apart, as the source instances."""
    if chosen.synthesis.mode == "single":
        low, high = (
            int(np.clip(round(20 * at(facts.instance_share, percent)), 1, 19))
            for percent in (10, 90)
        )
        reason = (
            f"80% of the source instances fill {at(facts.instance_share, 10):.0%} to "
            f"{at(facts.instance_share, 90):.0%} of their videos"
        )
        yield Choice("synthesis.length_ratio_min", low, reason)
        yield Choice("synthesis.length_ratio_max", high, reason)
    if chosen.synthesis.mode == "tiled" and len(facts.gap_sec):
        yield Choice(
            "synthesis.context_length",
            "source",
            f"the background between source instances lasts "
            f"{at(facts.gap_sec, 10):.3g} to {at(facts.gap_sec, 90):.3g} s",
        )
    elif chosen.synthesis.mode == "tiled":
        middle = at(facts.moment_sec, 50)
        reason = f"no gaps to learn from: a quarter to all of a moment, {middle:.3g} s"
        yield Choice("synthesis.context_min_sec", round(middle / 4, 3), reason)
        yield Choice("synthesis.context_max_sec", round(middle, 3), reason)


def anchors(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Nearly all instances, and moments where they will lie, have an anchor."""
    kinds = {"source instances": facts.instance_share}
    if MODES[chosen.synthesis.mode].shares_class:
        kinds["moments, at their real lengths,"] = _moment_shares(facts)
    best = {
        what: best_anchor_tiou(_placed(shares, chosen.network), chosen.network)
        for what, shares in kinds.items()
    }

    def least(threshold: float) -> tuple[float, str]:
        return min((float(np.mean(b > threshold)), what) for what, b in best.items())

    reached = [t for t in FOREGROUND_TIOUS if least(t)[0] >= NEARLY_ALL]
    value = reached[0] if reached else FOREGROUND_TIOUS[-1]
    position = FOREGROUND_TIOUS.index(value)
    if not reached:
        share, what = least(value)
        reason = f"even so only {share:.0%} of the {what} have an anchor"
    elif position == 0:
        reason = f"{least(value)[0]:.0%} of the {least(value)[1]} have an anchor"
    else:
        share, what = least(FOREGROUND_TIOUS[0])
        reason = (
            f"at {FOREGROUND_TIOUS[0]} only {share:.0%} of the {what} have an anchor"
        )
    yield Choice("loss.foreground_tiou", value, reason)


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
        f"{high / max(low, 1e-6):.2g}",
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
    reason = f"{after * batch / samples:.2g} times each of {samples} samples"
    if scale < 1:
        reason += (
            f"; {budget.minutes:g} minutes hold {after} of {wanted[1]} iterations, "
            f"--budget_minutes={budget.minutes / scale:.0f} all"
        )
    yield Choice("training.iterations", after, reason)
    yield Choice("training.pretrain_iterations", before, "a quarter of the iterations")


def decay(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """The rate falls once, and the weights of the last iterations are averaged."""
    count = max(1, chosen.training.iterations)
    reason = "the rate falls once, after five eighths of the iterations"
    yield Choice("training.decay_every", max(1, round(0.625 * count)), reason)
    yield Choice("training.decay_times", 1, reason)
    yield Choice(
        "training.ema_decay",
        round(max(0.0, 1 - 8 / count), 4),
        "an average of the weights over an eighth of the iterations localises",
    )


def suppression(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Overlapping detections lose score, less where instances overlap."""
    often = facts.overlapping > 0.05
    reason = f"{facts.overlapping:.0%} of the source instances overlap one another"
    yield Choice("inference.soft_nms_sigma", 0.6 if often else 0.3, reason)
    yield Choice(
        "inference.nms_tiou",
        0.7 if often else 0.5,
        f"{reason}; where soft suppression is off",
    )


RULES: tuple[Rule, ...] = (
    steps,
    labels,
    proposals,
    offsets,
    schedule,
    features,
    clips,
    synthesis,
    lengths,
    width,
    anchors,
    iterations,
    decay,
    suppression,
)


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


def _moment_shares(facts: Facts) -> Percentiles:
    """Returns how much of an untrimmed video moments would fill."""
    percents = np.arange(2.5, 100, 5)
    moments = np.array([at(facts.moment_sec, p) for p in percents])
    videos = np.array([at(facts.sequence_sec, p) for p in percents])
    shares = np.minimum(np.divide.outer(moments, videos), 1.0)
    return tuple(np.percentile(shares, np.arange(0, 101, 5)))


def _placed(shares: Percentiles, network: NetworkConfig) -> np.ndarray:
    """Lays instances of some lengths at evenly spread places, `[start, end]`, steps."""
    steps = network.untrimmed_steps
    lengths = steps * np.array([at(shares, p) for p in np.arange(0.5, 100)])
    places = (np.arange(16) + 0.5) / 16
    starts = np.multiply.outer(steps - lengths, places)
    return np.stack([starts, starts + lengths[:, np.newaxis]], -1).reshape(-1, 2)
