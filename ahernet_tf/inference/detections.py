"""What was found in a video: as arrays, one by one, and as tables and files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

COLUMNS = ("video", "start_sec", "end_sec", "label", "score")


class Detections(NamedTuple):
    """Detections of one sequence, best first.

    Attributes:
        segments: `[detections, 2]`, `[start, end]`, steps.
        score: `[detections]`.
        label: `[detections]` int, index into the classes.
    """

    segments: np.ndarray
    score: np.ndarray
    label: np.ndarray

    def in_seconds(
        self, step_sec: float, class_names: Sequence[str]
    ) -> list[Detection]:
        """Returns them one by one.

        Args:
            step_sec: Duration of a step.
            class_names: Of the labels.
        """
        return [
            Detection(float(start), float(end), class_names[label], float(score))
            for (start, end), score, label in zip(
                self.segments * step_sec, self.score, self.label
            )
        ]


@dataclasses.dataclass(frozen=True)
class Detection:
    """One localised action."""

    start_sec: float
    end_sec: float
    label: str
    score: float

    def inside(self, duration_sec: float) -> Detection:
        """Returns it cut to a video's duration."""
        return dataclasses.replace(
            self,
            start_sec=min(self.start_sec, duration_sec),
            end_sec=min(self.end_sec, duration_sec),
        )


def to_frame(found: Mapping[str, Sequence[Detection]]) -> pd.DataFrame:
    """Lists detections by video as a frame: video, start_sec, end_sec, label, score."""
    rows = [
        (video, *dataclasses.astuple(detection))
        for video, items in found.items()
        for detection in items
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def as_results(
    found: Mapping[str, Sequence[Detection]],
) -> dict[str, list[dict[str, Any]]]:
    """Returns detections in the form of ActivityNet's results files."""
    return {
        video: [
            {
                "score": item.score,
                "segment": [item.start_sec, item.end_sec],
                "label": item.label,
            }
            for item in items
        ]
        for video, items in found.items()
    }
