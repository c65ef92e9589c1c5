"""Roles while they are loaded: their features are opened, their videos chosen."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.description import (
    DESCRIPTION,
    REQUIRED_ROLES,
    DatasetDescription,
    RoleDescription,
)
from ahernet_tf.data.features.covered_durations import read_covered_durations
from ahernet_tf.data.features.feature_entries import store_key
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import check_description, open_features
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.spelling import canonical_video_id

#: Name of the role of all test videos, whatever their class; not in dataset.json.
TEST_POOL = "test of any class"


@dataclasses.dataclass
class RolePart:
    """A role while it is loaded.

    Attributes:
        role: What dataset.json says of it.
        store: Its features.
        time_model: When their clips happen.
        dim: Channels of the features, where they are stated.
        length: Clips of every sequence, where they are stated.
        covered_durations: What resized features cover, in seconds, by canonical id of
            the video; None: the time model says it.
        videos: Those chosen so far.
        fps: Their frame rates by id.
    """

    role: RoleDescription
    store: FeatureStore
    time_model: TimeModel
    dim: int | None
    length: int | None
    covered_durations: Mapping[str, float] | None
    videos: list[Video] = dataclasses.field(default_factory=list)
    fps: dict[str, float | None] = dataclasses.field(default_factory=dict)

    @property
    def file(self) -> str:
        """The annotation file."""
        return self.role.annotations

    def covered_sec(self, video: Video, clips: int) -> float:
        """Returns the duration that the features of a video cover, in seconds."""
        if self.covered_durations is not None:
            return self.covered_durations[canonical_video_id(video.id)]
        fps = self.fps[video.id]
        return self.time_model.covered_sec(clips, fps, video.duration_sec)


def open_parts(
    description: DatasetDescription, config: DataConfig, report: DataReport
) -> dict[str, RolePart]:
    """Opens the feature stores of all roles; roles of one path share theirs."""
    stores: dict[str, FeatureStore] = {}
    parts: dict[str, RolePart] = {}
    for name, role in description.roles.items():
        entry, key = role.features, store_key(role.features)
        try:
            if key not in stores:
                stores[key] = open_features(description.directory, entry)
            check_description(stores[key], entry)
            timing = {**stores[key].description, **entry}
            time_model = TimeModel.from_spec(timing, config.legacy_clip_centres)
            covered = _covered_durations(description.directory, entry, time_model)
        except (ValueError, OSError) as error:
            reason = str(error).removeprefix(f"{description.directory}/")
            text = f"role '{name}': features: {reason}"
            report.add(DESCRIPTION, None, text, fatal=True)
            continue
        for other in parts.values():
            if other.store is stores[key] and other.time_model != time_model:
                report.add(
                    DESCRIPTION,
                    None,
                    f"roles '{other.role.name}' and '{name}' share "
                    f"{other.store.path.name}, but not its clip_frames, "
                    "stride_frames, fps and covers",
                    fatal=True,
                )
        parts[name] = RolePart(
            role=role,
            store=stores[key],
            time_model=time_model,
            dim=timing.get("dim"),
            length=timing.get("length"),
            covered_durations=covered,
        )
    return parts


def _covered_durations(
    directory: pathlib.Path, entry: dict[str, Any], time_model: TimeModel
) -> dict[str, float] | None:
    """Reads the table of what resized features cover, if the entry names one."""
    name = entry.get("covered_durations")
    if name is None:
        return None
    if time_model.covers != "duration":
        raise ValueError("covered_durations: only with covers 'duration'")
    return read_covered_durations(directory / name)


def pool_of(test: RolePart, classes: Collection[str]) -> RolePart:
    """Returns an empty part for the test videos of any class."""
    role = dataclasses.replace(
        test.role, name=TEST_POOL, classes=tuple(sorted(classes))
    )
    return dataclasses.replace(test, role=role, videos=[], fps={})


def select_videos(
    part: RolePart,
    videos: Iterable[Video],
    description: DatasetDescription,
    report: DataReport,
) -> None:
    """Takes the videos of the part's subset that hold one of its classes.

    Untrimmed videos without any annotation are background, and taken as well.
    """
    wanted = set(part.role.classes)
    subset = part.role.subset and spelling.subset_name(part.role.subset)
    known = description.listed_classes | description.ignored_classes
    other_actions = 0
    for video in videos:
        if subset is not None and spelling.subset_name(video.subset) != subset:
            continue
        labels = {instance.label for instance in video.instances}
        for label in sorted(labels - known):
            what = f"unknown class '{label}' (neither in the classes of a role "
            what += f"nor in ignored_classes of {DESCRIPTION})"
            near = spelling.near_pairs([label], known)
            what += "".join(f"; there is '{other}'" for _, other in near)
            report.add(part.file, video.id, what)
        other_actions += bool(labels & wanted and labels - wanted)
        background = not labels and part.role.name != "moments"
        if labels - known or not (labels & wanted or background):
            continue
        kept = [i for i in video.instances if i.label in wanted]
        kept.sort(key=lambda i: (i.start_sec, i.end_sec, i.label))
        others = tuple(i for i in video.instances if i.label not in wanted)
        video = dataclasses.replace(video, instances=tuple(kept), others=others)
        try:
            part.fps[video.id] = _checked_fps(part, video)
        except ValueError as error:
            report.add(part.file, video.id, str(error))
            continue
        part.videos.append(video)
    if other_actions and part.role.name in ("untrimmed", "oracle"):
        what = "videos whose actions of other classes are trained on as background"
        report.counts[f"{part.role.name}: {what}"] = other_actions
    present = {i.label for video in part.videos for i in video.instances}
    for label in part.role.classes:
        if label not in present and part.role.name in REQUIRED_ROLES:
            what = f"role '{part.role.name}': class '{label}' has no video"
            report.add(DESCRIPTION, None, what)


def _checked_fps(part: RolePart, video: Video) -> float | None:
    """Returns the frame rate of a video.

    Raises:
        ValueError: The video cannot be used.
    """
    if part.role.trimmed and len(video.instances) > 1:
        raise ValueError(
            f"{len(video.instances)} annotations in a moment, expected one"
        )
    fps = part.time_model.fps_of(video, part.store.info(video.id))
    covered = part.covered_durations
    if covered is not None and canonical_video_id(video.id) not in covered:
        table = part.role.features["covered_durations"]
        raise ValueError(f"has no duration in {table}")
    return fps
