"""Counts what a role holds, and what a user should know of it before training."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ahernet_tf.anchors.reach import best_anchor_tiou
from ahernet_tf.config import Config, DataConfig, LossConfig
from ahernet_tf.data.roles import Role


def size_of_role(role: Role) -> str:
    """Says in a line how many videos, actions and classes a role has."""
    return (
        f"{role.name}: {len(role.videos)} videos, {len(role.instances())} actions of "
        f"{len(role.classes)} classes ({', '.join(role.classes[:4])}"
        f"{', ...' if len(role.classes) > 4 else ''})"
    )


def wrong_labels(role: Role, config: LossConfig) -> str | None:
    """Says of how many videos cells will be labelled wrongly, if of any.

    With `loss.anchor_cls="all_cells"` every cell bears the class of the first instance
    of its video.
    """
    several = sum(len({i.label for i in v.instances}) > 1 for v in role.videos)
    if config.anchor_cls == "foreground" or not several:
        return None
    return (
        f"{several} of {len(role.videos)} {role.name} videos hold several classes. "
        "loss.anchor_cls=all_cells labels all their cells with the class that comes "
        "first, and little is learnt of the others; --set loss.anchor_cls=foreground "
        "labels a cell with the class of the instance that it matches."
    )


def require_samples(role: Role, config: DataConfig) -> None:
    """Refuses a role with a class of which no sample is long enough to be drawn.

    Args:
        role: `moments`, or one whose instances are the foreground segments.
        config: Uses the minimum of clips.

    Raises:
        ValueError: Names the classes, their longest samples and the option.
    """
    option = f"minimum_{'moment' if role.name == 'moments' else 'foreground'}_clips"
    minimum = max(1, getattr(config, option))
    longest = dict.fromkeys(role.classes, 0)
    for span in role.instance_spans():
        longest[span.label] = max(longest[span.label], span.clips)
    lost = {name: clips for name, clips in longest.items() if clips < minimum}
    if lost:
        named = ", ".join(
            f"'{name}' (longest: {clips})" for name, clips in lost.items()
        )
        raise ValueError(
            f"{len(lost)} of {len(longest)} classes of role '{role.name}' would never "
            f"be learnt: no sample has data.{option} = {minimum} clips, or none is "
            f"left: {named}."
        )


def out_of_reach(role: Role, config: Config) -> list[str]:
    """Says which instances no anchor or window reaches.

    Windows are taken with the instance in their middle; crops show it larger.
    """
    steps, window_sec = config.network.untrimmed_steps, config.data.window_sec
    segments, labels, cut = [np.zeros((0, 2))], [], 0
    for video in role.videos:
        found, names = role.segments(video, steps)
        covered_sec = role.covered_sec(video)
        if 0 < window_sec < covered_sec:
            half = np.diff(found) * covered_sec / window_sec / 2
            cut += int((2 * half > steps).sum())
            found = np.clip(steps / 2 + half * [-1, 1], 0, steps)
        segments.append(found)
        labels += names
    best = best_anchor_tiou(np.concatenate(segments), config.network)
    missed = best <= config.loss.foreground_tiou
    said = []
    if cut:
        said.append(
            f"{cut} of {len(labels)} {role.name} instances are longer than "
            f"data.window_sec = {window_sec:g}, and are never shown as a whole."
        )
    if missed.any():
        reached = {name for name, miss in zip(labels, missed) if not miss}
        lost = [name for name in role.classes if name in {*labels} - reached]
        of_all = f"; all of {', '.join(lost)}" if lost else ""
        said.append(
            f"{missed.sum()} of {len(labels)} {role.name} instances{of_all}: no anchor "
            f"overlaps them by more than loss.foreground_tiou = "
            f"{config.loss.foreground_tiou:g}, so that they teach no boundaries."
        )
    return said


def counts_of_role(role: Role, config: DataConfig) -> dict[str, int]:
    """Counts what a user should know of a role but need not act upon.

    Returns:
        Sentences and how often each applies; those that never apply are left out.
    """
    instances = role.instances()
    covered_sec = role.features["covered_sec"].to_numpy()
    duration_sec = np.array([video.duration_sec for video in role.videos])
    found: list[tuple[str, Sequence[bool]]] = [
        (
            "videos without annotation, background only",
            [not v.instances for v in role.videos],
        ),
        (
            "instances behind the last clip, left out",
            instances["start_sec"].to_numpy()
            >= role.features["covered_sec"].loc[instances["video"]].to_numpy(),
        ),
        (
            "videos whose features cover over 10% more or less than they last",
            np.abs(covered_sec - duration_sec) > np.maximum(1.0, 0.1 * duration_sec),
        ),
    ]
    if role.name != "moments":
        limit = config.max_segments or math.inf
        what = f"videos of which only data.max_segments = {limit} instances are used"
        found.append((what, [len(v.instances) > limit for v in role.videos]))
    if role.name in ("untrimmed", "moments"):
        kind = "foreground" if role.name == "untrimmed" else "moment"
        option = f"minimum_{kind}_clips"
        minimum = getattr(config, option)
        what = f"instances with fewer than data.{option} = {minimum} clips, not drawn"
        found.append((what, [s.clips < max(1, minimum) for s in role.instance_spans()]))
    return {f"{role.name}: {what}": int(sum(hits)) for what, hits in found if any(hits)}
