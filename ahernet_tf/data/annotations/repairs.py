"""Gathers rows of annotation files into videos; mends and counts their quirks.

Published annotations hold segments past the end of their video, of zero length,
repeated, or of a class that is none ("Ambiguous"). Readers hand every row to a
`VideoCollector`, which decides about them in one place and leaves a sentence with a
count in the report for each decision.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import Instance, Video

UNKNOWN_DURATION = "videos of unknown duration: the end of the last segment taken"
SUBSETS = {
    "train": "training",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
}


@dataclasses.dataclass(frozen=True)
class VideoFacts:
    """What a file beside the annotations says of a video."""

    duration_sec: float | None = None
    frames: int | None = None
    fps: float | None = None
    subset: str | None = None
    group: str | None = None


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """What a reader is told beside the path.

    Attributes:
        facts: Length, frame rate and subset of the videos, for files without them.
        classes: Class names, for files that name a class by its index.
        subset: Subset of videos for which nothing else names one.
        ignored_labels: Segments of these labels are dropped.
        exclude: Ids of videos to leave out.
        keep_repeats: Keep a segment that repeats another of its video and class, as
            the official evaluation does.
    """

    facts: Mapping[str, VideoFacts] = dataclasses.field(default_factory=dict)
    classes: tuple[str, ...] = ()
    subset: str = ""
    ignored_labels: tuple[str, ...] = ("Ambiguous",)
    exclude: frozenset[str] = frozenset()
    keep_repeats: bool = False


class VideoCollector:
    """Gathers the videos of one file.

    Attributes:
        file: What the report calls the file.
        report: Where faults and counts go.
    """

    def __init__(self, file: str, report: checks.Report, options: ReadOptions) -> None:
        """Starts with no video."""
        self.file = file
        self.report = report
        self._options = options
        self._facts: dict[str, VideoFacts] = {}
        self._rows: dict[str, list[tuple[float, float, str]]] = {}
        self._faulty: set[str] = set()

    def fault(self, video_id: str, what: str) -> None:
        """Reports a fault that leaves the video out."""
        self._faulty.add(video_id)
        self.report.add(self.file, video_id, what)

    def count(self, what: str, number: int = 1) -> None:
        """Counts something that was dealt with."""
        if number:
            self.report.counts[f"{self.file}: {what}"] += number

    def add_video(
        self,
        video_id: str,
        duration: Any = None,
        frames: Any = None,
        fps: Any = None,
        subset: Any = None,
        group: Any = None,
    ) -> None:
        """Adds a video; values may be numbers, their text, or absent.

        A video may be added again, as the rows of a table do; what was known stays.
        """
        known = self._facts.get(video_id)
        if known is None:
            self._rows.setdefault(video_id, [])
            known = VideoFacts()
            fault = checks.fault_of_id(video_id)
            if fault:
                self.fault(video_id, fault)
        numbers = {"duration_sec": duration, "frames": frames, "fps": fps}
        for name, value in numbers.items():
            if value in (None, "") or getattr(known, name) is not None:
                continue
            number = to_number(value)
            if number is None or number <= 0:
                self.fault(video_id, f"{name.removesuffix('_sec')} of {value!r}")
                continue
            number = int(number) if name == "frames" else number
            known = dataclasses.replace(known, **{name: number})
        for name, value in {"subset": subset, "group": group}.items():
            if value not in (None, "") and getattr(known, name) is None:
                known = dataclasses.replace(known, **{name: str(value)})
        self._facts[video_id] = known

    def add_segment(self, video_id: str, start: Any, end: Any, label: Any) -> None:
        """Adds a segment in seconds; numbers may be text."""
        if video_id not in self._facts:
            self.add_video(video_id)
        start_sec, end_sec = to_number(start), to_number(end)
        if start_sec is None or end_sec is None:
            self.fault(video_id, f"expected numbers, received [{start!r}, {end!r}]")
        elif label is None or not str(label).strip():
            self.fault(video_id, f"the segment [{start}, {end}] has no label")
        else:
            self._rows[video_id].append((start_sec, end_sec, str(label).strip()))

    def facts(self) -> dict[str, VideoFacts]:
        """Returns what is known of the sound videos, by the ids of the file."""
        return {i: f for i, f in self._facts.items() if i not in self._faulty}

    def finish(self) -> dict[str, Video]:
        """Returns the sound videos by id, in the order of the file."""
        ids = [i for i in self._rows if i not in self._faulty]
        names = self._names(ids)
        excluded = self._options.exclude
        kept = [i for i in ids if not {i, names[i]} & excluded]
        self.count("videos left out on request", len(ids) - len(kept))
        videos: dict[str, Video] = {}
        for video_id in kept:
            video = self._video(video_id, names[video_id])
            if not video.instances and self._is_ignored(video_id):
                self.count("videos with segments of ignored labels only left out")
                continue
            if video.duration_sec <= 0 and not self._rows[video_id]:
                self.fault(video_id, "neither a duration nor an action is known of it")
                continue
            if not video.instances and self._rows[video_id]:
                self.count("videos kept without any segment, all theirs were dropped")
            videos[video.id] = video
        return videos

    def _is_ignored(self, video_id: str) -> bool:
        """Tells whether a video has segments and all are of ignored labels."""
        labels = {label for _, _, label in self._rows[video_id]}
        return bool(labels) and labels <= set(self._options.ignored_labels)

    def _names(self, ids: list[str]) -> dict[str, str]:
        """Drops the prefix `v_` of ids if all have it."""
        if not ids or not all(i.startswith("v_") and len(i) > 2 for i in ids):
            return {i: i for i in ids}
        self.count("ids without their prefix 'v_'", len(ids))
        return {i: i[2:] for i in ids}

    def _video(self, video_id: str, name: str) -> Video:
        """Completes what is known of a video and mends its segments."""
        own, beside = self._facts[video_id], self._options.facts
        spellings = [i for i in (video_id, name, f"v_{name}") if i in beside]
        other = beside[spellings[0]] if spellings else VideoFacts()
        facts = {
            f.name: getattr(own, f.name)
            if getattr(own, f.name) is not None
            else getattr(other, f.name)
            for f in dataclasses.fields(VideoFacts)
        }
        subset = facts.pop("subset") or self._options.subset
        if subset in SUBSETS:
            self.count(f"videos of subset '{subset}', now '{SUBSETS[subset]}'")
        duration, rows = facts.pop("duration_sec"), self._rows[video_id]
        if duration is None and facts["frames"] and facts["fps"]:
            duration = facts["frames"] / facts["fps"]
        if duration is None:
            duration = max((end for _, end, _ in rows), default=0.0)
            self.count(UNKNOWN_DURATION)
        instances = tuple(self._mended(rows, duration))
        return Video(name, SUBSETS.get(subset, subset), duration, instances, **facts)

    def _mended(
        self, rows: list[tuple[float, float, str]], duration: float
    ) -> list[Instance]:
        """Drops and clamps the segments of a video, each with a count."""
        tolerance = checks.overshoot_tolerance_sec(duration)
        instances: list[Instance] = []
        for start, end, label in rows:
            if label in self._options.ignored_labels:
                self.count(f"segments of label '{label}' dropped")
            elif start > end:
                self.count("segments that end before they start dropped")
            elif start == end:
                self.count("segments of zero length dropped")
            elif start >= duration or end <= 0:
                self.count("segments wholly outside their video dropped")
            else:
                inside = Instance(max(start, 0.0), min(end, duration), label)
                if max(end - duration, -start) > tolerance:
                    self.count("segments far over their video's duration clamped")
                elif inside != Instance(start, end, label):
                    self.count("segments clamped to their video's duration")
                if inside in instances and not self._options.keep_repeats:
                    self.count("repeated segments dropped")
                else:
                    instances.append(inside)
        return instances


def to_number(value: Any) -> float | None:
    """Converts a number or its text; None for NaN, infinity and anything else."""
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
