"""Features without an annotation file: videos to localise in, folders of moments."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ahernet_tf.config import DataConfig
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import parse_annotations
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.description import RoleDescription
from ahernet_tf.data.features.feature_entries import (
    entry_at,
    store_key,
    transposed_hint,
)
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import check_description, open_features
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.roles import Role, features_table
from ahernet_tf.data.sequences import SequenceSource

#: Stands in for a duration that nobody knows; the features tell what they cover.
_UNKNOWN = 0.0


def unannotated_role(
    directory: pathlib.Path,
    entry: dict[str, Any],
    config: DataConfig,
    channels: int,
    videos: Sequence[Video] | None = None,
    skip_bad: bool = False,
    times: Mapping[str, Any] | None = None,
) -> tuple[Role, DataReport]:
    """Opens features of videos whatever is known of their actions.

    Args:
        directory: Paths in the entry are relative to it.
        entry: A `features` entry, as in dataset.json; what it leaves out the store's
            own features.json says.
        config: Options of the data.
        channels: Channels that every sequence must have.
        videos: Which; None: all of the store. Durations and rates that they lack are
            the store's.
        skip_bad: Leave out faulty videos instead of raising.
        times: Fields of an entry that count where neither it nor the store says more.

    Returns:
        The role, of the name `unannotated`, and the report.

    Raises:
        DataError: One report of everything that is wrong.
        ValueError: There is no such store, or its time model is not known.
    """
    report = DataReport()
    role = _open(directory, entry, config, channels, report, videos, times)
    report.require_clean(skip_bad)
    if not role.videos:
        raise ValueError(f"{role.sequences.store.path}: holds no video.")
    return role, report


def class_folders(
    directory: pathlib.Path,
    layout: dict[str, Any],
    config: DataConfig,
    channels: int,
    skip_bad: bool = False,
    times: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Role], DataReport]:
    """Opens the moments of a folder per class, each of any kind of feature store.

    Args:
        directory: Where the folders lie; their names are those of the classes.
        layout: Fields of a `features` entry that hold for all of them.
        config: As of `unannotated_role`, as is what follows.
        channels: Channels that every sequence must have.
        skip_bad: Leave out faulty moments instead of raising.
        times: Fields that count where nothing else says more.

    Returns:
        The role of each class, and the report.

    Raises:
        DataError: One report of everything that is wrong.
    """
    report = DataReport()
    if not directory.is_dir():
        raise checks.DataError(f"{directory}: is no directory of folders, one a class.")
    roles = {}
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        if folder.name.startswith("."):
            continue
        entry, faults = entry_at(folder.name, layout), len(report.problems)
        try:
            role = _open(directory, entry, config, channels, report, None, times)
        except (OSError, ValueError) as error:
            report.add(folder, None, str(error).removeprefix(f"{folder}: "), fatal=True)
            continue
        if not role.videos and len(report.problems) == faults:
            report.add(folder, None, "holds no moment", fatal=True)
        roles[folder.name] = role
    if not roles and not report.problems:
        report.add(directory, None, "holds no folder of a class", fatal=True)
    report.require_clean(skip_bad)
    return roles, report


def _open(
    directory: pathlib.Path,
    entry: dict[str, Any],
    config: DataConfig,
    channels: int,
    report: DataReport,
    videos: Sequence[Video] | None,
    times: Mapping[str, Any] | None,
) -> Role:
    """Opens features; faults of videos go to the report, and these are left out."""
    store = open_features(directory, entry)
    check_description(store, entry)
    time_model = TimeModel.from_spec(
        {**(times or {}), **store.description, **entry}, config.legacy_clip_centres
    )
    if videos is None:
        videos = [Video(video, "", _UNKNOWN) for video in sorted(store.ids())]
    kept, facts = _look_at(
        store, time_model, videos, channels, report, bool(entry.get("transposed"))
    )
    columns = zip(*facts) if facts else [(), (), ()]
    return Role(
        name="unannotated",
        videos=tuple(kept),
        classes=(),
        time_model=time_model,
        features=features_table([video.id for video in kept], *columns),
        sequences=SequenceSource(
            key=store_key(entry),
            store=store,
            time_model=time_model,
            channels=channels,
            config=config,
            cache=None,
        ),
    )


def _look_at(
    store: FeatureStore,
    time_model: TimeModel,
    videos: Sequence[Video],
    channels: int,
    report: DataReport,
    turned: bool,
) -> tuple[list[Video], list[tuple[int, float | None, float]]]:
    """Returns the sound videos, and clips, frame rate and covered duration of each."""
    found = checks.check_sequences([(store, video.id) for video in videos], read=True)
    shapes = [part.shape for part in found.values() if part.shape is not None]
    kept, facts = [], []
    for video in videos:
        sequence = found[store, video.id]
        try:
            if sequence.shape is None:
                raise ValueError(sequence.fault)
            clips, own = sequence.shape
            if own != channels:
                hint = transposed_hint(shapes, channels, turned)
                raise ValueError(f"{own} channels, expected {channels}{hint}")
            fps, covered_sec, duration_sec = _timing(store, time_model, video, clips)
        except ValueError as error:
            report.add(store.file_of(video.id), video.id, str(error))
            continue
        if sequence.zeros:
            report.count(checks.ZEROS, video.id)
        sound = dataclasses.replace(video, duration_sec=duration_sec, instances=())
        kept.append(sound)
        facts.append((clips, fps, covered_sec))
    return kept, facts


def videos_of(directory: pathlib.Path, role: RoleDescription) -> list[Video]:
    """Returns the videos that the annotation file of a role lists in its subset.

    Raises:
        DataError: The file has faults.
    """
    videos, report = parse_annotations(directory / role.annotations, role.annotations)
    report.require_clean()
    return [v for v in videos.values() if role.subset in (None, v.subset)]


def _timing(
    store: FeatureStore, time_model: TimeModel, video: Video, clips: int
) -> tuple[float | None, float, float]:
    """Returns frame rate, covered duration and duration of a video.

    Raises:
        ValueError: What the time model needs is not known.
    """
    info = store.info(video.id)
    duration_sec = video.duration_sec or (info.duration_sec if info else None)
    try:
        fps = time_model.fps_of(video, info)
    except ValueError as error:
        raise ValueError(f"{error}; --fps gives one") from error
    if duration_sec is None and time_model.covers == "duration":
        raise ValueError("its duration is not known: features.json may list it")
    covered_sec = time_model.covered_sec(clips, fps, duration_sec)
    return fps, covered_sec, duration_sec or covered_sec
