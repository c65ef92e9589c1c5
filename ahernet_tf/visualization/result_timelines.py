"""Draws the timelines of whole results: a picture per video."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping

import pandas as pd

from ahernet_tf.visualization.timeline import Track, draw_timeline


def tracks_of(found: pd.DataFrame, truth: pd.DataFrame | None = None) -> list[Track]:
    """Lays one video's detections and annotations out, a track per class.

    Args:
        found: Columns `start_sec`, `end_sec`, `label`, `score`.
        truth: The first three of them; None where there are no annotations.

    Returns:
        Annotated classes first, then the others by their best score.
    """
    annotated = [] if truth is None else list(dict.fromkeys(truth["label"].astype(str)))
    ranked = found.sort_values("score", ascending=False, kind="stable")
    labels = list(dict.fromkeys([*annotated, *ranked["label"].astype(str)]))
    tracks = []
    for label in labels:
        own = ranked[ranked["label"].astype(str) == label]
        beneath = None
        if truth is not None:
            beneath = _segments(truth[truth["label"].astype(str) == label])
        tracks.append(Track(label, _segments(own), own["score"].tolist(), beneath))
    return tracks or [Track("no detections")]


_MOST_BYTES = 230  # of a name; most file systems allow 255, of them some for its ending


def draw_results(
    directory: pathlib.Path,
    found: pd.DataFrame,
    durations: Mapping[str, float],
    truth: pd.DataFrame | None = None,
    top: int = 20,
    min_score: float = 0.0,
    videos: Iterable[str] | None = None,
) -> list[pathlib.Path]:
    """Draws `VIDEO.png` for every video.

    Args:
        directory: Where the pictures go; it is made.
        found: Columns `video`, `start_sec`, `end_sec`, `label`, `score`.
        durations: Seconds by video. Of a video that is not there, the last end.
        truth: The first four columns; None where there are no annotations.
        top: Detections drawn per video, the best; 0: all.
        min_score: Detections that score less are left out.
        videos: Which; by default those with detections or annotations.

    Returns:
        The pictures.
    """
    found = found[found["score"] >= min_score]
    by_video = dict(tuple(found.groupby("video", observed=True)))
    truth_of = {}
    if truth is not None:
        truth_of = dict(tuple(truth.groupby("video", observed=True)))
    if videos is None:
        videos = sorted({*map(str, by_video), *map(str, truth_of)})
    pictures, taken = [], set()
    for video in videos:
        own = by_video.get(video, found[:0])
        own = own.sort_values("score", ascending=False, kind="stable")
        own = own[: top or None]
        beneath = None if truth is None else truth_of.get(video, truth[:0])
        duration_sec = durations.get(video)
        if duration_sec is None:
            parts = [own["end_sec"], [] if beneath is None else beneath["end_sec"]]
            duration_sec = max((end for part in parts for end in part), default=1.0)
        pictures.append(directory / f"{_file_name(video, taken)}.png")
        tracks = tracks_of(own, beneath)
        draw_timeline(pictures[-1], duration_sec, tracks, title=video)
    return pictures


def _file_name(video: str, taken: set[str]) -> str:
    """Returns a name of a file like that of a video, and adds it to those taken.

    It is in the directory, seen, short enough, and no other in whatever case.
    """
    name = re.sub(r"[/\\\0]", "_", video).lstrip(".") or "_"
    name = name.encode()[:_MOST_BYTES].decode(errors="ignore")
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name} ({number})"
    taken.add(found.casefold())
    return found


def _segments(rows: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(rows["start_sec"].tolist(), rows["end_sec"].tolist()))
