"""Forms of annotations that annotation tools write as XML."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.text_tables import media_name, video_name
from ahernet_tf.data.annotations.times import FRAMES, MILLISECONDS, to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector

SHARED = "annotations without a time of their own, with a share of that around them"
Span = tuple[float | None, float | None]  # milliseconds


def is_elan(source: Source) -> bool:
    """Tells whether there is a document of ELAN."""
    return source.xml is not None and source.xml.tag == "ANNOTATION_DOCUMENT"


def read_elan(source: Source, collector: VideoCollector) -> None:
    """Reads ELAN's .eaf: the aligned annotations of all tiers, or of `options.tiers`.

    A tier that is named may refer to another one: its annotations have the times of
    those that they refer to, or share them. The class is the value of an annotation;
    in a tier without any value, the tier. The video is the first linked media file,
    else the file itself. Where the file is shifted against the time line
    (`TIME_ORIGIN`), times are those of the file.
    """
    root = source.xml
    media = root.find(".//MEDIA_DESCRIPTOR")
    url = media.get("MEDIA_URL") or "" if media is not None else ""
    video = media_name(url) or source.stem
    origin = to_number(media.get("TIME_ORIGIN") or 0) if media is not None else 0
    collector.add_video(video)
    spans, shared = _elan_spans(root)
    for tier in _chosen(root.iter("TIER"), "TIER_ID", collector):
        referring = list(tier.iter("REF_ANNOTATION"))
        annotations = list(tier.iter("ALIGNABLE_ANNOTATION"))
        if collector.options.tiers:
            annotations += referring
        else:
            collector.count("annotations of annotations left out", len(referring))
        values = [a.findtext("ANNOTATION_VALUE") or "" for a in annotations]
        unnamed = not any(map(str.strip, values))
        for annotation, value in zip(annotations, values):
            name = annotation.get("ANNOTATION_ID")
            label = tier.get("TIER_ID") if unnamed else value.strip()
            start, end = spans[annotation]
            if start is None or end is None:
                collector.fault(video, f"annotation '{name}' ({label}) has no time")
                continue
            start, end = start + origin, end + origin
            if not label:
                what = f"annotation '{name}' ({start / 1000} to {end / 1000} s) of the "
                collector.fault(video, f"{what}tier '{tier.get('TIER_ID')}' is empty")
                continue
            collector.count(SHARED, annotation in shared)
            collector.add_segment(video, start, end, label, MILLISECONDS)


def _elan_spans(
    root: ElementTree.Element,
) -> tuple[dict[ElementTree.Element, Span], set[ElementTree.Element]]:
    """Finds start and end of ELAN's annotations in milliseconds.

    Returns:
        Start and end, None where no time is known; and the annotations that share the
        time between the next times that are known, or that of another annotation.
    """
    times = {
        slot.get("TIME_SLOT_ID"): to_number(slot.get("TIME_VALUE"))
        for slot in root.iter("TIME_SLOT")
    }
    spans: dict[ElementTree.Element, Span] = {}
    waiting: dict[tuple[str | None, ...], list[ElementTree.Element]] = {}
    shared = set()
    for tier in root.iter("TIER"):
        found = {
            a: [a.get(f"TIME_SLOT_REF{n}") for n in (1, 2)]
            for a in tier.iter("ALIGNABLE_ANNOTATION")
        }
        chain = list(dict.fromkeys(slot for slots in found.values() for slot in slots))
        known = [n for n, slot in enumerate(chain) if times.get(slot) is not None]
        values = [times[chain[n]] for n in known]
        for place, slot in enumerate(chain):
            if known and times.get(slot) is None and known[0] < place < known[-1]:
                times[slot] = float(np.interp(place, known, values))
                shared |= {a for a, slots in found.items() if slot in slots}
        spans |= {a: (times.get(s), times.get(e)) for a, (s, e) in found.items()}
        for annotation in tier.iter("REF_ANNOTATION"):
            parent = annotation.get("ANNOTATION_REF"), tier.get("TIER_ID")
            waiting.setdefault(parent, []).append(annotation)
    by_id = {a.get("ANNOTATION_ID"): span for a, span in spans.items()}
    while ready := [parent for parent in waiting if parent[0] in by_id]:
        for parent in ready:
            children, (start, end) = waiting.pop(parent), by_id[parent[0]]
            parts = [(start, end)]
            if len(children) > 1 and start is not None and end is not None:
                edges = np.linspace(start, end, len(children) + 1).tolist()
                parts = list(itertools.pairwise(edges))
                shared |= set(children)
            for child, span in zip(children, itertools.cycle(parts)):
                spans[child] = by_id[child.get("ANNOTATION_ID")] = span
    spans |= {a: (None, None) for others in waiting.values() for a in others}
    return spans, shared


def is_anvil(source: Source) -> bool:
    """Tells whether there is a document of Anvil."""
    root = source.xml
    return (
        root is not None and root.tag == "annotation" and root.find("body") is not None
    )


def read_anvil(source: Source, collector: VideoCollector) -> None:
    """Reads Anvil: the elements of all tracks, or of `options.tiers`, in seconds.

    The class is the first attribute of an element, else the name of its track.
    """
    media = source.xml.find("./head/video")
    video = video_name(media.get("src") or "") if media is not None else ""
    video = video or source.stem
    collector.add_video(video)
    for track in _chosen(source.xml.iter("track"), "name", collector):
        for element in track.iter("el"):
            if element.get("start") is None:
                continue  # of a track that refers to another
            label = element.findtext("attribute") or track.get("name")
            times = element.get("start"), element.get("end")
            collector.add_segment(video, *times, label)


def is_cvat(source: Source) -> bool:
    """Tells whether there is a document of CVAT."""
    root = source.xml
    return root is not None and root.tag == "annotations"


def read_cvat(source: Source, collector: VideoCollector) -> None:
    """Reads CVAT for video 1.1 (tracks), or for images 1.1 (tags of frames).

    A track is an action from each frame where it appears to where it is outside; its
    class is its label, or the value of the attribute that `options.tiers` names. A tag
    is an action as long as the next frame has it, too. A project holds a video per
    task.

    Raises:
        ValueError: The frames are those of several videos, or no tier is there.
    """
    root, tiers = source.xml, collector.options.tiers
    videos = _cvat_videos(source, collector)
    named = {a.get("name") for a in root.iterfind("track//attribute")}
    attribute = next((tier for tier in tiers if tier in named), None)
    if named and not tiers:
        collector.count(f"attributes not read ({', '.join(sorted(named))}; --tiers)")
    tracks = list(root.iter("track"))
    if attribute is None:
        tracks = _chosen(tracks, "label", collector)
    for track in tracks:
        video = videos[track.get("task_id") if len(videos) > 1 else next(iter(videos))]
        begin, label, last = 0.0, None, 0.0
        for shape in track:
            frame = to_number(shape.get("frame"))
            if frame is None:
                continue
            now = _cvat_class(track, shape, attribute)
            if now != label:
                if label is not None:
                    collector.add_segment(video, begin, frame, label, FRAMES)
                begin, label = frame, now
            last = frame
        if label is not None:
            collector.add_segment(video, begin, last + 1, label, FRAMES)
    _read_cvat_tags(source, collector, next(iter(videos.values())))


def _cvat_videos(source: Source, collector: VideoCollector) -> dict[str | None, str]:
    """Adds the videos of CVAT's tasks; returns them by the tasks' ids."""
    root = source.xml
    used = {track.get("task_id") for track in root.iter("track")}
    tasks = root.findall("./meta/project/tasks/task")
    empty = [t for t in tasks if len(tasks) > 1 and t.findtext("id") not in used]
    collector.count("tasks without a track left out", len(empty))
    videos = {}
    for task in [t for t in tasks if t not in empty] or root.findall("./meta/*"):
        if task.find("size") is None and task.find("source") is None:
            continue
        named = task.findtext("source") or (task.findtext("name") if tasks else None)
        video = video_name(named) if named else source.stem
        # frames count from the start of the video, whichever part of it is the task
        whole = (task.findtext("start_frame") or "0") == "0"
        whole &= "step" not in (task.findtext("frame_filter") or "")
        collector.add_video(video, frames=task.findtext("size") if whole else None)
        videos[task.findtext("id")] = video
    if not videos:
        named = root.findtext(".//source")
        videos[None] = video_name(named) if named else source.stem
        collector.add_video(videos[None])
    return videos


def _cvat_class(
    track: ElementTree.Element, shape: ElementTree.Element, attribute: str | None
) -> str | None:
    """Returns the class that a shape of a track shows; None where it is outside."""
    points = shape.findall("points")  # of a skeleton
    outside = [part.get("outside") == "1" for part in points or [shape]]
    if all(outside):
        return None
    if attribute is None:
        return track.get("label")
    values = {a.get("name"): (a.text or "").strip() for a in shape.iter("attribute")}
    value = values.get(attribute, "")
    return None if value in ("", "__undefined__") else value


def _read_cvat_tags(source: Source, collector: VideoCollector, video: str) -> None:
    """Reads the tags of the frames of one video."""
    images = list(source.xml.iter("image"))
    folders = {
        (i.get("task_id"), (i.get("name") or "").rpartition("/")[0]) for i in images
    }
    if len(folders) > 1:
        names = ", ".join(sorted(f"{folder or task}" for task, folder in folders)[:3])
        raise ValueError(
            f"holds frames of {len(folders)} videos ({names}, ...): export each as a "
            "task of its own"
        )
    tagged: dict[str, list[int]] = {}
    for image in images:
        for tag in image.iter("tag"):
            tagged.setdefault(tag.get("label"), []).append(int(image.get("id")))
    wanted = collector.options.tiers or tagged
    for label in (label for label in tagged if label in wanted):
        for first, end in _runs(sorted(tagged[label])):
            collector.add_segment(video, first, end, label, FRAMES)


def _chosen(elements: Iterable[Any], name: str, collector: VideoCollector) -> list[Any]:
    """Returns the elements whose name is among `options.tiers`, or all."""
    elements, tiers = list(elements), collector.options.tiers
    there = dict.fromkeys(e.get(name) for e in elements)
    if tiers and there and not set(there) & set(tiers):
        known = ", ".join(map(str, there))
        raise ValueError(f"has none of {', '.join(tiers)} (--tiers), but {known}")
    return [e for e in elements if not tiers or e.get(name) in tiers]


def _runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """Yields the first frame of each run of frames, and the frame after its last."""
    first = None
    for number, frame in enumerate(frames):
        first = frame if first is None else first
        if number + 1 == len(frames) or frames[number + 1] > frame + 1:
            yield first, frame + 1
            first = None
