"""All forms in which annotations come, in one table: recognised, and read.

A new form is a function that recognises it, one that reads it, and a record of `FORMS`.
Readers hand what they find to a `VideoCollector`; what it mended, dropped or refused is
in the report.
"""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import zlib
from collections.abc import Callable
from typing import Any

from ahernet_tf.data import checks
from ahernet_tf.data.annotations import (
    finegym,
    json_forms,
    table_forms,
    text_forms,
    tool_forms,
    via_forms,
    xml_forms,
)
from ahernet_tf.data.annotations.activitynet import add_repeated
from ahernet_tf.data.annotations.collected_videos import make_videos
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.video_collector import VideoCollector
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.files import shortened

AUTO = "auto"
# What reading a damaged or unexpected file ends in; each becomes a line of the report.
_FAILURES = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError),
    *(RecursionError, MemoryError, EOFError, SyntaxError, csv.Error, zlib.error),
)


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of annotation files.

    Attributes:
        title: What files of this form are.
        recognises: Tells whether a file, or a directory as a whole, is of this form.
        read: Reads it; raises ValueError where it cannot.
    """

    title: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, VideoCollector], None]


# In the order in which they are tried: the more particular first.
FORMS: dict[str, Form] = {
    "activitynet": Form(
        "JSON with a database: ActivityNet, HACS segments, THUMOS14, this library",
        json_forms.is_database,
        json_forms.read_records,
    ),
    "detections": Form(
        "JSON of results, such as predict writes",
        json_forms.is_detections,
        json_forms.read_detections,
    ),
    "bsn": Form(
        "JSON of BSN, BMN and the 2020 release", json_forms.is_bsn, json_forms.read_bsn
    ),
    "kinetics_json": Form(
        "JSON of Kinetics' trimmed clips",
        json_forms.is_kinetics_json,
        json_forms.read_kinetics_json,
    ),
    "charades_json": Form(
        "JSON of Charades, {id: {duration, actions}}",
        json_forms.is_charades_json,
        json_forms.read_charades_json,
    ),
    "finegym": Form(
        "JSON of FineGym (its events)", finegym.is_events, finegym.read_events
    ),
    "finegym_elements": Form(
        "FineGym's list of elements, or a directory of such lists and its JSON",
        finegym.is_elements,
        finegym.read_elements,
    ),
    "captions": Form(
        "JSON of captions, which is refused",
        json_forms.is_captions,
        json_forms.refuse_captions,
    ),
    "label_studio": Form(
        "JSON of Label Studio",
        tool_forms.is_label_studio,
        tool_forms.read_label_studio,
    ),
    "via": Form("project of VIA 3", via_forms.is_via, via_forms.read_via),
    "via_table": Form(
        "table that VIA 3 exported", via_forms.is_via_table, via_forms.read_via_table
    ),
    "fiftyone": Form(
        "temporal detections of FiftyOne",
        tool_forms.is_fiftyone,
        tool_forms.read_fiftyone,
    ),
    "boris": Form("project of BORIS", tool_forms.is_boris, tool_forms.read_boris),
    "elan": Form("ELAN's .eaf", xml_forms.is_elan, xml_forms.read_elan),
    "anvil": Form("Anvil's .anvil", xml_forms.is_anvil, xml_forms.read_anvil),
    "cvat": Form("XML of CVAT for video", xml_forms.is_cvat, xml_forms.read_cvat),
    "thumos14_text": Form(
        "directory of THUMOS14's <Class>_<subset>.txt",
        text_forms.is_thumos14_text,
        text_forms.read_thumos14_text,
    ),
    "subtitles": Form(
        "SubRip (.srt) or WebVTT (.vtt)",
        text_forms.is_subtitles,
        text_forms.read_subtitles,
    ),
    "kinetics": Form(
        "table of Kinetics' trimmed clips",
        table_forms.is_kinetics,
        table_forms.read_kinetics,
    ),
    "hacs_clips": Form(
        "table of HACS clips", table_forms.is_hacs_clips, table_forms.read_hacs_clips
    ),
    "epic_kitchens": Form(
        "table of EPIC-KITCHENS",
        table_forms.is_epic_kitchens,
        table_forms.read_epic_kitchens,
    ),
    "charades": Form(
        "table of Charades", table_forms.is_charades, table_forms.read_charades
    ),
    "boris_table": Form(
        "table that BORIS exported",
        tool_forms.is_boris_table,
        tool_forms.read_boris_table,
    ),
    "label_studio_table": Form(
        "table that Label Studio exported",
        tool_forms.is_label_studio_table,
        tool_forms.read_label_studio_table,
    ),
    "csv": Form(
        "table, or JSON records, with a row an action: your own, THUMOS14's, TSP's",
        table_forms.is_table,
        table_forms.read_table,
    ),
    "k600_validation": Form(
        "lines of id, start, end, class index",
        text_forms.is_k600_validation,
        text_forms.read_k600_validation,
    ),
    "chapters": Form(
        "lines of a clock time and what begins there",
        text_forms.is_chapters,
        text_forms.read_chapters,
    ),
    "elan_tab": Form(
        "ELAN's tab-delimited text, Audacity's labels",
        text_forms.is_elan_tab,
        text_forms.read_elan_tab,
    ),
    "frame_labels": Form(
        "a label per frame, a file per video: Breakfast, 50 Salads",
        text_forms.is_frame_labels,
        text_forms.read_frame_labels,
    ),
}


_TABLES = (
    *("kinetics", "hacs_clips", "epic_kitchens", "charades", "boris_table"),
    *("label_studio_table", "csv"),
)


def read_form(
    path: str | pathlib.Path,
    report: checks.DataReport,
    options: ReadOptions,
    form: str = AUTO,
) -> tuple[dict[str, Video], str]:
    """Reads annotations of any form.

    Args:
        path: A file; or a directory that is a form as a whole, or holds files of one.
        report: Where faults and counts go.
        options: What is told beside the path.
        form: A name of `FORMS`; `auto` recognises it.

    Returns:
        The sound videos by id, and the name of the form; nothing, with a fatal fault
        in the report, where the path cannot be read.
    """
    source = Source(path, options.encoding)
    collector = VideoCollector(source.name, report, options)
    found = form
    try:
        found = recognised(source) if form == AUTO else _more_particular(form, source)
        if source.path.is_dir() and not _is_whole(source, found):
            _read_files(source, collector, found)
        else:
            _read(source, collector, found)
        if collector.is_empty():
            raise ValueError("holds no video")
        return make_videos(collector), found
    except _FAILURES as error:
        collector.fault(None, _reason(error) + _hint(source, form))
        return {}, found


def recognised(source: Source) -> str:
    """Returns the name of the form that a file, or the files of a directory, have.

    Raises:
        ValueError: It has none, or files have several.
    """
    name = form_of(source)
    if name is None and source.files:
        names = {}
        for path in source.files:
            try:
                names[path] = form_of(Source(path, source.encoding))
            except ValueError as error:
                raise ValueError(f"{path.name}: {error}") from error
        forms = sorted({n for n in names.values() if n is not None})
        if len(forms) > 1:
            examples = {n: p.name for p, n in names.items()}
            said = ", ".join(f"{n} ({examples[n]})" for n in forms)
            raise ValueError(
                f"holds files of several forms: {said}; name one as --from"
            )
        name = forms[0] if forms else None
    if name is None and not source.files and not source.text.strip():
        raise ValueError("is empty")
    if name is None:
        if source.path.is_dir() and source.files:
            first = Source(source.files[0], source.encoding)
            raise ValueError(f"{first.name}: is of no form that is known{_why(first)}")
        raise ValueError(f"is of no form that is known{_why(source)}")
    return name


def _why(source: Source) -> str:
    """Says what a file lacks, or holds, that is of no form."""
    table = source.table
    if table and "ooTextFile" in table.header:
        return " here: it is of Praat; ELAN opens it, and exports it as text or .eaf"
    if table and (lacks := table.lacks(["video", "start", "end", "label"])):
        return f": as a table, it {lacks}"
    if isinstance(source.json, dict) and source.json:
        return _outline(source.json)
    begins = next((line for _, line in source.lines), "")
    return f": it begins with {shortened(begins, 60)!r}" if begins else ""


def _outline(content: dict[str, Any]) -> str:
    """Says what a JSON object holds instead of a form: of its keys the first large."""
    large = (k for k, v in content.items() if isinstance(v, dict | list) and v)
    key = next(large, next(iter(content)))
    value, keys = content[key], ""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        keys = f", a list of objects of {', '.join(value[0])}"
    elif isinstance(value, dict):
        keys = f", an object of {', '.join(value)}"
    return f": it has '{key}'{shortened(keys, 80)}; expected such as " + (
        '{"video": [{"start": 1, "end": 2, "label": "run"}]}'
    )


def _more_particular(form: str, source: Source) -> str:
    """Returns the form of a table that only says to be one."""
    found = form_of(source) if form == "csv" else None
    return found if found in _TABLES else form


def _hint(source: Source, form: str) -> str:
    """Says that another form than the one that was named would fit."""
    try:
        other = form if form == AUTO else form_of(source)
    except _FAILURES:
        other = form
    fits = other in FORMS and other not in (form, "captions")
    return f" (it looks like {other}: leave out --from {form})" if fits else ""


def form_of(source: Source) -> str | None:
    """Returns the first form that recognises a source, or None."""
    return next((n for n, form in FORMS.items() if form.recognises(source)), None)


def _is_whole(source: Source, form: str) -> bool:
    """Tells whether a directory is read as a whole, not file by file."""
    whole = ("thumos14_text", "finegym_elements")
    return form in whole or FORMS[form].recognises(source)


def _read_files(source: Source, collector: VideoCollector, form: str) -> None:
    """Reads the files of a directory that are of a form; others are counted."""
    files = [Source(p, source.encoding) for p in source.files]
    files = [file for file in files if form_of(file) in (form, None)]
    mine = [file for file in files if FORMS[form].recognises(file)]
    if not mine:
        raise ValueError(f"holds no {FORMS[form].title}")
    collector.count("files of another kind passed over", len(source.files) - len(mine))
    for file in mine:
        try:
            _read(file, collector, form)
        except _FAILURES as error:
            raise ValueError(f"{file.name}: {_reason(error)}") from error


def _read(source: Source, collector: VideoCollector, form: str) -> None:
    """Reads one file."""
    if form not in FORMS:
        raise ValueError(f"expected a form of {', '.join(FORMS)}, received '{form}'")
    FORMS[form].read(source, collector)
    add_repeated(source, collector)


def _reason(error: BaseException) -> str:
    """Says why reading failed."""
    if isinstance(error, ValueError) and type(error) is ValueError:
        return str(error)
    return f"cannot be read ({type(error).__name__}: {error})"
