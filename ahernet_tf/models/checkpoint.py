"""A trained network on disk: its description and its weights.

A model directory holds `model.json` (sizes and class names), `config.json` (the run's
configuration) and `checkpoints/`. Weights are saved as an explicit list in the order
of the layers, which reads the same under either generation of Keras.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import pathlib
import re
import shutil
import zlib
from typing import Any

import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.config import Config
from ahernet_tf.models.ahernet import AherNet

DESCRIPTION = "model.json"
CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
CHECKSUMS = ".checksums.json"  # beside the files of each checkpoint
_LOG = logging.getLogger(__name__)
#: Keras' name of each precision: variables are float32 in any.
POLICIES = {"float32": "float32", "tf32": "float32", "bfloat16": "mixed_bfloat16"}


def compute_products_in(precision: str) -> None:
    """Lets the GPUs of this process round the factors of float32 products, or not.

    Left alone, TensorFlow lets them: to TF32, which has 10 bits after the point in
    place of 23.

    Args:
        precision: As `training.precision`; only "tf32" lets them.
    """
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")


@dataclasses.dataclass(frozen=True)
class Description:
    """What a network was built for.

    Attributes:
        feature_channels: Channels of the clip features.
        source_classes: Names of the classes with temporal annotations.
        target_classes: Names of the classes with moments only.
        extraction: How the features it was trained on were made, as
            `data.dataset.Dataset.extraction` gives it; None where nothing is known.
        added_classes: Those of the target classes that it was taught when it was
            trained already.
    """

    feature_channels: int
    source_classes: tuple[str, ...]
    target_classes: tuple[str, ...]
    extraction: dict[str, Any] | None = None
    added_classes: tuple[str, ...] = ()

    @property
    def old_classes(self) -> tuple[str, ...]:
        """The target classes that it was trained with."""
        added = set(self.added_classes)
        return tuple(name for name in self.target_classes if name not in added)

    def build(self, config: Config) -> AherNet:
        """Builds the network, with fresh weights."""
        model = AherNet(
            self.feature_channels,
            len(self.source_classes),
            len(self.target_classes),
            config.network,
            config.synthesis,
            dtype=POLICIES[config.training.precision],
        )
        model.build((None, config.network.untrimmed_steps, self.feature_channels))
        return model


def ordered_variables(model: AherNet) -> list[tf.Variable]:
    """Returns all weights of a built network, layer by layer."""
    variables: list[Any] = []
    for layer in (
        model.standardization,
        model.backbone,
        model.head,
        model.source_classifier,
        model.target_classifier,
        model.weight_transfer,
        model.synthetic_moments,
        model.discriminator,
    ):
        variables += [*layer.trainable_variables, *layer.non_trainable_variables]
    return [v if isinstance(v, tf.Variable) else v.value for v in variables]


def save_description(
    directory: str | pathlib.Path, description: Description, config: Config
) -> None:
    """Writes `model.json` and `config.json` into a directory, which is made."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    files.write_json(directory / DESCRIPTION, dataclasses.asdict(description))
    configuration.save(config, directory / CONFIG)


