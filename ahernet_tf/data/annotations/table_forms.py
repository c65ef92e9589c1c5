"""Forms of annotations that are tables with a header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ahernet_tf.data.annotations.activitynet import is_withheld
from ahernet_tf.data.annotations.column_names import FACTS
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.text_tables import (
    NOT_AVAILABLE,
    TextRow,
    TextTable,
)
from ahernet_tf.data.annotations.times import TimePoint, to_number
from ahernet_tf.data.annotations.video_collector import NO_LABELS, VideoCollector

AMBIGUOUS = "Ambiguous"
THUMOS14_CLASSES = (
    "BaseballPitch",
    "BasketballDunk",
    "Billiards",
    "CleanAndJerk",
    "CliffDiving",
    "CricketBowling",
    "CricketShot",
    "Diving",
    "FrisbeeCatch",
    "GolfSwing",
    "HammerThrow",
    "HighJump",
    "JavelinThrow",
    "LongJump",
    "PoleVault",
    "Shotput",
    "SoccerPenalty",
    "TennisSwing",
    "ThrowDiscus",
    "VolleyballSpiking",
)
_NO_ACTION = "no action"  # of TSP's column temporal-region-label
_SCORES = ("score", "confidence")
_ALSO_READ = (*_SCORES, "temporal-region-label")


def is_table(source: Source) -> bool:
    """Tells whether there is a table with videos and the starts of actions."""
    return has_columns(source, "video", "start") or _is_of_one_video(source)


def _is_of_one_video(source: Source) -> bool:
    """Tells whether there is a table of actions and nothing that could be a video."""
    table = source.table
    return table is not None and {"start", "label"} <= set(table.columns) <= {
        *("start", "end", "label", "label_index", "duration", "frames", "fps"),
        *("subset", "group", *_SCORES),
    }


def read_table(source: Source, collector: VideoCollector) -> None:
    """Reads a table with a row an action.

    Columns are `video,start,end,label` and, where known, `duration`, `frames`, `fps`,
    `subset` and `group`, under the names that people give them; also those of the two
    THUMOS14 tables and of TSP's. Without a column of videos, or one that could be, the
    file is the video. A row without start and end is a video without actions. Without
    an end an action ends where the next begins; without a column of ends, at a row
    without a label, too.

    Raises:
        ValueError: A column is missing.
    """
    alone = _is_of_one_video(source)
    table = checked_table(source, "start", *(() if alone else ("video",)))
    collector.count("tables of one video, called as the file", int(alone))
    indices = "label_index" in table.columns and "label" not in table.columns
    if not indices and (fault := table.lacks(["label"])):
        raise ValueError(fault)
    names = collector.options.classes or THUMOS14_CLASSES
    lasts = _column_of_lengths(table)
    facts = [name for name in FACTS if name != lasts]
    unread = [c for c in table.unread() if c.casefold() not in _ALSO_READ]
    _refuse_guesses(table, unread if lasts is None else [])
    what = f"columns that are not read ({', '.join(unread)})"
    collector.count(what, len(unread))
    for row in rows_of(table, collector):
        video_id = source.stem if alone else table.video_of(row)
        collector.add_video(video_id, **{name: row.get(name) for name in facts})
        start, end = row["start"], row.get("end")
        if lasts is not None and start:
            begin, length = to_number(start), to_number(row[lasts])
            known = begin is not None and length is not None
            end = str(begin + length) if known else f"{start} + {row[lasts]}"
        if row.get("temporalregionlabel").casefold() == _NO_ACTION:
            continue
        if not start and not end:
            label = row.get("label") or row.get("label_index")
            if label and label.casefold() not in (*NO_LABELS, *NOT_AVAILABLE):
                what = f"line {row.line}: an action '{label}' without times"
                collector.fault(video_id, what)
            continue
        scores = [to_number(row.get(name)) for name in _SCORES if row.get(name)]
        if scores and scores[0] is not None and is_too_low(collector, scores[0]):
            continue
        label: str | None = row.get("label")
        if indices:
            label = class_of_index(collector, video_id, row["label_index"], names)
        if "end" not in table.columns and not end and not label:
            collector.add_stop(video_id, start, table.unit)
        elif label is not None:
            collector.add_segment(video_id, start, end, label, table.unit)


def _refuse_guesses(table: TextTable, unread: list[str]) -> None:
    """Refuses what would be read without an error, and wrongly.

    Raises:
        ValueError: There is no end, but a column that may be one; or the videos are
            the numbers of the rows.
    """
    rows = [row for row in table.rows if row["start"]]
    starts = [TimePoint.of(row["start"]) for row in rows]
    for name in unread if "end" not in table.columns and len(rows) > 1 else ():
        key = table.keys[table.header.index(name)]
        ends = [TimePoint.of(row[key].replace(",", ".")) for row in rows]
        if None not in (*starts, *ends) and all(
            a.seconds(1.0) < b.seconds(1.0) for a, b in zip(starts, ends)
        ):
            raise ValueError(
                f"has no column end, but '{name}' may be it: call it end, or leave it "
                "out if each action ends where the next begins"
            )
    videos = [row.get("video") for row in table.rows]
    place = table.columns.index("video") if "video" in table.columns else 0
    if table.keys[place] == "id" and len(videos) > 1:
        for first in (0, 1):
            if videos == [str(n) for n in range(first, first + len(videos))]:
                raise ValueError(
                    "the column 'id' counts the rows, and names no video: leave it out "
                    "if the file is of one video, else add a column video"
                )


def _column_of_lengths(table: TextTable) -> str | None:
    """Returns the column that says how long actions last, in place of an end.

    Raises:
        ValueError: There is a duration, perhaps of the action, perhaps of the video.
    """
    if "end" in table.columns:
        return None
    if "action_duration" in table.columns:
        return "action_duration"
    if "duration" not in table.columns:
        return None
    duration = table.keys[table.columns.index("duration")]
    if duration.startswith("video") or duration in ("totallength", "mediaduration"):
        return None
    if table.keys[table.columns.index("start")] == "onset":  # as in BIDS
        return "duration"
    raise ValueError(
        "has no column end, and it cannot be told whether 'duration' is that of the "
        "action or of the video: call it action_duration or video_duration"
    )


def is_kinetics(source: Source) -> bool:
    """Tells whether there is a Kinetics table."""
    return has_columns(source, "youtubeid", "timestart", "timeend")


def read_kinetics(source: Source, collector: VideoCollector) -> None:
    """Reads `label,youtube_id,time_start,time_end,split`: a row a trimmed clip.

    Rows of the test subset may have no label, and then no instance.
    """
    table = checked_table(source, "youtubeid", "timestart", "timeend")
    for row in rows_of(table, collector):
        add_clip(
            collector,
            row["youtubeid"],
            row["timestart"],
            row["timeend"],
            row.get("label"),
            row.get("subset"),
        )


def add_clip(
    collector: VideoCollector,
    video: str,
    start: object,
    end: object,
    label: str | None,
    subset: str | None,
) -> None:
    """Adds a trimmed clip of a video, which is one action as a whole.

    A clip of the test subset may have no label.

    Its id is that of the usual downloaders, `<youtube_id>_000012_000022`, its duration
    the length of the cut.
    """
    start_sec, end_sec = to_number(start), to_number(end)
    if start_sec is None or end_sec is None or not 0 <= start_sec < end_sec:
        collector.fault(video, f"cut from {start!r} to {end!r}")
        return
    video_id = f"{video}_{int(start_sec):06d}_{int(end_sec):06d}"
    if collector.has(video_id):
        collector.count("repeated clips dropped")
        return
    collector.add_video(video_id, end_sec - start_sec, subset=subset)
    if label or not is_withheld(subset):
        collector.add_segment(video_id, 0.0, end_sec - start_sec, label)


def is_hacs_clips(source: Source) -> bool:
    """Tells whether there is the table of HACS clips."""
    return has_columns(source, "classname", "youtubeid", "start", "end", "label")


def read_hacs_clips(source: Source, collector: VideoCollector) -> None:
    """Reads `classname,youtube_id,subset,start,end,label`.

    `label` is 1 where the clip shows the class, -1 where it does not. Of a video
    whose clips all do not, nothing is known but that, so that it is left out.
    """
    table = checked_table(source, "classname", "youtubeid", "start", "end", "label")
    rows = list(rows_of(table, collector))
    with_action = {row["youtubeid"] for row in rows if to_number(row["label"]) == 1}
    rejected = {row["youtubeid"] for row in rows} - with_action
    collector.count("videos that only have rejected clips left out", len(rejected))
    for row in rows:
        video, answer = row["youtubeid"], to_number(row["label"])
        if answer not in (1, -1):
            what = f"line {row.line}: expected label 1 or -1, received {row['label']!r}"
            collector.fault(video, what)
        elif video in with_action:
            collector.add_video(video, subset=row.get("subset"))
            if answer == 1:
                name = row["classname"]
                collector.add_segment(video, row["start"], row["end"], name)


def is_epic_kitchens(source: Source) -> bool:
    """Tells whether there is the table of EPIC-KITCHENS."""
    return has_columns(source, "videoid", "starttimestamp", "stoptimestamp", "verb")


def read_epic_kitchens(source: Source, collector: VideoCollector) -> None:
    """Reads `narration_id,participant_id,video_id,...,start_timestamp,...,verb,noun`.

    The class is the verb; `options.tiers` names other columns, joined by a blank.
    """
    wanted = [re.sub(r"[\W_]+", "", t) for t in collector.options.tiers] or ["verb"]
    table = checked_table(source, "videoid", "starttimestamp", "stoptimestamp", *wanted)
    for row in rows_of(table, collector):
        video = row["videoid"]
        collector.add_video(video, group=row.get("participantid"))
        label = " ".join(row[column] for column in wanted)
        times = row["starttimestamp"], row["stoptimestamp"]
        collector.add_segment(video, *times, label)


def is_charades(source: Source) -> bool:
    """Tells whether there is a table of Charades."""
    return has_columns(source, "id", "actions", "length")


def read_charades(source: Source, collector: VideoCollector) -> None:
    """Reads Charades: a row a video, `actions` such as `c092 11.90 21.20;c147 0 12.6`.

    `options.classes` may be lines such as `c092 Holding a towel`.
    """
    names = {name.split(" ")[0]: name for name in collector.options.classes}
    table = checked_table(source, "id", "actions", "length")
    for row in rows_of(table, collector):
        video = row["id"]
        collector.add_video(video, row["length"], group=row.get("subject"))
        for action in filter(None, (a.strip() for a in row["actions"].split(";"))):
            parts = action.split()
            if len(parts) != 3:
                what = f"expected 'class start end', received {action!r}"
                collector.fault(video, f"line {row.line}: {what}")
                continue
            label, start, end = parts
            collector.add_segment(video, start, end, names.get(label, label))


def has_columns(source: Source, *needed: str) -> bool:
    """Tells whether a file is a table with some columns."""
    table = source.table
    return table is not None and set(needed) <= {*table.columns, *table.keys}


def checked_table(source: Source, *needed: str) -> TextTable:
    """Returns the table of a file.

    Raises:
        ValueError: There is none, or it lacks a column.
    """
    table = source.table
    if table is None:
        raise ValueError("is no table with a header")
    if fault := table.lacks([n for n in needed if n not in table.keys]):
        raise ValueError(fault)
    return table


def rows_of(table: TextTable, collector: VideoCollector) -> Iterator[TextRow]:
    """Yields the sound rows, of which the collector's `line` tells; reports others."""
    for _, video, what in table.bad_videos():
        collector.fault(video, what)
    for row in table.rows:
        collector.line = row.line
        yield row
    collector.line = None


def is_too_low(collector: VideoCollector, score: float) -> bool:
    """Tells, and counts, that a detection's score is below the minimum."""
    low = score < collector.options.minimum_score
    if low:
        collector.count("detections of too low a score dropped")
    return low


def class_of_index(
    collector: VideoCollector, video_id: str, index: object, names: tuple[str, ...]
) -> str | None:
    """Finds a class by its index; -1 is `Ambiguous`, as in THUMOS14."""
    number = to_number(index)
    if number == -1:
        return AMBIGUOUS
    if number is None or number != int(number) or not 0 <= number < len(names):
        collector.fault(video_id, f"class {index!r} of {len(names)} classes")
        return None
    return names[int(number)]
