"""Annotations written in other forms: corrected by hand in a tool, and read again."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
import pathlib
import re
from collections.abc import Callable, Collection, Iterator
from xml.etree import ElementTree

from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.files import new_directory, write_text

MEDIA = "{video}.mp4"
_EAF_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_SRT_MARK = re.compile(r"<|&(?=#?\w+;)")  # what a reader takes for more than text
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclasses.dataclass(frozen=True)
class Writer:
    """A form in which annotations are written.

    Attributes:
        title: What is written.
        ending: Of the files.
        text: Makes the text of one file of videos; its second argument makes the name
            of a video's media file of its id.
        per_video: A file per video, in a directory.
    """

    title: str
    ending: str
    text: Callable[[Collection[Video], Callable[[str], str]], str]
    per_video: bool = False


def write_form(
    path: str | pathlib.Path,
    videos: Collection[Video],
    form: str,
    media: str = MEDIA,
) -> None:
    """Writes videos in a form of `WRITERS`, or as `activitynet`; whole or not at all.

    Args:
        path: File to write; for a form with a file per video a new directory, or a
            file with the form's ending where there is one video.
        videos: The videos.
        form: Which form.
        media: Where the video files are for the tool, with `{video}` for the id.

    Raises:
        ValueError: The form cannot hold the videos, or the path will not do.
    """
    if form == "activitynet":
        write_annotations(path, videos)
        return
    writer, path = WRITERS[form], pathlib.Path(path)
    if "{video}" not in media:
        raise ValueError(f"--media: expected a text with {{video}}, received '{media}'")

    def media_of(video_id: str) -> str:
        return media.replace("{video}", video_id)

    if not writer.per_video:
        write_text(path, writer.text(videos, media_of))
    elif path.suffix == writer.ending:
        if len(videos) != 1:
            raise ValueError(
                f"{path}: {writer.title} holds one video, there are {len(videos)}: "
                "give a directory"
            )
        write_text(path, writer.text(videos, media_of))
    else:
        with new_directory(path) as directory:
            for video in videos:
                if "/" in video.id:
                    raise ValueError(f"video '{video.id}': cannot be a file's name")
                text = writer.text([video], media_of)
                name = f"{video.id}{writer.ending}"
                (directory / name).write_text(text, encoding="utf-8")


def _csv(videos: Collection[Video], media_of: Callable[[str], str]) -> str:
    """Makes a table with a row an action; a video without any has one without times."""
    optional = {
        "subset": [v.subset for v in videos],
        "duration": [v.duration_sec for v in videos],
        "fps": [v.fps for v in videos],
        "frames": [v.frames for v in videos],
        "group": [v.group for v in videos],
    }
    kept = {n: values for n, values in optional.items() if any(values)}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["video", "start", "end", "label", *kept])
    for number, video in enumerate(videos):
        facts = [values[number] for values in kept.values()]
        rows = [(i.start_sec, i.end_sec, i.label) for i in video.instances]
        for row in rows or [("", "", "")]:
            writer.writerow([video.id, *row, *("" if f is None else f for f in facts)])
    return stream.getvalue()


def _label_studio(videos: Collection[Video], media_of: Callable[[str], str]) -> str:
    """Makes tasks with a time line; frames count from 1.

    Raises:
        ValueError: The frame rate of a video is not known.
    """
    unknown = [video.id for video in videos if not video.fps]
    if unknown:
        raise ValueError(
            f"Label Studio counts frames: the frame rate of {len(unknown)} videos is "
            f"not known, such as '{unknown[0]}': give --fps or --video_info"
        )
    tasks = []
    for number, video in enumerate(videos, 1):
        facts = {
            "fps": video.fps,
            "duration": video.duration_sec,
            "frames": video.frames,
            "subset": video.subset or None,
            "group": video.group,
        }
        data = {n: value for n, value in facts.items() if value is not None}
        result = [
            {
                "id": f"{number}_{place}",
                "from_name": "timelineLabels",
                "to_name": "video",
                "type": "timelinelabels",
                "value": {
                    "ranges": [_frames_from_one(instance, video.fps)],
                    "timelinelabels": [instance.label],
                },
            }
            for place, instance in enumerate(video.instances)
        ]
        task = {"data": {"video": media_of(video.id), **data}}
        tasks.append({"id": number, **task, "annotations": [{"result": result}]})
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def _frames_from_one(instance: Instance, fps: float) -> dict[str, int]:
    """Returns the frames of an action, both ends included."""
    start = round(instance.start_sec * fps)
    return {"start": start + 1, "end": max(round(instance.end_sec * fps), start + 1)}


def _fiftyone(videos: Collection[Video], media_of: Callable[[str], str]) -> str:
    """Makes the labels.json of temporal detections."""
    classes = sorted({i.label for v in videos for i in v.instances})
    labels = {
        video.id: [
            {"label": classes.index(i.label), "timestamps": [i.start_sec, i.end_sec]}
            for i in video.instances
        ]
        for video in videos
    }
    content = {"classes": classes, "labels": labels}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _elan(videos: Collection[Video], media_of: Callable[[str], str]) -> str:
    """Makes an .eaf document; actions that overlap go to further tiers."""
    (video,) = videos
    ElementTree.register_namespace("xsi", _XSI)
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "",
            "DATE": "2000-01-01T00:00:00+00:00",
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{_XSI}}}noNamespaceSchemaLocation": _EAF_SCHEMA,
        },
    )
    attributes = {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    header = ElementTree.SubElement(root, "HEADER", attributes)
    media = media_of(video.id)
    attributes = {"MEDIA_URL": media, "MIME_TYPE": "video/mp4"}
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", attributes)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    number = 0
    for name, instances in _tiers(video.instances):
        attributes = {"LINGUISTIC_TYPE_REF": "default-lt", "TIER_ID": name}
        tier = ElementTree.SubElement(root, "TIER", attributes)
        for instance in instances:
            number += 1
            slots = (f"ts{2 * number - 1}", f"ts{2 * number}")
            for slot, ms in zip(slots, _milliseconds(instance)):
                attributes = {"TIME_SLOT_ID": slot, "TIME_VALUE": str(ms)}
                ElementTree.SubElement(order, "TIME_SLOT", attributes)
            outer = ElementTree.SubElement(tier, "ANNOTATION")
            attributes = {
                "ANNOTATION_ID": f"a{number}",
                "TIME_SLOT_REF1": slots[0],
                "TIME_SLOT_REF2": slots[1],
            }
            inner = ElementTree.SubElement(outer, "ALIGNABLE_ANNOTATION", attributes)
            ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = instance.label
    attributes = {
        "GRAPHIC_REFERENCES": "false",
        "LINGUISTIC_TYPE_ID": "default-lt",
        "TIME_ALIGNABLE": "true",
    }
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", attributes)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _tiers(instances: Collection[Instance]) -> Iterator[tuple[str, list[Instance]]]:
    """Yields tiers whose actions do not overlap: as few as there can be."""
    tiers: list[list[Instance]] = []
    for instance in sorted(instances, key=lambda i: (i.start_sec, i.end_sec)):
        start = _milliseconds(instance)[0]
        free = (t for t in tiers if _milliseconds(t[-1])[1] <= start)
        tier = next(free, None)
        if tier is None:
            tiers.append(tier := [])
        tier.append(instance)
    for number, tier in enumerate(tiers or [[]], 1):
        yield ("action" if number == 1 else f"action {number}"), tier


def _srt(videos: Collection[Video], media_of: Callable[[str], str]) -> str:
    """Makes SubRip cues."""
    (video,) = videos
    cues = [
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n"
        f"{_SRT_MARK.sub(lambda m: html.escape(m.group()), instance.label)}\n"
        for number, instance in enumerate(video.instances, 1)
        for start, end in [_milliseconds(instance)]
    ]
    return "\n".join(cues)


def _vtt(videos: Collection[Video], media_of: Callable[[str], str]) -> str:
    """Makes WebVTT cues."""
    (video,) = videos
    cues = [
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{html.escape(instance.label)}\n"
        for instance in video.instances
        for start, end in [_milliseconds(instance)]
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _milliseconds(instance: Instance) -> tuple[int, int]:
    """Returns start and end of an action, at least a millisecond apart."""
    start = round(1000 * instance.start_sec)
    return start, max(round(1000 * instance.end_sec), start + 1)


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{rest:03d}"


WRITERS: dict[str, Writer] = {
    "csv": Writer("a table with a row an action", ".csv", _csv),
    "label_studio": Writer("Label Studio's JSON", ".json", _label_studio),
    "fiftyone": Writer("FiftyOne's labels.json", ".json", _fiftyone),
    "elan": Writer("ELAN's .eaf", ".eaf", _elan, per_video=True),
    "srt": Writer("SubRip", ".srt", _srt, per_video=True),
    "vtt": Writer("WebVTT", ".vtt", _vtt, per_video=True),
}
FORMS_TO_WRITE = ("activitynet", *WRITERS)
