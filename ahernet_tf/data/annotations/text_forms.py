"""Forms of annotations that are lines of text without a header."""

from __future__ import annotations

import html
import itertools
import re

from ahernet_tf import spelling
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.table_forms import THUMOS14_CLASSES, class_of_index
from ahernet_tf.data.annotations.text_tables import video_name
from ahernet_tf.data.annotations.times import FRAMES, TimePoint, to_number
from ahernet_tf.data.annotations.video_collector import VideoCollector

_NO_CLASSES = ("action_start", "action_end")  # of 50 Salads, beside `NO_LABELS`
_SPAN = re.compile(r"(\d+)-(\d+)\s+(\S+)")
_FREQUENCIES = "\\"  # Audacity's second line of a label
_CHAPTER = re.compile(
    r"[(\[]?((?:\d+:)?\d{1,2}:\d\d(?:[.,]\d+)?)[)\]]?(?:\s+[-–—]?\s*(.*))?"
)
_MARKS = r"</?(?:[bciuv]|font|lang|rt|ruby|\d[\d:.]*)(?:[\s.][^>]*)?>"
_CUE = re.compile(r"([\d:.,]+)\s+-->\s+([\d:.,]+)(?:\s.*)?$")


def is_thumos14_text(source: Source) -> bool:
    """Tells whether there are THUMOS14's files, or one of them; or MultiTHUMOS'."""
    paths = source.files or [source.path]
    stems = [p.stem for p in paths if p.suffix == ".txt"]
    names = {name for stem in stems for name in (stem, stem.rpartition("_")[0])}
    return bool(names & set(THUMOS14_CLASSES))


def read_thumos14_text(source: Source, collector: VideoCollector) -> None:
    """Reads a directory of `<Class>_<subset>.txt`, or one such file.

    A line is `video_test_0000004  0.2 1.1`. The subset is in the file's name; in
    MultiTHUMOS, whose files are `<Class>.txt`, in the video's.

    Raises:
        ValueError: There is no such file.
    """
    paths = [p for p in source.files if p.match("*.txt") and "README" not in p.name]
    if source.path.is_dir() and not paths:
        raise ValueError("holds no file <Class>_<subset>.txt")
    for path in paths or [source.path]:
        label, _, subset = path.stem.rpartition("_")
        whole = not spelling.is_subset(subset)
        if whole:
            label = path.stem
        for number, line in Source(path, source.encoding).lines:
            cells = line.split()
            if len(cells) == 3:
                words = cells[0].split("_") if whole else [subset]
                known = filter(spelling.is_subset, words)
                collector.add_video(cells[0], subset=next(known, None))
                collector.add_segment(*cells, label)
            else:
                what = f"line {number}: expected video, start, end, received '{line}'"
                collector.fault(cells[0], f"{path.name}: {what}")


def is_k600_validation(source: Source) -> bool:
    """Tells whether the first line is a name, two numbers and an index."""
    cells = source.lines[0][1].split("\t") if source.lines else []
    numbers = [to_number(cell) for cell in cells[1:]]
    return len(cells) == 4 and None not in numbers and numbers[2] == int(numbers[2])


def read_k600_validation(source: Source, collector: VideoCollector) -> None:
    """Reads lines of video, start, end and class index, separated by tabs.

    The class names are `options.classes`, in the order of the release's list.

    Raises:
        ValueError: There are no classes.
    """
    names = collector.options.classes
    if not names:
        raise ValueError("needs the list of the classes (--classes)")
    for number, line in source.lines:
        cells = line.split("\t")
        if len(cells) != 4:
            what = f"line {number}: expected id, start, end, class, received '{line}'"
            collector.fault(cells[0], what)
            continue
        video_id, start, end, index = cells
        label = class_of_index(collector, video_id, index, names)
        if label is not None:
            collector.add_segment(video_id, start, end, label)


def is_frame_labels(source: Source) -> bool:
    """Tells whether lines are labels, most of them that of the line before."""
    lines = [line for _, line in source.lines]
    if source.ending != "txt" or not lines:
        return False
    if all(_SPAN.fullmatch(line) for line in lines):
        return True
    runs = sum(1 for _ in itertools.groupby(lines))
    words = all(re.fullmatch(r"[^\t,;|]*[^\W\d][^\t,;|]*", line) for line in lines)
    return words and len(lines) >= 2 and 2 * runs <= len(lines)


def read_frame_labels(source: Source, collector: VideoCollector) -> None:
    """Reads a label per frame, a line each, or `1-30 label`; a file is a video.

    As in Breakfast and 50 Salads; labels such as `SIL` and `background` are none.
    """
    video, frame = source.stem, 0
    lines = [line for _, line in source.lines]
    spans: list[tuple[int, int, str]] = []
    if all(_SPAN.fullmatch(line) for line in lines):
        for line in lines:
            first, last, label = _SPAN.fullmatch(line).groups()
            spans.append((int(first) - 1, int(last), label))
    else:
        for label, run in itertools.groupby(lines):
            spans.append((frame, frame + len(list(run)), label))
            frame = spans[-1][1]
    collector.add_video(video, frames=max(end for _, end, _ in spans))
    for start, end, label in spans:
        if label not in _NO_CLASSES:
            collector.add_segment(video, start, end, label, FRAMES)


