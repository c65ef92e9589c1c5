r"""Makes a data set to choose settings on, out of the training part of another.

    python -m data_tools.make_development --data data/gestures --out data/development \
        --played_targets 3 --held_out 6

Some source classes of `--data` play target classes: they are learnt from moments, cut
out of their annotations, and scored. The others stay source classes. Whole groups are
held out as test videos: people, or videos where annotations name no group. Neither the
test videos nor the target classes of `--data` are in any role, so that they remain
unseen until settings are chosen.

Training videos that show classes of both kinds are cut where an action of a played
target class lies: it would be learnt as background. An action that overlaps with it
goes, too.

`--out` gets dataset.json and annotations.json, and where videos are cut untrimmed.json
and the features of the pieces; other features stay where they are. The same seed makes
the same files.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shlex
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import command, program
from ahernet_tf import config as configuration
from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.companion_files import read_classes
from ahernet_tf.data.create.split_roles import relative
from ahernet_tf.data.description import DESCRIPTION, FROM_UNTRIMMED
from ahernet_tf.data.features.feature_entries import with_paths
from ahernet_tf.files import check_directory, new_directory, read_json, write_json

if TYPE_CHECKING:
    from ahernet_tf.data.create.class_splits import ClassSplit
    from ahernet_tf.data.dataset import Dataset, Role

ANNOTATIONS, TRAINING, TEST = "annotations.json", "training", "validation"


def run(
    data: str | pathlib.Path,
    out: str | pathlib.Path,
    played_targets: int | None = None,
    target_classes: str | pathlib.Path | None = None,
    held_out: float = 0.25,
    seed: int = 0,
    skip_bad: bool = False,
) -> None:
    """Makes the data set, checks it and says what it holds.

    Args:
        data: Directory of the data set whose training part is taken.
        out: Directory to write; new or empty.
        played_targets: How many source classes play target classes, drawn by seed;
            None: half of them, rounded down.
        target_classes: File that lists those classes, one a line, instead.
        held_out: Groups to hold out: a fraction below 1, or how many.
        seed: Decides which classes and which groups.
        skip_bad: Leave out faulty videos of `data` instead of raising.

    Raises:
        ValueError: There are too few classes or groups, or `data` is faulty; nothing
            was written.
    """
    from ahernet_tf.data.create.development import play_targets, training_and_held_out
    from ahernet_tf.data.create.video_pieces import cut_videos, write_pieces
    from ahernet_tf.data.dataset import Dataset

    data, out = pathlib.Path(data), pathlib.Path(out)
    check_directory(out)
    if out.resolve() == data.resolve():
        raise ValueError(f"{out}: is the data set itself, give another directory")
    if played_targets is not None and target_classes is not None:
        raise ValueError("--played_targets and --target_classes exclude one another")
    played = played_targets if target_classes is None else read_classes(target_classes)
    options = configuration.small().data
    with new_directory(out) as made:
        dataset = Dataset.load(data, options, skip_bad, "shape", packed=False)
        split = play_targets(dataset, played, seed)
        training, held = training_and_held_out(dataset, split, held_out, seed)
        pieces = cut_videos(training, split.target)
        cut = any(piece.video.id != piece.origin for piece in pieces)
        origin = f"training part of {dataset.name}; played target: {split.origin}"
        videos = [
            dataclasses.replace(
                video, subset=subset, group=video.group or (video.id if cut else None)
            )
            for subset, role in ((TRAINING, training), (TEST, held))
            for video in role.videos
        ]
        write_annotations(made / ANNOTATIONS, videos, origin)
        content = _content(data, made, out.resolve().name, split)
        if cut:
            content["untrimmed"] |= write_pieces(
                made, pieces, training, content["test"]["features"], origin
            )
        write_json(made / DESCRIPTION, content)
        development = Dataset.load(made, options, False, "shape", packed=False)
    print(f"{out}: of the training part of {data}, played target: {split.origin}")
    print("\n".join(_said(dataset, development, training, held)))
    count = len({p.origin for p in pieces if p.video.id != p.origin})
    if count:
        print(f"cut where actions of played target classes lie: {count} videos")
    train = command.start_of("experiments.train")
    program.note("To train on it, and score the held-out videos:")
    program.note(f"{train} --data {shlex.quote(str(out))} --workdir W")


def _content(
    data: pathlib.Path, directory: pathlib.Path, name: str, split: ClassSplit
) -> dict[str, Any]:
    """Returns what dataset.json holds."""
    original = read_json(data / DESCRIPTION)["untrimmed"]
    features = with_paths(
        original["features"], lambda path: relative(data / path, directory)
    )
    role = {"annotations": ANNOTATIONS, "subset": TRAINING, "features": features}
    source, target = list(split.source), list(split.target)
    return {
        "name": name,
        "untrimmed": {**role, "classes": source},
        "moments": {"from": FROM_UNTRIMMED, **role, "classes": target},
        "test": {**role, "subset": TEST, "classes": target},
        "oracle": {**role, "classes": target},
    }


def _said(
    dataset: Dataset, development: Dataset, training: Role, held: Role
) -> list[str]:
    """Returns what is printed of the data set."""
    from ahernet_tf.data.create.development import labels_of
    from ahernet_tf.data.role_counts import size_of_role

    roles = [*development.roles.values()]
    if source := development.test(development.source_classes):
        roles.append(dataclasses.replace(source, name="test of the source classes"))
    groups = sorted({dataset.group(video) for video in held.videos})
    stay = len({dataset.group(video) for video in training.videos})
    more = ", ..." if len(groups) > 10 else ""
    lines = [
        *map(size_of_role, roles),
        f"held out: {len(groups)} of {len(groups) + stay} groups "
        f"({', '.join(groups[:10])}{more})",
    ]
    untested = sorted(set(development.target_classes) - labels_of(held.videos))
    if untested:
        lines.append(f"play target, but no held-out video has them: {untested}")
    found = len(dataset.roles["untrimmed"].videos)
    tested = found - len(training.videos) - len(held.videos)
    if tested:
        lines.append(f"left out, being test videos of {dataset.name}: {tested} videos")
    bad = sum(map(len, dataset.report.skipped().values()))
    if bad:
        lines.append(f"left out, being faulty in {dataset.name}: {bad} videos")
    return lines + development.report.lines()


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    names = ("data", "out", "played_targets", "target_classes", "held_out", "seed")
    run(**{name: values[name].value for name in (*names, "skip_bad")})


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("data", None, "Directory of a data set.", required=True)
    flags.DEFINE_string("out", None, "Directory to write; new or empty.", required=True)
    flags.DEFINE_integer(
        "played_targets",
        None,
        "How many source classes play target classes; unset: half, rounded down.",
    )
    flags.DEFINE_string(
        "target_classes", None, "File that lists those classes, one a line."
    )
    flags.DEFINE_float(
        "held_out", 0.25, "Groups to hold out: a fraction below 1, or how many."
    )
    flags.DEFINE_integer("seed", 0, "Decides which classes and groups.", lower_bound=0)
    flags.DEFINE_bool("skip_bad", False, "Leave out faulty videos instead of failing.")


if __name__ == "__main__":
    program.start(define_flags, main)
