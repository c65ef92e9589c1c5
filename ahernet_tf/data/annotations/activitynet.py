"""Typed records of annotated videos, and the readers that make them."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from typing import Any

from ahernet_tf import files
from ahernet_tf.data import checks


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """One action: its extent in seconds of the video, and its class."""

    start_sec: float
    end_sec: float
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Video:
    """An annotated video, untrimmed or one action moment.

    Attributes:
        id: Name, the same as in results files and feature stores.
        subset: Such as "training"; "" where the file names none.
        duration_sec: Length of the video.
        instances: Its actions in the order of the file; a moment has one that spans
            all of it; none means background only.
        frames: Number of frames, if known.
        fps: Frames a second, if stated.
        group: Who or what ties videos together (a person, a place): a split that is
            to be fair keeps a group on one side.
    """

    id: str
    subset: str
    duration_sec: float
    instances: tuple[Instance, ...] = ()
    frames: int | None = None
    fps: float | None = None
    group: str | None = None


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
) -> tuple[dict[str, Video], checks.Report]:
    """Reads what `read_annotations` reads, but reports faults instead of raising.

    Args:
        path: Annotation file.
        name: What the report calls the file; its base name by default.

    Returns:
        The sound videos by id, and the report of the others.
    """
    path = pathlib.Path(path)
    report = checks.Report()
    name = name or path.name
    content = read_json(path, name, report)
    if content is None:
        return {}, report
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict):
        report.add(name, None, "holds no object 'database'", fatal=True)
        return {}, report
    videos: dict[str, Video] = {}
    for video_id, record in database.items():
        try:
            video = _video(video_id, record, name, report)
        except ValueError as error:
            report.add(name, video_id, str(error))
            continue
        if record.get("annotations") and not video.instances:
            report.counts[f"{name}: videos with zero-length segments only dropped"] += 1
            continue
        videos[video_id] = video
    for video_id in list(videos):
        other = video_id.removeprefix("v_")
        if other != video_id and other in videos:
            report.add(name, video_id, f"duplicate id, there is also '{other}'")
            del videos[video_id]
    return videos, report


def read_json(
    path: pathlib.Path, name: str, report: checks.Report, keys_are_ids: bool = True
) -> Any:
    """Reads JSON; unreadable files and repeated keys go to the report.

    Args:
        path: File to read.
        name: What the report calls it.
        report: Where faults go.
        keys_are_ids: A repeated key of an object is a video's id, and not fatal.

    Returns:
        The content, or None where it could not be read. Of a repeated key the first
        value is kept.
    """

    def repeated(key: str, value: Any) -> None:
        if keys_are_ids and isinstance(value, dict):
            report.add(name, key, "duplicate id")
        else:
            report.add(name, None, f"duplicate key '{key}'", fatal=True)

    try:
        return files.read_json(path, repeated)
    except ValueError as error:
        report.add(name, None, str(error).removeprefix(f"{path}: "), fatal=True)
    return None


def _video(video_id: str, record: Any, name: str, report: checks.Report) -> Video:
    """Builds one video.

    Raises:
        ValueError: Says what is wrong with the record.
    """
    fault = checks.fault_of_id(video_id)
    if fault:
        raise ValueError(fault)
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, received {record!r}")
    fps = _positive(record, "fps", "fps")
    frames = _positive(record, "frames", "number of frames")
    if frames is not None and frames != int(frames):
        raise ValueError(f"expected a whole number of frames, received {frames}")
    duration = _positive(record, "duration", "duration")
    if duration is None:
        if not (fps and frames):
            raise ValueError("has no duration, nor fps and frames to compute it")
        duration = frames / fps
    if fps and frames and abs(frames / duration - fps) > 0.01 * fps + 1.5 / duration:
        report.counts[f"{name}: fps is not frames / duration; fps is used"] += 1
    group = record.get("subject", record.get("group"))
    return Video(
        id=video_id,
        subset=str(record.get("subset", "")),
        duration_sec=duration,
        instances=_instances(record, duration, name, report),
        frames=None if frames is None else int(frames),
        fps=fps,
        group=None if group is None else str(group),
    )


def _instances(
    record: dict[str, Any], duration: float, name: str, report: checks.Report
) -> tuple[Instance, ...]:
    """Reads the actions of a record, or the one action that is the whole clip."""
    annotations = record.get("annotations")
    if annotations is None:
        label = record.get("label")
        return () if label is None else (Instance(0.0, duration, str(label)),)
    if not isinstance(annotations, list):
        raise ValueError(f"expected a list of annotations, received {annotations!r}")
    instances = []
    for annotation in annotations:
        segment = annotation.get("segment") if isinstance(annotation, dict) else None
        if not isinstance(segment, list) or len(segment) != 2:
            raise ValueError(f"expected segment [start, end], received {annotation!r}")
        if annotation.get("label") is None:
            raise ValueError(f"an annotation has no label ({annotation!r})")
        start, end = (_number(value, "segment") for value in segment)
        if start > end:
            raise ValueError(f"segment starts at {start} s, after its end at {end} s")
        tolerance = checks.overshoot_tolerance_sec(duration)
        if start < -tolerance:
            raise ValueError(f"segment starts at {start} s, before the video")
        if end > duration + tolerance or start > duration:
            which, value = ("starts", start) if start > duration else ("ends", end)
            raise ValueError(
                f"segment {which} at {value} s, the video lasts {duration} s"
            )
        if start < 0 or end > duration:
            report.counts[f"{name}: segments clamped to their video's duration"] += 1
            start, end = max(start, 0.0), min(end, duration)
        if start == end:
            report.counts[f"{name}: segments of zero length dropped"] += 1
            continue
        instances.append(Instance(start, end, str(annotation["label"])))
    return tuple(instances)


def _positive(record: dict[str, Any], key: str, what: str) -> float | None:
    """Returns a field that must be positive if present."""
    if record.get(key) is None:
        return None
    number = _number(record[key], what)
    if number <= 0:
        raise ValueError(f"{what} of {number}")
    return number


def _number(value: Any, what: str) -> float:
    """Converts a number or its text; refuses NaN, infinity and other things."""
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a number for {what}, received {value!r}")
    return number
