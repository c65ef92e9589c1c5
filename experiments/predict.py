"""Localises actions in the videos of a data set with a trained network.

    python -m experiments.predict --checkpoint W --data DIR --out results.json
    python -m experiments.predict --checkpoint W --features DIR --out results.json

W is a work directory of experiments.train (or of data_tools.import_release). The
results are in ActivityNet's JSON, as its evaluation toolkit reads it. With --features,
a folder or file of features alone, nothing has to be annotated: all of its videos are
localised in, and beside results.json come results.csv and pictures, results_timelines.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import evaluation, extras, files, program
from ahernet_tf.config import Config
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.description import REQUIRED_ROLES, read_description
from ahernet_tf.data.features.extractors import extractor_differences, extractor_of
from ahernet_tf.data.features.time_model import TIMES, timing_differences
from ahernet_tf.data.roles import Role
from ahernet_tf.data.unannotated import unannotated_role, videos_of
from ahernet_tf.visualization.result_timelines import draw_results

from . import checkpoint_flags

if TYPE_CHECKING:
    from ahernet_tf.inference import Detection
    from ahernet_tf.models.checkpoint import Description

SUFFIXES = (".json", ".json.gz")


@dataclasses.dataclass(frozen=True)
class PredictionRequest:
    """What to localise, and where the results go.

    Attributes:
        checkpoint: Work directory of training, or one of its checkpoints.
        data: Data set; or None.
        out: Results file.
        features: Features alone, in place of a data set.
        times: `clip_frames`, `stride_frames` and `fps` of the features alone, as far as
            they are given.
        role: Which videos of the data set.
        classes: `target`, `old` or `source`.
        overrides: Options to change.
        csv: Where to write a table too; None: nowhere.
        timelines: Directory of pictures; None: none.
        window_sec: Longer videos are cut into windows; None: as configured.
        window_overlap: Part of a window that the next one repeats.
        batch_size: Sequences computed at once.
        skip_bad: Go on without videos that have faults.
        other_features: Go on with features of another network.
        progress: Whether to show a bar.
    """

    checkpoint: pathlib.Path
    data: pathlib.Path | None
    out: str | pathlib.Path
    features: pathlib.Path | None = None
    times: dict[str, Any] = dataclasses.field(default_factory=dict)
    role: str = "test"
    classes: str = "target"
    overrides: tuple[str, ...] = ()
    csv: str | pathlib.Path | None = None
    timelines: pathlib.Path | None = None
    window_sec: float | None = None
    window_overlap: float = 0.5
    batch_size: int = 8
    skip_bad: bool = False
    other_features: bool = False
    progress: bool = True

    def __post_init__(self):
        if (self.data is None) == (self.features is None):
            raise ValueError("Expected either --data or --features.")
        if self.times and self.data is not None:
            raise ValueError(f"--{next(iter(self.times))} goes with --features.")


def predict(request: PredictionRequest) -> int:
    """Localises and writes the results; returns the number of videos.

    Raises:
        ValueError: The checkpoint and the data are not usable together, or an output
            cannot be written.
    """
    from ahernet_tf.inference import Localizer, scoring
    from ahernet_tf.inference.trained_network import find_model
    from ahernet_tf.models.checkpoint import compute_products_in, load_description
    from ahernet_tf.training import work_directory

    check_outputs(request)
    directory, checkpoint = find_model(request.checkpoint)
    description, config = load_description(directory)
    config = configuration.with_overrides(config, list(request.overrides))
    role, extractor, report = videos_to_localize(request, description, config)
    for line in report.left_out():
        program.warn(line)
    for line in report.counted():
        program.note(line)
    check_features(request, description, role, extractor)
    rate = work_directory.rate(directory)
    trained = description.extraction or {}
    for difference in timing_differences(trained, role.time_model, rate):
        program.warn(
            f"{request.features or request.data}: clips of another timing than "
            f"{request.checkpoint} was trained on (then, now): {difference}."
        )
    names = getattr(description, f"{request.classes}_classes")
    unknown = sorted(set(role.classes) - set(names))
    if unknown:
        program.warn(
            f"the network does not know {len(unknown)} classes, such as {unknown[0]}."
        )
    compute_products_in(config.training.precision)
    localizer = Localizer.load(
        directory,
        checkpoint=checkpoint,
        inference=config.inference,
        classes=request.classes,
    )
    localizer.extraction = None  # what differs is said above
    found = scoring.localize_role(
        localizer,
        role,
        batch_size=request.batch_size,
        window_sec=request.window_sec,
        window_overlap=request.window_overlap,
        progress=request.progress,
    )
    write(request, role, found)
    return len(found)


def check_outputs(request: PredictionRequest) -> None:
    """Refuses what cannot be written, before work starts."""
    files.check_output(request.out, SUFFIXES)
    if request.csv is not None:
        files.check_output(request.csv)
    if request.timelines is not None:
        extras.require("matplotlib", "--timelines")
        files.check_directory(request.timelines)


def videos_to_localize(
    request: PredictionRequest, description: Description, config: Config
) -> tuple[Role, dict[str, Any] | None, DataReport]:
    """Finds the videos, the network that their features came from, and the report.

    A data set without roles to train on is as good as its features: what its test
    videos show need not be known.

    Raises:
        ValueError: There are none, or something is wrong with them.
    """
    channels = description.feature_channels
    if request.features is not None:
        place = request.features.absolute()
        known = description.extraction or {}
        role, report = unannotated_role(
            place.parent,
            {"path": place.name, **request.times},
            config.data,
            channels,
            skip_bad=request.skip_bad,
            times={name: known[name] for name in TIMES if known.get(name)},
        )
        return role, extractor_of(place), report
    roles = read_description(request.data, DataReport()).roles
    if request.role == "test" in roles and not any(n in roles for n in REQUIRED_ROLES):
        test = roles["test"]
        videos = videos_of(request.data, test)
        role, report = unannotated_role(
            request.data, test.features, config.data, channels, videos, request.skip_bad
        )
        return role, extractor_of(role.sequences.store.path), report
    dataset = Dataset.load(
        request.data, config.data, request.skip_bad, check_features="all"
    )
    role = dataset.role(request.role)
    if request.role == "test" and request.classes == "source":
        role = dataset.test(dataset.source_classes) or role
    return role, dataset.extractor, dataset.report


def check_features(
    request: PredictionRequest,
    description: Description,
    role: Role,
    extractor: dict[str, Any] | None,
) -> None:
    """Refuses features of another network, or of other clips, than were trained on."""
    place = request.features or request.data
    if role.sequences.channels != description.feature_channels:
        raise ValueError(
            f"{place}: features of {role.sequences.channels} channels; "
            f"{request.checkpoint} was trained on {description.feature_channels}."
        )
    then = (description.extraction or {}).get("extractor")
    differences = extractor_differences(then, extractor) if then and extractor else []
    if differences and not request.other_features:
        raise ValueError(
            f"{place}: features of another network than {request.checkpoint} was "
            f"trained on (then, now): {'; '.join(differences)}. --other_features goes "
            "on regardless."
        )


def write(
    request: PredictionRequest, role: Role, found: dict[str, list[Detection]]
) -> None:
    """Writes results, table and pictures."""
    from ahernet_tf.inference.detections import as_results, to_frame

    evaluation.write_results(request.out, as_results(found))
    frame = to_frame(found)
    if request.csv is not None:
        with files.whole_file(request.csv) as temporary:
            frame.to_csv(temporary, index=False)
    if request.timelines is not None:
        durations = {video.id: video.duration_sec for video in role.videos}
        truth = role.instances()
        draw_results(
            request.timelines,
            frame,
            durations,
            truth if len(truth) else None,
            videos=list(durations),
        )


def define_flags() -> None:
    """Defines the program's flags."""
    checkpoint_flags.define_checkpoint()
    flags.DEFINE_string("data", None, "Data set directory.")
    flags.DEFINE_string(
        "features", None, "Features alone, in place of a data set: a folder or file."
    )
    checkpoint_flags.define_times()
    flags.DEFINE_string("out", None, "Results file, .json or .json.gz.", required=True)
    flags.DEFINE_string(
        "csv", None, "Table of the detections; with --features beside --out."
    )
    flags.DEFINE_string(
        "timelines",
        None,
        "Directory of pictures, one per video; with --features beside --out. '': none.",
    )
    flags.DEFINE_enum(
        "role", "test", ["test", "oracle", "untrimmed"], "Which videos to localise in."
    )
    checkpoint_flags.define_classes()
    flags.DEFINE_multi_string(
        "set", [], "Option to change, such as inference.nms_tiou=0.5. Repeatable."
    )
    flags.DEFINE_float(
        "window_sec",
        None,
        "Cut videos longer than this into windows and merge what they show by "
        "non-maximum suppression. Default: as configured; 0: never.",
    )
    flags.DEFINE_float("window_overlap", 0.5, "Part of a window the next one repeats.")
    flags.DEFINE_integer("batch_size", 8, "Sequences computed at once.", 1)
    flags.DEFINE_bool("skip_bad", False, "Go on without videos that have faults.")
    flags.DEFINE_bool(
        "other_features",
        False,
        "Go on with features of another network than those of the training.",
    )
    flags.DEFINE_bool("progress", True, "Show a progress bar.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    # Memory that is freed stays with the program: faster (docs/PERFORMANCE.md).
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    out, csv, timelines = values.out, values.csv, values.timelines
    if values.features:
        stem = out.removesuffix(".gz").removesuffix(".json")
        csv = f"{stem}.csv" if csv is None else csv
        timelines = f"{stem}_timelines" if timelines is None else timelines
    request = PredictionRequest(
        checkpoint=pathlib.Path(values.checkpoint),
        data=pathlib.Path(values.data) if values.data else None,
        out=out,
        features=pathlib.Path(values.features) if values.features else None,
        times=checkpoint_flags.times_of(values),
        csv=csv or None,
        timelines=pathlib.Path(timelines) if timelines else None,
        role=values.role,
        classes=values.classes,
        overrides=tuple(values.set),
        window_sec=values.window_sec,
        window_overlap=values.window_overlap,
        batch_size=values.batch_size,
        skip_bad=values.skip_bad,
        other_features=values.other_features,
        progress=values.progress,
    )
    count = predict(request)
    print(f"Wrote the detections of {count} videos to {request.out}.")


if __name__ == "__main__":
    program.start(define_flags, main)
