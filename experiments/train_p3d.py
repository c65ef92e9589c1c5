"""Trains or fine-tunes a P3D network on trimmed clips, a folder per class.

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
import math
import os
import pathlib
import shlex
import sys
from typing import TYPE_CHECKING

from absl import flags

from ahernet_tf import command, program
from ahernet_tf.files import write_json

if TYPE_CHECKING:
    import tensorflow as tf

    from ahernet_tf.forecast import Forecast
    from ahernet_tf.p3d import P3D, ClipFormat

POLICIES = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class P3DTrainingConfig:
    """Everything that changes the result.

    Attributes:
        weights: Weight file to begin with, or None for random weights; it then decides
            fusion, depths, width and size.
        fusion: Flavour of a network of random weights.
        depths: Blocks of its four stages.
        width: Multiple of the published number of channels.
        size: Rows and columns of the crop; frames are resized in proportion.
        fps: Bring every clip to this rate; None keeps each clip's own.
        validation_share: Share of each class held out where there is no own folder.
        epochs: Passes over the training clips.
        batch_size: Clips of a step.
        optimizer: "sgd" (Nesterov momentum 0.9) or "adam".
        learning_rate: Of the first step; it falls to 0 along a cosine.
        weight_decay: Decoupled, on everything that is trained.
        dropout: Before the classifier.
        flip: Mirror half of the clips; not for classes that are mirror images.
        freeze_batch_norm: Keep the statistics of the weights; for small batches.
        policy: Keras dtype policy.
        seed: Of weights, split, order and augmentation.
    """

    weights: str | None = None
    fusion: str = "caffe"
    depths: tuple[int, ...] = (3, 8, 36, 3)
    width: float = 1.0
    size: int = 160
    fps: float | None = None
    validation_share: float = 0.2
    epochs: int = 20
    batch_size: int = 8
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    weight_decay: float = 1e-4
    dropout: float = 0.5
    flip: bool = True
    freeze_batch_norm: bool = False
    policy: str = "float32"
    seed: int = 0


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

    from ahernet_tf.p3d import ClipFormat, read_p3d_metadata
    from ahernet_tf.p3d.moments import find_moments, moment_batches, split_moments

    clip_format = ClipFormat.for_crop(config.size)
    if config.weights is not None:
        clip_format = read_p3d_metadata(config.weights).clip_format
    names, moments, broken = find_moments(data, clip_format, config.fps)
    if validation is None:
        training, held_out = split_moments(
            moments, config.validation_share, config.seed
        )
    else:
        training = moments
        _, held_out, more = find_moments(validation, clip_format, config.fps, names)
        broken |= more
    for path, why in broken.items():
        print(f"{path} is broken and left out: {why}", file=sys.stderr)
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
    optimizer = _make_optimizer(config, steps)
    optimizer.build(model.trainable_variables)
    ranks = {"top1": 1, "top5": min(5, len(names))}
    model.compile(
        optimizer=optimizer,
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            tf.keras.metrics.SparseTopKCategoricalAccuracy(k, name=name)
            for name, k in ranks.items()
        ],
    )
    progress = Progress(workdir, network, optimizer, clip_format, names)
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
    from ahernet_tf.p3d import ClipFormat, read_p3d_metadata
    from ahernet_tf.p3d.forecasts import forecast_training
    from ahernet_tf.p3d.moments import find_moments

    clip_format = ClipFormat.for_crop(config.size)
    if config.weights is not None:
        clip_format = read_p3d_metadata(config.weights).clip_format
    names, moments, _ = find_moments(data, clip_format, config.fps)
    network = build_network(config, len(names), clip_format)
    slots = 2 if config.optimizer == "adam" else 1
    return forecast_training(
        network, clip_format, len(moments), config.epochs, slots, workdir
    )


def build_network(
    config: P3DTrainingConfig, classes: int, clip_format: ClipFormat
) -> P3D:
    """Returns the network to train, with random or with given weights."""
    from ahernet_tf.p3d import P3D, freeze_batch_norm, load_p3d

    arguments = {"dropout": config.dropout, "dtype": config.policy}
    if config.weights is not None:
        network = load_p3d(config.weights, classes=classes, **arguments)
    else:
        network = P3D(
            config.depths,
            config.fusion,
            classes,
            base_channels=max(1, round(64 * config.width)),
            **arguments,
        )
        size = clip_format.crop_size
        network.build((None, clip_format.clip_frames, size, size, 3))
    return freeze_batch_norm(network) if config.freeze_batch_norm else network


def build_model(network: P3D, clip_format: ClipFormat) -> tf.keras.Model:
    """Returns the model of uint8 RGB clips to logits that Keras fits."""
    import tensorflow as tf

    from ahernet_tf.p3d import ClipNormalization

    size = clip_format.crop_size
    clips = tf.keras.Input((clip_format.clip_frames, size, size, 3), dtype="uint8")
    normalized = ClipNormalization(network.fusion, dtype=network.dtype_policy)(clips)
    return tf.keras.Model(clips, network(normalized)["logits"])


def _make_optimizer(config: P3DTrainingConfig, steps: int):
    import tensorflow as tf

    schedule = tf.keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.epochs * steps
    )
    decay = {"weight_decay": config.weight_decay or None}
    if config.optimizer == "adam":
        return tf.keras.optimizers.Adam(schedule, **decay)
    if config.optimizer == "sgd":
        return tf.keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, **decay)
    raise ValueError(f'Expected optimizer "sgd" or "adam", got {config.optimizer!r}.')


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


def _tf_variables(variables):
    """Returns the TensorFlow variables behind Keras's."""
    import tensorflow as tf

    return [v if isinstance(v, tf.Variable) else v.value for v in variables]


