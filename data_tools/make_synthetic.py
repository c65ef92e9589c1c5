"""Writes a synthetic data set: made-up features of made-up actions, for trying things.

    python -m data_tools.make_synthetic --out runs/synthetic --difficulty medium

The directory has the layout of real data (`dataset.json`, annotation files, npz files)
and serves every other program as `--data`. `docs/SYNTHETIC.md` says what is in it.
"""

from __future__ import annotations

import pathlib
from typing import Any

from absl import flags

from ahernet_tf import program
from ahernet_tf.data.synthetic.difficulty import DIFFICULTIES, synthetic_config
from ahernet_tf.data.synthetic.synthetic_dataset import write_synthetic

_CHANGES = {
    "source_classes": (int, "Classes with temporal annotations."),
    "target_classes": (int, "Classes of which only moments are known in training."),
    "channels": (int, "Channels of a clip feature."),
    "videos_per_class": (int, "Untrimmed training videos a class."),
    "test_videos_per_class": (int, "Untrimmed validation videos a class."),
    "moments_per_class": (int, "Trimmed clips of each target class."),
    "noise": (float, "Size of a clip's white noise, beside actions of size 1."),
    "class_separation": (float, "Size of what is particular to a class."),
    "distractor_rate": (float, "Motions a minute of background that are no action."),
    "context_dependence": (float, "0 to 1: how much the class decides its context."),
    "boundary_sharpness": (float, "0 to 1: how sudden actions start and end."),
}


def run(
    out: str, difficulty: str, progress: bool = True, **changes: Any
) -> pathlib.Path:
    """Writes a data set and prints what it holds.

    Args:
        out: Directory to write; new or empty.
        difficulty: Name of a difficulty.
        progress: Whether to show a progress bar.
        **changes: Fields of `SyntheticConfig` that differ from it.

    Returns:
        The directory.

    Raises:
        ValueError: A value is outside its range or the directory is not empty.
    """
    config = synthetic_config(difficulty, **changes)
    path = write_synthetic(out, config, progress)
    videos = config.videos_per_class + config.test_videos_per_class
    print(
        f"{path}: {config.source_classes} source and {config.target_classes} target "
        f"classes, {videos * len(config.classes)} untrimmed videos, "
        f"{config.moments_per_class * config.target_classes} moments, "
        f"{config.channels} channels; difficulty {difficulty}, seed {config.seed}."
    )
    return path


def main(values: flags.FlagValues) -> None:
    """Reads the flags and writes the data set."""
    changes = {n: values[n].value for n in _CHANGES if values[n].value is not None}
    progress = not values.quiet
    run(values.out, values.difficulty, progress, seed=values.seed, **changes)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("out", None, "Directory to write; new or empty.")
    flags.DEFINE_enum(
        "difficulty",
        "medium",
        list(DIFFICULTIES),
        "Sets noise, class_separation, distractor_rate, context_dependence and "
        "boundary_sharpness together.",
    )
    flags.DEFINE_integer("seed", 0, "Decides the classes and every video.")
    for name, (kind, text) in _CHANGES.items():
        define = flags.DEFINE_integer if kind is int else flags.DEFINE_float
        define(name, None, f"{text} Unset: as the difficulty says.")
    flags.mark_flag_as_required("out")


if __name__ == "__main__":
    program.start(define_flags, main)
