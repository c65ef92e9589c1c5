"""All that a model directory holds of a trained network."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

from ahernet_tf import files
from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.inference.exemplars import (
    Exemplars,
    read_exemplars,
    write_exemplars,
)
from ahernet_tf.inference.refinement import (
    DURATIONS,
    SECOND_LOOK,
    Refinement,
    read_durations,
    read_second_look,
    refinement_of,
    write_second_look,
)
from ahernet_tf.inference.second_look import SecondLook
from ahernet_tf.models import AherNet
from ahernet_tf.models.checkpoint import (
    DESCRIPTION,
    Description,
    load_model,
    save_description,
    save_weights,
)
from ahernet_tf.models.checkpoint_files import BEST, latest_checkpoint


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A trained network with all that is known of its classes.

    Attributes:
        model: The network.
        description: What it was built for.
        config: The run's configuration.
        second_look: Classifier of segments; None where it was not learnt.
        durations: Typical durations by class; None where they are not known.
        exemplars: Of the target classes; None where none were kept.
    """

    model: AherNet
    description: Description
    config: Config
    second_look: SecondLook | None = None
    durations: dict[str, tuple[float, float]] | None = None
    exemplars: Exemplars | None = None

    @classmethod
    def load(cls, directory: str | pathlib.Path) -> TrainedNetwork:
        """Reads a model directory: a work directory of training, or what `save` wrote.

        Raises:
            ValueError: It holds no trained model, or something in it is damaged.
        """
        return cls.around(directory, *load_model(directory))

    @classmethod
    def around(
        cls,
        directory: str | pathlib.Path,
        model: AherNet,
        description: Description,
        config: Config,
        checkpoint: str | None = None,
    ) -> TrainedNetwork:
        """Reads what a model directory holds beside the network.

        Args:
            directory: The model directory.
            model: Its network.
            description: What that was built for.
            config: The run's configuration.
            checkpoint: Where the weights are from; None: the newest checkpoint.
                Exemplars are as the network of the end of training sees them.

        Raises:
            ValueError: Something in it is damaged.
        """
        directory = pathlib.Path(directory)
        look, typical = directory / SECOND_LOOK, directory / DURATIONS
        return cls(
            model,
            description,
            config,
            read_second_look(look) if look.exists() else None,
            read_durations(typical) if typical.exists() else None,
            None if checkpoint else read_exemplars(directory),
        )

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes a model directory, whole or not at all.

        Raises:
            ValueError: It is there already, and not empty.
        """
        with files.new_directory(directory) as made:
            save_description(made, self.description, self.config)
            save_weights(made, self.model, self.config)
            if self.second_look is not None:
                write_second_look(made, self.second_look)
            if self.durations is not None:
                files.write_json(made / DURATIONS, self.durations)
            if self.exemplars is not None:
                write_exemplars(made, self.exemplars)

    def refinement(
        self, inference: InferenceConfig, classes: Sequence[str]
    ) -> Refinement | None:
        """Returns what refines scores of some classes; see `refinement_of`."""
        return refinement_of(self.second_look, self.durations, inference, classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """Target and source classes."""
        own = self.description
        return tuple(dict.fromkeys((*own.target_classes, *own.source_classes)))


def find_model(path: str | pathlib.Path) -> tuple[pathlib.Path, str | None]:
    """Finds a trained network.

    Args:
        path: A work directory of training; one of its checkpoints,
            `W/checkpoints/ckpt-N`; or its best state, `W/best`.

    Returns:
        The work directory, and the checkpoint; None for the newest.

    Raises:
        ValueError: There is none of them, or the best state is damaged.
    """
    path = pathlib.Path(path)
    checkpoint = None
    if not path.is_dir():
        path = path.with_name(path.name.removesuffix(".index"))
        if not path.with_name(f"{path.name}.index").exists():
            raise ValueError(f"{path}: no such work directory or checkpoint.")
        path, checkpoint = path.parent.parent, str(path)
    if path.name != BEST or (path / DESCRIPTION).exists():  # as any may be called
        return path, checkpoint
    best = latest_checkpoint(path)
    return (path.parent, best) if best else (path, checkpoint)
