r"""Converts annotations of tools and data sets into the form used here, and back.

    python -m data_tools.convert_annotations --input annotations.eaf --to all.json

    python -m data_tools.convert_annotations --input W/predictions.json \
        --minimum_score 0.3 --to elan --out corrected

The form of `--input` is recognised, and said; `--from` names it instead.
docs/OWN_DATA.md lists the forms. `--input` may be a directory of files of one form.

`--to FILE` writes ActivityNet's JSON, or what the ending of the file says (.csv, .eaf,
.srt, .vtt); `--to FORM --out PATH` any form: activitynet, csv, elan, label_studio,
fiftyone, srt, vtt. Of elan, srt and vtt there is a file per video, in a directory.

What the files get wrong (segments past the end, of zero length, repeated, of label
"Ambiguous", numbers written as text) is mended or dropped, and counted in the report.
A row that cannot be read, or an action that ends before it starts, stops the
conversion; with `--skip_bad` it leaves its video out.
"""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import program
from ahernet_tf.data import checks
from ahernet_tf.data.annotations import export
from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.companion_files import listed_classes, read_video_facts
from ahernet_tf.data.annotations.export import FORMS_TO_WRITE, write_form
from ahernet_tf.data.annotations.forms import AUTO, FORMS, read_form
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.data.annotations.times import UNITS
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.files import check_directory, check_output

if TYPE_CHECKING:
    from ahernet_tf.data.features.time_model import TimeModel

CLASS_FOLDERS = "class_folders"


def run(
    source: str | pathlib.Path,
    out: str | pathlib.Path,
    form: str = AUTO,
    to: str = "activitynet",
    video_info: Sequence[str | pathlib.Path] = (),
    classes: Sequence[str] = (),
    time_model: TimeModel | None = None,
    skip_bad: bool = False,
    media: str = export.MEDIA,
    **options: Any,
) -> tuple[dict[str, Video], checks.DataReport]:
    """Converts a file and prints the report.

    Args:
        source: File or directory to convert.
        out: File or directory to write.
        form: A name of `FORMS`, `class_folders`, or `auto`.
        to: A name of `FORMS_TO_WRITE`.
        video_info: Tables with a row a video.
        classes: Class names, or one file that lists them.
        time_model: For `class_folders`.
        skip_bad: Leave out videos that cannot be read.
        media: Where video files are for annotation tools.
        **options: Further fields of `ReadOptions`.

    Returns:
        The videos by id, and the report.

    Raises:
        ValueError: The input cannot be read, or videos are bad without `skip_bad`.
    """
    check_written(out, to)
    source, encoding = pathlib.Path(source), options.get("encoding")
    report = checks.DataReport()
    facts = {}
    for path in video_info:
        facts |= read_video_facts(path, report, encoding)
    names = listed_classes(classes, encoding)
    reading = ReadOptions(facts=facts, classes=names, **options)
    videos, found = _read(source, report, reading, form, time_model)
    report.require_clean(skip_bad)
    if not videos:
        raise ValueError("\n".join([f"{source}: holds no video.", *report.lines()]))
    if to == "activitynet":
        write_annotations(out, videos, f"from {found}", _taxonomy(found, source))
    else:
        write_form(out, videos.values(), to, media)
    title = FORMS[found].title if found in FORMS else "a folder per class"
    lines = [f"{source}: read as {found} ({title})", *summary(videos.values())]
    print("\n".join([*lines, *report.lines(), f"Written: {out}"]))
    return videos, report


def _read(
    source: pathlib.Path,
    report: checks.DataReport,
    reading: ReadOptions,
    form: str,
    time_model: TimeModel | None,
) -> tuple[dict[str, Video], str]:
    """Reads a file or directory; returns the videos by id, and the form it has."""
    if form == AUTO and time_model is not None and source.is_dir():
        form = CLASS_FOLDERS
    if form != CLASS_FOLDERS:
        return read_form(source, report, reading, form)
    from ahernet_tf.data.annotations.class_folders import read_class_folders

    if time_model is None:
        raise ValueError("class_folders needs clip_frames and stride_frames.")
    return read_class_folders(source, report, reading, time_model), form


def check_written(out: str | pathlib.Path, to: str) -> None:
    """Refuses an output that cannot be written, before work starts.

    Raises:
        ValueError: Says why not.
    """
    writer = export.WRITERS.get(to)
    if writer is None or not writer.per_video or str(out).endswith(writer.ending):
        check_output(out)
        return
    check_directory(out)
    path = pathlib.Path(out)
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"{out}: expected a new or empty directory")


