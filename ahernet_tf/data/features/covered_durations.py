"""How much of each video features cover that were resized to a fixed length.

Published ActivityNet features come with a table of the frames that they saw
(`featureFrame`), which are a few more or fewer than the video has. Their steps divide
`featureFrame / numFrame * seconds`, not the video's duration.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

from ahernet_tf import files
from ahernet_tf.spelling import canonical_video_id

# Columns or fields of duration, frames and frames seen: the CSV table, the JSON file.
_CSV = ("video", "seconds", "numFrame", "featureFrame")
_JSON = ("duration_second", "duration_frame", "feature_frame")


def read_covered_durations(path: pathlib.Path) -> dict[str, float]:
    """Reads `video_info_new.csv`, or the JSON file of BSN, BMN and the 2020 release.

    Returns:
        Seconds by id, ids without any leading `v_`.

    Raises:
        ValueError: The file cannot be read, lacks a column or holds no number.
    """
    try:
        rows = list(_json_rows(path) if ".json" in path.suffixes else _csv_rows(path))
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path}: expected columns {_CSV}, or JSON records with {_JSON} ({error})"
        ) from error
    covered = {}
    for video, seconds, frames, seen in rows:
        if not (seconds > 0 and frames > 0 and seen > 0):
            raise ValueError(
                f"{path}: video '{video}': {seen} of {frames} frames in {seconds} s"
            )
        covered[canonical_video_id(video)] = seen / frames * seconds
    return covered


def _csv_rows(path: pathlib.Path) -> Iterator[tuple[str, float, float, float]]:
    import pandas as pd

    table = pd.read_csv(path, dtype={_CSV[0]: str})
    for row in table[list(_CSV)].itertuples(index=False):
        yield row[0], float(row[1]), float(row[2]), float(row[3])


def _json_rows(path: pathlib.Path) -> Iterator[tuple[Any, ...]]:
    content = files.read_json(path)
    for video, record in content.items():
        yield video, *(float(record[name]) for name in _JSON)
