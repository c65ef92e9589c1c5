"""What the training data are like, as far as the rules of `auto` look at it.

Untrimmed videos of the source classes and moments count; test videos and the annotated
videos of the oracle do not.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role

#: Percentages at which `Percentiles` are taken.
PERCENTS = tuple(range(0, 101, 5))
#: Videos of a role whose features are looked at.
_SAMPLED_VIDEOS = 64

#: Values of a distribution at 0, 5, ..., 100 percent; empty where there is nothing.
Percentiles = tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Facts:
    """Facts of a data set's training part. Times in seconds.

    Attributes:
        channels: Channels of the features.
        videos: Untrimmed videos.
        source_classes: Classes with temporal annotations.
        target_classes: Classes with moments only.
        instances: Annotated instances of the untrimmed videos.
        moments: Action moments.
        fewest_moments: Moments of the class that has the fewest.
        sequence_sec: Durations of the untrimmed videos.
        sequence_clips: Clips of each.
        instances_per_video: Instances of each video that has one.
        several_classes: Share of the videos that hold several classes.
        overlapping: Share of the instances that overlap another of their video by a
            tIoU above 0.3.
        background: Share of the untrimmed time outside of instances.
        instance_sec: Lengths of the instances.
        instance_share: Lengths of the instances as shares of their videos.
        gap_sec: Background between neighbouring instances.
        moment_sec: Lengths of the moments.
        moment_clips: Clips of the moments.
        moment_spread: Deviation of the log length of moments around their class.
        foreground_clips_of_each_class: Clips that 19 of 20 instances have, in the class
            with the shortest.
        moment_clips_of_each_class: The same of the moments.
        lowest_feature: Lowest value that a sample of the features holds.
        channel_ratio: Deviation of a channel of large values over that of one of small
            values (95th over 5th percentile of the channels).
    """

    channels: int
    videos: int
    source_classes: int
    target_classes: int
    instances: int
    moments: int
    fewest_moments: int
    sequence_sec: Percentiles
    sequence_clips: Percentiles
    instances_per_video: Percentiles
    several_classes: float
    overlapping: float
    background: float
    instance_sec: Percentiles
    instance_share: Percentiles
    gap_sec: Percentiles
    moment_sec: Percentiles
    moment_clips: Percentiles
    moment_spread: float
    foreground_clips_of_each_class: int
    moment_clips_of_each_class: int
    lowest_feature: float
    channel_ratio: float


def at(percentiles: Percentiles, percent: float) -> float:
    """Returns a value of a distribution, between its percentiles by interpolation."""
    return float(np.interp(percent, PERCENTS, percentiles))


def facts_of(dataset: Dataset) -> Facts:
    """Gathers the facts of a data set.

    Args:
        dataset: Loaded with any options; a sample of its features is read.
    """
    untrimmed, moments = dataset.role("untrimmed"), dataset.role("moments")
    instances = untrimmed.instances()
    length_sec = (instances["end_sec"] - instances["start_sec"]).to_numpy()
    covered_sec = untrimmed.features["covered_sec"]
    shares = length_sec / covered_sec.loc[instances["video"]].to_numpy()
    counts = instances.groupby("video").size()
    classes = instances.groupby("video")["label"].nunique()
    moment_spans = _spans(moments)
    moment_sec = moment_spans["duration_sec"]
    gaps, overlapping, background_sec = _neighbours(untrimmed)
    lowest, ratio = _feature_facts((untrimmed, moments))
    return Facts(
        channels=dataset.feature_channels,
        videos=len(untrimmed.videos),
        source_classes=len(dataset.source_classes),
        target_classes=len(dataset.target_classes),
        instances=len(instances),
        moments=len(moment_spans),
        fewest_moments=int(moment_spans.groupby("label").size().min()),
        sequence_sec=_percentiles(covered_sec),
        sequence_clips=_percentiles(untrimmed.features["clips"]),
        instances_per_video=_percentiles(counts),
        several_classes=float((classes > 1).sum() / len(untrimmed.videos)),
        overlapping=overlapping,
        background=float(background_sec / covered_sec.sum()),
        instance_sec=_percentiles(length_sec),
        instance_share=_percentiles(np.minimum(shares, 1.0)),
        gap_sec=_percentiles(gaps),
        moment_sec=_percentiles(moment_sec),
        moment_clips=_percentiles(moment_spans["clips"]),
        moment_spread=_spread_within(
            np.log(moment_sec.clip(lower=1e-3)), moment_spans["label"]
        ),
        foreground_clips_of_each_class=_clips_of_each_class(_spans(untrimmed)),
        moment_clips_of_each_class=_clips_of_each_class(moment_spans),
        lowest_feature=lowest,
        channel_ratio=ratio,
    )


def _percentiles(values: Iterable[float]) -> Percentiles:
    values = np.asarray(list(values), np.float64)
    if not len(values):
        return ()
    return tuple(round(float(v), 4) for v in np.percentile(values, PERCENTS))


def _neighbours(role: Role) -> tuple[list[float], float, float]:
    """Looks at the instances of each video beside one another.

    Returns:
        Lengths of the background between neighbours; the share of the instances that
        overlap another by a tIoU above 0.3; seconds outside of all instances.
    """
    gaps, overlapping, total, background_sec = [], 0, 0, 0.0
    for video in role.videos:
        end_of_all, end = role.covered_sec(video), 0.0
        background_sec += end_of_all
        times = np.array([(i.start_sec, i.end_sec) for i in video.instances])
        for number, (start, stop) in enumerate(times):
            if number and start > end:
                gaps.append(start - end)
            background_sec -= max(0.0, min(stop, end_of_all) - max(start, end))
            end = max(end, stop)
        if len(times) > 1:
            shared = np.minimum.outer(times[:, 1], times[:, 1])
            shared = shared - np.maximum.outer(times[:, 0], times[:, 0])
            length = times[:, 1] - times[:, 0]
            shared = np.maximum(shared, 0.0)
            tiou = shared / np.maximum(np.add.outer(length, length) - shared, 1e-9)
            np.fill_diagonal(tiou, 0.0)
            overlapping += int((tiou.max(axis=1) > 0.3).sum())
        total += len(times)
    return gaps, overlapping / max(1, total), background_sec


def _spread_within(values: pd.Series, labels: pd.Series) -> float:
    """Returns the deviation of values around the mean of their class."""
    off = values - values.groupby(labels).transform("mean")
    return round(math.sqrt(np.square(off).mean()), 4)


def _clips_of_each_class(spans: pd.DataFrame) -> int:
    """Returns how many clips 19 of 20 instances have, in the class of the shortest."""
    by_class = spans.groupby("label")["clips"]
    return int(by_class.quantile(0.05, interpolation="lower").min())


def _spans(role: Role) -> pd.DataFrame:
    """Lists the spans of a role's instances: `label`, `clips`, `duration_sec`."""
    rows = [(s.label, s.clips, s.duration_sec) for s in role.instance_spans()]
    return pd.DataFrame(rows, columns=["label", "clips", "duration_sec"])


def _feature_facts(roles: Iterable[Role]) -> tuple[float, float]:
    """Looks at the features of some videos of each role."""
    lowest, deviations = math.inf, []
    for role in roles:
        rows = np.linspace(0, len(role.videos) - 1, _SAMPLED_VIDEOS)
        for row in np.unique(rows.astype(int)):
            clips = role.sequences.clips(role.whole_span(role.videos[row]))
            clips = np.asarray(clips, np.float64)
            lowest = min(lowest, float(np.nanmin(clips)))
            deviations.append(np.nanstd(clips, axis=0))
    channel = np.sqrt(np.mean(np.square(deviations), axis=0))
    low, high = np.percentile(channel, (5, 95))
    return round(lowest, 4), round(float(high / max(low, 1e-9)), 2)
