"""Gathers what annotation files hold of videos and actions.

Published annotations hold segments past the end of their video, of zero length,
repeated, or of a class that is none ("Ambiguous"). Readers hand every action to a
`VideoCollector`; `collected_videos` decides about them in one place and leaves a
sentence with a count in the report for each decision.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.times import (
    SECONDS,
    TimePoint,
    to_duration,
    to_number,
    to_rate,
)

NO_LABELS = ("no action", "background", "none", "-", "sil")
_TIME_OF_DAY = re.compile(r"[ap]\.?m\b|\d{4}-\d\d-\d\d", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """An action as a file has it; `end` is None where the next one begins.

    `line` is that of a table.
    """

    start: TimePoint
    end: TimePoint | None
    label: str
    line: int | None = None


class VideoCollector:
    """Gathers the videos of one file.

    Attributes:
        file: What the report calls the file.
        report: Where faults and counts go.
        options: What the reader was told.
        known: What the file says of each video: any of duration, frames, fps, subset
            and group.
        actions: The actions of each video, in the order of the file.
        stops: Times at which an action without an end ends, though none begins.
        faulty: Videos with a fault.
        line: The line of a table that is being read; None: none is.
    """

    def __init__(
        self, file: str, report: checks.DataReport, options: ReadOptions
    ) -> None:
        """Starts with no video."""
        self.file = file
        self.report = report
        self.options = options
        self.known: dict[str, dict[str, Any]] = {}
        self.actions: dict[str, list[Action]] = {}
        self.stops: dict[str, list[TimePoint]] = {}
        self.faulty: set[str] = set()
        self.line: int | None = None
        self._told: set[tuple[str | None, str]] = set()

    def fault(self, video_id: str | None, what: str, line: int | None = None) -> None:
        """Reports a fault that leaves a video out; without a video it is fatal.

        Args:
            video_id: The video.
            what: The fault.
            line: Of a table; by default the one that is being read. Of lines with
                the same fault the first is told.
        """
        if (video_id, what) in self._told:
            return
        self._told.add((video_id, what))
        line = line or self.line
        if video_id is not None:
            self.faulty.add(video_id)
            if line is not None and not what.startswith("line "):
                what += f" (line {line})"
        self.report.add(self.file, video_id, what, fatal=video_id is None)

    def count(self, what: str, number: int = 1, example: str | None = None) -> None:
        """Counts something that was dealt with; `example` is a video to name."""
        line = f"{self.file}: {what}"
        if number:
            self.report.counts[line] += number
        if example is not None:
            self.report.examples.setdefault(line, []).append(example)

    def is_empty(self) -> bool:
        """Tells whether no video was added, and nothing said of why."""
        return not self.known and not self.report.problems

    def has(self, video_id: str) -> bool:
        """Tells whether a video was added."""
        return video_id in self.known

    # What readers add --------------------------------------------------------------

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

        A video may be added again, as the rows of a table do; what was known stays,
        and what contradicts it is a fault.
        """
        known = self.known.get(video_id)
        if known is None:
            known, self.actions[video_id], self.stops[video_id] = {}, [], []
            self.known[video_id] = known
            if fault := checks.fault_of_id(video_id):
                self.fault(video_id, fault)
        numbers = {"duration": duration, "frames": frames, "fps": fps}
        for name, value in numbers.items():
            if value is None or value == "":
                continue
            number = to_number(value)
            if number is None and name != "frames":
                number = to_rate(value) if name == "fps" else to_duration(value)
            what = "number of frames" if name == "frames" else name
            if number is None or number <= 0:
                self.fault(video_id, f"expected a {what} above 0, received {value!r}")
            elif name == "frames" and number != int(number):
                self.fault(video_id, f"expected a whole {what}, received {value!r}")
            else:
                self._learn(video_id, known, name, number)
        if subset is not None and subset != "":
            self._learn(video_id, known, "subset", self._subset(str(subset)))
        if group is not None and group != "":
            self._learn(video_id, known, "group", str(group))

    def _learn(
        self, video_id: str, known: dict[str, Any], name: str, value: Any
    ) -> None:
        """Takes a fact, unless it contradicts what was known."""
        old = known.setdefault(name, value)
        if old != value:
            self.fault(video_id, f"{name} of {old} and of {value}")

    def add_segment(
        self, video_id: str, start: Any, end: Any, label: Any, unit: str = SECONDS
    ) -> None:
        """Adds an action.

        Args:
            video_id: Its video, which need not have been added.
            start: A number, its text, or a clock time.
            end: The same; None or "": the action ends where the next begins.
            label: Its class.
            unit: Of numbers, one of `times.UNITS`; `options.times` goes before it.
        """
        if video_id not in self.known:
            self.add_video(video_id)
        unit = self.options.times or unit
        begin = TimePoint.of(start, unit)
        finish = None if end in (None, "") else TimePoint.of(end, unit)
        label, odd = _label(label, self.options.canonical)
        if odd:
            self.fault(video_id, f"expected one label, received {odd}")
        elif not self.options.canonical and self._is_none(label):
            self.count(f"segments of '{label}', which is no action, dropped")
            self.stops[video_id] += [] if begin is None else [begin]
        elif begin is None or (finish is None and end not in (None, "")):
            clock = ", below 60 after a colon" if ":" in f"{start}{end}" else ""
            if _TIME_OF_DAY.search(f"{start} {end}"):
                clock = " (a time of day); write times from the start of the video"
            what = "numbers" if unit == SECONDS else f"numbers ({unit})"
            what = f"expected {what}, received [{start!r}, {end!r}]{clock}"
            self.fault(video_id, what)
        elif not label:
            self.fault(video_id, f"the segment [{start}, {end}] has no label")
        else:
            self.actions[video_id].append(Action(begin, finish, label, self.line))

    def _is_none(self, label: str) -> bool:
        """Tells whether a label says that there is no action, and no list has it."""
        return label.casefold() in NO_LABELS and label not in self.options.classes

    def add_stop(self, video_id: str, time: Any, unit: str = SECONDS) -> None:
        """Adds a time from which on nothing is done; see `stops`."""
        point = TimePoint.of(time, self.options.times or unit)
        if point is None:
            self.fault(video_id, f"expected a time, received {time!r}")
        else:
            self.stops[video_id].append(point)

    def facts(self) -> dict[str, VideoFacts]:
        """Returns what is known of the sound videos, by the ids of the file."""
        sound = {i: f for i, f in self.known.items() if i not in self.faulty}
        return {i: VideoFacts.of(facts) for i, facts in sound.items()}

    def _subset(self, text: str) -> str:
        """Returns the subset of a spelling, with a count where it was another."""
        if self.options.canonical:
            return text
        name = spelling.subset_name(text)
        if name != text:
            self.count(f"subset '{text}', now '{name}'")
        return name


def _label(value: Any, as_it_is: bool) -> tuple[str, str]:
    """Returns a label, with single blanks or as it is; or what is none, as a list."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        label = str(value).strip() if as_it_is else " ".join(str(value).split())
        return "" if label.casefold() == "nan" else label, ""
    if value is None or value != value:  # NaN
        return "", ""
    return "", f"{value!r:.80}"
