"""Readers for annotations in tables: CSV files and lines of text.

`annotation_formats` lists them beside those for JSON and says what they share.
"""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Iterator

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import Video
from ahernet_tf.data.annotations.repairs import (
    ReadOptions,
    VideoCollector,
    VideoFacts,
    to_number,
)

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

# Names of one column in the tables that are around, the preferred ones first.
_COLUMNS = {
    "video": ("video", "video-name", "video_id", "id"),
    "start": ("start", "t-init", "start_sec"),
    "end": ("end", "t-end", "end_sec"),
    "label": ("label", "type", "class"),
    "label_index": ("label-idx",),
    "duration": ("duration", "seconds", "duration_sec", "video-duration"),
    "frames": ("frames", "numFrame", "count", "video-frames"),
    "fps": ("rfps", "fps", "frame-rate"),
    "subset": ("subset", "split"),
    "group": ("group", "subject"),
}
_FACTS = ("duration", "frames", "fps", "subset", "group")


def read_segment_csv(
    path: str | pathlib.Path, report: checks.Report, options: ReadOptions
) -> dict[str, Video]:
    """Reads a table with a row a segment.

    Columns are `video,start,end,label` and, where known, `duration`, `frames`, `fps`,
    `subset` and `group`; also understood are those of the THUMOS14 tables
    (`video,type,start,end` and `video-name,t-init,t-end,label-idx`). A row without
    start and end is a video without actions.
    """
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    rows, columns = _table(path, report)
    needed = {"video", "start", "end"} - set(columns)
    if not needed and not {"label", "label_index"} & set(columns):
        needed = {"label"}
    if needed:
        return _missing_columns(path, report, needed)
    names = options.classes or THUMOS14_CLASSES
    for row in rows:
        video_id = row["video"]
        collector.add_video(video_id, **{k: row.get(k) for k in _FACTS})
        if not row["start"] and not row["end"]:
            continue
        label = row.get("label")
        if label is None:
            label = _class_name(collector, video_id, row["label_index"], names)
        if label is not None:
            collector.add_segment(video_id, row["start"], row["end"], label)
    return collector.finish()


def read_thumos14_text(
    path: str | pathlib.Path, report: checks.Report, options: ReadOptions
) -> dict[str, Video]:
    """Reads a directory of `<Class>_<subset>.txt`, or one such file.

    A line is `video_test_0000004  0.2 1.1`. The subset is in the file's name.
    """
    path = pathlib.Path(path)
    files = sorted(path.glob("*_*.txt")) if path.is_dir() else [path]
    collector = VideoCollector(path.name, report, options)
    if not files:
        report.add(path.name, None, "holds no file <Class>_<subset>.txt", fatal=True)
    for file in files:
        label, _, subset = file.stem.rpartition("_")
        if not label:
            report.add(file.name, None, "expected a name <Class>_<subset>.txt", True)
            continue
        for number, line in _lines(file, report):
            cells = line.split()
            if len(cells) == 3:
                collector.add_video(cells[0], subset=subset)
                collector.add_segment(*cells, label)
            else:
                what = f"line {number}: expected video, start, end, received '{line}'"
                report.add(file.name, None, what)
    return collector.finish()


def read_kinetics(
    path: str | pathlib.Path, report: checks.Report, options: ReadOptions
) -> dict[str, Video]:
    """Reads `label,youtube_id,time_start,time_end,split`: a row a trimmed clip.

    A clip's id is that of the usual downloaders, `<youtube_id>_000012_000022`, its
    duration the length of the cut. Rows without a label (test) have no instance.
    """
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    rows, columns = _table(path, report)
    needed = {"youtube_id", "time_start", "time_end"} - set(columns)
    if needed:
        return _missing_columns(path, report, needed)
    seen: set[str] = set()
    for row in rows:
        start, end = to_number(row["time_start"]), to_number(row["time_end"])
        if start is None or end is None or not 0 <= start < end:
            what = f"cut from {row['time_start']!r} to {row['time_end']!r}"
            collector.fault(row["youtube_id"], what)
            continue
        video_id = f"{row['youtube_id']}_{int(start):06d}_{int(end):06d}"
        if video_id in seen:
            collector.count("repeated clips dropped")
            continue
        seen.add(video_id)
        collector.add_video(video_id, end - start, subset=row.get("subset"))
        if row.get("label"):
            collector.add_segment(video_id, 0.0, end - start, row["label"])
    return collector.finish()


