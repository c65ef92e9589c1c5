r"""Converts annotation files of other projects into the one form used here.

    python -m data_tools.convert_annotations --from bsn \
        --input activitynet_annotations/anet_anno_action.json \
        --video_info activitynet_annotations/video_info_new.csv --to activitynet.json

Forms (`--from`): `activitynet` (JSON with a `database`, also of THUMOS14), `bsn` (JSON
of BSN, BMN and the 2020 release), `csv` (a row a segment: video,start,end,label, or
either THUMOS14 table), `thumos14_text` (directory of <Class>_<subset>.txt),
`kinetics` (CSV of trimmed clips), `k600_validation` (lines of id, start, end, class
index), `class_folders` (a folder a class with features of trimmed clips).

What the files get wrong (segments past the end, of zero length, repeated, of label
"Ambiguous", numbers written as text) is mended or dropped, and counted in the report.
"""

from __future__ import annotations

import collections
import functools
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import app, flags

from ahernet_tf.data import checks
from ahernet_tf.data.annotations import formats
from ahernet_tf.data.annotations.activitynet import Video
from ahernet_tf.data.features.time_model import TimeModel

READERS = {
    "activitynet": formats.read_activitynet,
    "bsn": formats.read_bsn,
    "csv": formats.read_segment_csv,
    "thumos14_text": formats.read_thumos14_text,
    "kinetics": formats.read_kinetics,
    "k600_validation": formats.read_k600_validation,
    "class_folders": formats.read_class_folders,
}


def run(
    form: str,
    source: str | pathlib.Path,
    to: str | pathlib.Path,
    video_info: Sequence[str | pathlib.Path] = (),
    classes: str | pathlib.Path | None = None,
    time_model: TimeModel | None = None,
    skip_bad: bool = False,
    **options: Any,
) -> tuple[dict[str, Video], checks.Report]:
    """Converts a file and prints the report.

    Args:
        form: One of `READERS`.
        source: File or directory to convert.
        to: JSON file to write.
        video_info: Tables with a row a video.
        classes: List of class names.
        time_model: For `class_folders`.
        skip_bad: Leave out videos that cannot be read.
        **options: Further fields of `ReadOptions`.

    Returns:
        The videos by id, and the report.

    Raises:
        ValueError: The input cannot be read, or videos are bad without `skip_bad`.
    """
    report = checks.Report()
    facts = {}
    for path in video_info:
        facts |= formats.read_video_facts(path, report)
    names = formats.read_classes(classes) if classes else ()
    reader = READERS[form]
    if form == "class_folders":
        if time_model is None or not time_model.fps:
            raise ValueError("class_folders needs clip_frames, stride_frames and fps.")
        reader = functools.partial(reader, time_model=time_model)
    videos = reader(
        source, report, formats.ReadOptions(facts=facts, classes=names, **options)
    )
    report.require_clean(skip_bad)
    if not videos:
        raise ValueError(f"{source}: holds no video.")
    formats.write_annotations(to, videos, f"from {form}", _taxonomy(form, source))
    print("\n".join([*summary(videos), *report.lines(), f"Written: {to}"]))
    return videos, report


def summary(videos: dict[str, Video]) -> list[str]:
    """Returns a line a subset with its counts of videos, segments and classes."""
    subsets = collections.defaultdict(list)
    for video in videos.values():
        subsets[video.subset].append(video)
    lines = []
    for subset, members in {**subsets, "all": list(videos.values())}.items():
        labels = [i.label for v in members for i in v.instances]
        lines.append(
            f"{subset or '(no subset)'}: {len(members)} videos, {len(labels)} "
            f"segments, {len(set(labels))} classes"
        )
    return lines


def _taxonomy(form: str, source: str | pathlib.Path) -> Any:
    """Returns the taxonomy of an ActivityNet file, if it has one."""
    if form != "activitynet":
        return None
    return json.loads(pathlib.Path(source).read_text("utf-8")).get("taxonomy")


def main(argv: list[str]) -> None:
    """Reads the flags and converts."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    values = flags.FLAGS
    try:
        time_model = None
        if values.clip_frames or values.stride_frames or values.fps:
            spec = {"clip_frames": values.clip_frames, "fps": values.fps}
            spec["stride_frames"] = values.stride_frames
            time_model = TimeModel.from_spec(spec)
        run(
            values["from"].value,
            values.input,
            values.to,
            video_info=values.video_info,
            classes=values.classes,
            time_model=time_model,
            skip_bad=values.skip_bad,
            subset=values.subset,
            ignored_labels=tuple(values.ignored_labels),
            exclude=frozenset(values.exclude),
            keep_repeats=values.keep_repeats,
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f"convert_annotations: {error}") from error


def _define_flags() -> None:
    flags.DEFINE_enum("from", None, list(READERS), "Form of the input.")
    flags.DEFINE_string("input", None, "File, or directory of files, to convert.")
    flags.DEFINE_string("to", None, "JSON file to write.")
    flags.DEFINE_list(
        "video_info",
        [],
        "CSV files with a row a video: its duration or frames, fps, subset. Needed "
        "for forms that state none of them, else the end of the last segment is the "
        "duration.",
    )
    flags.DEFINE_string(
        "classes",
        None,
        "List of class names, one a line, for forms with class indices.",
    )
    flags.DEFINE_string("subset", "", "Subset of videos that have none yet.")
    flags.DEFINE_list(
        "ignored_labels", ["Ambiguous"], "Labels whose segments are dropped."
    )
    flags.DEFINE_list(
        "exclude", [], "Ids of videos to leave out, such as video_test_0000270."
    )
    flags.DEFINE_bool(
        "keep_repeats",
        False,
        "Keep segments that repeat another of their video, as official scores do.",
    )
    flags.DEFINE_bool(
        "skip_bad", False, "Leave out videos that cannot be read instead of stopping."
    )
    flags.DEFINE_integer("clip_frames", None, "Frames a clip; for class_folders.")
    flags.DEFINE_integer(
        "stride_frames", None, "Frames from clip to clip; for class_folders."
    )
    flags.DEFINE_float("fps", None, "Frames a second; for class_folders.")
    flags.mark_flags_as_required(["from", "input", "to"])


if __name__ == "__main__":
    _define_flags()
    app.run(main)
