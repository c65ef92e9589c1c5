"""Reads the files of a data set into roles, and gathers every fault on the way."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

from ahernet_tf.config import DataConfig
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import parse_annotations
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.checks import DataReport, FeatureCheck
from ahernet_tf.data.description import (
    DESCRIPTION,
    DatasetDescription,
    read_description,
)
from ahernet_tf.data.feature_shapes import check_covered, check_shapes
from ahernet_tf.data.features.feature_entries import store_key
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.role_counts import counts_of_role
from ahernet_tf.data.role_parts import (
    TEST_POOL,
    RolePart,
    open_parts,
    pool_of,
    select_videos,
)
from ahernet_tf.data.roles import Role, features_table
from ahernet_tf.data.sequences import SequenceSource


@dataclasses.dataclass(frozen=True)
class LoadedData:
    """What the files of a data set hold.

    Attributes:
        description: What dataset.json says.
        channels: Channels of every feature sequence.
        roles: The roles by name.
        test_pool: The test videos of any class, where there is a test role.
        report: Every fault, and what was counted.
        groups: Group of every annotated untrimmed video, by id.
        cache: Sequences in memory, shared by all roles that are trained on.
    """

    description: DatasetDescription
    channels: int
    roles: dict[str, Role]
    test_pool: Role | None
    report: DataReport
    groups: dict[str, str]
    cache: SequenceCache


def load(
    directory: pathlib.Path,
    config: DataConfig,
    skip_bad: bool = False,
    check_features: str = "all",
    check: Callable = checks.check_sequences,
) -> LoadedData:
    """Reads and checks everything; for the arguments see `dataset.Dataset.load`.

    Args:
        directory: Where dataset.json lies.
        config: Options of the data.
        skip_bad: Leave out faulty videos instead of raising.
        check_features: "all" or "shape".
        check: Looks at the features; takes pairs of store and id and whether to
            read the values, as `checks.check_sequences` does.

    Raises:
        DataError: With every fault found.
    """
    if check_features not in ("all", "shape"):
        raise ValueError(
            f"Expected check_features 'all' or 'shape', received {check_features!r}"
        )
    report = DataReport()
    description = read_description(directory, report)
    annotations = _read_annotations(description, report)
    parts = open_parts(description, config, report)
    for part in parts.values():
        select_videos(part, annotations[part.file].values(), description, report)
    if "test" in parts:
        parts[TEST_POOL] = pool = pool_of(parts["test"], description.listed_classes)
        videos = (v for v in annotations[pool.file].values() if v.id in pool.store)
        select_videos(pool, videos, description, report)
    pairs = [(part.store, v.id) for part in parts.values() for v in part.videos]
    found = check(pairs, check_features == "all")
    channels = check_shapes(parts, found, directory, report)
    for part in parts.values():
        check_covered(part, found, report)
    report.require_clean(skip_bad)
    cache = SequenceCache(config.cache_bytes)
    roles = {
        name: _role(part, found, channels, config, cache)
        for name, part in parts.items()
    }
    pool = roles.pop(TEST_POOL, None)
    for name, role in roles.items():
        if not role.videos:
            report.add(DESCRIPTION, None, f"role '{name}': no video", True)
    report.require_clean(skip_bad)
    for role in roles.values():
        report.counts.update(counts_of_role(role, config))
    groups = {
        video.id: f"video {video.id}" if video.group is None else f"group {video.group}"
        for part in parts.values()
        if not part.role.trimmed
        for video in annotations[part.file].values()
    }
    return LoadedData(description, channels, roles, pool, report, groups, cache)


def _read_annotations(
    description: DatasetDescription, report: DataReport
) -> dict[str, dict[str, Video]]:
    """Reads the annotation files of all roles, each once."""
    found = {}
    for file in dict.fromkeys(r.annotations for r in description.roles.values()):
        found[file], faults = parse_annotations(description.directory / file, file)
        report.merge(faults)
    return found


def _role(
    part: RolePart,
    found: Mapping[tuple[FeatureStore, str], FeatureCheck],
    channels: int,
    config: DataConfig,
    cache: SequenceCache,
) -> Role:
    """Builds a role of the videos whose features are sound."""
    videos = [v for v in part.videos if found[part.store, v.id].shape is not None]
    clips = [found[part.store, video.id].shape[0] for video in videos]
    fps = [part.fps[video.id] for video in videos]
    tested = part.role.name in ("test", TEST_POOL)
    return Role(
        name=part.role.name,
        videos=tuple(videos),
        classes=part.role.classes,
        time_model=part.time_model,
        features=features_table(
            [video.id for video in videos],
            clips,
            fps,
            map(part.covered_sec, videos, clips),
        ),
        sequences=SequenceSource(
            key=store_key(part.role.features),
            store=part.store,
            time_model=part.time_model,
            channels=channels,
            config=config,
            # What is tested is read once.
            cache=None if tested or part.store.packed else cache,
        ),
        trimmed=part.role.trimmed,
    )
