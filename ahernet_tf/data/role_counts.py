"""Counts what a role holds, and what a user should know of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ahernet_tf.config import DataConfig, LossConfig
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
