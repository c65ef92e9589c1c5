"""Forms of annotations that annotation tools write as JSON or, BORIS, as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.table_forms import (
    checked_table,
    class_of_index,
    has_columns,
    is_too_low,
    rows_of,
)
from ahernet_tf.data.annotations.text_tables import media_name, video_name
from ahernet_tf.data.annotations.times import FRAMES, to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector

POINT_EVENTS = "point events, which last no time, left out"
STATE = "state"  # in the type of BORIS' behaviours that last


def is_label_studio(source: Source) -> bool:
    """Tells whether there are tasks of Label Studio, complete or in its short form."""
    content = source.json
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, dict):
        return False
    return {"data", "annotations"} <= set(first) or {"id", "annotator"} <= set(first)


def read_label_studio(source: Source, collector: VideoCollector) -> None:
    """Reads Label Studio's JSON: time lines in frames, regions in seconds, objects.

    Frames count from 1 and both ends belong to the action. What `data` says beside
    the video (`fps`, `duration`, `subset`, ...) is taken, too. A task without an
    annotation, or with cancelled ones alone, is left out.
    """
    for task in source.json:
        done = [a for a in task.get("annotations", ()) if not a.get("was_cancelled")]
        if done or "data" not in task:
            _add_task({**task, "annotations": done}, collector)
        else:
            collector.count("tasks without an annotation left out")


def is_label_studio_table(source: Source) -> bool:
    """Tells whether there is the table that Label Studio exports."""
    return has_columns(source, "annotator", "annotationid")


def read_label_studio_table(source: Source, collector: VideoCollector) -> None:
    """Reads Label Studio's table: the short form, whose lists stand in cells as JSON.

    Raises:
        ValueError: A cell begins like a list, and is none.
    """
    table = checked_table(source, "annotator", "annotationid")
    for row in rows_of(table, collector):
        cells = zip(table.header, (row[key] for key in table.keys))
        task = {n: json.loads(c) if c.startswith("[") else c for n, c in cells}
        _add_task(task, collector)


def _add_task(task: dict[str, Any], collector: VideoCollector) -> None:
    """Adds the actions of a task."""
    data = task.get("data", task)  # the short form has no levels
    keys = sorted(data, key=lambda k: (k != "video", "video" not in k, k != "url"))
    named = next((data[k] for k in keys if isinstance(data[k], str)), "")
    video = media_name(named)
    facts = ("duration", "frames", "fps", "subset", "group")
    collector.add_video(video, **{name: data.get(name) for name in facts})
    for result in _label_studio_results(task):
        _add_label_studio(collector, video, result)


def _label_studio_results(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the regions of a task."""
    if "data" in task:
        for annotation in task["annotations"]:
            yield from annotation.get("result") or ()
        return
    for name, values in task.items():
        for value in values if isinstance(values, list) else ():
            yield {"from_name": name, "value": value}


def _add_label_studio(
    collector: VideoCollector, video: str, result: dict[str, Any]
) -> None:
    """Adds one region of Label Studio."""
    tiers = collector.options.tiers
    if tiers and result.get("from_name") not in tiers:
        return
    value = result.get("value") or {}
    labels = value.get("timelinelabels") or value.get("labels") or ()
    ranges = value.get("ranges") or ()
    if "sequence" in value:
        ranges = list(_lifespans(value["sequence"]))
    for label in labels:
        if "start" in value and "end" in value:
            collector.add_segment(video, value["start"], value["end"], label)
        for span in ranges:
            start, end = to_number(span.get("start")), to_number(span.get("end"))
            if start is None or end is None:
                collector.fault(video, f"expected a range of frames, received {span!r}")
                continue
            collector.add_segment(video, start - 1, end, label, FRAMES)


def _lifespans(sequence: Iterable[dict[str, Any]]) -> Iterator[dict[str, int]]:
    """Yields when an object is in the picture: a key frame that is off ends it."""
    keys = sorted((k for k in sequence if "frame" in k), key=lambda k: k["frame"])
    start = None
    for key in keys:
        on = key.get("enabled", True)
        if start is None and on:
            start = key["frame"]
        if start is not None and (not on or key is keys[-1]):
            yield {"start": start, "end": key["frame"]}
            start = None


def is_fiftyone(source: Source) -> bool:
    """Tells whether there are temporal detections of FiftyOne."""
    content = source.json
    if not isinstance(content, dict):
        return False
    return "samples" in content or {"classes", "labels"} <= set(content)