class Progress:
    """After each epoch writes weights, metrics and the checkpoint to go on from.

    Args:
        workdir: The work directory.
        network: What is trained.
        optimizer: A built optimizer.
        clip_format: Goes into the weight files.
        class_names: Go there, too.

    Attributes:
        history: Metrics of every epoch so far.
    """

    def __init__(self, workdir, network, optimizer, clip_format, class_names):
        import tensorflow as tf

        from ahernet_tf.p3d import named_variables

        self.history: list[dict] = []
        self._workdir, self._network = workdir, network
        self._clip_format, self._class_names = clip_format, class_names
        self._epochs = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                weights=_tf_variables(named_variables(network).values()),
                optimizer=_tf_variables(optimizer.variables),
                epochs=self._epochs,
            ),
            str(workdir / "checkpoint"),
            max_to_keep=2,
        )

    def restore(self) -> int:
        """Restores the last checkpoint; returns the number of complete epochs."""
        path = self._manager.latest_checkpoint
        if path is not None:
            self._manager.checkpoint.restore(path).assert_consumed()
            log = self._workdir / "metrics.json"
            epochs = int(self._epochs.numpy())
            self.history = json.loads(log.read_text(encoding="utf-8"))[:epochs]
            program.note(f"Going on after epoch {epochs} of {path}.")
        return int(self._epochs.numpy())

    def on_epoch_end(self, epoch, logs):
        """Writes everything; the checkpoint, last, makes the epoch complete."""
        from ahernet_tf.p3d import save_p3d

        entry = {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}}
        best = max((e["val_top1"] for e in self.history), default=-math.inf)
        self.history.append(entry)
        write_json(self._workdir / "metrics.json", self.history)
        source = f"experiments.train_p3d, epoch {epoch + 1}"
        details = (self._clip_format, self._class_names, source)
        save_p3d(self._network, self._workdir / "weights.npz", *details)
        if entry["val_top1"] > best:
            save_p3d(self._network, self._workdir / "best.npz", *details)
        self._epochs.assign(epoch + 1)
        self._manager.save()
        program.note(", ".join(f"{name} {value:.4g}" for name, value in entry.items()))


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
    print(f"Next: {extract} {weights} --videos DIR --out features")


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
