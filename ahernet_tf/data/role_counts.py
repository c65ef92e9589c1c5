"""Counts what a role holds, and what a user should know of it."""

from __future__ import annotations

from collections.abc import Sequence

from ahernet_tf.config import DataConfig
from ahernet_tf.data.roles import Role


def size_of_role(role: Role) -> str:
    """Says in a line how many videos, actions and classes a role has."""
    actions = sum(len(video.instances) for video in role.videos)
    return (
        f"{role.name}: {len(role.videos)} videos, {actions} actions of "
        f"{len(role.classes)} classes ({', '.join(role.classes[:4])}"
        f"{', ...' if len(role.classes) > 4 else ''})"
    )


def counts_of_role(role: Role, config: DataConfig) -> dict[str, int]:
    """Counts what a user should know of a role but need not act upon.

    Returns:
        Sentences and how often each applies; those that never apply are left out.
    """
    covered = {v.id: role.covered_sec(v) for v in role.videos}
    found: list[tuple[str, Sequence[bool]]] = [
        (
            "videos without annotation, background only",
            [not v.instances for v in role.videos],
        ),
        (
            "instances behind the last clip, left out",
            [i.start_sec >= covered[v.id] for v in role.videos for i in v.instances],
        ),
        (
            "videos whose features cover over 10% more or less than they last",
            [
                abs(covered[v.id] - v.duration_sec) > max(1.0, 0.1 * v.duration_sec)
                for v in role.videos
            ],
        ),
    ]
    if role.name != "moments":
        limit = config.max_segments
        what = f"videos of which only data.max_segments = {limit} instances are used"
        found.append((what, [len(v.instances) > limit for v in role.videos]))
    if role.name in ("untrimmed", "moments"):
        kind = "foreground" if role.name == "untrimmed" else "moment"
        option = f"minimum_{kind}_clips"
        minimum = getattr(config, option)
        what = f"instances with fewer than data.{option} = {minimum} clips, not drawn"
        found.append((what, role.cuts(0).clips < max(1, minimum)))
    return {f"{role.name}: {what}": int(sum(hits)) for what, hits in found if any(hits)}
