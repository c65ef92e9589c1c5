"""Readers for the annotation files that people have, and one canonical form out.

Every reader takes `(path, report, options)` and returns the sound videos by id; what
it mended, dropped or refused is in the report (`annotation_repairs`). The readers:

| reader | form |
|---|---|
| `read_activitynet` | ActivityNet JSON, also with THUMOS14 or one's own videos |
| `read_bsn` | JSON of BSN, BMN and the 2020 release: `{v_id: {duration_second, ...}}` |
| `read_segment_csv` | a table with a row a segment: `video,start,end,label` or the |
| | columns of the two THUMOS14 tables |
| `read_thumos14_text` | THUMOS14's directory of `<Class>_<subset>.txt` |
| `read_kinetics` | Kinetics CSV: a row a trimmed clip |
| `read_k600_validation` | id, start, end and class index, separated by tabs |
| `read_class_folders` | a folder a class, holding the features of trimmed clips |

`read_video_facts` reads the tables that accompany some of them.
"""

from __future__ import annotations

import collections
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import Video, read_json
from ahernet_tf.data.annotations.annotation_tables import (
    read_classes,
    read_k600_validation,
    read_kinetics,
    read_segment_csv,
    read_thumos14_text,
    read_video_facts,
)
from ahernet_tf.data.annotations.repairs import ReadOptions, VideoCollector, to_number
from ahernet_tf.data.features.feature_entries import entry_at
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.files import write_text

__all__ = [
    "ReadOptions",
    "read_activitynet",
    "read_bsn",
    "read_class_folders",
    "read_classes",
    "read_k600_validation",
    "read_kinetics",
    "read_segment_csv",
    "read_thumos14_text",
    "read_video_facts",
    "write_annotations",
]


def read_activitynet(
    path: str | pathlib.Path, report: checks.Report, options: ReadOptions
) -> dict[str, Video]:
    """Reads `{"database": {id: {subset, duration, annotations or label}}}`."""
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    database = _object(path, report, "database")
    for video_id, record in database.items():
        if not isinstance(record, dict):
            collector.fault(video_id, f"expected an object, received {record!r}")
            continue
        group = record.get("group", record.get("subject"))
        facts = {k: record.get(k) for k in ("duration", "frames", "fps", "subset")}
        collector.add_video(video_id, **facts, group=group)
        if record.get("annotations") is None and record.get("label") is not None:
            duration = to_number(record.get("duration"))
            frames, fps = to_number(record.get("frames")), to_number(record.get("fps"))
            if duration is None and frames and fps:
                duration = frames / fps
            collector.add_segment(video_id, 0.0, duration, record["label"])
        else:
            _add_annotations(collector, video_id, record.get("annotations"))
    return collector.finish()


def read_bsn(
    path: str | pathlib.Path, report: checks.Report, options: ReadOptions
) -> dict[str, Video]:
    """Reads `{v_id: {duration_second, duration_frame, annotations}}`.

    Subset and frame rate are in the table beside it, `video_info_new.csv`: see
    `read_video_facts`. `feature_frame` is not kept; it belongs to the features.
    """
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    for video_id, record in _object(path, report).items():
        if not isinstance(record, dict):
            collector.fault(video_id, f"expected an object, received {record!r}")
            continue
        collector.add_video(
            video_id, record.get("duration_second"), record.get("duration_frame")
        )
        _add_annotations(collector, video_id, record.get("annotations"))
    return collector.finish()


