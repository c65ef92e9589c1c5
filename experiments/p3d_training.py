"""What trains a P3D network: configuration, network, optimizer, and what is kept."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING

from ahernet_tf import program
from ahernet_tf.files import write_json

if TYPE_CHECKING:
    import tensorflow as tf

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


def clip_format_of(config: P3DTrainingConfig) -> ClipFormat:
    """Returns the clips of the given weights, or of a crop of the given size."""
    from ahernet_tf.p3d import ClipFormat, read_p3d_metadata

    if config.weights is not None:
        return read_p3d_metadata(config.weights).clip_format
    return ClipFormat.for_crop(config.size)


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


def compile_model(
    model: tf.keras.Model, config: P3DTrainingConfig, classes: int, steps: int
) -> None:
    """Gives a model its optimizer, loss and metrics.

    Args:
        model: Of `build_model`.
        config: What to train, and how.
        classes: Their number.
        steps: Of an epoch.
    """
    import tensorflow as tf

    optimizer = _make_optimizer(config, steps)
    optimizer.build(model.trainable_variables)
    ranks = {"top1": 1, "top5": min(5, classes)}
    model.compile(
        optimizer=optimizer,
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            tf.keras.metrics.SparseTopKCategoricalAccuracy(k, name=name)
            for name, k in ranks.items()
        ],
    )


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
