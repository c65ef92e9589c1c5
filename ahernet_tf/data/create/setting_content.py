"""Brings annotations and features of a setting together: videos and classes."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from ahernet_tf import settings
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create import class_splits as splits
from ahernet_tf.data.create.public_annotations import (
    AnnotatedSubset,
    PublicAnnotations,
    labels_of,
)
from ahernet_tf.data.create.video_facts import FactsOfFeatures
from ahernet_tf.data.features.feature_sets import FEATURE_SETS, expand
from ahernet_tf.data.features.feature_store import FeatureStore, spellings
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.settings import Count, Setting


@dataclasses.dataclass(frozen=True)
class SettingFeatures:
    """Features of one data set.

    Attributes:
        spec: Their entry of dataset.json, paths as seen from here.
        store: Where they lie.
        model: When their clips happen.
        assumed: True where the paper's clips were assumed.
    """

    spec: dict[str, Any]
    store: FeatureStore
    model: TimeModel
    assumed: bool


@dataclasses.dataclass(frozen=True)
class SettingContent:
    """What a data set is made of.

    Attributes:
        setting: Which setting.
        subsets: What the annotation files hold of each subset that it uses.
        features: By data set.
        present: The videos of each subset that have features.
        missing: Data set, subset and id of all others, and why.
        classes: "source" and "target" classes, as far as they have such videos.
        listed: The same, as the annotation files have them.
        origin: Where a split of the classes comes from, or None.
    """

    setting: Setting
    subsets: dict[Count, AnnotatedSubset]
    features: dict[str, SettingFeatures]
    present: dict[Count, list[Video]]
    missing: list[tuple[str, str, str, str]]
    classes: dict[str, tuple[str, ...]]
    listed: dict[str, tuple[str, ...]]
    origin: str | None


def open_all_features(
    setting: Setting, features: Sequence[str], layout: Sequence[str]
) -> dict[str, SettingFeatures]:
    """Opens the feature stores of every data set that the setting uses."""
    datasets = dict.fromkeys(count.dataset for count in setting.counts())
    paths: dict[str, list[pathlib.Path]] = {name: [] for name in datasets}
    for text in features:
        prefix, equals, rest = text.partition("=")
        named = bool(equals) and prefix in settings.TITLES
        path = pathlib.Path(rest if named else text)
        if not path.exists():
            raise ValueError(f"--features: {path} does not exist")
        for name in [prefix] if named else datasets:
            if name in paths:
                paths[name].append(path)
    opened: dict[str, SettingFeatures] = {}
    for name in datasets:
        if not paths[name]:
            title = settings.TITLES[name]
            raise ValueError(f"--features: none of {title}; give {name}=PATH")
        opened[name] = _opened(paths[name], _layout_of(name, layout))
    return opened


def _opened(paths: list[pathlib.Path], layout: dict[str, Any]) -> SettingFeatures:
    """Opens the stores of one data set."""
    listed = [str(part) for path in paths for part in _stores_in(path)]
    spec = {"path": listed[0] if len(listed) == 1 else listed, **layout}
    store = open_features(pathlib.Path(), expand(spec))
    timing = {**store.description, **expand(spec)}
    assumed = timing.get("covers", "clips") == "clips" and not (
        {"clip_frames", "stride_frames"} & set(timing)
    )
    if assumed:
        paper = FEATURE_SETS["p3d"].spec
        spec |= {key: paper[key] for key in ("clip_frames", "stride_frames")}
        timing |= spec
    return SettingFeatures(spec, store, TimeModel.from_spec(timing), assumed)


def _stores_in(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns a store, or the folders of a directory that holds a folder a class."""
    if not path.is_dir():
        return [path]
    entries = [p for p in path.iterdir() if not p.name.startswith(".")]
    return sorted(entries) if entries and all(p.is_dir() for p in entries) else [path]


def _layout_of(dataset: str, layout: Sequence[str]) -> dict[str, Any]:
    """Returns the fields of a data set's features entry; its own go before all's."""
    common, own = {}, {}
    for text in layout:
        key, equals, value = text.partition("=")
        prefix, dot, field = key.rpartition(".")
        if not equals or (dot and prefix not in settings.TITLES):
            raise ValueError(
                f"--layout: expected key=value or DATASET.key=value with a data set "
                f"of {list(settings.TITLES)}, received '{text}'"
            )
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        if prefix in ("", dataset):
            (own if prefix else common)[field] = parsed
    return {**common, **own}


