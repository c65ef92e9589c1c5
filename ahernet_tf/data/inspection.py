"""Looks a data set over: what it holds, what is odd, what no anchor can match."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ahernet_tf.anchors.reach import anchor_grid, best_anchor_tiou
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import group_of
from ahernet_tf.data.loading import load
from ahernet_tf.data.roles import Role
from ahernet_tf.data.sequence_scanner import SequenceScanner
from ahernet_tf.evaluation import canonical_video_id

THRESHOLDS = (0.5, 0.8)
_LISTED = 20  # actions named in the summary
_QUANTILES = (0, 5, 25, 50, 75, 95, 100)


@dataclasses.dataclass(frozen=True)
class RoleFacts:
    """What is plotted and counted of a role.

    Attributes:
        durations_sec: Length of each video.
        covered_sec: What its features cover.
        clips: Clips of each video.
        lengths_steps: Length of each action in steps, but not of moments.
        lengths_sec: Length of each action.
        best_tiou: The tIoU of each action with the anchor that suits it best.
        owners: Row of the video of each action, for these two.
        per_class: Actions of each class.
        values: Mean and deviation `[videos, 2]` of the features of each video.
    """

    durations_sec: np.ndarray
    covered_sec: np.ndarray
    clips: np.ndarray
    lengths_steps: np.ndarray
    lengths_sec: np.ndarray
    best_tiou: np.ndarray
    owners: np.ndarray
    per_class: dict[str, int]
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes:
        summary: All of it in plain JSON values.
        roles: Numbers of each role, for plots.
        anchor_lengths: Lengths of the anchors, in steps.
    """

    summary: dict[str, Any]
    roles: dict[str, RoleFacts]
    anchor_lengths: np.ndarray


def inspect(
    directory: str | pathlib.Path, config: Config, read_values: bool = True
) -> Inspection:
    """Looks a data set over.

    Args:
        directory: Where dataset.json lies.
        config: Configuration that training would get: its steps, anchors and minimum
            lengths count.
        read_values: Read all features; else only their shapes.

    Raises:
        DataError: The data set cannot be loaded even without its faulty videos.
    """
    scanner = SequenceScanner()
    check = "all" if read_values else "shape"
    data = load(pathlib.Path(directory), config.data, True, check, scanner.check)
    roles = data.roles
    found = {name: _role_facts(role, config, scanner) for name, role in roles.items()}
    summary = {
        "name": data.description.name,
        "directory": str(directory),
        "channels": data.channels,
        "clips_of_all": _clips_of_all(roles),
        "values_read": read_values,
        "roles": {
            name: _summary(role, found[name], config, scanner)
            for name, role in roles.items()
        },
        "problems": [dataclasses.asdict(p) for p in data.report.problems],
        "counts": dict(data.report.counts),
        "overlap": _overlap(roles, data.test_pool, data.groups, scanner),
    }
    lengths = np.unique(anchor_grid(config.network)[:, 1])
    return Inspection(summary, found, lengths)


def _clips_of_all(roles: dict[str, Role]) -> int | None:
    """Returns the number of clips that all sequences have, or None where they differ.

    Sequences that were resized to one length do not count.
    """
    given = [r for r in roles.values() if r.time_model.covers == "clips"]
    counts = {int(clips) for role in given for clips in role.features["clips"]}
    return counts.pop() if len(counts) == 1 else None


def _role_facts(role: Role, config: Config, scanner: SequenceScanner) -> RoleFacts:
    """Gathers the numbers of a role."""
    instances = role.instances()
    seconds = (instances["end_sec"] - instances["start_sec"]).to_numpy(np.float64)
    steps = config.network.untrimmed_steps
    found = [] if role.trimmed else [role.segments(v, steps)[0] for v in role.videos]
    segments = np.concatenate([np.zeros((0, 2)), *found])
    owners = np.repeat(np.arange(len(found)), [len(one) for one in found])
    labels = collections.Counter(instances["label"])
    known = [scanner.of(role, video.id) for video in role.videos]
    return RoleFacts(
        durations_sec=np.array([video.duration_sec for video in role.videos]),
        covered_sec=role.features["covered_sec"].to_numpy(),
        clips=role.features["clips"].to_numpy(),
        lengths_steps=segments[:, 1] - segments[:, 0],
        lengths_sec=seconds,
        best_tiou=best_anchor_tiou(segments, config.network),
        owners=owners,
        per_class={name: labels[name] for name in role.classes},
        values=np.array([(f.mean, f.deviation) for f in known if f]).reshape(-1, 2),
    )