def read_fiftyone(source: Source, collector: VideoCollector) -> None:
    """Reads FiftyOne: `labels.json` of temporal detections, or `samples.json`.

    `timestamps` are seconds, `support` is frames, from 1 on, both ends included. A
    sample without such a field, or with null for one, was not annotated, and is left
    out.
    """
    content = source.json
    names = tuple(map(str, content.get("classes") or ()))
    for sample in content.get("samples") or ():
        fields = [field for field in sample.values() if isinstance(field, dict)]
        fields = [f for f in fields if f.get("_cls") == "TemporalDetections"]
        collector.count("samples without temporal detections left out", not fields)
        if not fields:
            continue
        video = video_name(sample.get("filepath") or "")
        facts = sample.get("metadata") or {}
        collector.add_video(
            video,
            facts.get("duration"),
            facts.get("total_frame_count"),
            facts.get("frame_rate"),
        )
        for field in fields:
            for detection in field["detections"]:
                _add_fiftyone(collector, video, detection, names)
    for video, detections in (content.get("labels") or {}).items():
        collector.count(
            "samples without temporal detections left out", detections is None
        )
        if detections is None:
            continue
        collector.add_video(video)
        for detection in detections:
            _add_fiftyone(collector, video, detection, names)


def _add_fiftyone(
    collector: VideoCollector,
    video: str,
    detection: dict[str, Any],
    names: tuple[str, ...],
) -> None:
    """Adds one temporal detection of FiftyOne."""
    score = to_number(detection.get("confidence"))
    if score is not None and is_too_low(collector, score):
        return
    label = detection.get("label")
    if names and isinstance(label, int):
        label = class_of_index(collector, video, label, names)
    if label is None:
        collector.fault(video, f"no label in {detection!r}")
    elif detection.get("timestamps") is not None:
        collector.add_segment(video, *detection["timestamps"], label)
    else:
        first, last = detection["support"]
        collector.add_segment(video, first - 1, last, label, FRAMES)


def is_boris(source: Source) -> bool:
    """Tells whether there is a project of BORIS."""
    content = source.json
    return isinstance(content, dict) and {"observations", "behaviors_conf"} <= set(
        content
    )


def read_boris(source: Source, collector: VideoCollector) -> None:
    """Reads a project of BORIS: an observation of one media file is a video.

    A behaviour that lasts is an action between two of its events; one that does not
    has no length.
    """
    content = source.json
    lasting = {
        behavior.get("code")
        for behavior in content["behaviors_conf"].values()
        if STATE in str(behavior.get("type")).lower()
    }
    for name, observation in content["observations"].items():
        files = (observation.get("file") or {}).get("1") or []
        video = video_name(files[0]) if files else name
        if len(files) > 1:
            collector.fault(video, f"observation '{name}' joins {len(files)} files")
            continue
        info = observation.get("media_info") or {}
        facts = [
            (info.get(k) or {}).get(files[0] if files else "")
            for k in ("length", "fps")
        ]
        collector.add_video(video, facts[0], fps=facts[1])
        begun: dict[tuple[str, ...], Any] = {}
        for time, subject, code, modifier, *_ in sorted(
            observation["events"] or (), key=lambda event: event[0]
        ):
            event = (subject, code, modifier)
            if code not in lasting:
                collector.count(POINT_EVENTS)
            elif event in begun:
                collector.add_segment(video, begun.pop(event), time, code)
            else:
                begun[event] = time
        for _, code, _ in begun:
            collector.fault(video, f"'{code}' starts, and never stops")


def is_boris_table(source: Source) -> bool:
    """Tells whether there is a table that BORIS exported: of actions, or of events."""
    table = source.table
    known = set(table.keys) if table else set()
    events = "time" in known and bool({"status", "behaviortype"} & known)
    aggregated = {"start", "stop", "behaviortype"} <= known
    return "behavior" in known and (events or aggregated)


def read_boris_table(source: Source, collector: VideoCollector) -> None:
    """Reads the aggregated events of BORIS, a row an action, or its tabular events.

    Events are paired, START and STOP, per video, subject and behaviour. Point events
    have no length.
    """
    table = checked_table(source, "behavior")
    file = next((k for k in table.keys if k.startswith("mediafile")), "observationid")
    kind = "status" if "status" in table.keys else "behaviortype"
    open_events: dict[tuple[str, ...], str] = {}
    for row in rows_of(table, collector):
        video = video_name(row.get(file) or row.get("observationid"))
        duration = row.get("mediaduration") or row.get("totallength")
        collector.add_video(video, to_number(duration), fps=row.get("fps"))
        label = row["behavior"]
        if row[kind].upper() == "POINT":
            collector.count(POINT_EVENTS)
            continue
        if "stop" in table.keys:
            collector.add_segment(video, row["start"], row["stop"], label)
            continue
        event = (video, row.get("subject"), label)
        state = row[kind].upper()
        if state == "START" and event not in open_events:
            open_events[event] = row["time"]
        elif state == "STOP" and event in open_events:
            collector.add_segment(video, open_events.pop(event), row["time"], label)
        else:
            what = f"line {row.line}: '{label}' {state} without its counterpart"
            collector.fault(video, what)
    for video, _, label in open_events:
        collector.fault(video, f"'{label}' starts, and never stops")
