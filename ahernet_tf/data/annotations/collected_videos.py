"""Makes videos of what a collector gathered: checks names, completes, mends, counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.data.annotations.repairs import (
    FAR_CLAMPED,
    Segment,
    another_unit,
    differ,
    mended,
)
from ahernet_tf.data.annotations.video_collector import VideoCollector
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.spelling import canonical_video_id

UNKNOWN_DURATION = "videos of unknown duration: the end of the last segment taken"
OPEN_ENDED = "segments without an end, which end where the next begins"


def make_videos(collector: VideoCollector) -> dict[str, Video]:
    """Returns the sound videos of a collector by id, in the order of the file.

    What would make background of an action leaves its video out, with a fault.
    """
    _check_ids(collector)
    _check_classes(collector)
    options = collector.options
    sound = [i for i in collector.known if i not in collector.faulty]
    names = _names(collector, sound)
    excluded = options.exclude
    kept = [i for i in sound if not excluded or not {i, names[i]} & excluded]
    collector.count("videos left out on request", len(sound) - len(kept))
    if not options.canonical and (fault := _another_unit(collector, kept)):
        collector.fault(None, fault)
        return {}
    videos = (_video(collector, video_id, names[video_id]) for video_id in kept)
    return {video.id: video for video in videos if video is not None}


def _check_ids(collector: VideoCollector) -> None:
    """Reports ids that are nearly the same."""
    canonical = collector.options.canonical
    key = canonical_video_id if canonical else spelling.plain
    for video_id, other in spelling.twins(collector.known, key):
        what = "duplicate id" if canonical else "spelt differently"
        ours, theirs = spelling.told_apart(video_id, other)
        ours = "" if ours == repr(video_id) else f" ({ours})"
        collector.fault(video_id, f"{what}{ours}, there is also {theirs}")


def _check_classes(collector: VideoCollector) -> None:
    """Reports labels that a list of classes lacks, or that are nearly the same."""
    options, actions = collector.options, collector.actions
    labels = {a.label: None for rows in actions.values() for a in rows}
    if not options.classes:
        for label, other in () if options.canonical else spelling.twins(labels):
            ours, theirs = spelling.told_apart(label, other)
            collector.fault(
                None,
                f"class {ours} is there, and class {theirs}: if these are one "
                "class, spell it one way in the file; if they are two, give a list of "
                "all classes with --classes",
            )
        return
    known = {*options.classes, *options.ignored_labels}
    near = dict(spelling.near_pairs(labels, options.classes))
    for video_id, rows in actions.items():
        for label in dict.fromkeys(a.label for a in rows if a.label not in known):
            more = f", which has '{near[label]}': spell it so" if label in near else ""
            what = f"class '{label}' is not in the list of classes{more}"
            collector.fault(video_id, what)


def _names(collector: VideoCollector, ids: list[str]) -> dict[str, str]:
    """Drops the prefix `v_` of ids if all have it."""
    prefixed = ids and all(i.startswith("v_") and len(i) > 2 for i in ids)
    if not prefixed or collector.options.canonical:
        return {i: i for i in ids}
    collector.count("ids without their prefix 'v_'", len(ids))
    return {i: i[2:] for i in ids}


def _another_unit(collector: VideoCollector, ids: Iterable[str]) -> str | None:
    """Says that times look like those of another unit, or returns None."""
    facts = {i: _completed(collector, i) for i in ids if collector.actions[i]}
    ends = (
        (end, known.get("duration", math.inf))
        for i, known in facts.items()
        for _, end, _ in _timed(collector, i, known)[0]
    )
    return another_unit(ends, collector.options.times, collector.options.strict)


def _completed(collector: VideoCollector, video_id: str) -> dict[str, Any]:
    """Returns what is known of a video, from the file and from beside it."""
    facts = {**collector.options.beside(video_id), **collector.known[video_id]}
    if "duration" in collector.known[video_id]:
        facts.pop("covered", None)
    if "duration" not in facts and "frames" in facts and "fps" in facts:
        facts["duration"] = facts["frames"] / facts["fps"]
    return facts


def _timed(
    collector: VideoCollector, video_id: str, facts: Mapping[str, Any]
) -> tuple[list[Segment], str | None]:
    """Returns the actions of a video in seconds, or says why that cannot be."""
    actions, stops = collector.actions[video_id], collector.stops[video_id]
    rows: list[Segment] = []
    starts: list[float] = []
    fps = facts.get("fps")
    for action in actions:
        begin, end = action.start, action.end
        if fps is None and (begin.frames or (end is not None and end.frames)):
            what = "times in frames need its frame rate: give --fps or --video_info"
            return [], what
        start = begin.seconds(fps)
        if end is not None:
            rows.append((start, end.seconds(fps), action.label))
            continue
        points = [*(a.start for a in actions), *stops]
        starts = starts or [point.seconds(fps) for point in points]
        later = [s for s in starts if s > start]
        if not later and "duration" not in facts:
            what = f"the segment at {start} s has no end, and it is not known how long "
            what += "the video is: give a column duration, --video_info, or a last row "
            return [], f"{what}with the time when it ends and no label"
        rows.append((start, min(later, default=facts.get("duration")), action.label))
    return rows, None


def _video(collector: VideoCollector, video_id: str, name: str) -> Video | None:
    """Mends the segments of a video and makes it; None where it is left out."""
    options, actions = collector.options, collector.actions[video_id]
    facts = _completed(collector, video_id)
    duration, frames, fps = (facts.get(n) for n in ("duration", "frames", "fps"))
    rows, fault = _timed(collector, video_id, facts)
    if name in options.left_out:
        return None
    if fault is None and duration is None and options.canonical:
        fault = "has no duration, nor fps and frames to compute it"
    elif fault is None and duration is None and not rows:
        fault = "neither a duration nor an action is known of it"
    if fault is not None:
        collector.fault(video_id, fault)
        return None
    unknown = duration is None
    duration = max(end for _, end, _ in rows) if unknown else duration
    instances, counts, faults = mended(rows, duration, options)
    for number, fault in faults:
        covered = facts.get("covered") and fault.endswith(f"lasts {duration} s")
        fault += " (what its features cover)" if covered else ""
        collector.fault(video_id, fault, actions[number].line)
    if faults:
        return None
    collector.count(UNKNOWN_DURATION, int(unknown))
    if fps and frames and differ(fps, frames / duration, duration):
        counts["fps is not frames / duration; fps is used"] += 1
    counts[OPEN_ENDED] += sum(action.end is None for action in actions)
    left_out = rows and not instances and not options.keep_empty
    if left_out:
        ignored = {row[2] for row in rows} <= set(options.ignored_labels)
        counts[
            "videos with segments of ignored labels only left out"
            if ignored
            else "videos left out, as none of their segments can be used"
        ] += 1
    for what, number in counts.items():
        collector.count(what, number, name if what == FAR_CLAMPED else None)
    if left_out:
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