def read_k600_validation(
    path: str | pathlib.Path, report: checks.Report, options: ReadOptions
) -> dict[str, Video]:
    """Reads lines of video, start, end and class index, separated by tabs.

    The class names are `options.classes`, in the order of the release's list.
    """
    path = pathlib.Path(path)
    collector = VideoCollector(path.name, report, options)
    if not options.classes:
        report.add(path.name, None, "needs the list of the classes", fatal=True)
        return {}
    for number, line in _lines(path, report):
        cells = line.split("\t")
        if len(cells) != 4:
            what = f"line {number}: expected id, start, end, class, received '{line}'"
            report.add(path.name, None, what)
            continue
        video_id, start, end, index = cells
        label = _class_name(collector, video_id, index, options.classes)
        if label is not None:
            collector.add_segment(video_id, start, end, label)
    return collector.finish()


def read_video_facts(
    path: str | pathlib.Path, report: checks.Report
) -> dict[str, VideoFacts]:
    """Reads a table with a row a video: BSN's, THUMOS14's, or `video,duration`.

    Columns are `video` and any of `duration` (`seconds`), `frames` (`numFrame`,
    `count`), `fps` (the measured `rfps` before the nominal), `subset` and `group`.
    """
    path = pathlib.Path(path)
    rows, columns = _table(path, report)
    if "video" not in columns or not set(_FACTS) & set(columns):
        _missing_columns(path, report, {"video", "duration"} - set(columns))
        return {}
    collector = VideoCollector(path.name, report, ReadOptions())
    for row in rows:
        collector.add_video(row["video"], **{k: row.get(k) for k in _FACTS})
    return collector.facts()


def read_classes(path: str | pathlib.Path) -> tuple[str, ...]:
    """Reads a list of class names, one a line.

    Raises:
        ValueError: The list is empty or names a class twice.
    """
    path = pathlib.Path(path)
    names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    names = [name for name in names if name]
    repeated = sorted({n for n in names if names.count(n) > 1})
    if not names or repeated:
        raise ValueError(f"{path}: {f'{repeated} twice' if names else 'is empty'}.")
    return tuple(names)


def _class_name(
    collector: VideoCollector, video_id: str, index: str, names: tuple[str, ...]
) -> str | None:
    """Finds a class by the text of its index; -1 is `Ambiguous`, as in THUMOS14."""
    number = to_number(index)
    if number == -1:
        return AMBIGUOUS
    if number is None or number != int(number) or not 0 <= number < len(names):
        collector.fault(video_id, f"class {index!r} of {len(names)} classes")
        return None
    return names[int(number)]


def _lines(path: pathlib.Path, report: checks.Report) -> Iterator[tuple[int, str]]:
    """Yields the lines that are not empty, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        report.add(path.name, None, f"cannot be read ({error})", fatal=True)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _table(
    path: pathlib.Path, report: checks.Report
) -> tuple[list[dict[str, str]], list[str]]:
    """Reads a CSV file with a header; columns get the names of `_COLUMNS`.

    Returns:
        The rows, and the names of the columns.
    """
    lines = list(_lines(path, report))
    if not lines:
        return [], []
    header = next(csv.reader([lines[0][1]]))
    header = [name.strip() for name in header]
    names = list(header)
    for column, spellings in _COLUMNS.items():
        found = next((s for s in spellings if s in header), None)
        if found is not None:
            names[header.index(found)] = column
    rows = []
    for number, line in lines[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if len(cells) == len(names):
            rows.append(dict(zip(names, cells)))
        else:
            what = f"line {number}: expected {len(names)} cells, received {len(cells)}"
            report.add(path.name, None, what)
    return rows, names


def _missing_columns(
    path: pathlib.Path, report: checks.Report, needed: set[str]
) -> dict[str, Video]:
    """Reports that a table lacks columns, unless it could not be read at all."""
    if not any(p.file == path.name and p.fatal for p in report.problems):
        names = ", ".join(sorted(needed))
        report.add(path.name, None, f"has no column {names}", fatal=True)
    return {}
