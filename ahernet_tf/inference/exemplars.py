"""A few moments of every class, as the trained network sees them, kept beside it.

They stand for the classes when others join them later, so that no training data are
needed then.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ahernet_tf import files
from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import AherNet, systems
from ahernet_tf.training.work_directory import EXEMPLARS

PER_CLASS = 20
_BATCH = 16


class Exemplars(NamedTuple):
    """Moments as the trained network sees them.

    Attributes:
        pooled: `[exemplars, channels of all levels]`, maps averaged over time, the
            levels side by side, float32.
        labels: `[exemplars]`, the class of each.
    """

    pooled: np.ndarray
    labels: np.ndarray

    def of_classes(self, classes: Sequence[str]) -> Exemplars:
        """Returns those of some classes."""
        chosen = np.isin(self.labels, list(classes))
        return Exemplars(self.pooled[chosen], self.labels[chosen])

    def thinned(self) -> Exemplars:
        """Returns `PER_CLASS` of every class at most, evenly out of all."""
        rows = [
            row
            for name in dict.fromkeys(self.labels.tolist())
            for row in evenly(np.flatnonzero(self.labels == name), PER_CLASS)
        ]
        return Exemplars(self.pooled[rows], self.labels[rows])

    def plus(self, other: Exemplars) -> Exemplars:
        """Returns those of both."""
        return Exemplars(*(np.concatenate(parts) for parts in zip(self, other)))


def evenly(items: Sequence, count: int) -> list:
    """Returns `count` of the items at most, evenly out of all."""
    if len(items) <= count:
        return list(items)
    places = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[place] for place in places]


def pooled_maps(model: AherNet, sequences: Iterable[np.ndarray]) -> np.ndarray:
    """Computes what segment classifiers classify: maps averaged over time.

    Args:
        model: A trained network.
        sequences: `[moment_steps, channels]` each.

    Returns:
        `[sequences, channels of all levels]`, float32.
    """

    @tf.function(autograph=False, reduce_retracing=True)
    def pool(batch: tf.Tensor) -> tf.Tensor:
        maps = model.backbone(model.standardization(batch))
        means = [tf.reduce_mean(tf.cast(m, tf.float32), axis=1) for m in maps]
        return tf.concat(means, axis=1)

    remaining = iter(sequences)
    found = [np.zeros((0, sum(model.network.level_channels)), np.float32)]
    while batch := list(itertools.islice(remaining, _BATCH)):
        found.append(pool(tf.constant(np.stack(batch))).numpy())
    return np.concatenate(found)


def told_as(model: AherNet, exemplars: Exemplars, classes: Sequence[str]) -> np.ndarray:
    """Returns the class that segment classifiers tell each exemplar as.

    Args:
        model: The network.
        exemplars: As it sees them.
        classes: Its target classes.
    """
    kernels, biases = model.target_classifier.weights_by_level()
    ends = np.cumsum([len(kernel) for kernel in kernels])[:-1]
    levels = zip(np.split(exemplars.pooled, ends, axis=1), kernels, biases)
    logits = [tf.matmul(pooled, kernel) + bias for pooled, kernel, bias in levels]
    likelihood = tf.add_n([tf.nn.log_softmax(own) for own in logits])
    return np.array(classes)[likelihood.numpy().argmax(axis=1)]


def keep_exemplars(
    directory: str | pathlib.Path, model: AherNet, dataset: Dataset, config: Config
) -> None:
    """Keeps exemplars of the target classes in a model directory.

    Systems that take no further classes keep none.

    Args:
        directory: The model directory.
        model: Its network, trained.
        dataset: What it was trained on.
        config: The run's configuration.
    """
    system = systems.system(config.training.system)
    if not system.takes_classes:
        return
    role = dataset.role("oracle" if system.oracle else "moments")
    spans = role.instance_spans(max(1, config.data.minimum_moment_clips))
    of_class: dict[str, list[ClipSpan]] = {name: [] for name in dataset.target_classes}
    for span in spans:
        of_class[span.label].append(span)
    chosen = [span for own in of_class.values() for span in evenly(own, PER_CLASS)]
    steps = config.network.moment_steps
    sequences = checks.in_parallel(
        lambda span: role.sequences.sequence(span, steps), chosen, "exemplars"
    )
    labels = np.array([span.label for span in chosen])
    write_exemplars(directory, Exemplars(pooled_maps(model, sequences), labels))


def write_exemplars(directory: str | pathlib.Path, exemplars: Exemplars) -> None:
    """Writes exemplars into a model directory."""
    with (
        files.whole_file(pathlib.Path(directory) / EXEMPLARS) as temporary,
        temporary.open("wb") as stream,
    ):
        np.savez_compressed(stream, **exemplars._asdict())


def read_exemplars(directory: str | pathlib.Path) -> Exemplars | None:
    """Reads the exemplars of a model directory; None where there are none.

    Raises:
        ValueError: The file is damaged.
    """
    path = pathlib.Path(directory) / EXEMPLARS
    if not path.exists():
        return None
    with files.naming(path), np.load(path) as content:
        return Exemplars(content["pooled"], content["labels"])
