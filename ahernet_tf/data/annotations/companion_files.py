"""What files beside the annotations say of videos, and lists of classes."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import facts_of
from ahernet_tf.data.annotations.column_names import FACTS
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.table_forms import checked_table, rows_of
from ahernet_tf.data.annotations.video_collector import VideoCollector

_NUMBERS = re.compile(r"(\w+: ?\d+; ?)+")


def read_video_facts(
    path: str | pathlib.Path, report: checks.DataReport, encoding: str | None = None
) -> dict[str, VideoFacts]:
    """Reads a table with a row a video, annotations, or the features.json of a store.

    Columns are `video` and any of `duration` (`seconds`), `frames` (`numFrame`,
    `count`), `fps` (the measured `rfps` before the nominal), `subset` and `group`.
    """
    source = Source(path, encoding)
    collector = VideoCollector(source.name, report, ReadOptions())
    try:
        if isinstance(source.json, dict) and isinstance(
            source.json.get("videos"), dict
        ):
            for video, record in source.json["videos"].items():
                names = {"duration": "duration_sec", "frames": "frames", "fps": "fps"}
                facts = {n: record.get(key) for n, key in names.items()}
                collector.add_video(video, **facts)
        elif source.json is not None:
            database = source.json.get("database")
            if not isinstance(database, dict):
                raise ValueError("holds no object 'database'")
            for video, record in database.items():
                collector.add_video(video, **facts_of(record))
        else:
            table = checked_table(source, "video")
            if not set(FACTS) & set(table.columns):
                raise ValueError(table.lacks(["duration"]))
            for row in rows_of(table, collector):
                collector.add_video(
                    table.video_of(row), **{k: row.get(k) for k in FACTS}
                )
    except (ValueError, AttributeError) as error:
        collector.fault(None, str(error))
    return collector.facts()


def read_classes(
    path: str | pathlib.Path, encoding: str | None = None
) -> tuple[str, ...]:
    """Reads a list of class names, one a line.

    Numbers before all names, as in FineGym's `Clabel: 0; set: 1; ...`, are left out.

    Raises:
        ValueError: The list cannot be read, is empty or names a class twice.
    """
    try:
        names = [line.strip() for _, line in Source(path, encoding).lines]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if all(_NUMBERS.match(name) for name in names):
        names = [_NUMBERS.sub("", name) for name in names]
    repeated = sorted({n for n in names if names.count(n) > 1})
    if not names or repeated:
        raise ValueError(f"{path}: {f'{repeated} twice' if names else 'is empty'}.")
    return tuple(names)


def listed_classes(
    names: Sequence[str], encoding: str | None = None
) -> tuple[str, ...]:
    """Returns classes that are named, or those of a file that lists them.

    Blanks are single, as in the labels that foreign files give.

    Raises:
        ValueError: The file cannot be read.
    """
    path = pathlib.Path(names[0]) if len(names) == 1 else None
    if path is not None and (path.is_file() or path.suffix in (".txt", ".csv")):
        names = read_classes(names[0], encoding)
    return tuple(" ".join(name.split()) for name in names)
