"""ActivityNet's JSON, the form in which annotations are kept: read and written."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.collected_videos import make_videos
from ahernet_tf.data.annotations.column_names import named_columns
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.times import SECONDS, to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.files import shortened, write_json, write_text


def read_annotations(path: str | pathlib.Path) -> dict[str, Video]:
    """Reads an annotation file in the ActivityNet form, or in the moments form.

    The file is `{"database": {id: record}}`. A record holds `duration` in seconds,
    and optionally `subset`, `fps`, `frames` and `subject` or `group`. The actions of
    an untrimmed video are in `annotations: [{"segment": [start, end], "label": ...}]`
    in seconds; a moment has `label` instead: the whole clip is one action. Numbers
    may be strings. Segments that overshoot the video slightly are clamped and those
    of zero length dropped; `parse_annotations` says how many.

    Raises:
        DataError: The file cannot be read or records are faulty; all are listed.
    """
    videos, report = parse_annotations(path)
    report.require_clean()
    return videos


def parse_annotations(
    path: str | pathlib.Path, name: str | None = None
) -> tuple[dict[str, Video], checks.DataReport]:
    """Reads what `read_annotations` reads, but reports faults instead of raising.

    Args:
        path: Annotation file.
        name: What the report calls the file; its base name by default.

    Returns:
        The sound videos by id, and the report of the others.
    """
    report = checks.DataReport()
    source = Source(path, name=name or "")
    options = ReadOptions(ignored_labels=(), canonical=True)
    collector = VideoCollector(source.name, report, options)
    try:
        if source.json is None:
            raise ValueError("is not JSON")
        add_repeated(source, collector)
        read_database(source, collector)
    except ValueError as error:
        collector.fault(None, str(error))
        return {}, report
    return make_videos(collector), report


def read_database(source: Source, collector: VideoCollector) -> None:
    """Reads `{"database": {id: {subset, duration, annotations or label}}}`.

    Raises:
        ValueError: There is no such object.
    """
    content = source.json
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict):
        raise ValueError("holds no object 'database', {video: record}")
    for video_id, record in database.items():
        if not isinstance(record, dict):
            collector.fault(video_id, f"expected an object, received {record!r}")
            continue
        add_record(collector, video_id, record)


def add_record(
    collector: VideoCollector, video_id: str, record: dict[str, Any]
) -> None:
    """Adds a video with its annotations, or as a moment with its one label."""
    collector.add_video(video_id, **facts_of(record))
    if record.get("annotations") is None and record.get("label") is not None:
        duration = to_number(record.get("duration"))
        frames, fps = to_number(record.get("frames")), to_number(record.get("fps"))
        if duration is None and frames and fps:
            duration = frames / fps
        collector.add_segment(video_id, 0.0, duration, record["label"])
    else:
        add_annotations_of(collector, video_id, record)


def add_annotations_of(
    collector: VideoCollector, video_id: str, record: dict[str, Any]
) -> None:
    """Adds `annotations` of a record, or says that they are missing.

    In COIN they are called `annotation`.
    """
    annotations = record.get("annotations", record.get("annotation"))
    others = [k for k, v in record.items() if isinstance(v, list) and v]
    others = [key for key in others if isinstance(record[key][0], dict)]
    if annotations is not None:
        add_annotations(collector, video_id, annotations)
    elif others:
        collector.fault(video_id, f"has no 'annotations', but '{others[0]}'")
    elif not is_withheld(record.get("subset")):
        what = "has no 'annotations'; an empty list says that nothing happens"
        collector.fault(video_id, what)


def facts_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a record says of its video, as `VideoCollector` takes it."""
    facts = {k: record.get(k) for k in ("duration", "frames", "fps", "subset")}
    return facts | {"group": record.get("group", record.get("subject"))}


def is_withheld(subset: Any) -> bool:
    """Tells whether a subset is one whose annotations are not published."""
    return spelling.subset_name(str(subset)) in ("test", "testing")


def add_annotations(collector: VideoCollector, video_id: str, entries: Any) -> None:
    """Adds a JSON list of `{"segment": [start, end], "label": name}`.

    In place of a segment there may be a start and an end, as columns are called.
    """
    if not isinstance(entries, list):
        if entries is not None:
            what = f"expected a list of annotations, received {entries!r}"
            collector.fault(video_id, what)
        return
    for entry in entries:
        segment, label, unit = None, None, SECONDS
        if isinstance(entry, dict) and "segment" in entry:
            segment, label = entry["segment"], entry.get("label")
        elif isinstance(entry, dict):
            _, columns, unit = named_columns(list(entry))
            named = dict(zip(columns, entry.values()))
            segment, label = [named.get("start"), named.get("end")], named.get("label")
        if not isinstance(segment, list) or len(segment) != 2 or None in segment:
            what = f"expected segment [start, end], received {shortened(entry)}"
            collector.fault(video_id, what)
            continue
        if label is None and (text := {"sentence", "caption", "query"} & {*entry}):
            what = f"an action has a {text.pop()} in place of a label: sentences are no"
            collector.fault(video_id, f"{what} classes, give a class to each")
            continue
        if any(isinstance(value, str) for value in segment):
            collector.count("segments written as text")
        collector.add_segment(video_id, *segment, label, unit)


def add_repeated(source: Source, collector: VideoCollector) -> None:
    """Reports the keys that objects of a JSON file have twice."""
    for key, value in source.repeated:
        content = source.json if isinstance(source.json, dict) else {}
        if isinstance(value, dict) or key in content.get("results", ()):
            collector.fault(key, "duplicate id")
        else:
            collector.fault(None, f"duplicate key '{key}'")


def write_annotations(
    path: str | pathlib.Path,
    videos: Mapping[str, Video] | Iterable[Video],
    version: str = "",
    taxonomy: Any = None,
) -> None:
    """Writes the canonical JSON (`read_annotations`), whole or not at all.

    Args:
        path: File to write, gzipped where its name says so.
        videos: Videos; reading the file gives them back.
        version: Free text.
        taxonomy: Of the original file, kept for the splits.
    """
    videos = videos.values() if isinstance(videos, Mapping) else videos
    content = {"version": version, "database": {v.id: _record(v) for v in videos}}
    if taxonomy is not None:
        content["taxonomy"] = taxonomy
    if str(path).endswith(".gz"):
        write_json(path, content, indent=None)
    else:
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
