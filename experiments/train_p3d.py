r"""Trains or fine-tunes a P3D network on trimmed clips, a folder per class.

    python -m experiments.train_p3d --data clips --workdir runs/p3d \
        --weights p3d_rgb_199.npz --epochs 20

    python -m experiments.train_p3d --data clips --workdir runs/small \
        --depths 1,1,1,1 --width 0.25 --size 64 --optimizer adam --learning_rate 0.001

`--data` holds a folder per class with video files in it. The work directory gets
`weights.npz`, which `load_p3d` and `data_tools.extract_features` read, `best.npz` (the
epoch of the best validation top-1), `metrics.json`, `config.json` and a checkpoint; the
same command goes on after the last complete epoch.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shlex
from typing import TYPE_CHECKING

from absl import flags

from ahernet_tf import command, program
from ahernet_tf.files import write_json

from .p3d_training import (
    POLICIES,
    P3DTrainingConfig,
    Progress,
    build_model,
    build_network,
    clip_format_of,
    compile_model,
)

if TYPE_CHECKING:
    from ahernet_tf.forecast import Forecast


def run(
    config: P3DTrainingConfig,
    data: str,
    workdir: str,
    validation: str | None = None,
) -> dict:
    """Trains a network, or goes on with it.

    Args:
        config: What to train, and how.
        data: Folder per class of video files.
        workdir: Where everything is written.
        validation: The same for validation; None holds some of `data` out.

    Returns:
        The last epoch's metrics: loss, top1, top5, and the same with "val_".

    Raises:
        ValueError: Unusable data, or a work directory of another configuration.
    """
    import tensorflow as tf

    from ahernet_tf.p3d.moments import find_moments, moment_batches, split_moments

    clip_format = clip_format_of(config)
    names, training, broken = find_moments(data, clip_format, config.fps)
    if validation is None:
        training, held_out = split_moments(
            training, config.validation_share, config.seed
        )
    else:
        _, held_out, more = find_moments(validation, clip_format, config.fps, names)
        broken |= more
    for path, why in broken.items():
        program.warn(f"{path} is broken and left out: {why}")
    steps = len(training) // config.batch_size
    if not steps or not held_out:
        raise ValueError(
            f"{data}: {len(training)} clips to train and {len(held_out)} to validate "
            f"are too few for batches of {config.batch_size}."
        )
    workdir = pathlib.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    _check_config(workdir / "config.json", config, data, validation, names)
    program.note(
        f"{len(names)} classes, {len(training)} clips to train, {len(held_out)} to "
        f"validate, {len(broken)} broken. Everything goes to {workdir}."
    )

    tf.keras.utils.set_random_seed(config.seed)
    network = build_network(config, len(names), clip_format)
    model = build_model(network, clip_format)
    compile_model(model, config, len(names), steps)
    progress = Progress(workdir, network, model.optimizer, clip_format, names)
    first = progress.restore()
    if first < config.epochs:
        arguments = (clip_format, config.batch_size, config.fps)
        model.fit(
            moment_batches(training, *arguments, config.seed, first, config.flip),
            steps_per_epoch=steps,
            epochs=config.epochs,
            initial_epoch=first,
            validation_data=moment_batches(held_out, *arguments),
            callbacks=[
                tf.keras.callbacks.LambdaCallback(on_epoch_end=progress.on_epoch_end)
            ],
            verbose=0,
            shuffle=False,  # moment_batches does it
        )
    return progress.history[-1]


def forecast_of(config: P3DTrainingConfig, data: str, workdir: str) -> Forecast:
    """Says what training would do.

    Raises:
        ValueError: The clips or the weights are not usable.
    """
    from ahernet_tf.p3d.forecasts import forecast_training
    from ahernet_tf.p3d.moments import find_moments

    clip_format = clip_format_of(config)
    names, moments, _ = find_moments(data, clip_format, config.fps)
    network = build_network(config, len(names), clip_format)
    slots = 2 if config.optimizer == "adam" else 1
    return forecast_training(
        network, clip_format, len(moments), config.epochs, slots, workdir
    )


def _check_config(path: pathlib.Path, config, data, validation, names) -> None:
    """Writes the configuration, or compares it with the one that is there."""
    content = {
        **dataclasses.asdict(config),
        "depths": list(config.depths),
        "data": os.path.abspath(data),
        "validation": validation and os.path.abspath(validation),
        "classes": list(names),
    }
    if not path.exists():
        write_json(path, content)
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    for key, value in content.items():
        if found.get(key) != value:
            raise ValueError(
                f"{path}: {key} is {found.get(key)!r}, this run has {value!r}. Choose "
                "another work directory or the same settings."
            )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    fields = {f.name for f in dataclasses.fields(P3DTrainingConfig)} - {"depths"}
    config = P3DTrainingConfig(
        depths=tuple(int(depth) for depth in values.depths),
        **{name: values[name].value for name in fields},
    )
    if values.dry_run:
        print("\n".join(forecast_of(config, values.data, values.workdir).lines()))
        return
    metrics = run(config, values.data, values.workdir, values.validation)
    print(", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
    extract = command.start_of("data_tools.extract_features")
    weights = shlex.join(["--weights", f"{values.workdir}/weights.npz"])
    program.note(f"Next: {extract} {weights} --videos DIR --out features")


def define_flags() -> None:
    """Defines the program's flags."""
    default = P3DTrainingConfig()
    flags.DEFINE_string("data", None, "Folder with a folder per class of video files.")
    flags.DEFINE_string(
        "validation", None, "The same for validation (default: some of --data)."
    )
    flags.DEFINE_string("workdir", None, "Where everything is written.")
    program.define_dry_run()
    flags.DEFINE_string(
        "weights", None, "Weights to begin with (default: random ones)."
    )
    flags.DEFINE_enum(
        "fusion", default.fusion, ["caffe", "torch"], "Flavour of a new network."
    )
    flags.DEFINE_list("depths", "3,8,36,3", "Blocks of the stages of a new network.")
    flags.DEFINE_float("width", default.width, "Multiple of the published channels.")
    flags.DEFINE_integer("size", default.size, "Rows and columns of the crop.")
    flags.DEFINE_float("fps", None, "Bring every clip to this rate first.")
    flags.DEFINE_float(
        "validation_share", default.validation_share, "Share of each class held out."
    )
    flags.DEFINE_integer("epochs", default.epochs, "Passes over the clips.")
    flags.DEFINE_integer("batch_size", default.batch_size, "Clips of a step.")
    flags.DEFINE_enum("optimizer", default.optimizer, ["sgd", "adam"], "Optimizer.")
    flags.DEFINE_float(
        "learning_rate", default.learning_rate, "At first; falls along a cosine."
    )
    flags.DEFINE_float("weight_decay", default.weight_decay, "Decoupled weight decay.")
    flags.DEFINE_float("dropout", default.dropout, "Dropout before the classifier.")
    flags.DEFINE_bool(
        "flip",
        True,
        "Mirror half of the clips; not for mirror-image classes.",
    )
    flags.DEFINE_bool(
        "freeze_batch_norm", False, "Keep the given weights' statistics, scale, shift."
    )
    flags.DEFINE_enum("policy", default.policy, POLICIES, "Arithmetic of the network.")
    flags.DEFINE_integer("seed", default.seed, "Of weights, split, order, crops.")
    flags.mark_flags_as_required(["data", "workdir"])


if __name__ == "__main__":
    program.start(define_flags, main, needs=["av"])
