"""Forms of annotations that data sets publish as JSON, and detections."""

from __future__ import annotations

import collections
from typing import Any

from ahernet_tf.data.annotations.activitynet import (
    add_annotations,
    add_annotations_of,
    add_record,
    read_database,
)
from ahernet_tf.data.annotations.column_names import named_columns
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.table_forms import add_clip, is_too_low
from ahernet_tf.data.annotations.times import to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector


def is_database(source: Source) -> bool:
    """Tells whether there is an object `database`, or records as in one."""
    if isinstance(source.json, dict) and "database" in source.json:
        return True
    record = first_record(source)
    bare = isinstance(record.get("annotations"), list)
    known = {"duration_second", "data", "annotator"}  # of BSN, of Label Studio
    return bare and not known & record.keys()


def read_records(source: Source, collector: VideoCollector) -> None:
    """Reads ActivityNet's JSON; also its records alone, `{id: {annotations}}`.

    Records may be a list, or lines, that name their videos.
    """
    if isinstance(source.json, list) or "database" not in source.json:
        for video_id, record in records_of(source, collector).items():
            add_record(collector, video_id, record)
    else:
        read_database(source, collector)


def is_detections(source: Source) -> bool:
    """Tells whether there is an object `results`."""
    return isinstance(source.json, dict) and isinstance(
        source.json.get("results"), dict
    )


def read_detections(source: Source, collector: VideoCollector) -> None:
    """Reads `{"results": {id: [{segment, label, score}]}}`, from a minimum score on."""
    for video_id, entries in source.json["results"].items():
        kept = entries
        if isinstance(entries, list):
            kept = [e for e in entries if not _is_low(collector, e)]
        if not kept:
            collector.count("videos without a detection left out")
            continue
        collector.add_video(video_id)
        add_annotations(collector, video_id, kept)


def _is_low(collector: VideoCollector, entry: Any) -> bool:
    score = to_number(entry.get("score")) if isinstance(entry, dict) else None
    return score is not None and is_too_low(collector, score)


def is_bsn(source: Source) -> bool:
    """Tells whether there are records with `duration_second`."""
    return "duration_second" in first_record(source)


def read_bsn(source: Source, collector: VideoCollector) -> None:
    """Reads `{v_id: {duration_second, duration_frame, annotations}}`.

    Subset and frame rate are in the table beside it, `video_info_new.csv`: see
    `companion_files`. `feature_frame` is not kept; it belongs to the features.
    """
    for video_id, record in records_of(source, collector).items():
        seconds, frames = record.get("duration_second"), record.get("duration_frame")
        collector.add_video(video_id, seconds, frames)
        add_annotations_of(collector, video_id, record)


def is_kinetics_json(source: Source) -> bool:
    """Tells whether there are records with one annotation each."""
    return isinstance(first_record(source).get("annotations"), dict)


def read_kinetics_json(source: Source, collector: VideoCollector) -> None:
    """Reads `{youtube_id: {annotations: {label, segment}, duration, subset, url}}`.

    A record is a trimmed clip, as a row of the CSV is. Where there is no segment
    (test), all of the duration is taken.
    """
    for video_id, record in records_of(source, collector).items():
        annotation = record.get("annotations")
        if not isinstance(annotation, dict):
            what = f"expected annotations {{label, segment}}, received {annotation!r}"
            collector.fault(video_id, what)
            continue
        segment = annotation.get("segment") or [0, record.get("duration")]
        if not isinstance(segment, list) or len(segment) != 2:
            what = f"expected segment [start, end], received {segment!r}"
            collector.fault(video_id, what)
            continue
        label, subset = annotation.get("label"), record.get("subset")
        add_clip(collector, video_id, *segment, label, subset)


def is_charades_json(source: Source) -> bool:
    """Tells whether there are records with `actions`."""
    return isinstance(first_record(source).get("actions"), list)


def read_charades_json(source: Source, collector: VideoCollector) -> None:
    """Reads `{id: {subset, duration, actions: [[class, start, end]]}}`."""
    names = collector.options.classes
    for video_id, record in records_of(source, collector).items():
        duration, subset = record.get("duration"), record.get("subset")
        collector.add_video(video_id, duration, subset=subset)
        for action in record.get("actions") or ():
            if not isinstance(action, list) or len(action) != 3:
                what = f"expected [class, start, end], received {action!r}"
                collector.fault(video_id, what)
                continue
            label, start, end = action
            number = to_number(label)
            if number is not None:
                number = int(number)
                known = 0 <= number < len(names)
                label = names[number] if known else f"c{number:03d}"
            collector.add_segment(video_id, start, end, label)


def is_captions(source: Source) -> bool:
    """Tells whether there are records with sentences."""
    return "sentences" in first_record(source)


def refuse_captions(source: Source, collector: VideoCollector) -> None:
    """Refuses captions.

    Raises:
        ValueError: Always.
    """
    raise ValueError(
        "holds captions (timestamps and sentences): sentences are no classes, and "
        "cannot be learnt from as such; give a class to each"
    )


def first_record(source: Source) -> dict[str, Any]:
    """Returns the first record of a JSON `{id: record}`, or `[record]`; or {}."""
    content = source.json
    records = content.values() if isinstance(content, dict) else content or ()
    first = next(iter(records), None) if not isinstance(records, str) else None
    return first if isinstance(first, dict) else {}


def records_of(source: Source, collector: VideoCollector) -> dict[str, dict[str, Any]]:
    """Returns the records of a JSON `{id: record}`; what is none is reported.

    Of a list of records each has the id as a field, such as `video`.

    Raises:
        ValueError: The file holds neither.
    """
    content = source.json
    if isinstance(content, list):
        records = [_named(record) for record in content]
        content = dict(records)
        for video_id, number in collections.Counter(v for v, _ in records).items():
            if number > 1:
                collector.fault(video_id, "duplicate id")
    if not isinstance(content, dict):
        raise ValueError("expected an object with a record per video")
    records = {}
    for video_id, record in content.items():
        if isinstance(record, dict):
            records[video_id] = record
        else:
            collector.fault(video_id, f"expected an object, received {record!r}")
    return records


def _named(record: Any) -> tuple[str, Any]:
    """Returns the id of a video that its record names, and the record."""
    names = list(record) if isinstance(record, dict) else []
    columns = named_columns(names)[1]
    video = record[names[columns.index("video")]] if "video" in columns else None
    if not isinstance(video, str):
        raise ValueError(f"expected a record with its video, received {record!r:.80}")
    return video, record