def _summary(
    role: Role, facts: RoleFacts, config: Config, scanner: SequenceScanner
) -> dict[str, Any]:
    """Sums a role up in plain JSON values."""
    option = "moment" if role.name == "moments" else "foreground"
    minimum = max(1, getattr(config.data, f"minimum_{option}_clips"))
    ids = [video.id for video in role.videos]
    ratio = facts.covered_sec / facts.durations_sec
    off = np.abs(facts.covered_sec - facts.durations_sec) > np.maximum(
        1.0, 0.1 * facts.durations_sec
    )
    known = {video: scanner.of(role, video) for video in ids}
    videos_of = collections.Counter(
        label for v in role.videos for label in {i.label for i in v.instances}
    )
    per_video = np.array([len(video.instances) for video in role.videos])
    rates = collections.Counter(
        "none" if np.isnan(rate) else f"{rate:.2f}" for rate in role.features["fps"]
    )
    return {
        "videos": len(ids),
        "actions": int(per_video.sum()),
        "background_videos": int((per_video == 0).sum()),
        "classes": {
            name: {"videos": videos_of[name], "actions": facts.per_class[name]}
            for name in role.classes
        },
        "duration_sec": quantiles(facts.durations_sec),
        "clips": quantiles(facts.clips),
        "action_sec": quantiles(facts.lengths_sec),
        "action_steps": quantiles(facts.lengths_steps),
        "actions_a_video": quantiles(per_video),
        "fps": dict(rates.most_common()),
        "covered_other_than_duration": {
            ids[row]: round(float(ratio[row]), 3) for row in np.flatnonzero(off)
        },
        "minimum_clips": minimum,
        "shorter_than_minimum": sum(
            span.clips < minimum for span in role.instance_spans()
        ),
        "no_anchor_reaches": {
            str(t): int((facts.best_tiou < t).sum()) for t in THRESHOLDS
        },
        "hardest_for_anchors": [
            {
                "video": ids[int(facts.owners[row])],
                "steps": round(float(facts.lengths_steps[row]), 2),
                "best_tiou": round(float(facts.best_tiou[row]), 3),
            }
            for row in np.argsort(facts.best_tiou, kind="stable")[:_LISTED]
        ],
        "constant_features": [v for v, f in known.items() if f and f.constant],
        "mean_of_features": quantiles(facts.values[:, 0]),
        "deviation_of_features": quantiles(facts.values[:, 1]),
    }


def quantiles(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Returns quantiles by their percentage; empty for no values."""
    if not len(values):
        return {}
    found = np.percentile(np.asarray(values, np.float64), _QUANTILES)
    return {str(q): round(float(v), 4) for q, v in zip(_QUANTILES, found)}


def _overlap(
    roles: dict[str, Role],
    pool: Role | None,
    groups: dict[str, str],
    scanner: SequenceScanner,
) -> dict[str, list[Any]]:
    """Finds what training and test share."""
    training = [roles[name] for name in ("untrimmed", "moments")]
    test = [role for role in (roles.get("test"), pool) if role is not None]
    tested = {v.id: v for role in test for v in role.videos}
    plain = {canonical_video_id(v) for v in tested}
    test_groups = {group_of(v, groups) for v in tested.values()}
    digests = {
        facts.digest: video
        for role in test
        for video in role.features.index
        if (facts := scanner.of(role, video)) is not None
    }
    same_id, same_group, same_features = set(), set(), set()
    for role in training:
        for video in role.videos:
            if canonical_video_id(video.id) in plain:
                same_id.add(video.id)
            elif group_of(video, groups) in test_groups:
                same_group.add(video.id)
            facts = scanner.of(role, video.id)
            other = digests.get(facts.digest) if facts is not None else None
            if other is not None and other != video.id:
                same_features.add((video.id, other))
    return {
        "same_id": sorted(same_id),
        "same_person_or_source_video": sorted(same_group),
        "same_features": sorted(same_features),
    }