def is_elan_tab(source: Source) -> bool:
    """Tells whether lines are tabs between a tier, clock times or numbers, a value."""
    lines = [line for _, line in source.lines if not line.startswith(_FREQUENCIES)]
    return bool(lines) and _elan_times(lines[-1].split("\t")) is not None


def read_elan_tab(source: Source, collector: VideoCollector) -> None:
    """Reads ELAN's tab-delimited text; the video is the file, or a column that ends so.

    A line is the tier, who acts, then begin, end and duration, each in one form or in
    several (`00:00:01.200`, `1.2`, `1200`), and the value. A label of Audacity is
    begin, end and value.
    """
    for number, line in source.lines:
        cells = [cell.strip() for cell in line.split("\t")]
        found = _elan_times(cells)
        if line.startswith(_FREQUENCIES):
            continue
        if found is not None and (fault := _doubt(cells, found[2])):
            collector.fault(None, f"line {number}: {fault}")
            return
        if found is None:
            if number > 1 or re.search(r"\d", line):  # the first may be a header
                what = (
                    f"line {number}: expected begin, end and value, received '{line}'"
                )
                collector.fault(source.stem, what)
            continue
        start, end, rest = found
        tiers = collector.options.tiers
        if tiers and cells[0] not in tiers:
            continue
        media = [c for c in rest if re.search(r"\.(eaf|mp4|mov|avi|mpe?g|mkv|wav)$", c)]
        values = [c for c in rest if c and c not in media]
        video = video_name(media[0]) if media else source.stem
        tier = "" if TimePoint.of(cells[0]) else cells[0]
        collector.add_segment(video, start, end, values[0] if values else tier)


def _doubt(cells: list[str], rest: list[str]) -> str | None:
    """Says what cannot be told of a line without the durations that ELAN writes."""
    times = cells[: len(cells) - len(rest)]
    points = [point for cell in times if (point := TimePoint.of(cell)) is not None]
    if len(points) % 2 or len(points) % 3 == 0:
        return None
    if len(points) < len(times) == 3:
        return (
            f"'{cells[0]}' may be a video or a tier: put names of the columns before "
            "the first line (video, start, end, label)"
        )
    if all(cell.isdigit() for cell in times):
        return (
            f"{times[-2]} and {times[-1]} may be seconds or milliseconds: put names of "
            "the columns before the first line (start, end, label; start_ms, end_ms, "
            "label)"
        )
    return None


def _elan_times(cells: list[str]) -> tuple[float, float, list[str]] | None:
    """Finds begin and end in seconds among cells, and the cells after the times."""
    points = [TimePoint.of(cell.strip()) for cell in cells]
    first = next((n for n, point in enumerate(points) if point is not None), None)
    if first is None:
        return None
    found = list(itertools.takewhile(bool, points[first:]))
    times = [point.whole_sec for point in found]
    rest = [cell.strip() for cell in cells[first + len(times) :]]
    for groups in (3, 2):  # begin, end and duration, or begin and end
        forms, odd = divmod(len(times), groups)
        if odd or not forms or found[0].frames or found[forms].frames:
            continue
        # Milliseconds come last where there are seconds, too.
        factor = 1.0 if ":" in cells[first] or "." in cells[first] else 0.001
        start, end = times[0] * factor, times[forms] * factor
        if groups == 2 or abs(end - start - times[2 * forms] * factor) < 0.01:
            return start, end, rest
    return None


def is_chapters(source: Source) -> bool:
    """Tells whether all lines are a clock time and what begins there."""
    lines = [line for _, line in source.lines]
    return len(lines) > 1 and all(map(_CHAPTER.fullmatch, lines))


def read_chapters(source: Source, collector: VideoCollector) -> None:
    """Reads lines such as `1:02:06 Loading`; a file is a video.

    An action ends where the next begins, or at a line that is only a time.
    """
    collector.add_video(source.stem)
    for _, line in source.lines:
        start, label = _CHAPTER.fullmatch(line).groups()
        if label:
            collector.add_segment(source.stem, start, None, label)
        else:
            collector.add_stop(source.stem, start)


def is_subtitles(source: Source) -> bool:
    """Tells whether there are cues of SubRip or WebVTT, or nothing, in such a file."""
    if source.ending in ("srt", "vtt"):
        return True
    return any(_CUE.match(line) for _, line in source.lines[:10])


def read_subtitles(source: Source, collector: VideoCollector) -> None:
    """Reads SubRip (.srt) or WebVTT (.vtt): a file is a video, a cue an action."""
    video = source.stem
    collector.add_video(video)
    text = re.sub(r"\r\n?", "\n", source.text)
    for block in re.split(r"\n[ \t]*\n+", text):
        lines = [line.strip() for line in block.strip().splitlines()]
        place = next((n for n, line in enumerate(lines) if _CUE.match(line)), None)
        if place is None:
            if lines and not re.match(r"WEBVTT|NOTE|STYLE|REGION|$", lines[0]):
                collector.fault(
                    video, f"expected a cue, received {block.strip()[:60]!r}"
                )
            continue
        start, end = _CUE.match(lines[place]).groups()
        text = re.sub(_MARKS, "", " ".join(lines[place + 1 :]))
        collector.add_segment(video, start, end, html.unescape(text))
