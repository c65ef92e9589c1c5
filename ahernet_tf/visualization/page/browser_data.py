"""What a page's list of videos is drawn from: typed arrays, video after video."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ahernet_tf.evaluation import KINDS, Verdicts

NOT_SCORED = len(KINDS)
"""Kind of a detection whose video or class the ground truth does not have."""


class BrowserData:
    """Videos and classes of all files, numbered in one order.

    Args:
        found: Detections of each result, columns `video`, `start_sec`, `end_sec`,
            `label`, `score`.
        truth: Annotations, the first four columns and `duration_sec` where known; None
            where there are none.
        durations: Seconds of further videos. Of a video without any, the last end.
    """

    def __init__(
        self,
        found: Sequence[pd.DataFrame],
        truth: pd.DataFrame | None,
        durations: Mapping[str, float],
    ):
        frames = [*([] if truth is None else [truth]), *found]
        self.videos = _names(frames, "video")
        self.labels = _names(frames, "label")
        self._durations = _durations(self.videos, frames, durations)

    def video_part(self) -> dict[str, Any]:
        """Returns names, classes and durations."""
        return {
            "videos": self.videos.tolist(),
            "labels": self.labels.tolist(),
            "durations": _packed(self._durations, "f4"),
        }

    def truth_part(self, truth: pd.DataFrame) -> dict[str, Any]:
        """Returns the annotations, by video in the order of the frame."""
        order = np.argsort(self._codes(truth, "video"), kind="stable")
        return self._segments(truth, order)

    def result_part(
        self,
        found: pd.DataFrame,
        truth: pd.DataFrame | None,
        verdicts: Verdicts | None,
        top: int,
    ) -> dict[str, Any]:
        """Returns the best `top` detections of each video (0: all), best first."""
        video = self._codes(found, "video")
        score = found["score"].to_numpy(np.float64)
        order = np.lexsort((-score, video))
        ordered = video[order]
        rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
        kept = order[rank < top] if top else order
        part = self._segments(found, kept)
        part["score"] = _packed(score[kept], "f4")
        part["left_out"] = len(order) - len(kept)
        if verdicts is None or truth is None:
            return part
        table = verdicts.table
        kind = np.full(len(found), NOT_SCORED)
        kind[table.row] = verdicts.kind
        by_video = np.argsort(self._codes(truth, "video"), kind="stable")
        matched = np.append(table.score, np.nan)[verdicts.matched_by][by_video]
        video_ap = np.full(len(self.videos), np.nan)
        place = pd.Index(self.videos).get_indexer(table.videos)
        video_ap[place] = verdicts.video_average_precision()
        return part | {
            "kind": _packed(kind[kept], "u1"),
            "matched": _packed(matched, "f4"),
            "video_ap": _packed(video_ap, "f4"),
        }

    def _segments(self, frame: pd.DataFrame, order: np.ndarray) -> dict[str, str]:
        """Packs rows; `first` `[videos + 1]` is where each video's rows begin."""
        video = self._codes(frame, "video")[order]
        first = np.searchsorted(video, np.arange(len(self.videos) + 1))
        return {
            "first": _packed(first, "u4"),
            "start": _packed(frame["start_sec"].to_numpy(np.float64)[order], "f4"),
            "end": _packed(frame["end_sec"].to_numpy(np.float64)[order], "f4"),
            "label": _packed(self._codes(frame, "label")[order], "u2"),
        }

    def _codes(self, frame: pd.DataFrame, column: str) -> np.ndarray:
        """Returns the number of each row's video or label."""
        names = self.videos if column == "video" else self.labels
        codes, present = pd.factorize(frame[column])
        return pd.Index(names).get_indexer(present.astype(str))[codes]


def _names(frames: Sequence[pd.DataFrame], column: str) -> np.ndarray:
    """Lists the names of a column of all frames, in the order of their first rows."""
    names = (name for frame in frames for name in frame[column].unique())
    return np.array(list(dict.fromkeys(map(str, names))), dtype=object)


def _durations(
    videos: np.ndarray, frames: Sequence[pd.DataFrame], known: Mapping[str, float]
) -> np.ndarray:
    """Returns the seconds of each video."""
    index = pd.Index(videos)
    ends = pd.concat(
        [frame[["video", "end_sec"]].astype({"video": str}) for frame in frames]
    )
    last = ends.groupby("video")["end_sec"].max().reindex(index)
    given = pd.Series(dict(known), dtype=float).reindex(index)
    if "duration_sec" in frames[0]:
        annotated = frames[0].astype({"video": str}).groupby("video")["duration_sec"]
        given = annotated.first().reindex(index).fillna(given)
    seconds = given.fillna(last).to_numpy(np.float64)
    return np.maximum(seconds, np.finfo(np.float32).tiny)


def _packed(values: np.ndarray, form: str) -> str:
    """Returns an array as base64 of little-endian numbers."""
    array = np.ascontiguousarray(values.astype(np.dtype(form).newbyteorder("<")))
    return base64.b64encode(array.tobytes()).decode("ascii")