def read_class_folders(
    path: str | pathlib.Path,
    report: checks.Report,
    options: ReadOptions,
    time_model: TimeModel,
    layout: Mapping[str, Any] | None = None,
) -> dict[str, Video]:
    """Reads a directory with a folder a class, each a store of trimmed clips.

    Args:
        path: Directory; `<class>/<clip>.npy` or whatever `features.open_store` opens.
        report: Where faults and counts go.
        options: As for the other readers.
        time_model: Clip and stride frames and fps; the duration follows from them. An
            fps of each clip is taken from features.json.
        layout: Fields of the `features` entry of dataset.json.

    Returns:
        A video per clip, with one instance that spans it. A name that several classes
        have becomes `class/name`.
    """
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    folders = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    if not folders:
        report.add(path.name, None, "holds no folder of a class", fatal=True)
    stores: dict[str, FeatureStore] = {}
    shapes: dict[str, dict[str, tuple[int, int]]] = {}
    for folder in folders:
        try:
            store = open_features(path, entry_at(folder.name, dict(layout or {})))
            stores[folder.name] = store
            shapes[folder.name] = {i: store.shape(i) for i in sorted(store.ids())}
        except (OSError, ValueError) as error:
            report.add(folder.name, None, str(error), fatal=True)
    names = collections.Counter(name for clips in shapes.values() for name in clips)
    for label, shapes_of_label in shapes.items():
        for name, (clips, _) in shapes_of_label.items():
            video_id = name if names[name] == 1 else f"{label}/{name}"
            info = stores[label].info(name)
            fps = time_model.fps or (info and info.fps)
            if not fps:
                collector.fault(video_id, "its frames per second are not known")
                continue
            frames = (clips - 1) * time_model.stride_frames + time_model.clip_frames
            duration = frames / fps
            collector.add_video(video_id, duration, frames, fps)
            collector.add_segment(video_id, 0.0, duration, label)
    return collector.finish()


def write_annotations(
    path: str | pathlib.Path,
    videos: Mapping[str, Video] | Iterable[Video],
    version: str = "",
    taxonomy: Any = None,
) -> None:
    """Writes the canonical JSON (`annotations.read_annotations`), whole or not at all.

    Args:
        path: File to write.
        videos: Videos; reading the file gives them back.
        version: Free text.
        taxonomy: Of the original file, kept for the splits.
    """
    videos = videos.values() if isinstance(videos, Mapping) else videos
    content = {"version": version, "database": {v.id: _record(v) for v in videos}}
    if taxonomy is not None:
        content["taxonomy"] = taxonomy
    write_text(path, json.dumps(content, ensure_ascii=False) + "\n")


def _record(video: Video) -> dict[str, Any]:
    """Returns a video as its record in the canonical JSON."""
    record: dict[str, Any] = {"subset": video.subset, "duration": video.duration_sec}
    for name in ("fps", "frames", "group"):
        if getattr(video, name) is not None:
            record[name] = getattr(video, name)
    record["annotations"] = [
        {"segment": [i.start_sec, i.end_sec], "label": i.label} for i in video.instances
    ]
    return record


def _object(
    path: pathlib.Path, report: checks.Report, key: str | None = None
) -> dict[str, Any]:
    """Reads a JSON object, or the object under a key of it; {} with a fault."""
    content = read_json(path, path.name, report)
    if content is None:
        return {}
    if key is not None:
        content = content.get(key) if isinstance(content, dict) else None
    if not isinstance(content, dict):
        what = f"holds no object '{key}'" if key else "expected an object"
        report.add(path.name, None, what, fatal=True)
        return {}
    return content


def _add_annotations(collector: VideoCollector, video_id: str, entries: Any) -> None:
    """Adds a JSON list of `{"segment": [start, end], "label": name}`."""
    if not isinstance(entries, list):
        if entries is not None:
            collector.fault(video_id, f"expected a list, received {entries!r}")
        return
    for entry in entries:
        segment = entry.get("segment") if isinstance(entry, dict) else None
        if not isinstance(segment, list) or len(segment) != 2:
            what = f"expected segment [start, end], received {entry!r}"
            collector.fault(video_id, what)
            continue
        if any(isinstance(value, str) for value in segment):
            collector.count("segments written as text")
        collector.add_segment(video_id, *segment, entry.get("label"))
