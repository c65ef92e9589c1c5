r"""Makes a data set of your own annotations and features, in one command.

    python -m data_tools.make_dataset --out my_data --segments segments.csv \
        --features features --moments clips --clip_frames 16 --stride_frames 8 --fps 25

`segments.csv` has a row per action, `video,start,end,label` in seconds, and may have
the columns `subset` ("training", or "validation" or "test" for videos to test on),
`duration` and `fps`. Any table will do, and any other form of annotations that
data_tools.convert_annotations reads. `features` holds the clip features of these videos
(any layout of docs/DATA.md, or --preset). `clips` has a folder per class with features
of trimmed clips: the classes that the network learns from moments alone. Without such a
folder, --target_classes says which classes of the table are to be learnt from moments;
they are then cut out of the training videos. With --source the untrimmed videos with
annotations are those of another data set, such as ActivityNet, and yours are the
moments.

Durations are those of the table, else of the video files (--videos) or of other tables
(--video_info), else what the features cover. docs/OWN_DATA.md walks through an example.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.data.annotations.companion_files import listed_classes
from ahernet_tf.data.annotations.times import UNITS
from ahernet_tf.data.checks import DataError, DataReport
from ahernet_tf.data.create.own_inputs import OwnInputs
from ahernet_tf.data.description import DESCRIPTION
from ahernet_tf.files import check_directory, new_directory, write_json

from . import layout_flags

if TYPE_CHECKING:
    from ahernet_tf.data.dataset import Dataset, Role


def run(
    out: str | pathlib.Path,
    inputs: OwnInputs,
    skip_bad: bool = False,
    ask: Callable[[str], str] | None = None,
) -> Dataset:
    """Makes a data set, checks it and says what it holds.

    Args:
        out: Directory to write; new or empty.
        inputs: What it is made of.
        skip_bad: Leave out faulty videos instead of raising.
        ask: Asks the user for a number that is not known; None: that is an error.

    Returns:
        The data set, loaded.

    Raises:
        ValueError: Something is missing or contradicts itself; nothing was written.
    """
    from ahernet_tf.data.checks import ZEROS
    from ahernet_tf.data.create.own_data import Maker
    from ahernet_tf.data.dataset import Dataset

    out = pathlib.Path(out)
    inputs.check()
    check_directory(out)
    data = configuration.small().data
    cut: list[str] = []
    with new_directory(out) as made:
        maker = Maker(made, inputs, ask)
        with reported_first(maker.report, skip_bad, made):
            content = maker.content(out.resolve().name)
            if content is not None:
                write_json(made / DESCRIPTION, content)
                dataset = Dataset.load(made, data, skip_bad, packed=False)
                for video in dataset.report.examples.get(ZEROS, ()):
                    maker.report.count(ZEROS, video)
                if inputs.target_classes:
                    cut = _cut_targets_out(made, content, dataset.roles["untrimmed"])
                    Dataset.load(made, data, skip_bad, "shape", packed=False)
    dataset = Dataset.load(out, data, skip_bad, "shape", False)
    print("\n".join([*maker.report.lines(), *_summary(dataset, out), *cut]))
    return dataset


def _cut_targets_out(
    made: pathlib.Path, content: dict[str, Any], untrimmed: Role
) -> list[str]:
    """Cuts the untrimmed videos where actions of target classes lie.

    They would be learnt as background.

    Args:
        made: Directory of the data set; gets the pieces.
        content: What its dataset.json holds.
        untrimmed: Videos that may show target classes, too.

    Returns:
        What is said of it.
    """
    from ahernet_tf.data.create.video_pieces import cut_videos, write_pieces

    videos = [
        dataclasses.replace(video, instances=(*video.instances, *video.others))
        for video in untrimmed.videos
    ]
    whole_role = dataclasses.replace(untrimmed, videos=videos)
    pieces = cut_videos(whole_role, content["moments"]["classes"])
    if all(piece.video.id == piece.origin for piece in pieces):
        return []
    whole = content["untrimmed"]
    content["moments"] = whole | content["moments"]
    content["untrimmed"] = whole | write_pieces(
        made, pieces, untrimmed, whole["features"], "cut where target classes act"
    )
    write_json(made / DESCRIPTION, content)
    cut = len({p.origin for p in pieces if p.video.id != p.origin})
    lost = len(untrimmed.videos) - len({piece.origin for piece in pieces})
    lines = [f"untrimmed: cut where actions of target classes lie: {cut} videos"]
    if lost:
        lines.append(f"untrimmed: without an action beside these, left out: {lost}")
    return lines


@contextlib.contextmanager
def reported_first(
    report: DataReport, skip_bad: bool, made: pathlib.Path
) -> Iterator[None]:
    """Raises what a report holds before whatever goes wrong later.

    Args:
        report: What is wrong with what was given.
        skip_bad: Leave out the videos that it names.
        made: The data set, whose files lead to what was given.

    Raises:
        DataError: There are problems, beyond those that `skip_bad` leaves out.
    """
    try:
        yield
    except DataError as error:
        for problem in error.problems:
            file, *rest = dataclasses.astuple(problem)
            if file.startswith(os.pardir):
                near = os.path.relpath(made / file)
                above = near.startswith(os.pardir)
                file = os.path.abspath(made / file) if above else near
            report.add(file, *rest)
    except ValueError as error:
        report.require_clean(skip_bad)
        raise ValueError("\n".join([*report.lines(), str(error)])) from error
    report.require_clean(skip_bad)


def _summary(dataset: Dataset, out: pathlib.Path) -> list[str]:
    """Says what a data set holds."""
    from ahernet_tf.data.role_counts import size_of_role

    lines = [f"{out}: {dataset.feature_channels} channels"]
    lines += [size_of_role(role) for role in dataset.roles.values()]
    return lines + dataset.report.lines()


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    own = ("array", "parts", "transposed", "follow_links")
    layout = layout_flags.layout_of(values, own)
    paths = {
        name: pathlib.Path(values[name].value)
        for name in ("segments", "features", "moments", "source")
        if values[name].value is not None
    }
    reading = {n: values[n].value for n in ("times", "encoding") if values[n].value}
    if values.tiers:
        reading["tiers"] = tuple(values.tiers)
    ask = input if sys.stdin.isatty() else None
    if values.classes:
        reading["classes"] = listed_classes(values.classes)
    inputs = OwnInputs(
        **paths,
        videos=tuple(map(pathlib.Path, values.videos)),
        video_info=tuple(map(pathlib.Path, values.video_info)),
        target_classes=listed_classes(values.target_classes),
        ignored_classes=listed_classes(values.ignored_classes),
        layout=layout,
        reading=reading,
        transposed_moments=values.transposed_moments,
    )
    run(values.out, inputs, values.skip_bad, ask)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("out", None, "Directory to write; new or empty.", required=True)
    flags.DEFINE_string(
        "segments",
        None,
        "Annotations: a table with the columns video,start,end,label, or another form "
        "that data_tools.convert_annotations reads.",
    )
    flags.DEFINE_list(
        "video_info",
        [],
        "Tables with a row a video or clip: its duration or frames, fps, subset.",
    )
    flags.DEFINE_list(
        "ignored_classes",
        [],
        "Classes of --segments that play no role; or a file that lists them.",
    )
    flags.DEFINE_list(
        "classes", [], "All classes, or a file that lists them; others are refused."
    )
    flags.DEFINE_enum("times", None, UNITS, "Unit of times; unset: as the form has it.")
    flags.DEFINE_string("encoding", None, "Encoding of --segments, such as cp1252.")
    flags.DEFINE_list("tiers", [], "Tiers of --segments that hold the classes.")
    flags.DEFINE_string("features", None, "Features of the videos of --segments.")
    flags.DEFINE_string(
        "moments", None, "Directory with a folder a class: features of trimmed clips."
    )
    flags.DEFINE_string(
        "source", None, "Data set whose untrimmed videos are taken, instead of yours."
    )
    flags.DEFINE_list(
        "videos",
        [],
        "Directories of the video files and clips, for durations and frame rates.",
    )
    flags.DEFINE_list(
        "target_classes",
        [],
        "Without --moments: classes of --segments to learn from moments; or a file "
        "that lists them, one a line.",
    )
    layout_flags.define_layout()
    flags.DEFINE_string("array", None, "Array of npz files that hold several.")
    flags.DEFINE_list(
        "parts",
        None,
        "Join several sequences of a video, such as RGB and flow: names of files or "
        "directories in --features (rgb,flow), or of sequences ({video}_rgb,"
        "{video}_flow).",
    )
    flags.DEFINE_bool("transposed", None, "Arrays are [channels, clips].")
    flags.DEFINE_bool(
        "transposed_moments",
        None,
        "Those of --moments are; unset: as --transposed says of all.",
    )
    flags.DEFINE_bool(
        "follow_links", None, "Follow links that lead out of the features' directory."
    )
    flags.DEFINE_bool("skip_bad", False, "Leave out faulty videos instead of failing.")


if __name__ == "__main__":
    program.start(define_flags, main)
