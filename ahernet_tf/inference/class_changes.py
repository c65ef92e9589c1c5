"""Teaches a trained network further classes; forgets and renames classes.

None of the data that it was trained on are needed. The network itself is frozen: a new
class is a column of the segment classifier at every level, which passes through the
trained weight transfer like any other, a typical duration, and a class of the second
look. Each function gives another trained network and leaves its argument as it is.

Source: Beyond the paper, whose weight transfer does not depend on the class (Eq. 1).
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ahernet_tf import spelling
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import inputs
from ahernet_tf.inference.duration_prior import typical_durations
from ahernet_tf.inference.exemplars import Exemplars, pooled_maps
from ahernet_tf.inference.new_columns import learn_columns
from ahernet_tf.inference.second_look import SecondLook
from ahernet_tf.inference.segment_reader import PLACEMENTS, describe_moment
from ahernet_tf.inference.trained_network import TrainedNetwork
from ahernet_tf.inference.windows import windows
from ahernet_tf.models import AherNet, systems
from ahernet_tf.models.checkpoint import Description

_LEARN = "`ahernet refine` learns it anew from the training data (--data names them)."


class MomentSequence(NamedTuple):
    """A moment that a class is learnt from.

    Attributes:
        sequence: `[moment_steps, channels]`, float32.
        duration_sec: How long it lasts.
    """

    sequence: np.ndarray
    duration_sec: float


def moments_of(
    network: TrainedNetwork,
    features: Mapping[str, Sequence[np.ndarray]],
    time_model: TimeModel,
    fps: float | Sequence[float] | None = None,
    duration_sec: float | Sequence[float] | None = None,
) -> dict[str, list[MomentSequence]]:
    """Makes moments of the features of trimmed clips; see `Localizer.add_classes`."""
    listed = {name: _listed(own, name) for name, own in features.items()}
    count = sum(map(len, listed.values()))
    rates = iter(inputs.of_each(fps, count, "fps"))
    durations = iter(inputs.of_each(duration_sec, count, "duration_sec"))
    options = network.config

    def moment(values: np.ndarray) -> MomentSequence:
        rate, seconds = next(rates), next(durations)
        values = inputs.checked_features(values, network.model.feature_channels)
        time_model.check_fps(rate, len(values))
        (whole,) = windows(len(values), time_model, rate, seconds, None)
        steps = options.network.moment_steps
        sequence = whole.sequence(values, time_model, rate, steps, options.data)
        return MomentSequence(sequence, whole.covered_sec)

    made: dict[str, list[MomentSequence]] = {name: [] for name in listed}
    for name, own in listed.items():
        for number, values in enumerate(own, 1):
            try:
                made[name].append(moment(values))
            except ValueError as error:
                raise ValueError(f"Class {name!r}, moment {number}: {error}") from error
    return made


def _listed(moments: Iterable[np.ndarray], name: str) -> list[np.ndarray]:
    """Returns the moments of a class; one alone is no list of them."""
    several = isinstance(moments, Iterable) and not isinstance(moments, str | Mapping)
    if not several or getattr(moments, "ndim", 3) in (0, 2):
        raise ValueError(
            f"Class {name!r}: expected a list of moments, features [clips, channels] "
            f"of each, received {type(moments).__name__} alone."
        )
    return list(moments)


def check_new_classes(network: TrainedNetwork, names: Sequence[str]) -> None:
    """Refuses names that a network cannot be taught as further target classes.

    Raises:
        ValueError: It takes no classes, lacks what that needs, or knows a class whose
            name is one of these or is spelt nearly so.
    """
    system, look = network.config.training.system, network.second_look
    if not systems.system(system).takes_classes:
        able = [n for n, record in systems.SYSTEMS.items() if record.takes_classes]
        raise ValueError(
            f"{system} has no weight transfer and takes no new classes; "
            f"{', '.join(able)} do."
        )
    if network.exemplars is None:
        raise ValueError(
            "The network has no exemplars of its classes: its training is not finished "
            f"or was of an earlier version, or it was imported. {_LEARN}"
        )
    if look is not None and look.segments.discriminant.covariance is None:
        raise ValueError(f"The second look is of an earlier version. {_LEARN}")
    if not names:
        raise ValueError("Expected at least one new class, received none.")
    _check_names(names, network.classes)


def with_classes(
    network: TrainedNetwork, moments: Mapping[str, Iterable[MomentSequence]]
) -> TrainedNetwork:
    """Teaches further target classes.

    Args:
        network: What is taught.
        moments: Of each class. The classes come behind the known ones in this order.

    Raises:
        ValueError: As `check_new_classes`; or a class has no moment.
    """
    check_new_classes(network, list(moments))
    lessons = _read(network, moments)
    names, description = tuple(lessons), network.description
    description = dataclasses.replace(
        description,
        target_classes=description.target_classes + names,
        added_classes=description.added_classes + names,
    )
    counts = np.array([len(lesson.pooled) for lesson in lessons.values()])
    pooled = np.concatenate([lesson.pooled for lesson in lessons.values()])
    own = Exemplars(pooled, np.repeat(names, counts))
    look = network.second_look
    if look is not None:
        means = np.stack([lesson.described for lesson in lessons.values()])
        segments = look.segments.with_classes(means, counts)
        shown = np.stack([lesson.shown for lesson in lessons.values()])
        steps = look.steps.with_classes(shown, counts)
        look = SecondLook(segments, look.classes + names, steps)
    durations = network.durations
    if durations is not None:
        durations_sec = {name: own.durations_sec for name, own in lessons.items()}
        durations = durations | _durations_beside(durations, durations_sec)
    return dataclasses.replace(
        network,
        model=_widened(network, description, network.exemplars.plus(own)),
        description=description,
        second_look=look,
        durations=durations,
        exemplars=network.exemplars.plus(own.thinned()),
    )


def without_classes(network: TrainedNetwork, names: Collection[str]) -> TrainedNetwork:
    """Forgets target classes.

    Raises:
        ValueError: One is no target class, or none would be left.
    """
    description, look, durations = (
        network.description,
        network.second_look,
        network.durations,
    )
    targets = description.target_classes
    for name in names:
        if name not in targets:
            raise ValueError(f"{name!r} is no target class, of {list(targets)}.")
    kept = tuple(name for name in targets if name not in names)
    if not kept:
        raise ValueError("Expected a target class to be left, received all of them.")
    description = dataclasses.replace(
        description,
        target_classes=kept,
        added_classes=tuple(n for n in description.added_classes if n in kept),
    )
    known = set(kept) | set(description.source_classes)
    if look is not None:
        look = look.of_classes([name for name in look.classes if name in known])
    if durations is not None:
        durations = {name: own for name, own in durations.items() if name in known}
    kernels, biases = _weights(network.model)
    columns = [targets.index(name) for name in kept]
    return dataclasses.replace(
        network,
        model=_with_classifier(
            network,
            description,
            [kernel[:, columns] for kernel in kernels],
            [bias[columns] for bias in biases],
        ),
        description=description,
        second_look=look,
        durations=durations,
        exemplars=network.exemplars and network.exemplars.of_classes(kept),
    )


def renamed(network: TrainedNetwork, names: Mapping[str, str]) -> TrainedNetwork:
    """Calls classes otherwise.

    Args:
        network: Whose classes are renamed.
        names: New names by old ones, of target or source classes.

    Raises:
        ValueError: There is no class of an old name, or another whose name is a new one
            or is spelt nearly so.
    """
    for name in names:
        if name not in network.classes:
            raise ValueError(f"There is no class {name!r}, of {list(network.classes)}.")
    others = [name for name in network.classes if name not in names]
    _check_names(list(names.values()), others)

    def now(classes: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(name, name) for name in classes)

    description, exemplars = network.description, network.exemplars
    look, durations = network.second_look, network.durations
    return dataclasses.replace(
        network,
        description=dataclasses.replace(
            description,
            source_classes=now(description.source_classes),
            target_classes=now(description.target_classes),
            added_classes=now(description.added_classes),
        ),
        second_look=look and look._replace(classes=now(look.classes)),
        durations=durations and dict(zip(now(durations), durations.values())),
        exemplars=exemplars
        and exemplars._replace(labels=np.array(now(exemplars.labels.tolist()))),
    )


class _Lesson(NamedTuple):
    """What was read of the moments of a class.

    Attributes:
        pooled: `[moments, channels of all levels]`.
        described: `[placements, numbers]`, the mean of what a second look reads of
            segments about them; None without one.
        shown: `[numbers]`, the mean of what it reads of their steps; None without one.
        durations_sec: `[moments]`.
    """

    pooled: np.ndarray
    described: np.ndarray | None
    shown: np.ndarray | None
    durations_sec: np.ndarray


def _read(
    network: TrainedNetwork, moments: Mapping[str, Iterable[MomentSequence]]
) -> dict[str, _Lesson]:
    """Reads the moments of all classes, one after the other."""
    look = network.second_look
    durations_sec: dict[str, list[float]] = {name: [] for name in moments}
    described: dict[str, list[np.ndarray]] = {name: [] for name in moments}
    shown: dict[str, list[np.ndarray]] = {name: [] for name in moments}

    def sequences() -> Iterator[np.ndarray]:
        for name, own in moments.items():
            for sequence, seconds in own:
                durations_sec[name].append(seconds)
                if look is not None:
                    background = look.steps.background
                    placed = describe_moment(sequence, background, PLACEMENTS)
                    described[name].append(placed)
                    step_sec = seconds / len(sequence)
                    steps = look.steps.describe_moment(sequence, step_sec)
                    shown[name].append(steps.mean(axis=0))
                yield sequence
            if not durations_sec[name]:
                raise ValueError(f"The class {name!r} has no moment.")

    pooled = pooled_maps(network.model, sequences())
    ends = np.cumsum([len(own) for own in durations_sec.values()])[:-1]
    return {
        name: _Lesson(
            own,
            np.mean(described[name], axis=0) if described[name] else None,
            np.mean(shown[name], axis=0) if shown[name] else None,
            np.array(durations_sec[name]),
        )
        for name, own in zip(moments, np.split(pooled, ends))
    }


def _durations_beside(
    known: Mapping[str, tuple[float, float]], durations_sec: Mapping[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    """Returns typical durations of new classes; known ones tell the spread."""
    deviations = [deviation for _, deviation in known.values()]
    shared = float(np.mean(np.square(deviations))) if deviations else None
    return typical_durations(durations_sec, shared)


def _widened(
    network: TrainedNetwork, description: Description, examples: Exemplars
) -> AherNet:
    """Returns the network with learnt columns for further target classes."""
    classes = description.target_classes
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[label] for label in examples.labels.tolist()])
    kernels, biases = _weights(network.model)
    new = len(classes) - len(biases[0])
    ends = np.cumsum([len(kernel) for kernel in kernels])[:-1]
    for level, pooled in enumerate(np.split(examples.pooled, ends, axis=1)):
        known = kernels[level], biases[level]
        columns = learn_columns(pooled, labels, *known, new)
        kernels[level], biases[level] = (
            np.concatenate(parts, axis=-1) for parts in zip(known, columns)
        )
    return _with_classifier(network, description, kernels, biases)


def _weights(model: AherNet) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns kernels and biases of the target classifier, by level."""
    kernels, biases = model.target_classifier.weights_by_level()
    return [k.numpy() for k in kernels], [b.numpy() for b in biases]


def _with_classifier(
    network: TrainedNetwork,
    description: Description,
    kernels: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
) -> AherNet:
    """Returns the network with another target classifier."""
    made = description.build(network.config)
    for layer in made.layers:
        if layer is not made.target_classifier:
            layer.set_weights(network.model.get_layer(layer.name).get_weights())
    made.target_classifier.set_weights([*kernels, *biases])
    return made


def _check_names(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuses names that are there already, repeated, or spelt nearly alike.

    Raises:
        ValueError: Names them.
    """
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"Expected names of classes, received {name!r}.")
        if name != name.strip() and name.strip():
            raise ValueError(f"The class {name!r} begins or ends with a blank.")
    taken = [name for name in names if name in known]
    if taken:
        raise ValueError(f"The network has a class {taken[0]!r} already.")
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"The class {twice[0]!r} is there twice.")
    pairs = [*spelling.near_pairs(names, known), *spelling.twins(names)]
    if pairs:
        said = spelling.said_of_pairs(pairs, "is new", "is there")
        raise ValueError(f"Classes are spelt nearly alike: {said}.")
    if not all(name.strip() for name in names):
        raise ValueError("Expected a name for each class, received an empty one.")
