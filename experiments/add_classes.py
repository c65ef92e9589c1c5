"""Teaches a trained network new classes, from a folder of moments each.

    python -m experiments.add_classes --checkpoint W --moments DIR --out W2

W is a work directory of experiments.train. DIR holds a folder per class, with the
features of trimmed clips, or with --p3d the clips themselves as video files. The
network is frozen, and none of its training data are needed: seconds, not hours. W2 is
another model directory, which knows old and new classes; W stays as it is. Afterwards
experiments.predict --checkpoint W2 localises all; with --classes old, the detections
are those of W. --data, a data set, says what the new classes change about the old ones.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from ahernet_tf import files, program
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.features.extractors import extractor_differences, extractor_of
from ahernet_tf.data.features.time_model import TIMES, timing_differences
from ahernet_tf.data.roles import Role
from ahernet_tf.data.unannotated import class_folders

from . import checkpoint_flags

if TYPE_CHECKING:
    from ahernet_tf.inference.class_changes import MomentSequence
    from ahernet_tf.inference.trained_network import TrainedNetwork


@dataclasses.dataclass(frozen=True)
class Lesson:
    """What to teach, and where the result goes.

    Attributes:
        checkpoint: Work directory of training.
        moments: Directory with a folder per class.
        out: Model directory to write.
        p3d: Weights of the feature extractor, where the folders hold video files.
        times: `clip_frames`, `stride_frames`, `fps` of the features, as far as given.
        data: Data set on whose test videos the change is measured; None: none.
        skip_bad: Go on without moments that have faults.
        other_features: Go on with features of another network, or of other clips.
        progress: Whether to show bars.
    """

    checkpoint: pathlib.Path
    moments: pathlib.Path
    out: pathlib.Path
    p3d: str | None = None
    times: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: pathlib.Path | None = None
    skip_bad: bool = False
    other_features: bool = False
    progress: bool = True


def add_classes(lesson: Lesson) -> list[str]:
    """Teaches and writes; returns what there is to say of it, a line each.

    Raises:
        ValueError: The network, the moments or the data are not usable together, or the
            result cannot be written.
    """
    from ahernet_tf.inference.class_changes import check_new_classes, with_classes
    from ahernet_tf.inference.trained_network import TrainedNetwork
    from ahernet_tf.models.checkpoint import compute_products_in

    files.check_new_directory(lesson.out)
    if not lesson.checkpoint.is_dir():
        raise ValueError(f"{lesson.checkpoint}: no such work directory.")
    network = TrainedNetwork.load(lesson.checkpoint)
    config = network.config
    dataset = None
    if lesson.data is not None:
        dataset = Dataset.load(lesson.data, config.data, lesson.skip_bad)
        if dataset.test() is None:
            raise ValueError(f"{lesson.data}: has no test videos to measure on.")
    with files.naming(lesson.moments):
        check_new_classes(network, _folders(lesson.moments))
    compute_products_in(config.training.precision)
    with _features(lesson, network) as directory:
        roles = _roles(lesson, network, directory)
        found = {name: _moments(role, network) for name, role in roles.items()}
        taught = with_classes(network, found)
    taught.save(lesson.out)
    lines = [f"{name}: {len(role.videos)} moments" for name, role in roles.items()]
    lines += _told_lines(network, taught)
    if dataset is not None:
        lines += _scored_lines(lesson, network, taught, dataset)
    return lines


def _folders(directory: pathlib.Path) -> list[str]:
    """Returns the names of the classes."""
    if not directory.is_dir():
        raise ValueError("no such directory; expected a folder per class in it")
    paths = sorted(path for path in directory.iterdir() if path.is_dir())
    names = [path.name for path in paths if not path.name.startswith(".")]
    if not names:
        raise ValueError("holds no folder of a class")
    return names


@contextlib.contextmanager
def _features(lesson: Lesson, network: TrainedNetwork) -> Iterator[pathlib.Path]:
    """Gives a directory of features per class; those of video files are extracted."""
    if lesson.p3d is None:
        yield lesson.moments
        return
    from ahernet_tf.p3d.agreement import require_agreement
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions
    from ahernet_tf.p3d.video_features import extract_videos

    trained = network.description.extraction or {}
    stride = lesson.times.get("stride_frames") or trained.get("stride_frames") or 8
    fps = lesson.times.get("fps") or trained.get("fps")
    options = ExtractionOptions(stride_frames=stride, fps=fps)
    name, channels = str(lesson.checkpoint), network.description.feature_channels
    agreement = (trained, channels, lesson.p3d, options, name, lesson.other_features)
    require_agreement(*agreement)
    with tempfile.TemporaryDirectory() as temporary:
        broken = {}
        for label in _folders(lesson.moments):
            source, out = lesson.moments / label, pathlib.Path(temporary, label)
            report = extract_videos(str(source), lesson.p3d, str(out), options)
            broken |= {f"{source}/{name}": why for name, why in report.failures.items()}
        if broken and not lesson.skip_bad:
            said = "; ".join(f"{name}: {why}" for name, why in broken.items())
            raise ValueError(f"{said}. --skip_bad goes on without.")
        yield pathlib.Path(temporary)


def _roles(
    lesson: Lesson, network: TrainedNetwork, directory: pathlib.Path
) -> dict[str, Role]:
    """Opens and checks the moments of every class.

    Raises:
        ValueError: They have faults, or are features of another network or of other
            clips than the network was trained on.
    """
    description = network.description
    trained = description.extraction or {}
    times = {name: trained[name] for name in TIMES if trained.get(name)}
    roles, report = class_folders(
        directory,
        lesson.times,
        network.config.data,
        description.feature_channels,
        lesson.skip_bad,
        times,
    )
    for line in report.left_out():
        program.warn(line)
    for line in report.counted():
        program.note(line)
    for name, role in roles.items():
        differences = timing_differences(trained, role.time_model)
        then, now = trained.get("extractor"), extractor_of(directory / name)
        if then and now:
            differences += extractor_differences(then, now)
        if differences and not lesson.other_features:
            raise ValueError(
                f"{directory / name}: other features than {lesson.checkpoint} was "
                f"trained on (then, now): {'; '.join(differences)}. --other_features "
                "goes on regardless."
            )
    return roles


def _moments(role: Role, network: TrainedNetwork) -> Iterator[MomentSequence]:
    """Yields the moments of a class."""
    from ahernet_tf.inference.class_changes import MomentSequence

    for span in role.whole_spans():
        sequence = role.sequences.sequence(span, network.config.network.moment_steps)
        yield MomentSequence(sequence, span.duration_sec)


def _told_lines(before: TrainedNetwork, after: TrainedNetwork) -> Iterator[str]:
    """Says how segment classifiers tell the moments that were kept of all classes."""
    from ahernet_tf.inference.exemplars import told_as

    old, own = before.description.target_classes, after.description.target_classes
    then = told_as(before.model, before.exemplars, old)
    now = told_as(after.model, after.exemplars, own)
    old_ones, new_ones = np.split(now == after.exemplars.labels, [len(then)])
    right = int((then == before.exemplars.labels).sum())
    yield (
        f"Of {len(then)} moments that were kept of old classes, segment classifiers "
        f"told {right} rightly before, {int(old_ones.sum())} now; of {len(new_ones)} "
        f"of new classes {int(new_ones.sum())}."
    )


def _scored_lines(
    lesson: Lesson, before: TrainedNetwork, after: TrainedNetwork, dataset: Dataset
) -> Iterator[str]:
    """Says how test videos are localised before and after, by old and new classes."""
    from ahernet_tf.inference import Localizer, scoring

    role = dataset.test()
    scores = [
        scoring.score(
            role,
            scoring.localize_role(
                Localizer.of(network), role, progress=lesson.progress
            ),
        )["ap_per_class"]
        for network in (before, after)
    ]
    old = [n for n in before.description.target_classes if n in scores[0]]
    new = [n for n in after.description.added_classes if n in scores[1]]
    for kind, names in (("old", old), ("new", [n for n in new if n not in old])):
        if names:
            then, now = (100 * np.mean([own[n] for n in names]) for own in scores)
            yield (
                f"{len(names)} {kind} classes in {len(role.videos)} test videos: "
                f"average mAP {then:.2f}% before, {now:.2f}% now."
            )


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "checkpoint", None, "Work directory of training.", required=True
    )
    flags.DEFINE_string(
        "moments",
        None,
        "Directory with a folder per new class: features, or with --p3d video files.",
        required=True,
    )
    flags.DEFINE_string("out", None, "New model directory.", required=True)
    flags.DEFINE_string(
        "p3d",
        None,
        "Weights of the P3D network of the training's features; the folders "
        "then hold video files, which are decoded.",
    )
    checkpoint_flags.define_times()
    flags.DEFINE_string(
        "data", None, "Data set on whose test videos the change is measured."
    )
    flags.DEFINE_bool("skip_bad", False, "Go on without moments that have faults.")
    flags.DEFINE_bool(
        "other_features",
        False,
        "Go on with features of another network or of other clips than the training's.",
    )
    flags.DEFINE_bool("progress", True, "Show progress bars.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    lesson = Lesson(
        checkpoint=pathlib.Path(values.checkpoint),
        moments=pathlib.Path(values.moments),
        out=pathlib.Path(values.out),
        p3d=values.p3d,
        times=checkpoint_flags.times_of(values),
        data=pathlib.Path(values.data) if values.data else None,
        skip_bad=values.skip_bad,
        other_features=values.other_features,
        progress=values.progress,
    )
    for line in add_classes(lesson):
        print(line)
    print(f"The network that knows them is in {lesson.out}.")


if __name__ == "__main__":
    program.start(define_flags, main)
