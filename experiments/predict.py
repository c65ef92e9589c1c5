"""Localises actions in the videos of a data set with a trained network.

    python -m experiments.predict --checkpoint W --data DIR --out results.json

W is a work directory of experiments.train (or of data_tools.import_release). The
results are in ActivityNet's JSON, as its evaluation toolkit reads it.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import evaluation, program
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.features.extractors import extractor_differences


@dataclasses.dataclass(frozen=True)
class Request:
    """What to localise, and where the results go."""

    checkpoint: pathlib.Path
    data: pathlib.Path
    out: pathlib.Path
    role: str = "test"
    classes: str = "target"
    overrides: tuple[str, ...] = ()
    window_sec: float | None = None
    window_overlap: float = 0.5
    batch_size: int = 8
    skip_bad: bool = False
    other_features: bool = False
    progress: bool = True


def predict(request: Request) -> int:
    """Localises and writes the results; returns the number of videos.

    Raises:
        ValueError: The checkpoint or the data are not usable together.
    """
    from ahernet_tf.inference import Localizer, scoring
    from ahernet_tf.inference.detections import as_results
    from ahernet_tf.models.checkpoint import compute_products_in, load_description

    # A file W/checkpoints/ckpt-N names one checkpoint, a directory the newest.
    directory, checkpoint = request.checkpoint, None
    if not directory.is_dir():
        directory, checkpoint = directory.parent.parent, str(directory)
    description, config = load_description(directory)
    config = configuration.with_overrides(config, list(request.overrides))
    dataset = Dataset.load(
        request.data, config.data, request.skip_bad, check_features="all"
    )
    for line in dataset.report.lines():
        print(line)
    if dataset.feature_channels != description.feature_channels:
        raise ValueError(
            f"{request.data}: features of {dataset.feature_channels} channels; "
            f"{directory} was trained on {description.feature_channels}."
        )
    then, now = (
        (found or {}).get("extractor")
        for found in (description.extraction, dataset.extraction)
    )
    differences = extractor_differences(then, now) if then and now else []
    if differences and not request.other_features:
        raise ValueError(
            f"{request.data}: features of another network than {directory} was "
            f"trained on (then, now): {'; '.join(differences)}. --other_features goes "
            "on regardless."
        )
    names = getattr(description, f"{request.classes}_classes")
    if request.role == "test":
        wanted = getattr(dataset, f"{request.classes}_classes")
        role = dataset.test(wanted)
        if role is None:
            raise ValueError(f"{request.data}: no test videos of these classes.")
    else:
        role = dataset.role(request.role)
    unknown = sorted(set(role.classes) - set(names))
    if unknown:
        print(
            f"The network does not know {len(unknown)} classes, such as {unknown[0]}."
        )
    compute_products_in(config.training.precision)
    localizer = Localizer.load(
        directory,
        checkpoint=checkpoint,
        inference=config.inference,
        classes=request.classes,
    )
    found = scoring.localize_role(
        localizer,
        role,
        batch_size=request.batch_size,
        window_sec=request.window_sec,
        window_overlap=request.window_overlap,
        progress=request.progress,
    )
    request.out.parent.mkdir(parents=True, exist_ok=True)
    evaluation.write_results(request.out, as_results(found))
    return len(found)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "checkpoint",
        None,
        "Work directory of training, or one of its checkpoints (W/checkpoints/ckpt-N).",
        required=True,
    )
    flags.DEFINE_string("data", None, "Data set directory.", required=True)
    flags.DEFINE_string("out", None, "Results file, .json or .json.gz.", required=True)
    flags.DEFINE_enum(
        "role", "test", ["test", "oracle", "untrimmed"], "Which videos to localise in."
    )
    flags.DEFINE_enum(
        "classes",
        "target",
        ["target", "source"],
        "Classes learnt from moments, or classes with temporal annotations.",
    )
    flags.DEFINE_multi_string(
        "set", [], "Option to change, such as inference.nms_tiou=0.5. Repeatable."
    )
    flags.DEFINE_float(
        "window_sec",
        None,
        "Cut videos longer than this into windows and merge their detections by "
        "non-maximum suppression.",
    )
    flags.DEFINE_float("window_overlap", 0.5, "Part of a window the next one repeats.")
    flags.DEFINE_integer("batch_size", 8, "Sequences computed at once.")
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
    request = Request(
        checkpoint=pathlib.Path(values.checkpoint),
        data=pathlib.Path(values.data),
        out=pathlib.Path(values.out),
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
    print(f"Wrote the detections of {count} videos to {os.fspath(request.out)}.")


if __name__ == "__main__":
    program.start(define_flags, main)