def load_description(directory: str | pathlib.Path) -> tuple[Description, Config]:
    """Reads what `save_description` wrote.

    Raises:
        ValueError: A file is absent or unreadable.
    """
    directory = pathlib.Path(directory)
    path = directory / DESCRIPTION
    if not path.exists():
        raise ValueError(f"{path}: no such file; '{directory}' holds no trained model.")
    try:
        values = files.read_json(path)
        description = Description(
            values["feature_channels"],
            tuple(values["source_classes"]),
            tuple(values["target_classes"]),
            values.get("extraction"),
            tuple(values.get("added_classes", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a model description ({error!r}).") from error
    return description, configuration.load(directory / CONFIG)


def checkpoint_paths(directory: str | pathlib.Path) -> list[pathlib.Path]:
    """Returns the checkpoints of a model directory, the newest first.

    They are found by their own files; a path is what all files of one begin with.
    """
    folder = pathlib.Path(directory) / CHECKPOINTS
    numbers = {
        int(found[1]): folder / path.stem
        for path in folder.glob("ckpt-*.index")
        if (found := re.fullmatch(r"ckpt-(\d+)", path.stem))
    }
    return [numbers[number] for number in sorted(numbers, reverse=True)]


def latest_checkpoint(directory: str | pathlib.Path) -> str | None:
    """Returns the newest sound checkpoint of a model directory; None: there is none.

    A damaged one is named in the log, and the next older one is taken.

    Raises:
        ValueError: There are checkpoints, and all are damaged.
    """
    damaged = []
    for path in checkpoint_paths(directory):
        try:
            check_checkpoint(path)
        except ValueError as error:
            damaged.append(str(error))
            _LOG.warning("%s", error)
            continue
        return str(path)
    if damaged:
        raise ValueError(f"{directory}: no sound checkpoint: {'; '.join(damaged)}")
    return None


def check_checkpoint(path: str | pathlib.Path) -> None:
    """Compares the files of a checkpoint with the checksums written beside them.

    Raises:
        ValueError: A file is absent or damaged; names it.
    """
    path = pathlib.Path(path)
    recorded = path.with_name(path.name + CHECKSUMS)
    with files.naming(path):
        if recorded.exists():
            expected = files.read_json(recorded)
        else:  # of version 0.1.0; the reader checks each tensor
            expected = dict.fromkeys([f"{path.name}.index"])
            expected[f"{path.name}.data-00000-of-00001"] = None
            tf.train.load_checkpoint(str(path))
        for name, checksum in expected.items():
            file = path.with_name(name)
            if not file.exists():
                raise ValueError(f"the file {name} is missing")
            if checksum is not None and _checksum(file) != checksum:
                raise ValueError(f"the file {name} is damaged")


def write_checkpoint(
    checkpoint: tf.train.Checkpoint,
    directory: str | pathlib.Path,
    number: int,
    keep: int = 1,
) -> str:
    """Writes a checkpoint into a model directory, then removes older ones.

    It counts from when its checksums are written, which is when it is on the disk.

    Args:
        checkpoint: What it holds.
        directory: Of the model.
        number: Of the checkpoint; larger ones are newer.
        keep: How many checkpoints remain, this one included.

    Returns:
        Its path.

    Raises:
        OSError: The file system is full, or refuses it otherwise.
    """
    folder = pathlib.Path(directory) / CHECKPOINTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"ckpt-{number}"
    path.with_name(path.name + CHECKSUMS).unlink(missing_ok=True)
    try:
        checkpoint.write(str(path))
    except tf.errors.OpError as error:
        reason = files.shortened(error.message)
        raise OSError(f"{path}: cannot be written: {reason}") from error
    finally:
        for unfinished in folder.glob("ckpt-*_temp"):
            shutil.rmtree(unfinished, ignore_errors=True)
    checksums = {}
    for file in _files_of(path):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
        checksums[file.name] = _checksum(file)
    files.write_json(path.with_name(path.name + CHECKSUMS), checksums)
    newer = [p for p in checkpoint_paths(directory) if p != path][: keep - 1]
    for old in checkpoint_paths(directory):
        if old != path and old not in newer:
            for file in [*_files_of(old), old.with_name(old.name + CHECKSUMS)]:
                file.unlink(missing_ok=True)
    return str(path)


def _files_of(path: pathlib.Path) -> list[pathlib.Path]:
    return [
        *path.parent.glob(f"{path.name}.data-*"),
        *path.parent.glob(f"{path.name}.index"),
    ]


def _checksum(file: pathlib.Path) -> int:
    value = 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 22):
            value = zlib.crc32(block, value)
    return value


def save_weights(
    directory: str | pathlib.Path, model: AherNet, config: Config | None = None
) -> str:
    """Writes a checkpoint of the weights alone into a model directory.

    Args:
        directory: The model directory.
        model: The network.
        config: The run's configuration; None: one without an average of the weights.
    """
    variables = {_localizing(config): ordered_variables(model)}
    return write_checkpoint(tf.train.Checkpoint(**variables), directory, 0)


def _localizing(config: Config | None) -> str:
    """Returns what a checkpoint calls the weights that localise."""
    return "average" if config and config.training.ema_decay else "weights"


def load_model(
    directory: str | pathlib.Path, checkpoint: str | None = None
) -> tuple[AherNet, Description, Config]:
    """Builds the network of a model directory and reads its weights.

    Args:
        directory: A work directory of training, or of an imported release.
        checkpoint: Path of one of its checkpoints; by default the newest sound one.

    Returns:
        The network, what it was built for, and its configuration.

    Raises:
        ValueError: There is no sound checkpoint, or it does not fit the configuration.
    """
    description, config = load_description(directory)
    if checkpoint is not None:
        check_checkpoint(checkpoint)
    path = checkpoint or latest_checkpoint(directory)
    if path is None:
        raise ValueError(f"{directory}: no checkpoint yet.")
    model = description.build(config)
    variables = {_localizing(config): ordered_variables(model)}
    restore(tf.train.Checkpoint(**variables), path)
    return model, description, config


def restore(checkpoint: tf.train.Checkpoint, path: str) -> None:
    """Restores a checkpoint; what it holds beyond the given objects is left alone.

    Raises:
        ValueError: A variable is absent or of another shape, or the file is damaged.
    """
    try:
        status = checkpoint.read(path)
        status.assert_existing_objects_matched().expect_partial()
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
        raise ValueError(f"{path}: this checkpoint is damaged: {error}") from error
    except (ValueError, AssertionError, tf.errors.OpError) as error:
        raise ValueError(
            f"{path}: this checkpoint is of another configuration: {error}"
        ) from error
