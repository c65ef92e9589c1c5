"""Reads the files of a data set into roles, and gathers every fault on the way."""

from __future__ import annotations

import collections
import dataclasses
import math
import pathlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.config import DataConfig
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import parse_annotations
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.checks import DataReport, FeatureCheck
from ahernet_tf.data.description import (
    DESCRIPTION,
    REQUIRED_ROLES,
    DatasetDescription,
    RoleDescription,
    read_description,
)
from ahernet_tf.data.features.covered_durations import read_covered_durations
from ahernet_tf.data.features.feature_entries import store_key, transposed_hint
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import check_description, open_features
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.role_counts import counts_of_role
from ahernet_tf.data.roles import Role, features_table
from ahernet_tf.data.sequences import SequenceSource
from ahernet_tf.spelling import canonical_video_id

_TEST_POOL = "test of any class"


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
    parts = _open_parts(description, config, report)
    for part in parts.values():
        _select(part, annotations[part.file].values(), description, report)
    if "test" in parts:
        parts[_TEST_POOL] = pool = _pool(parts["test"], description.listed_classes)
        videos = (v for v in annotations[pool.file].values() if v.id in pool.store)
        _select(pool, videos, description, report)
    pairs = [(part.store, v.id) for part in parts.values() for v in part.videos]
    found = check(pairs, check_features == "all")
    channels = _check_shapes(parts, found, directory, report)
    for part in parts.values():
        _check_covered(part, found, report)
    report.require_clean(skip_bad)
    cache = SequenceCache(config.cache_bytes)
    roles = {
        name: _role(part, found, channels, config, cache)
        for name, part in parts.items()
    }
    pool = roles.pop(_TEST_POOL, None)
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


@dataclasses.dataclass
class _Part:
    """A role while it is loaded."""

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


def _read_annotations(
    description: DatasetDescription, report: DataReport
) -> dict[str, dict[str, Video]]:
    """Reads the annotation files of all roles, each once."""
    found = {}
    for file in dict.fromkeys(r.annotations for r in description.roles.values()):
        found[file], faults = parse_annotations(description.directory / file, file)
        report.merge(faults)
    return found


def _open_parts(
    description: DatasetDescription, config: DataConfig, report: DataReport
) -> dict[str, _Part]:
    """Opens the feature stores of all roles; roles of one path share theirs."""
    stores: dict[str, FeatureStore] = {}
    parts: dict[str, _Part] = {}
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
        parts[name] = _Part(
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


def _pool(test: _Part, classes: Collection[str]) -> _Part:
    """Returns an empty part for the test videos of any class."""
    role = dataclasses.replace(
        test.role, name=_TEST_POOL, classes=tuple(sorted(classes))
    )
    return dataclasses.replace(test, role=role, videos=[], fps={})


# Videos ------------------------------------------------------------------------------


def _select(
    part: _Part,
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


def _checked_fps(part: _Part, video: Video) -> float | None:
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


# Features ----------------------------------------------------------------------------


def _check_shapes(
    parts: Mapping[str, _Part],
    found: dict[tuple[FeatureStore, str], FeatureCheck],
    directory: pathlib.Path,
    report: DataReport,
) -> int:
    """Compares the shapes of all sequences; faulty ones lose theirs in `found`.

    Returns:
        The channels of every sequence.
    """
    expected = _expected_channels(parts, found, report)
    lengths = {part.store: part.length for part in parts.values() if part.length}
    shapes = collections.defaultdict(list)
    for (store, _), sequence in found.items():
        if sequence.shape is not None:
            shapes[store].append(sequence.shape)
    for (store, video), sequence in found.items():
        fault = sequence.fault
        clips, channels = sequence.shape or (0, 0)
        if fault is None and channels != expected[store]:
            fault = f"{channels} channels, expected {expected[store]}"
            fault += transposed_hint(shapes[store], expected[store])
        elif fault is None and clips != lengths.get(store, clips):
            fault = f"{clips} clips, expected {lengths[store]}"
        if fault is not None:
            found[store, video] = FeatureCheck(None, fault)
            file = store.file_of(video)
            if file.is_relative_to(directory):
                file = file.relative_to(directory)
            report.add(file, video, fault)
    return max(expected.values(), default=0)


def _check_covered(
    part: _Part,
    found: Mapping[tuple[FeatureStore, str], FeatureCheck],
    report: DataReport,
) -> None:
    """Refuses training videos with actions that lie past the end of their features.

    They would be trained on as if these actions were not there.
    """
    if part.role.name in ("test", _TEST_POOL) or part.role.trimmed:
        return
    sound = []
    for video in part.videos:
        shape = found[part.store, video.id].shape
        covered = part.covered_sec(video, shape[0]) if shape else math.inf
        past = [i for i in video.instances if i.start_sec >= covered]
        for instance in past:
            what = f"'{instance.label}' begins at {instance.start_sec:g} s, but its "
            report.add(part.file, video.id, f"{what}features end at {covered:g} s")
        if not past:
            sound.append(video)
    part.videos = sound


def _expected_channels(
    parts: Mapping[str, _Part],
    found: Mapping[tuple[FeatureStore, str], FeatureCheck],
    report: DataReport,
) -> dict[FeatureStore, int]:
    """Finds the channels of each store: as declared, else what most videos have."""
    counts = collections.defaultdict(collections.Counter)
    for (store, _), sequence in found.items():
        if sequence.shape is not None:
            counts[store][sequence.shape[1]] += 1
    expected = {store: max(n, key=n.get) for store, n in counts.items()}
    expected |= {part.store: part.dim for part in parts.values() if part.dim}
    expected = {
        part.store: expected[part.store]
        for part in parts.values()
        if part.store in expected
    }
    if len(set(expected.values())) > 1:
        sizes = ", ".join(f"{s.name} {n}" for s, n in expected.items())
        what = f"the feature stores differ in their channels: {sizes}"
        report.add(DESCRIPTION, None, what, fatal=True)
    return expected


def _role(
    part: _Part,
    found: Mapping[tuple[FeatureStore, str], FeatureCheck],
    channels: int,
    config: DataConfig,
    cache: SequenceCache,
) -> Role:
    """Builds a role of the videos whose features are sound."""
    videos = [v for v in part.videos if found[part.store, v.id].shape is not None]
    clips = [found[part.store, video.id].shape[0] for video in videos]
    fps = [part.fps[video.id] for video in videos]
    tested = part.role.name in ("test", _TEST_POOL)
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
