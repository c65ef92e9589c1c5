"""What readers of annotations are told beside the path."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping
from typing import Any

from ahernet_tf import spelling


@dataclasses.dataclass(frozen=True)
class VideoFacts:
    """What a file beside the annotations says of a video.

    `covered` says that the duration is what features cover.
    """

    duration_sec: float | None = None
    frames: int | None = None
    fps: float | None = None
    subset: str | None = None
    group: str | None = None
    covered: bool | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> VideoFacts:
        """Takes what is known under the names of `known`."""
        return cls(**{_FIELDS.get(name, name): value for name, value in facts.items()})

    def known(self) -> dict[str, Any]:
        """Returns what is known: duration, frames, fps, subset, group, covered."""
        values = {
            "duration": self.duration_sec,
            "frames": self.frames,
            "fps": self.fps,
            "subset": self.subset,
            "group": self.group,
            "covered": self.covered,
        }
        return {name: value for name, value in values.items() if value is not None}


_FIELDS = {"duration": "duration_sec"}


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """What a reader is told beside the path.

    Attributes:
        facts: Length, frame rate and subset of the videos, for files without them.
        classes: Class names, for files that name a class by its index; every label of
            other files must be among them, if any are given.
        subset: Subset of videos for which nothing else names one.
        ignored_labels: Segments of these labels are dropped.
        exclude: Ids of videos to leave out.
        left_out: Ids of videos that are left out for what was said elsewhere, looked
            up as videos are made; nothing more is said of them.
        keep_repeats: Keep a segment that repeats another of its video and class, as
            the official evaluation does.
        keep_empty: Keep a video none of whose actions can be used.
        fps: Frame rate of videos for which nothing else names one.
        times: Unit of times, one of `times.UNITS`; None: as the form of the file has.
        encoding: Encoding of text files; None: UTF-8 or UTF-16.
        tiers: Tiers, tracks or attributes to read, for tools with several; empty: all.
        minimum_score: Detections of a lower score are dropped.
        strict: A time outside its video is a fault, not clamped or dropped.
        canonical: The file is one of ours: strict, ids as they are, known durations.
    """

    facts: Mapping[str, VideoFacts] = dataclasses.field(default_factory=dict)
    classes: tuple[str, ...] = ()
    subset: str = ""
    ignored_labels: tuple[str, ...] = ("Ambiguous",)
    exclude: frozenset[str] = frozenset()
    left_out: Container[str] = ()
    keep_repeats: bool = False
    keep_empty: bool = False
    fps: float | None = None
    times: str | None = None
    encoding: str | None = None
    tiers: tuple[str, ...] = ()
    minimum_score: float = 0.0
    strict: bool = False
    canonical: bool = False

    def beside(self, video_id: str) -> dict[str, Any]:
        """Returns what is known of a video beside its file, with or without `v_`."""
        known: dict[str, Any] = {}
        if self.subset:
            known["subset"] = spelling.subset_name(self.subset)
        if self.fps is not None:
            known["fps"] = self.fps
        if self.facts:
            bare = video_id.removeprefix("v_")
            for key in (video_id, bare, f"v_{bare}"):
                if key in self.facts:
                    return known | self.facts[key].known()
        return known
