"""Mends the segments of a video, and tells times that are in another unit."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.times import FRAMES, MILLISECONDS
from ahernet_tf.data.annotations.videos import Instance

Segment = tuple[float, float, str]  # start and end in seconds, label
FAR_CLAMPED = "segments far over their video's duration clamped"
NEARLY = 0.8  # tIoU of two segments that may be one
NEARLY_REPEATED = "segments nearly the same as another of their class (two annotators?)"
_FAR = 2.0  # times its duration
_LEAST, _SHORTEST = 3, 3.0  # segments, and seconds of a video, that parts are told by
_LEAST_FRAMES_A_SECOND = 4  # a time beyond so many durations may be in frames
_MOST_FRAMES_A_SECOND = 130  # a time beyond so many durations is in milliseconds


def mended(
    segments: Iterable[Segment], duration: float, options: ReadOptions
) -> tuple[list[Instance], collections.Counter[str], list[tuple[int, str]]]:
    """Drops and clamps the segments of a video.

    Args:
        segments: Start and end in seconds, and label.
        duration: Length of the video in seconds.
        options: `strict` makes faults of times outside the video.

    Returns:
        What is left; sentences with counts of what was mended or dropped; and faults,
        each with the number of its segment.
    """
    instances: list[Instance] = []
    seen: set[Instance] = set()
    counts: collections.Counter[str] = collections.Counter()
    faults: list[tuple[int, str]] = []
    strict = options.strict or options.canonical
    repeats_stay = options.keep_repeats or options.canonical
    tolerance = checks.overshoot_tolerance_sec(duration)
    for number, (start, end, label) in enumerate(segments):
        if label in options.ignored_labels:
            counts[f"segments of label '{label}' dropped"] += 1
        elif start > end:
            what = f"segment starts at {start} s, after its end at {end} s"
            faults.append((number, what))
        elif start == end and options.strict:
            what = f"segment starts and ends at {start} s, and has no length"
            faults.append((number, what))
        elif start == end:
            counts["segments of zero length dropped"] += 1
        elif strict and (fault := _outside(start, end, duration)):
            faults.append((number, fault))
        elif start >= duration or end <= 0:
            counts["segments wholly outside their video dropped"] += 1
        else:
            inside = Instance(max(start, 0.0), min(end, duration), label)
            if max(end - duration, -start) > tolerance:
                counts[FAR_CLAMPED] += 1
            elif (start, end) != (inside.start_sec, inside.end_sec):
                counts["segments clamped to their video's duration"] += 1
            if repeats_stay or inside not in seen:
                instances.append(inside)
            else:
                counts["repeated segments dropped"] += 1
            if not repeats_stay:
                seen.add(inside)
    if not repeats_stay and (again := _nearly_repeated(instances)):
        counts[NEARLY_REPEATED] += again
    return instances, counts, faults


def _nearly_repeated(instances: Iterable[Instance]) -> int:
    """Counts the instances that nearly cover the one of their class before them."""
    number, before = 0, {}
    for one in sorted(instances, key=lambda i: (i.start_sec, i.end_sec)):
        other = before.get(one.label, one)
        both = min(one.end_sec, other.end_sec) - one.start_sec
        union = max(one.end_sec, other.end_sec) - other.start_sec
        number += one is not other and both > NEARLY * union
        before[one.label] = one
    return number


def another_unit(
    segments: Iterable[tuple[float, float]], times: str | None, strict: bool = False
) -> str | None:
    """Says that times look like those of another unit, or returns None.

    Frames lie outside of most videos, parts of a video or of a day (as Excel keeps
    clock times) within the first second of all of them. Half is enough where these end
    after twice their video, and would be clamped.

    Args:
        segments: End of each segment, and duration of its video, in seconds; infinite
            where it is not known.
        times: The unit that was told, if any.
        strict: Each time outside is a fault in any case.
    """
    everything, total, factors, within = 0, 0, [], 0
    for end, duration in segments:
        everything += 1
        within += end <= 1 and duration >= _SHORTEST
        total += math.isfinite(duration)
        if end > duration + checks.overshoot_tolerance_sec(duration):
            factors.append(end / duration)
    if times is None and within == everything >= _LEAST:
        return (
            f"all {within} segments end within the first second of their videos: are "
            "their times parts of the video, or of a day (Excel)? (multiply them, so "
            "that they are seconds; if they are, say --times seconds)"
        )
    most_outside = len(factors) > 1 and 2 * len(factors) > total
    far_outside = sum(factor > _FAR for factor in factors)
    clamped = far_outside and not strict and 2 * far_outside >= total
    if not most_outside and not clamped:
        return None
    most = max(factors)
    unit = MILLISECONDS if most > _MOST_FRAMES_A_SECOND else FRAMES
    hint = f"for {unit} give --times {unit}" if times is None else f"--times is {times}"
    question = f"are they {unit}, or the durations wrong? ({hint})"
    if most < _LEAST_FRAMES_A_SECOND:
        question = "are the durations wrong? (those of features follow from "
        question += "clip_frames, stride_frames and fps)"
    return (
        f"the times of {len(factors)} of {total} segments lie outside their videos, up "
        f"to {most:.3g} times as far as these last: {question}"
    )


def differ(fps: float, measured: float, duration: float) -> bool:
    """Tells whether a rate is not frames / duration, as far as these are exact."""
    return abs(measured - fps) > 0.01 * fps + 1.5 / duration


def _outside(start: float, end: float, duration: float) -> str | None:
    """Says how far a segment leaves its video, or returns None where it does not."""
    tolerance = checks.overshoot_tolerance_sec(duration)
    if start < -tolerance:
        return f"segment starts at {start} s, before the video"
    if start > duration:
        return f"segment starts at {start} s, the video lasts {duration} s"
    if end > duration + tolerance:
        return f"segment ends at {end} s, the video lasts {duration} s"
    return None
