"""What VIA 3 writes: projects, and tables of their segments."""

from __future__ import annotations

import csv
import json
from typing import Any

from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.text_tables import video_name
from ahernet_tf.data.annotations.video_collector import VideoCollector

_HEADER, _ATTRIBUTES = "# CSV_HEADER", ("# ATTRIBUTE", "# ATTRIBUTES")
_COLUMNS = ("metadata_id", "file_list", "temporal_coordinates", "metadata")
_OLD_TIMES = ("temporal_segment_start", "temporal_segment_end")


def is_via(source: Source) -> bool:
    """Tells whether there is a project of VIA 3."""
    content = source.json
    return isinstance(content, dict) and {"metadata", "file", "view"} <= set(content)


def read_via(source: Source, collector: VideoCollector) -> None:
    """Reads a project of VIA 3: its temporal segments, with the values of attributes.

    `options.tiers` names attributes; by default all count.
    """
    content = source.json
    videos = {}
    for view, record in content["view"].items():
        files = [content["file"].get(str(number)) for number in record["fid_list"]]
        videos[view] = video_name((files[0] or {}).get("fname") or "")
        collector.add_video(videos[view])
    attributes = content.get("attribute") or {}
    for record in content["metadata"].values():
        video, values = videos[str(record["vid"])], record.get("av") or {}
        _add_segment(collector, video, record.get("z") or (), values, attributes)


def is_via_table(source: Source) -> bool:
    """Tells whether there is a table that VIA 3 exported."""
    return any(line.startswith(_HEADER) for _, line in source.lines[:30])


def read_via_table(source: Source, collector: VideoCollector) -> None:
    """Reads the CSV of VIA 3: remarks say what its columns and attributes are.

    Raises:
        ValueError: A remark is missing or cannot be read.
    """
    parts = (line.partition("=") for _, line in source.lines if line[0] == "#")
    remarks = {name.strip(): text.strip() for name, _, text in parts}
    header = [name.strip() for name in remarks.get(_HEADER, "").split(",")]
    times_of = _OLD_TIMES if set(_OLD_TIMES) <= set(header) else _COLUMNS[2:3]
    if missing := sorted({*_COLUMNS[:2], *times_of, _COLUMNS[3]} - set(header)):
        raise ValueError(f"the remark CSV_HEADER has no {', '.join(missing)}")
    attributes = json.loads(next(filter(None, map(remarks.get, _ATTRIBUTES)), "{}"))
    attributes = {
        number: value if isinstance(value, dict) else {"aname": value, "options": None}
        for number, value in attributes.items()
    }
    rows = [(n, line) for n, line in source.lines if not line.startswith("#")]
    reader = csv.reader((line for _, line in rows), strict=True)
    for (number, _), cells in zip(rows, reader):
        row = dict(zip(header, cells))
        try:
            names, values = json.loads(row["file_list"]), json.loads(row["metadata"])
            times = [json.loads(row[column]) for column in times_of]
            times = times if len(times) > 1 else times[0]
            video = video_name(names[0])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            what = f"line {number}: cannot be read ({type(error).__name__}: {error})"
            collector.fault(None, what)
            continue
        collector.add_video(video)
        _add_segment(collector, video, times, values, attributes)


def _add_segment(
    collector: VideoCollector,
    video: str,
    times: Any,
    values: dict[str, Any],
    attributes: dict[str, Any],
) -> None:
    """Adds a segment with each value that it has; single frames are counted."""
    if len(times) != 2:
        collector.count("regions of single frames dropped")
        return
    tiers = collector.options.tiers
    if not values:
        collector.fault(video, f"the segment {list(times)} has no value")
    for number, value in values.items():
        attribute = attributes.get(number) or {}
        if tiers and attribute.get("aname") not in tiers:
            continue
        options = attribute.get("options", {})
        if options is None and str(value).isdigit():
            collector.fault(
                video,
                f"option {value} of '{attribute['aname']}': the file does not say what "
                "it is called; export the project (.json)",
            )
            continue
        names = [options[v] for v in str(value).split(",") if v in (options or {})]
        for label in names or [value]:
            collector.add_segment(video, *times, label)
