"""Trimmed clips in a folder per class: videos and their class from where they lie."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Mapping
from typing import Any

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.collected_videos import make_videos
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.video_collector import VideoCollector
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.features.feature_entries import entry_at
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel

_MARKS = "extracted"  # beside the features that extract_features writes


def folders_of_classes(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the folders of a directory that are called by classes."""
    folders = (p for p in path.iterdir() if p.is_dir())
    return sorted(p for p in folders if p.name[0] != "." and p.name != _MARKS)


def read_class_folders(
    path: str | pathlib.Path,
    report: checks.DataReport,
    options: ReadOptions,
    time_model: TimeModel,
    layout: Mapping[str, Any] | None = None,
) -> dict[str, Video]:
    """Reads a directory with a folder a class, each a store of trimmed clips.

    Args:
        path: Directory; `<class>/<clip>.npy` or whatever `features.open_store` opens.
        report: Where faults and counts go.
        options: As for the other readers; facts tell the frame rates of clips.
        time_model: Clip and stride frames, perhaps fps; durations follow from them.
            The fps of each clip is taken from features.json, or from `options`.
        layout: Fields of the `features` entry of dataset.json.

    Returns:
        A video per clip, with one instance that spans it. A name that several classes
        have becomes `class/name`.
    """
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    folders = folders_of_classes(path) if path.is_dir() else []
    if not folders:
        collector.fault(None, "holds no folder of a class")
    stores: dict[str, FeatureStore] = {}
    shapes: dict[str, dict[str, tuple[int, int]]] = {}
    for folder in folders:
        try:
            store = open_features(path, entry_at(folder.name, dict(layout or {})))
        except (OSError, ValueError) as error:
            report.add(folder.name, None, str(error), fatal=True)
            continue
        stores[folder.name] = store
        shapes[folder.name] = {}
        for name in sorted(store.ids()):
            try:
                shapes[folder.name][name] = store.shape(name)
            except (OSError, ValueError) as error:
                reason = str(error).removeprefix(f"{store.where(name)}: ")
                report.add(folder.name, name, reason)
    names = collections.Counter(name for clips in shapes.values() for name in clips)
    for label, shapes_of_label in shapes.items():
        for name, (clips, _) in shapes_of_label.items():
            video_id = name if names[name] == 1 else f"{label}/{name}"
            try:
                fps = time_model.fps or _fps(stores[label], name, video_id, options)
            except ValueError as error:
                collector.fault(video_id, str(error))
                continue
            if not fps:
                what = "its frame rate is not known: give --fps, or a features.json"
                collector.fault(video_id, what)
                continue
            frames = (clips - 1) * time_model.stride_frames + time_model.clip_frames
            collector.add_video(video_id, frames / fps, frames, fps)
            collector.add_segment(video_id, 0.0, frames / fps, label)
    return make_videos(collector)


def _fps(
    store: FeatureStore, name: str, video_id: str, options: ReadOptions
) -> float | None:
    """Finds the frame rate of a clip: in the store, or beside it."""
    info, beside = store.info(name), options.beside(video_id)
    rates = (info and info.fps, store.description.get("fps"), beside.get("fps"))
    return next((rate for rate in rates if rate), None)
