"""A trained network on disk: its description and its weights.

A model directory holds `model.json` (sizes and class names), `config.json` (the run's
configuration) and `checkpoints/`. Weights are saved as an explicit list in the order
of the layers, which reads the same under either generation of Keras.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.config import Config
from ahernet_tf.models import checkpoint_files
from ahernet_tf.models.ahernet import AherNet

DESCRIPTION = "model.json"
CONFIG = "config.json"
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
    values = files.read_json(path)
    try:
        description = Description(
            values["feature_channels"],
            tuple(values["source_classes"]),
            tuple(values["target_classes"]),
            values.get("extraction"),
            tuple(values.get("added_classes", ())),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a model description ({error!r}).") from error
    return description, configuration.load(directory / CONFIG)


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
    return checkpoint_files.write_checkpoint(
        tf.train.Checkpoint(**variables), directory, 0
    )


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
        checkpoint_files.check_checkpoint(checkpoint)
    path = checkpoint or checkpoint_files.latest_checkpoint(directory)
    if path is None:
        raise ValueError(f"{directory}: no checkpoint yet.")
    model = description.build(config)
    variables = {_localizing(config): ordered_variables(model)}
    checkpoint_files.restore(tf.train.Checkpoint(**variables), path)
    return model, description, config
