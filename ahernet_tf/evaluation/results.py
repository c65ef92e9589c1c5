"""Results files in ActivityNet's JSON: read into one row a prediction, and written."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ahernet_tf import files
from ahernet_tf.evaluation.entries import (
    PathLike,
    check_item,
    content_of,
    result_video_id,
)
from ahernet_tf.spelling import canonical_video_id


def load_predictions(
    path_or_dict: PathLike | Mapping,
    *,
    with_labels: bool = True,
    excluded_videos: Collection[str] = (),
) -> pd.DataFrame:
    """Reads detections or proposals, one row each, in the order of the file.

    That order is the one in which predictions of equal score are ranked.

    Args:
        path_or_dict: A `.json` or `.json.gz` file, or its content:
            `{results: {video: [{score, segment: [start, end], label}]}}`, seconds.
        with_labels: Whether labels are read (and demanded). Files of class-agnostic
            proposals have none.
        excluded_videos: Videos whose predictions are left out.

    Returns:
        A frame with the columns `video`, `start_sec`, `end_sec`, `label` (only
        `with_labels`) and `score`. `frame.attrs["info"]` holds `source`, `videos`
        and `excluded` (predictions left out). An empty file gives an empty frame.

    Raises:
        ValueError: The file is unreadable, lacks a key, or holds a segment or score
            that is not finite, or a segment that starts after its end; or two ids
            name the same video.
    """
    name, content = content_of(path_or_dict)
    results = content.get("results") if isinstance(content, Mapping) else None
    if not isinstance(results, Mapping):
        raise ValueError(f"{name}: the key 'results' (an object) is missing.")
    excluded = {canonical_video_id(video) for video in excluded_videos}
    left_out = 0
    kept: dict[str, tuple[str, list[Any]]] = {}
    for video, items in results.items():
        if not isinstance(items, list):
            raise ValueError(
                f"{name}: video {video!r}: expected a list of predictions, "
                f"received {items!r}."
            )
        canonical = canonical_video_id(video)
        if canonical in kept:
            raise ValueError(
                f"{name}: video {video!r} is listed twice, with and without 'v_'."
            )
        if canonical in excluded:
            left_out += len(items)
            continue
        kept[canonical] = (video, items)
    frame = _frame(name, kept, with_labels)
    frame.attrs["info"] = {"source": name, "videos": len(kept), "excluded": left_out}
    return frame


def _frame(
    name: str, kept: dict[str, tuple[str, list[Any]]], with_labels: bool
) -> pd.DataFrame:
    """Lays predictions out as rows; the first faulty one is named in the error."""
    keys = ("segment", "score", "label") if with_labels else ("segment", "score")
    counts = [len(items) for _, items in kept.values()]
    items = [item for _, video_items in kept.values() for item in video_items]
    rows = np.repeat(np.arange(len(kept)), counts)
    labels: list[Any] = []
    try:
        segments = np.array([item["segment"] for item in items], dtype=np.float64)
        scores = np.array([item["score"] for item in items], dtype=np.float64)
        if with_labels:
            labels = [item["label"] for item in items]
        segments = segments.reshape(len(items), 2) if not items else segments
        sound = (
            segments.shape == (len(items), 2)
            and scores.shape == (len(items),)
            and bool(np.isfinite(segments).all() and np.isfinite(scores).all())
            and bool((segments[:, 0] <= segments[:, 1]).all())
            and None not in set(labels)
        )
    except (KeyError, TypeError, ValueError, IndexError):
        sound = False
    if not sound:
        for video, video_items in kept.values():
            for item in video_items:
                check_item(name, video, item, keys)
        raise ValueError(f"{name}: expected lists of {keys} with plain numbers.")
    columns = {
        "video": pd.Categorical.from_codes(rows, list(kept)),
        "start_sec": segments[:, 0],
        "end_sec": segments[:, 1],
    }
    if with_labels:
        columns["label"] = pd.Categorical([str(label) for label in labels])
    return pd.DataFrame({**columns, "score": scores})


def write_results(
    path: PathLike,
    results: Mapping[str, Sequence[Mapping]] | pd.DataFrame,
    version: str = "VERSION 1.3",
    external_data: Mapping | None = None,
) -> None:
    """Writes an ActivityNet results file, whole or not at all.

    Args:
        path: Where to write; a `.gz` suffix compresses.
        results: `{video: [{score, segment: [start, end], label}]}` in seconds, or a
            frame with the columns of `load_predictions`. Ids are written without
            their leading `v_`; a label may be absent (proposals).
        version: The file's `version`.
        external_data: The file's `external_data`; None writes an empty object.

    Raises:
        ValueError: A segment or score is not finite, or a segment starts after its
            end; nothing is written then.
    """
    if isinstance(results, pd.DataFrame):
        results = _as_mapping(results)
    content: dict[str, list[dict[str, Any]]] = {}
    for video, items in results.items():
        written = []
        for item in items:
            check_item(str(path), str(video), item, ("segment", "score"))
            record = {
                "score": float(item["score"]),
                "segment": [float(time) for time in item["segment"]],
            }
            if item.get("label") is not None:
                record["label"] = str(item["label"])
            written.append(record)
        identity = result_video_id(video)
        if identity in content:
            raise ValueError(
                f"{path}: video {video!r} is given twice, with and without 'v_'."
            )
        content[identity] = written
    files.write_json(
        path,
        {
            "version": version,
            "results": content,
            "external_data": dict(external_data or {}),
        },
        indent=None,
    )


def _as_mapping(frame: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Turns the rows of a frame into `{video: [{score, segment, label}]}`."""
    results: dict[str, list[dict[str, Any]]] = {}
    columns = [
        frame[name].tolist() if name in frame else [None] * len(frame)
        for name in ("video", "start_sec", "end_sec", "label", "score")
    ]
    for video, start, end, label, score in zip(*columns):
        results.setdefault(str(video), []).append(
            {"score": score, "segment": [start, end], "label": label}
        )
    return results
