"""Forms of annotations that annotation tools write as XML."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from typing import Any

from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.text_tables import video_name
from ahernet_tf.data.annotations.times import FRAMES, MILLISECONDS, to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector


def is_elan(source: Source) -> bool:
    """Tells whether there is a document of ELAN."""
    return source.xml is not None and source.xml.tag == "ANNOTATION_DOCUMENT"


def read_elan(source: Source, collector: VideoCollector) -> None:
    """Reads ELAN's .eaf: the aligned annotations of all tiers, or of `options.tiers`.

    The video is the first linked media file, else the file itself. Where the file is
    shifted against the time line (`TIME_ORIGIN`), times are those of the file.
    """
    root = source.xml
    slots = {
        slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE")
        for slot in root.iter("TIME_SLOT")
    }
    media = root.find(".//MEDIA_DESCRIPTOR")
    url = media.get("MEDIA_URL") or "" if media is not None else ""
    video = video_name(urllib.parse.unquote(url) if "://" in url else url)
    origin = to_number(media.get("TIME_ORIGIN") or 0) if media is not None else 0
    video = video or source.stem
    collector.add_video(video)
    for tier in _chosen(root.iter("TIER"), "TIER_ID", collector):
        referring = sum(1 for _ in tier.iter("REF_ANNOTATION"))
        collector.count("annotations of annotations left out", referring)
        for annotation in tier.iter("ALIGNABLE_ANNOTATION"):
            ends = [
                slots.get(annotation.get(f"TIME_SLOT_REF{n}") or "") for n in (1, 2)
            ]
            label = annotation.findtext("ANNOTATION_VALUE")
            if None in ends:
                name = annotation.get("ANNOTATION_ID")
                collector.fault(video, f"annotation '{name}' ({label}) has no time")
                continue
            start, end = (float(time) + origin for time in ends)
            collector.add_segment(video, start, end, label, MILLISECONDS)


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

    A track is an action from each frame where it appears to where it is outside. A
    tag is one as long as the next frame has it, too.
    """
    root = source.xml
    named = root.findtext(".//source")
    video = video_name(named) if named else source.stem
    every = "step" not in (root.findtext("./meta/*/frame_filter") or "")
    size = root.findtext("./meta/*/size") if every else None
    collector.add_video(video, frames=size)
    for track in _chosen(root.iter("track"), "label", collector):
        begin, last = None, None
        for shape in track:
            frame = to_number(shape.get("frame"))
            if frame is None:
                continue
            if shape.get("outside") == "1":
                if begin is not None:
                    label = track.get("label")
                    collector.add_segment(video, begin, frame, label, FRAMES)
                begin = None
            elif begin is None:
                begin = frame
            last = frame
        if begin is not None:
            label = track.get("label")
            collector.add_segment(video, begin, last + 1, label, FRAMES)
    tagged: dict[str, list[int]] = {}
    for image in root.iter("image"):
        for tag in image.iter("tag"):
            tagged.setdefault(tag.get("label"), []).append(int(image.get("id")))
    wanted = collector.options.tiers or tagged
    for label in (label for label in tagged if label in wanted):
        for first, end in _runs(sorted(tagged[label])):
            collector.add_segment(video, first, end, label, FRAMES)


def _chosen(elements: Iterator[Any], name: str, collector: VideoCollector) -> list[Any]:
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
