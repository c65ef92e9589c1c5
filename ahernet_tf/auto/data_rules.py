"""Rules for what the data decide: labels, features, synthesis, anchors.

A rule sees the facts, the budget and what the rules before it chose. No rule knows a
data set: each follows from what its option does, or from what was measured on several
(docs/RESULTS.md).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ahernet_tf.anchors.reach import best_anchor_tiou
from ahernet_tf.auto.choices import Budget, Choice, number
from ahernet_tf.auto.facts import PERCENTS, Facts, Percentiles, at
from ahernet_tf.config import Config, NetworkConfig
from ahernet_tf.synthesis import MODES

FOREGROUND_TIOUS = (0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
FINEST_STRIDE = 4  # of the anchors, in steps
#: Share of the instances that must have a foreground anchor.
NEARLY_ALL = 0.98


def steps(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Short instances must span more than an anchor's stride, in windows if need be."""
    count = chosen.network.untrimmed_steps
    short = count * at(facts.instance_share, 10)
    span = f"{number(short, 2)} steps or more"
    reason = f"9 of 10 source instances span {span} of their videos"
    yield Choice("network.untrimmed_steps", count, f"the paper's; {reason}")
    window = 0.0
    if short < FINEST_STRIDE:
        # Short instances span two strides, and long ones fit in twice.
        window = max(
            count / (2 * FINEST_STRIDE) * at(facts.instance_sec, 10),
            2 * at(facts.instance_sec, 95),
        )
        reason += f", the finest anchors {FINEST_STRIDE}: of windows they span more"
    yield Choice("data.window_sec", float(f"{window:.3g}"), reason)


def labels(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Cells bear the label of the instance that they match, whatever the data."""
    reason = "a cell bears the label of the instance that it matches"
    if facts.several_classes:
        reason += f"; {facts.several_classes:.0%} of the videos hold several classes"
    yield Choice("loss.anchor_cls", "foreground", reason)


def features(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Signed or unequal channels are standardised, and generators may be negative."""
    signed, unequal = facts.lowest_feature < 0, facts.channel_ratio > 10
    if signed:
        reason = f"features go down to {number(facts.lowest_feature)}"
    else:
        reason = "features are never negative"
    reason += f", channels differ in size by a factor of {number(facts.channel_ratio)}"
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
    """Moments lie amid real background; without any, sequences look like the videos."""
    share, count = at(_instance_shares(facts, chosen), 50), _instances(facts, chosen)
    like = (
        f"the median instance fills {share:.0%} of its video, the median video has "
        f"{count:g}"
    )
    background = f"{facts.background:.0%} of the untrimmed time is background"
    if facts.background >= 0.05:
        mode, reason = "transplanted", f"{background}: moments are laid amid it"
    elif share >= 0.25 and count <= 2:
        mode, reason = "single", f"{background}, and {like}: one moment per sequence"
    else:
        mode, reason = "tiled", f"{background}, and {like}: several moments"
    yield Choice("synthesis.mode", mode, reason)


def lengths(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Moments are as long, and as far apart, as the source instances."""
    if chosen.synthesis.mode == "single":
        shares = _instance_shares(facts, chosen)
        low, high = (
            int(np.clip(round(20 * at(shares, percent)), 1, 19)) for percent in (10, 90)
        )
        reason = (
            f"80% of the source instances fill {at(shares, 10):.0%} to "
            f"{at(shares, 90):.0%} of a sequence"
        )
        yield Choice("synthesis.length_ratio_min", low, reason)
        yield Choice("synthesis.length_ratio_max", high, reason)
    if chosen.synthesis.mode == "tiled" and len(facts.gap_sec):
        yield Choice(
            "synthesis.context_length",
            "source",
            f"the background between source instances lasts "
            f"{number(at(facts.gap_sec, 10))} to {number(at(facts.gap_sec, 90))} s",
        )
    elif chosen.synthesis.mode == "tiled":
        middle = at(facts.moment_sec, 50)
        reason = (
            f"no gaps to learn from: a quarter to all of a moment, {number(middle)} s"
        )
        yield Choice("synthesis.context_min_sec", round(middle / 4, 3), reason)
        yield Choice("synthesis.context_max_sec", round(middle, 3), reason)


def anchors(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Nearly all instances, and moments where they will lie, have an anchor."""
    kinds = {"source instances": _instance_shares(facts, chosen)}
    if MODES[chosen.synthesis.mode].shares_class:
        kinds["moments, at their real lengths"] = _moment_shares(facts, chosen)
    best = {
        what: best_anchor_tiou(_placed(shares, chosen.network), chosen.network)
        for what, shares in kinds.items()
    }

    def least(threshold: float) -> tuple[float, str]:
        return min((float(np.mean(b > threshold)), what) for what, b in best.items())

    reached = [t for t in FOREGROUND_TIOUS if least(t)[0] >= NEARLY_ALL]
    value = reached[0] if reached else FOREGROUND_TIOUS[-1]
    position, anywhere = FOREGROUND_TIOUS.index(value), ", laid anywhere,"
    if not reached:
        share, what = least(value)
        reason = (
            f"even so only about {share:.0%} of the {what}{anywhere} have an anchor"
        )
    elif position == 0:
        share, what = least(value)
        reason = f"about {share:.0%} of the {what}{anywhere} have an anchor"
    else:
        share, what = least(FOREGROUND_TIOUS[0])
        reason = (
            f"at {FOREGROUND_TIOUS[0]} only about {share:.0%} of the {what}{anywhere} "
            "have an anchor"
        )
    yield Choice("loss.foreground_tiou", value, reason)


def _instance_shares(facts: Facts, chosen: Config) -> Percentiles:
    """Returns how much of a sequence, video or window, instances fill."""
    window = chosen.data.window_sec
    if not window:
        return facts.instance_share
    return tuple(np.minimum(np.array(facts.instance_sec) / window, 1.0))


def _instances(facts: Facts, chosen: Config) -> float:
    """Returns how many instances the median sequence has."""
    count, video = at(facts.instances_per_video, 50), at(facts.sequence_sec, 50)
    window = chosen.data.window_sec
    return round(count * window / video, 1) if 0 < window < video else count


def _moment_shares(facts: Facts, chosen: Config) -> Percentiles:
    """Returns how much of a sequence, video or window, moments would fill."""
    percents = np.arange(2.5, 100, 5)
    moments = np.array([at(facts.moment_sec, p) for p in percents])
    videos = np.array([at(facts.sequence_sec, p) for p in percents])
    if chosen.data.window_sec:
        videos = np.minimum(videos, chosen.data.window_sec)
    shares = np.minimum(np.divide.outer(moments, videos), 1.0)
    return tuple(np.percentile(shares, PERCENTS))


def _placed(shares: Percentiles, network: NetworkConfig) -> np.ndarray:
    """Lays instances of some lengths at evenly spread places, `[start, end]`, steps."""
    steps = network.untrimmed_steps
    lengths = steps * np.array([at(shares, p) for p in np.arange(0.5, 100)])
    places = (np.arange(16) + 0.5) / 16
    starts = np.multiply.outer(steps - lengths, places)
    return np.stack([starts, starts + lengths[:, np.newaxis]], -1).reshape(-1, 2)
