"""FineGym: events of gymnastics, and the elements within them."""

from __future__ import annotations

import re
from typing import Any

from ahernet_tf.data.annotations.activitynet import add_annotations
from ahernet_tf.data.annotations.json_forms import first_record, records_of
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.times import to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector

_ELEMENT = re.compile(r"(.+)_(E_(\d+)_(\d+))_(A_(\d+)_(\d+))\s+(\d+)")


def is_events(source: Source) -> bool:
    """Tells whether there are records of events with `timestamps`."""
    events = [e for e in first_record(source).values() if isinstance(e, dict)]
    return bool(events) and "event" in events[0] and "timestamps" in events[0]


def read_events(source: Source, collector: VideoCollector) -> None:
    """Reads the events of FineGym: `{id: {E_...: {event, timestamps, segments}}}`.

    The class is the event: a name of `options.classes`, which begin with event 1, or
    `event 4`. The classes of the elements within are not in this file, but in lists:
    see `read_elements`.
    """
    names = collector.options.classes
    for video_id, record in records_of(source, collector).items():
        collector.add_video(video_id)
        for name, event in record.items():
            number = to_number(event.get("event")) if isinstance(event, dict) else None
            if number is None:
                collector.fault(video_id, f"{name}: expected an event, {event!r}")
                continue
            known = 1 <= number <= len(names)
            label = names[int(number) - 1] if known else f"event {int(number)}"
            spans = event.get("timestamps") or ()
            entries = [{"segment": list(span), "label": label} for span in spans]
            add_annotations(collector, video_id, entries)


def is_elements(source: Source) -> bool:
    """Tells whether there is a list of elements, or a directory with one."""
    return bool(_lists(source))


def read_elements(source: Source, collector: VideoCollector) -> None:
    """Reads lists such as `gym99_train_element.txt`, a line an element and its class.

    A line is `<video>_E_<start>_<end>_A_<start>_<end> 45`: an event in whole seconds,
    an element in whole seconds of it. The JSON of the events, in the same directory,
    has the exact times. A class is a name of `options.classes`, which begin with 0, or
    `element 45`; the subset is in the name of the list.

    Raises:
        ValueError: There is no list, or lists of different classes.
    """
    lists = _lists(source)
    kinds = sorted({file.stem.split("_")[0] for file in lists})
    if len(kinds) != 1:
        raise ValueError(
            f"holds lists of {' and '.join(kinds)}, whose classes differ: keep one kind"
            if kinds
            else "holds no list of elements"
        )
    events = _events(source)
    names = collector.options.classes
    for file in lists:
        words = file.stem.split("_")
        subset = next((w for w in words if w in ("train", "val", "test")), None)
        for number, line in file.lines:
            found = _ELEMENT.fullmatch(line)
            if found is None:
                what = f"expected <video>_E_..._A_... class, received '{line[:60]}'"
                collector.fault(None, f"{file.name}: line {number}: {what}")
                continue
            video, event, begin, _, element, *times, index = found.groups()
            collector.add_video(video, subset=subset)
            place = int(index)
            label = names[place] if place < len(names) else f"element {place}"
            record = events.get(video, {}).get(event, {})
            span = _exact(record, element)
            if span is None:
                collector.count("elements in whole seconds, as their names say")
                span = [int(begin) + int(time) for time in times]
            collector.add_segment(video, *span, label)


def _lists(source: Source) -> list[Source]:
    """Returns the lists of elements of a directory, or the file that is one."""
    paths = [p for p in source.files if p.match("*element*.txt")]
    files = [Source(p, source.encoding) for p in paths] or [source]
    return [f for f in files if f.lines and _ELEMENT.fullmatch(f.lines[0][1])]


def _events(source: Source) -> dict[str, Any]:
    """Returns the events of the JSON files beside the lists."""
    events: dict[str, Any] = {}
    for path in source.files:
        if path.suffix == ".json" and is_events(file := Source(path, source.encoding)):
            events |= file.json
    return events


def _exact(event: dict[str, Any], element: str) -> list[float] | None:
    """Returns start and end of an element in its video: from its first stage on."""
    stages = event.get("segments", {}).get(element, {}).get("timestamps")
    if not stages or not event.get("timestamps"):
        return None
    begin = event["timestamps"][0][0]
    return [
        begin + min(start for start, _ in stages),
        begin + max(end for _, end in stages),
    ]
