"""Gathers the actions that annotation files hold; mends, counts and reports quirks.

Published annotations hold segments past the end of their video, of zero length,
repeated, or of a class that is none ("Ambiguous"). Readers hand every action to a
`VideoCollector`, which decides about them in one place and leaves a sentence with a
count in the report for each decision. What would make background of an action is a
fault of its video.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.repairs import Segment, another_unit, differ, mended
from ahernet_tf.data.annotations.times import SECONDS, TimePoint, to_number
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.evaluation import canonical_video_id

UNKNOWN_DURATION = "videos of unknown duration: the end of the last segment taken"
NOTHING_LEFT = "videos left out, as none of their segments can be used"


@dataclasses.dataclass(frozen=True, slots=True)
class _Action:
    """An action as a file has it; `end` is None where the next one begins."""

    start: TimePoint
    end: TimePoint | None
    label: str


class VideoCollector:
    """Gathers the videos of one file.

    Attributes:
        file: What the report calls the file.
        report: Where faults and counts go.
        options: What the reader was told.
    """

    def __init__(
        self, file: str, report: checks.DataReport, options: ReadOptions
    ) -> None:
        """Starts with no video."""
        self.file = file
        self.report = report
        self.options = options
        self._facts: dict[str, dict[str, Any]] = {}
        self._actions: dict[str, list[_Action]] = {}
        self._faulty: set[str] = set()

    def fault(self, video_id: str | None, what: str) -> None:
        """Reports a fault that leaves a video out; without a video it is fatal."""
        if video_id is not None:
            self._faulty.add(video_id)
        self.report.add(self.file, video_id, what, fatal=video_id is None)

    def count(self, what: str, number: int = 1) -> None:
        """Counts something that was dealt with."""
        if number:
            self.report.counts[f"{self.file}: {what}"] += number

    def is_empty(self) -> bool:
        """Tells whether no video was added, and nothing said of why."""
        return not self._facts and not self.report.problems

    def has(self, video_id: str) -> bool:
        """Tells whether a video was added."""
        return video_id in self._facts

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
        known = self._facts.get(video_id)
        if known is None:
            known, self._actions[video_id] = {}, []
            self._facts[video_id] = known
            if fault := checks.fault_of_id(video_id):
                self.fault(video_id, fault)
        numbers = {"duration": duration, "frames": frames, "fps": fps}
        for name, value in numbers.items():
            if value is None or value == "":
                continue
            number = to_number(value)
            what = "number of frames" if name == "frames" else name
            if number is None or number <= 0:
                self.fault(video_id, f"{what} of {value!r}")
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
        if video_id not in self._facts:
            self.add_video(video_id)
        unit = self.options.times or unit
        begin = TimePoint.of(start, unit)
        finish = None if end in (None, "") else TimePoint.of(end, unit)
        label = "" if label is None else str(label).strip()
        if begin is None or (finish is None and end not in (None, "")):
            what = "numbers" if unit == SECONDS else f"numbers ({unit})"
            self.fault(video_id, f"expected {what}, received [{start!r}, {end!r}]")
        elif not label:
            self.fault(video_id, f"the segment [{start}, {end}] has no label")
        else:
            self._actions[video_id].append(_Action(begin, finish, label))

    def facts(self) -> dict[str, VideoFacts]:
        """Returns what is known of the sound videos, by the ids of the file."""
        sound = {i: f for i, f in self._facts.items() if i not in self._faulty}
        return {i: VideoFacts.of(facts) for i, facts in sound.items()}

    # What comes of it --------------------------------------------------------------

    def finish(self) -> dict[str, Video]:
        """Returns the sound videos by id, in the order of the file."""
        self._check_spelling()
        sound = [i for i in self._facts if i not in self._faulty]
        names = self._names(sound)
        excluded = self.options.exclude
        kept = [i for i in sound if not excluded or not {i, names[i]} & excluded]
        self.count("videos left out on request", len(sound) - len(kept))
        if not self.options.canonical and (fault := self._another_unit(kept)):
            self.fault(None, fault)
            return {}
        videos = (self._video(video_id, names[video_id]) for video_id in kept)
        return {video.id: video for video in videos if video is not None}

    def _another_unit(self, ids: list[str]) -> str | None:
        """Says that times look like those of another unit, or returns None."""
        facts = {i: self._completed(i) for i in ids if self._actions[i]}
        ends = (
            (end, known["duration"])
            for i, known in facts.items()
            if "duration" in known
            for _, end, _ in self._timed(i, known)[0]
        )
        return another_unit(ends, self.options.times)

    def _subset(self, text: str) -> str:
        """Returns the subset of a spelling, with a count where it was another."""
        if self.options.canonical:
            return text
        name = spelling.subset_name(text)
        if name != text:
            self.count(f"subset '{text}', now '{name}'")
        return name

    def _check_spelling(self) -> None:
        """Reports ids, and classes, that are nearly the same."""
        canonical = self.options.canonical
        key = canonical_video_id if canonical else spelling.plain
        for video_id, other in spelling.twins(self._facts, key):
            self.fault(video_id, f"duplicate id, there is also '{other}'")
        labels = {a.label: None for rows in self._actions.values() for a in rows}
        classes = self.options.classes
        if not classes:
            if not canonical:
                for label, other in spelling.twins(labels):
                    self.fault(
                        None,
                        f"class '{label}' is there, and class '{other}': if these are "
                        "two classes, give a list of all with --classes",
                    )
            return
        known = {*classes, *self.options.ignored_labels}
        near = dict(spelling.near_pairs(labels, classes))
        for video_id, actions in self._actions.items():
            for label in dict.fromkeys(a.label for a in actions):
                if label not in known:
                    more = f", which has '{near[label]}'" if label in near else ""
                    what = f"class '{label}' is not in the list of classes{more}"
                    self.fault(video_id, what)

    def _completed(self, video_id: str) -> dict[str, Any]:
        """Returns what is known of a video, from the file and from beside it."""
        facts = {**self.options.beside(video_id), **self._facts[video_id]}
        if "duration" not in facts and "frames" in facts and "fps" in facts:
            facts["duration"] = facts["frames"] / facts["fps"]
        return facts

    def _timed(
        self, video_id: str, facts: dict[str, Any]
    ) -> tuple[list[Segment], str | None]:
        """Returns the actions of a video in seconds, or says why that cannot be."""
        rows: list[Segment] = []
        starts: list[float] = []
        for action in self._actions[video_id]:
            begin, end = action.start, action.end
            fps = facts.get("fps")
            if fps is None and (begin.frames or (end is not None and end.frames)):
                what = "times in frames need its frame rate: give --fps or --video_info"
                return [], what
            start = begin.seconds(fps)
            if end is not None:
                rows.append((start, end.seconds(fps), action.label))
                continue
            starts = starts or [a.start.seconds(fps) for a in self._actions[video_id]]
            later = [s for s in starts if s > start]
            if not later and "duration" not in facts:
                what = f"the segment at {start} s has no end, and it is not known how "
                return [], f"{what}long the video is"
            rows.append(
                (start, min(later, default=facts.get("duration")), action.label)
            )
        return rows, None

    def _names(self, ids: list[str]) -> dict[str, str]:
        """Drops the prefix `v_` of ids if all have it."""
        prefixed = ids and all(i.startswith("v_") and len(i) > 2 for i in ids)
        if not prefixed or self.options.canonical:
            return {i: i for i in ids}
        self.count("ids without their prefix 'v_'", len(ids))
        return {i: i[2:] for i in ids}

    def _video(self, video_id: str, name: str) -> Video | None:
        """Mends the segments of a video and makes it."""
        facts = self._completed(video_id)
        duration, frames, fps = (
            facts.get("duration"),
            facts.get("frames"),
            facts.get("fps"),
        )
        rows, fault = self._timed(video_id, facts)
        if fault is not None:
            self.fault(video_id, fault)
            return None
        if duration is None and self.options.canonical:
            self.fault(video_id, "has no duration, nor fps and frames to compute it")
            return None
        if duration is None and not rows:
            self.fault(video_id, "neither a duration nor an action is known of it")
            return None
        if duration is None:
            duration = max(end for _, end, _ in rows)
            self.count(UNKNOWN_DURATION)
        instances, counts, faults = mended(rows, duration, self.options)
        for fault in faults:
            self.fault(video_id, fault)
        if faults:
            return None
        if fps and frames and differ(fps, frames / duration, duration):
            self.count("fps is not frames / duration; fps is used")
        open_ended = sum(a.end is None for a in self._actions[video_id])
        self.count(
            "segments without an end, which end where the next begins", open_ended
        )
        for what, number in counts.items():
            self.count(what, number)
        if rows and not instances:
            if {label for _, _, label in rows} <= set(self.options.ignored_labels):
                self.count("videos with segments of ignored labels only left out")
            else:
                self.count(NOTHING_LEFT)
            return None
        return Video(
            id=name,
            subset=facts.get("subset", ""),
            duration_sec=duration,
            instances=tuple(instances),
            frames=frames and int(frames),
            fps=fps,
            group=facts.get("group"),
        )
