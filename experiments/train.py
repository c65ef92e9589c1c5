"""Trains AherNet on a data set, then localises and scores its test videos.

    python -m experiments.train --data DIR --workdir W --seed 0

DIR holds a dataset.json. What depends on the data is chosen by looking at the training
videos, and printed with its reason, a line per option (--preset auto, the default). W
gets the configuration (config.json, auto.json, run.json), the losses (losses.jsonl,
tensorboard/), checkpoints, and at the end predictions.json, metrics.json and
report.html, a page to look at. Ctrl-C saves and stops; the same command continues.
Options of the configuration are changed with --set, such as --set loss.adv_mask=joint.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shlex
import sys
from typing import TYPE_CHECKING

from absl import flags

from ahernet_tf import command, files, program, settings
from ahernet_tf import config as configuration
from ahernet_tf.models import systems

if TYPE_CHECKING:
    from ahernet_tf.auto.configuration import Automatic
    from ahernet_tf.config import Config

    from .training_run import TrainingRun

VALIDATION_FRACTION = 0.15


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("data", None, "Data set directory.", required=True)
    flags.DEFINE_string(
        "workdir", None, "Where everything is written; resumed from.", required=True
    )
    _define_configuration()
    flags.DEFINE_integer("seed", 0, "Seed of initialisation, data order, placement.")
    flags.DEFINE_string(
        "init",
        None,
        "Start from the weights of a trained network, a work directory or a checkpoint "
        "of one: what fits is taken, classes by their names; the rest is named. The "
        "sizes of the network are then those of that one unless --set says otherwise.",
    )
    _define_training()
    flags.DEFINE_integer(
        "eval_every",
        0,
        "Iterations between evaluations on a validation part of the training videos; "
        f"holds out {VALIDATION_FRACTION} of them unless data.validation_fraction is "
        "set. 0: none.",
        0,
    )
    flags.DEFINE_bool("skip_bad", False, "Go on without videos that have faults.")
    flags.DEFINE_enum(
        "check_features",
        "all",
        ["all", "shape"],
        "Read all features before training to find NaN and infinite values, or look "
        "at their shapes only.",
    )
    flags.DEFINE_float(
        "checkpoint_every_sec", 300.0, "Seconds between checkpoints.", 0.0
    )
    flags.DEFINE_bool(
        "deterministic",
        True,
        "Only deterministic operations: bit for bit resumable. Not with --jit_compile.",
    )
    flags.DEFINE_bool("progress", True, "Show progress bars.")
    program.define_dry_run()
    flags.DEFINE_enum(
        "strategy",
        "none",
        ["none", "mirrored", "multi_worker"],
        "Share every batch among several devices: mirrored, all GPUs of this machine; "
        "multi_worker, the machines that TF_CONFIG lists (docs/DISTRIBUTED.md).",
    )


def _define_configuration() -> None:
    """Defines the flags that say what a run starts from, and what is changed of it."""
    flags.DEFINE_string(
        "preset",
        None,
        f"Configuration to start from: {configuration.AUTO}, which looks at the data, "
        f"{', '.join(configuration.PRESETS)}, or a config.json. By default paper with "
        "--setting, else auto; a run that goes on keeps the one it has.",
    )
    flags.DEFINE_float(
        "budget_minutes",
        configuration.BUDGET_MINUTES,
        "What a run may take on this machine, for the preset auto.",
        0.01,
    )
    flags.DEFINE_enum(
        "setting",
        None,
        sorted(settings.SETTINGS),
        "Setting of the paper whose options are set first (docs/SETTINGS.md).",
    )
    flags.DEFINE_enum(
        "system",
        None,
        systems.NAMES,
        "What to train; by default the configuration's, AherNet. AherNet/1-relu is "
        "AherNet with a weight transfer of one layer and a ReLU.",
    )
    flags.DEFINE_multi_string(
        "set", [], "Option of the configuration, part.option=value. Repeatable."
    )


def _define_training() -> None:
    """Defines the flags that are short for options of the training."""
    flags.DEFINE_integer("iterations", None, "Short for training.iterations.")
    flags.DEFINE_integer(
        "pretrain_iterations", None, "Short for training.pretrain_iterations."
    )
    flags.DEFINE_string("optimizer", None, "Short for training.optimizer.")
    flags.DEFINE_enum(
        "schedule",
        None,
        ["alternating", "fused"],
        "Short for training.schedule: the steps of an iteration one after the other, "
        "or all from one forward pass per stream.",
    )
    flags.DEFINE_enum(
        "precision",
        None,
        ["float32", "tf32", "bfloat16"],
        "Short for training.precision.",
    )
    flags.DEFINE_bool(
        "jit_compile", None, "Short for training.jit_compile: compile with XLA."
    )


def start_from(
    values: flags.FlagValues, overrides: list[str]
) -> tuple[Config, Automatic | None]:
    """Returns the configuration to start from, and how `auto` came to it."""
    default = settings.PRESETS[0] if values.setting else configuration.AUTO
    preset = values.preset or default
    stored = pathlib.Path(values.workdir) / "config.json"
    if preset == configuration.AUTO and stored.exists():
        preset = str(stored)
    if preset != configuration.AUTO:
        config = configuration.with_overrides(configuration.preset(preset), overrides)
        return config, None
    if values.strategy == "multi_worker":
        raise ValueError(
            "--strategy=multi_worker needs a --preset that is the same everywhere, "
            "such as a config.json: auto measures the machine it runs on."
        )
    from ahernet_tf.auto.configuration import configure_for

    automatic = configure_for(
        values.data, values.budget_minutes, overrides, values.skip_bad
    )
    return automatic.config, automatic


def run_from_flags(values: flags.FlagValues) -> TrainingRun:
    """Builds the run that the flags describe."""
    from .training_run import TrainingRun

    files.check_directory(values.workdir)
    overrides = list(values.set)
    for name in (
        "iterations",
        "pretrain_iterations",
        "optimizer",
        "schedule",
        "precision",
        "jit_compile",
    ):
        value = getattr(values, name)
        if value is not None:
            overrides.append(f"training.{name}={value}")
    if values.setting:
        overrides = settings.setting(values.setting).assignments() + overrides
    if values.init:
        overrides = sizes_of(values.init) + overrides
    config, automatic = start_from(values, overrides)
    config = systems.configure(config, values.system or config.training.system)
    if values.eval_every and not config.data.validation_fraction:
        data = dataclasses.replace(config.data, validation_fraction=VALIDATION_FRACTION)
        config = dataclasses.replace(config, data=data)
    return TrainingRun(
        data=pathlib.Path(values.data),
        workdir=pathlib.Path(values.workdir),
        config=config,
        automatic=automatic,
        seed=values.seed,
        eval_every=values.eval_every,
        skip_bad=values.skip_bad,
        check_features=values.check_features,
        checkpoint_every_sec=values.checkpoint_every_sec,
        # XLA's max-pooling has no deterministic form.
        deterministic=values.deterministic and not config.training.jit_compile,
        progress=values.progress,
        strategy=values.strategy,
        init=pathlib.Path(values.init) if values.init else None,
    )


def sizes_of(init: str) -> list[str]:
    """Returns the sizes of a trained network as assignments.

    Raises:
        ValueError: There is no trained network.
    """
    from ahernet_tf.inference.trained_network import find_model
    from ahernet_tf.models.checkpoint import load_description

    _, config = load_description(find_model(pathlib.Path(init))[0])
    return [
        f"network.{name}={','.join(map(str, v)) if isinstance(v, tuple) else v}"
        for name, v in vars(config.network).items()
    ]


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    from ahernet_tf.training import work_directory
    from ahernet_tf.training.distribution import WorkerLostError
    from ahernet_tf.training.iterations import NonFiniteLossError

    from .training_run import train

    run = run_from_flags(values)
    if values.dry_run:
        from .training_forecast import forecast_of

        print("\n".join(forecast_of(run).lines()))
        return 0
    try:
        metrics = train(run)
    except (NonFiniteLossError, WorkerLostError) as error:
        sys.exit(f"error: {error}")
    if metrics is None:
        return 0
    for name, part in (("target", metrics), ("source", metrics.get("source", {}))):
        if "average_map" in part:
            print(
                f"{name} classes: average mAP {100 * part['average_map']:.2f}%, "
                f"mAP@0.5 {100 * part['map_at_tiou']['0.50']:.2f}%, "
                f"AUC {part['auc']:.2f}% ({part['videos']} videos)"
            )
    print(f"Everything is in {run.workdir}.")
    page = run.workdir / work_directory.PAGE
    if page.exists():
        print(f"{page}: open it in a browser.")
    predict = command.start_of("experiments.predict")
    arguments = shlex.join(["--checkpoint", str(run.workdir)])
    arguments += " --features DIR --out results.json"
    if rate := work_directory.rate(run.workdir):
        arguments += f" --fps {rate:.10g}"
    program.note(f"Next: {predict} {arguments}")
    return 0


if __name__ == "__main__":
    program.start(define_flags, main)