def make_content(
    setting: Setting,
    files: PublicAnnotations,
    subsets: dict[Count, AnnotatedSubset],
    features: dict[str, SettingFeatures],
) -> SettingContent:
    """Selects the videos that have features, and the classes that have videos.

    Args:
        setting: Which setting.
        files: The annotation files.
        subsets: What they hold of each subset of the setting.
        features: By data set.

    Raises:
        ValueError: A subset has no features, or the times of videos are not known.
    """
    listed, origin = _classes(setting, subsets)
    present, missing = {}, []
    for count, subset in subsets.items():
        opened, videos = features[count.dataset], subset.videos
        names = set(opened.store.ids())
        there = [i for i in videos if not names.isdisjoint(spellings(i))]
        if not there:
            raise ValueError(_nothing_found(count, subset, opened))
        lacking = dict.fromkeys(videos.keys() - set(there), "no features")
        if subset.lacks_durations():
            videos = _with_durations(files, count, there, opened)
            gone = [i for i in there if i not in videos]
            lacking |= dict.fromkeys(gone, "features end before the first action")
        present[count] = [videos[i] for i in there if i not in lacking]
        missing += [
            (count.dataset, count.subset, i, lacking[i])
            for i in subset.videos
            if i in lacking
        ]
        _check_rate(count, present[count], opened)
    classes = {}
    for kind, part in (("source", setting.untrimmed), ("target", setting.moments)):
        labels = labels_of(present[part.count])
        classes[kind] = tuple(name for name in listed[kind] if labels[name])
        if not classes[kind]:
            raise ValueError(f"--features: no {kind} class has a video with features")
    return SettingContent(
        setting, subsets, features, present, missing, classes, listed, origin
    )


def _classes(
    setting: Setting, subsets: dict[Count, AnnotatedSubset]
) -> tuple[dict[str, tuple[str, ...]], str | None]:
    """Finds the classes of a setting, and where a split of them comes from."""
    source, target = setting.untrimmed.count, setting.moments.count
    names = sorted(labels_of(subsets[source].videos.values()))
    if source == target:
        split = splits.split_activitynet(names, subsets[source].taxonomy)
        return {"source": split.source, "target": split.target}, split.origin
    others = sorted(labels_of(subsets[target].videos.values()))
    return {"source": tuple(names), "target": tuple(others)}, None


def _with_durations(
    files: PublicAnnotations, count: Count, ids: list[str], features: SettingFeatures
) -> dict[str, Video]:
    """Reads a subset anew whose file does not say how long its videos are."""
    known = FactsOfFeatures(features.store, features.model)
    facts = {video: known[video] for video in ids if video in known}
    again = files.subset(count, facts)
    if facts.keys() < set(ids) and again.lacks_durations():
        unknown = [i for i in ids if i not in facts]
        raise ValueError(
            f"{settings.TITLES[count.dataset]} {count.subset}: it is not known how "
            f"long {len(unknown)} videos are, such as '{unknown[0]}': give their frame "
            f"rate (--layout {count.dataset}.fps=...), or a table video,duration,fps "
            "among --annotations"
        )
    return again.videos


def _check_rate(count: Count, videos: list[Video], features: SettingFeatures) -> None:
    """Refuses videos of which no frame rate is known."""
    model, store = features.model, features.store
    if model.covers == "duration" or model.fps is not None:
        return
    unknown = []
    for video in videos:
        info = store.info(video.id)
        if not (video.fps or video.frames or (info is not None and info.fps)):
            unknown.append(video.id)
    if unknown:
        raise ValueError(
            f"{settings.TITLES[count.dataset]} {count.subset}: the frame rate of "
            f"{len(unknown)} videos is not known, such as '{unknown[0]}': give "
            f"--layout {count.dataset}.fps=... if it is the same for all (with "
            f"--layout {count.dataset}.resampled=true where videos were converted to "
            "it), or a table video,fps among --annotations"
        )


def _nothing_found(
    count: Count, subset: AnnotatedSubset, features: SettingFeatures
) -> str:
    """Says that ids of annotations and features have nothing in common."""
    video = next(iter(subset.videos), "")
    own = next(iter(features.store.ids()), None)
    has = "is empty" if own is None else f"has names such as '{own}'"
    return (
        f"--features: none of the {len(subset.videos)} videos of "
        f"{settings.TITLES[count.dataset]} {count.subset} has features: the file says "
        f"'{video}', {features.store.path} {has} (--layout {count.dataset}.template "
        "says how names are made of ids)"
    )
