"""Writes a page of results: one file that any browser shows, without a network."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
import os
import pathlib
import re
import urllib.parse
from collections.abc import Mapping, Sequence

import pandas as pd

import ahernet_tf
from ahernet_tf import evaluation, files
from ahernet_tf.spelling import canonical_video_id
from ahernet_tf.visualization.page.browser_data import BrowserData
from ahernet_tf.visualization.page.score_summary import Resampling, score_summaries

MOST_RESULTS = 10
TOP = 200
#: What browsers play, best first.
VIDEO_SUFFIXES = (".mp4", ".webm", ".m4v", ".mov", ".mkv", ".ogv", ".avi")
_FOLDER = pathlib.Path(__file__).parent
#: In the order in which they need one another.
_SCRIPTS = (
    "elements",
    "data",
    "charts",
    "scores",
    "classes",
    "errors",
    "timeline",
    "detail",
    "videos",
    "main",
)


@dataclasses.dataclass(frozen=True)
class PageOptions:
    """How a page is made.

    Attributes:
        title: Above the page.
        thresholds: tIoU thresholds of the scores.
        notes: `{what: text}`, such as the protocol; shown under the title.
        resampling: How intervals are made.
        top: Detections of a video that are shown, the best; 0: all. Scores are of all.
        videos: Directory of video files, played beside their timelines by relative
            links; None for none.
    """

    title: str = "Results"
    thresholds: Sequence[float] = evaluation.PROTOCOLS["custom"].tiou_thresholds
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    resampling: Resampling = dataclasses.field(default_factory=Resampling)
    top: int = TOP
    videos: pathlib.Path | None = None


def write_page(
    path: str | os.PathLike,
    found: Mapping[str, pd.DataFrame],
    truth: pd.DataFrame | None = None,
    options: PageOptions | None = None,
    durations: Mapping[str, float] | None = None,
) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: An `.html` file; missing directories are made.
        found: Detections by name of the result, columns `video`, `start_sec`,
            `end_sec`, `label`, `score`. Of two, the difference is shown.
        truth: Annotations, as `load_ground_truth` returns them; None for a page of
            detections alone.
        options: How the page is made.
        durations: Seconds of videos that are not in `truth`. Of a video without any,
            the last end counts.

    Raises:
        ValueError: There is no result or too many, or nothing can be written there.
    """
    options = options or PageOptions()
    files.check_output(path, (".html",))
    if not 1 <= len(found) <= MOST_RESULTS:
        raise ValueError(
            f"Expected 1 to {MOST_RESULTS} results, received {len(found)}."
        )
    frames = list(found.values())
    data = BrowserData(frames, truth, durations or {})
    content = {
        "title": options.title,
        "version": ahernet_tf.__version__,
        "notes": dict(options.notes),
        "thresholds": list(options.thresholds),
        "samples": options.resampling.samples,
        "kinds": evaluation.KINDS,
        **data.video_part(),
        "files": _links(pathlib.Path(path), data.videos, options.videos),
        "truth": None if truth is None else data.truth_part(truth),
    }
    verdicts: list = [None] * len(frames)
    summaries: list = [None] * len(frames)
    if truth is not None:
        verdicts = [evaluation.judge(truth, frame) for frame in frames]
        summaries = score_summaries(
            truth, frames, verdicts, options.thresholds, options.resampling
        )
    content["results"] = [
        {
            "name": name,
            "scores": summary,
            **data.result_part(frame, truth, judged, options.top),
        }
        for (name, frame), judged, summary in zip(found.items(), verdicts, summaries)
    ]
    files.write_text(path, _document(options.title, content))


def _document(title: str, content: Mapping) -> str:
    """Puts data, style and scripts into the frame of the page.

    No name can end the element that holds the data, since `<` is written as an escape;
    and the policy lets nothing run or be fetched but what is named here.
    """
    data = json.dumps(content, allow_nan=False, separators=(",", ":"))
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    script = "\n".join(
        (_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS
    )
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "title": html.escape(title),
        "policy": policy,
        "style": style,
        "data": data.replace("<", "\\u003c"),
        "script": script,
    }
    frame = (_FOLDER / "page.html").read_text(encoding="utf-8")
    return re.sub(r"@@(\w+)@@", lambda place: parts[place[1]], frame)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _links(
    page: pathlib.Path, videos: Sequence[str], directory: pathlib.Path | None
) -> dict[str, str]:
    """Finds the files of videos: number of the video -> link relative to the page.

    Raises:
        ValueError: The directory is none.
    """
    if directory is None:
        return {}
    if not directory.is_dir():
        raise ValueError(f"{directory}: no such directory of videos.")
    found: dict[str, pathlib.Path] = {}
    for file in sorted(
        (
            file
            for file in directory.rglob("*")
            if file.suffix.lower() in VIDEO_SUFFIXES
        ),
        key=lambda file: (VIDEO_SUFFIXES.index(file.suffix.lower()), file),
    ):
        below = file.relative_to(directory).with_suffix("").as_posix()
        for name in (below, file.stem):
            found.setdefault(canonical_video_id(name), file)
    start = page.absolute().parent
    return {
        str(number): urllib.parse.quote(
            os.fsencode(os.path.relpath(found[video].absolute(), start))
        )
        for number, video in enumerate(videos)
        if video in found
    }
