"""Writes small annotation files and reads them, for the tests of this room."""

import json

from ahernet_tf.data.annotations.companion_files import read_video_facts
from ahernet_tf.data.annotations.forms import AUTO, read_form
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.checks import DataReport


def write(path, content):
    """Writes text, bytes, or anything else as JSON."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8", newline="")
    return path


def read(path, form=AUTO, tables=(), **options):
    """Returns the videos and the report's counts, without the file's name."""
    report = DataReport()
    known = {}
    for table in tables:
        known |= read_video_facts(table, report)
    options.setdefault("facts", known)
    videos, _ = read_form(path, report, ReadOptions(**options), form)
    report.require_clean()
    prefix = f"{path.name}: "
    return videos, {k.removeprefix(prefix): n for k, n in report.counts.items()}


def faults(path, form=AUTO, **options):
    """Returns the sound videos, and the lines of the report."""
    report = DataReport()
    videos, _ = read_form(path, report, ReadOptions(**options), form)
    return videos, [str(p) for p in report.problems]


def form_of(path, **options):
    """Returns the form that is recognised."""
    return read_form(path, DataReport(), ReadOptions(**options))[1]


def actions(videos):
    """Returns start, end and label of all actions by video."""
    return {
        video_id: [(i.start_sec, i.end_sec, i.label) for i in video.instances]
        for video_id, video in videos.items()
    }


def activitynet(segments, duration=20.0, label="run"):
    """Returns ActivityNet's JSON of one video."""
    annotations = [{"segment": s, "label": label} for s in segments]
    return {"database": {"a": {"duration": duration, "annotations": annotations}}}
