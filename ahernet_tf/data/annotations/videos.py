"""Typed records of annotated videos."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """One action: its extent in seconds of the video, and its class."""

    start_sec: float
    end_sec: float
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Video:
    """An annotated video, untrimmed or one action moment.

    Attributes:
        id: Name, the same as in results files and feature stores.
        subset: Such as "training"; "" where the file names none.
        duration_sec: Length of the video.
        instances: Its actions in the order of the file; a moment has one that spans
            all of it; none means background only.
        frames: Number of frames, if known.
        fps: Frames a second, if stated.
        group: Who or what ties videos together (a person, a place): a split that is
            to be fair keeps a group on one side.
        others: Actions of classes that its role does not have.
    """

    id: str
    subset: str
    duration_sec: float
    instances: tuple[Instance, ...] = ()
    frames: int | None = None
    fps: float | None = None
    group: str | None = None
    others: tuple[Instance, ...] = ()
