"""Turns a checkpoint of the 2020 release into a work directory of ours.

    python -m data_tools.import_release --checkpoint model.ckpt-15000 --out W

Reads TensorFlow 1's checkpoint format, old or new, under the release's variable names.
experiments.predict and Localizer.load read W. Optimizer slots and other variables are
left out and counted. Generators and discriminators may be absent (they serve training
only, and then start afresh); everything else must be there.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config

if TYPE_CHECKING:
    from ahernet_tf.models.checkpoint import Description


@dataclasses.dataclass(frozen=True)
class Imported:
    """What an import found: sizes, variables left out, parts that were absent."""

    description: Description
    left_out: tuple[str, ...]
    absent_parts: tuple[str, ...]


def read_checkpoint(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Reads all arrays of a TensorFlow 1 checkpoint.

    Args:
        path: Prefix of the checkpoint's files, or a directory that holds one.

    Raises:
        ValueError: There is no readable checkpoint.
    """
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(path))
        names = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in names}
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(f"{path}: no readable checkpoint: {error}") from error


def class_names(names: list[str] | None, count: int, kind: str) -> tuple[str, ...]:
    """Returns given class names, or `class_000`, `class_001`, ...

    Raises:
        ValueError: The number of names is not that of the checkpoint's classes.
    """
    if names is None:
        return tuple(f"class_{i:03d}" for i in range(count))
    if len(names) != count:
        raise ValueError(
            f"The checkpoint has {count} {kind} classes, the list {len(names)}."
        )
    return tuple(names)


def import_release(
    checkpoint: str | pathlib.Path,
    out: pathlib.Path,
    config: Config,
    source_classes: list[str] | None = None,
    target_classes: list[str] | None = None,
) -> Imported:
    """Imports a checkpoint; nothing is written if it does not fit.

    Args:
        checkpoint: Prefix of the checkpoint's files, or a directory that holds one.
        out: Directory for `config.json`, `model.json` and `checkpoints/`.
        config: What the checkpoint does not tell: thresholds, ranking, and so on.
        source_classes: Names in the order of the release's labels.
        target_classes: Likewise.

    Raises:
        ValueError: The checkpoint is unreadable or lacks a variable, or the directory
            holds a model already.
    """
    from ahernet_tf.models import release_names as release
    from ahernet_tf.models.checkpoint import (
        DESCRIPTION,
        Description,
        save_description,
        save_weights,
    )

    if (out / DESCRIPTION).exists():
        raise ValueError(f"{out} holds a model already.")
    arrays = read_checkpoint(checkpoint)
    try:
        sizes, network = release.network_of(arrays, config.network)
        description = Description(
            int(sizes["feature_channels"]),
            class_names(source_classes, sizes["source_classes"], "source"),
            class_names(target_classes, sizes["target_classes"], "target"),
        )
        config = dataclasses.replace(config, network=network)
        model = description.build(config)
        parts = release.training_parts(release.variables_by_release_name(model))
        absent = [p for p, names in parts.items() if not set(names) & set(arrays)]
        optional = [name for part in absent for name in parts[part]]
        left_out = release.import_arrays(model, arrays, optional)
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from error
    save_weights(out, model)
    save_description(out, description, config)
    return Imported(description, tuple(left_out), tuple(absent))


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "checkpoint", None, "Checkpoint prefix, or a directory.", required=True
    )
    flags.DEFINE_string("out", None, "Directory to write.", required=True)
    flags.DEFINE_string(
        "source_classes", None, "File of names, one a line, of the annotated classes."
    )
    flags.DEFINE_string(
        "target_classes", None, "File of names, one a line, of the moments' classes."
    )
    flags.DEFINE_enum(
        "preset", "release", sorted(configuration.PRESETS), "What the rest follows."
    )
    flags.DEFINE_multi_string(
        "set",
        [],
        "Option to change, such as inference.ranking=anchor. Repeatable.",
    )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    config = configuration.with_overrides(
        configuration.preset(values.preset), values.set
    )
    lists = [
        pathlib.Path(path).read_text().splitlines() if path else None
        for path in (values.source_classes, values.target_classes)
    ]
    imported = import_release(
        values.checkpoint, pathlib.Path(values.out), config, *lists
    )
    description = imported.description
    print(
        f"{len(description.source_classes)} source and "
        f"{len(description.target_classes)} target classes, "
        f"{description.feature_channels} channels. Left out: "
        f"{len(imported.left_out)} variables (optimizer slots and the like)."
    )
    for part in imported.absent_parts:
        print(f"The checkpoint has no {part}: they start afresh.")
    print(f"Wrote {values.out}.")


if __name__ == "__main__":
    program.start(define_flags, main)