def form_and_path(to: str, out: str | None) -> tuple[str, str]:
    """Returns the form to write and the path, of the flags `--to` and `--out`.

    Raises:
        ValueError: They do not say both.
    """
    if out is not None:
        if to not in FORMS_TO_WRITE:
            raise ValueError(f"--to: with --out one of {', '.join(FORMS_TO_WRITE)}")
        return to, out
    if to in FORMS_TO_WRITE:
        raise ValueError(f"--to {to}: give the path to write as --out")
    endings = {w.ending: n for n, w in export.WRITERS.items() if w.ending != ".json"}
    form = endings.get(pathlib.Path(to.removesuffix(".gz")).suffix, "activitynet")
    if form != "activitynet" and to.endswith(".gz"):
        raise ValueError(f"{to}: only JSON of ActivityNet is written gzipped")
    return form, to


def summary(videos: Collection[Video]) -> list[str]:
    """Returns a line a subset with its counts of videos, segments and classes."""
    subsets = collections.defaultdict(list)
    for video in videos:
        subsets[video.subset].append(video)
    lines = []
    for subset, members in {**subsets, "all": list(videos)}.items():
        labels = [i.label for v in members for i in v.instances]
        lines.append(
            f"{subset or '(no subset)'}: {len(members)} videos, {len(labels)} "
            f"segments, {len(set(labels))} classes"
        )
    return lines


def _taxonomy(form: str, source: pathlib.Path) -> Any:
    """Returns the taxonomy of an ActivityNet file, if it has one."""
    if form != "activitynet" or source.is_dir():
        return None
    content = Source(source).json
    return content.get("taxonomy") if isinstance(content, dict) else None


def main(values: flags.FlagValues) -> None:
    """Reads the flags and converts."""
    to, out = form_and_path(values.to, values.out)
    time_model = None
    if values.clip_frames or values.stride_frames:
        from ahernet_tf.data.features.time_model import TimeModel

        spec = {"clip_frames": values.clip_frames, "fps": values.fps}
        spec["stride_frames"] = values.stride_frames
        time_model = TimeModel.from_spec(spec)
    run(
        values.input,
        out,
        values["from"].value,
        to,
        video_info=values.video_info,
        classes=values.classes,
        time_model=time_model,
        skip_bad=values.skip_bad,
        media=values.media,
        subset=values.subset,
        ignored_labels=tuple(values.ignored_labels),
        exclude=frozenset(values.exclude),
        keep_repeats=values.keep_repeats,
        fps=values.fps,
        times=values.times,
        encoding=values.encoding,
        tiers=tuple(values.tiers),
        minimum_score=values.minimum_score,
    )


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_enum("from", AUTO, [AUTO, *FORMS, CLASS_FOLDERS], "Form of the input.")
    flags.DEFINE_string("input", None, "File, or directory of files, to convert.")
    flags.DEFINE_string("to", None, "File to write; or, with --out, a form.")
    flags.DEFINE_string("out", None, "File or directory to write in the form --to.")
    flags.DEFINE_list(
        "video_info",
        [],
        "Tables with a row a video: its duration or frames, fps, subset; annotations, "
        "or features.json. Needed for forms that state none of them, else the end of "
        "the last segment is the duration.",
    )
    flags.DEFINE_list(
        "classes",
        [],
        "Class names, or a file that lists them, one a line: for forms with class "
        "indices, and to refuse all other labels.",
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
    flags.DEFINE_enum("times", None, UNITS, "Unit of times; unset: as the form has it.")
    flags.DEFINE_float(
        "fps",
        None,
        "Frames a second of videos for which nothing else says so.",
        lower_bound=0.01,
        upper_bound=100_000,
    )
    flags.DEFINE_string("encoding", None, "Encoding of text, such as cp1252.")
    flags.DEFINE_list(
        "tiers",
        [],
        "Tiers, tracks, attributes or columns that hold the classes, for tools with "
        "several; unset: all.",
    )
    flags.DEFINE_float("minimum_score", 0.0, "Detections below it are dropped.")
    flags.DEFINE_string(
        "media", export.MEDIA, "With --to elan, label_studio: path of a video's file."
    )
    flags.DEFINE_integer("clip_frames", None, "Frames a clip; for class_folders.", 1)
    flags.DEFINE_integer(
        "stride_frames", None, "Frames from clip to clip; for class_folders.", 1
    )
    flags.mark_flags_as_required(["input", "to"])


if __name__ == "__main__":
    program.start(define_flags, main)
