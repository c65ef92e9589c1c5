"""What refines the scores of candidates: second look and duration prior, on disk.

Both are learnt from the training data and kept in the model directory, so that a
localizer needs no data.
"""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np

from ahernet_tf import files
from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.discriminant import Discriminant
from ahernet_tf.inference.duration_prior import DurationPrior, typical_durations
from ahernet_tf.inference.second_look import (
    SecondLook,
    fit_second_look,
)
from ahernet_tf.inference.segment_reader import PLACEMENTS, SegmentReader
from ahernet_tf.inference.step_reader import StepReader
from ahernet_tf.models import systems

SECOND_LOOK = "second_look.npz"
DURATIONS = "durations.json"


@dataclasses.dataclass(frozen=True)
class Refinement:
    """Changes the scores of candidates.

    Attributes:
        second_look: Reads segments and steps; its first classes are the localizer's.
        classes: How many those are.
        durations: Prior of the localizer's classes.
        width: Of the prior, in deviations.
    """

    classes: int
    second_look: SecondLook | None = None
    durations: DurationPrior | None = None
    width: float = 1.0

    def apply(
        self, candidates: Candidates, sequence: np.ndarray, step_sec: float
    ) -> Candidates:
        """Returns the candidates of one video with other scores, and perhaps places.

        Args:
            candidates: Those that enter suppression.
            sequence: `[steps, channels]`, that they were found in.
            step_sec: Duration of a step.
        """
        if self.second_look is not None:
            candidates = self.second_look.read(
                candidates, sequence, step_sec, self.classes
            )
        if self.durations is not None:
            factors = self.durations.factors(candidates, step_sec, self.width)
            candidates = candidates.scaled(factors)
        return candidates

    def apply_to_batch(
        self,
        found: Sequence[Candidates],
        sequences: np.ndarray,
        covered_sec: Sequence[float] | np.ndarray | None,
    ) -> list[Candidates]:
        """Returns the candidates of every video with other scores.

        Args:
            found: Those of each video that enter suppression.
            sequences: `[batch, steps, channels]`.
            covered_sec: `[batch]`, the duration that the steps of each divide.

        Raises:
            ValueError: No durations are given.
        """
        if covered_sec is None:
            raise ValueError(
                "inference.second_look, inference.duration_prior: expected covered_sec."
            )
        steps = sequences.shape[1]
        return [
            self.apply(own, sequence, seconds / steps)
            for own, sequence, seconds in zip(found, sequences, covered_sec)
        ]


def fit_refinement(
    directory: str | pathlib.Path, dataset: Dataset, config: Config
) -> None:
    """Learns what the configuration asks for and keeps it in a model directory.

    What is there already stays: training goes on where it stopped.

    Args:
        directory: The model directory, a work directory of training.
        dataset: What the network is trained on.
        config: The run's configuration.
    """
    directory = pathlib.Path(directory)
    oracle = systems.system(config.training.system).oracle
    target_role = "oracle" if oracle else "moments"
    if not (directory / DURATIONS).exists():
        target, source = (
            typical_durations(_durations(dataset.role(name), classes))
            for name, classes in (
                (target_role, dataset.target_classes),
                ("untrimmed", dataset.source_classes),
            )
        )
        files.write_json(directory / DURATIONS, {**source, **target})
    if config.inference.second_look and not (directory / SECOND_LOOK).exists():
        write_second_look(directory, fit_second_look(dataset, config, target_role))


def write_second_look(directory: pathlib.Path, second_look: SecondLook) -> None:
    """Writes a second look into a model directory."""
    steps = second_look.steps
    parts = dataclasses.asdict(second_look.segments.discriminant)
    parts |= {
        f"steps_{name}": value
        for name, value in dataclasses.asdict(steps.discriminant).items()
    }
    parts["widths_sec"] = steps.widths_sec
    if steps.background is not None:
        parts["background"] = steps.background
    with (
        files.whole_file(directory / SECOND_LOOK) as temporary,
        temporary.open("wb") as stream,
    ):
        np.savez(stream, classes=np.array(second_look.classes), **parts)


def load_refinement(
    directory: str | pathlib.Path, inference: InferenceConfig, classes: Sequence[str]
) -> Refinement | None:
    """Reads what `fit_refinement` kept, as far as the options ask for it.

    Args:
        directory: The model directory.
        inference: Uses `second_look` and `duration_prior`.
        classes: Of the localizer.

    Raises:
        ValueError: Something asked for is absent, unreadable or knows not all classes.
    """
    directory = pathlib.Path(directory)
    look, typical = directory / SECOND_LOOK, directory / DURATIONS
    second_look = read_second_look(look) if inference.second_look else None
    durations = read_durations(typical) if inference.duration_prior else None
    with files.naming(look):
        return refinement_of(second_look, durations, inference, classes)


def refinement_of(
    second_look: SecondLook | None,
    durations: Mapping[str, Sequence[float]] | None,
    inference: InferenceConfig,
    classes: Sequence[str],
) -> Refinement | None:
    """Returns what refines scores, as far as the options ask for it.

    Args:
        second_look: Of all classes.
        durations: As `typical_durations` returned them.
        inference: Uses `second_look` and `duration_prior`.
        classes: Of the localizer.

    Raises:
        ValueError: The second look is absent or does not know one of the classes, or
            durations are absent.
    """
    prior = None
    if inference.second_look:
        if second_look is None:
            raise ValueError("There is no second look; inference.second_look is on.")
        known = second_look.classes
        unknown = [name for name in classes if name not in known]
        if unknown:
            raise ValueError(f"does not know the class {unknown[0]!r}.")
        others = [name for name in known if name not in set(classes)]
        second_look = second_look.of_classes([*classes, *others])
    else:
        second_look = None
    if inference.duration_prior:
        if durations is None:
            raise ValueError("There are no durations; inference.duration_prior is on.")
        prior = DurationPrior.of_classes(durations, classes)
    if second_look is None and prior is None:
        return None
    return Refinement(len(classes), second_look, prior, inference.duration_prior)


def _durations(role: Role, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns the durations in seconds of a role's moments or instances by class."""
    found: dict[str, list[float]] = {name: [] for name in classes}
    for span in role.instance_spans(1):
        found[span.label].append(span.duration_sec)
    return {name: np.array(values) for name, values in found.items()}


def read_durations(path: pathlib.Path) -> dict[str, tuple[float, float]]:
    """Reads typical durations by class, as `typical_durations` returned them.

    Raises:
        ValueError: The file is absent or damaged.
    """
    content = files.read_json(path)
    try:
        return {name: (float(m), float(d)) for name, (m, d) in content.items()}
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: no typical durations ({error}).") from error


def read_second_look(path: pathlib.Path) -> SecondLook:
    """Reads a second look.

    Raises:
        ValueError: The file is absent or damaged.
    """
    if not path.exists():
        raise ValueError(
            f"{path}: no such file; inference.second_look was off when the network was "
            "trained. experiments.refine learns it now."
        )
    try:
        with np.load(path) as content:
            parts = {name: content[name] for name in content.files}
        classes = tuple(parts.pop("classes").tolist())
        steps = {
            name: parts.pop(f"steps_{name}")
            for name in [field.name for field in dataclasses.fields(Discriminant)]
        }
        reader = StepReader(
            Discriminant(**steps),
            parts.pop("widths_sec"),
            parts.pop("background", None),
        )
        segments = SegmentReader(Discriminant(**parts))
        outputs = len(segments.discriminant.bias)
        if outputs != len(classes) * len(PLACEMENTS):
            raise ValueError(
                f"{outputs} outputs for {len(classes)} classes: it is of an earlier "
                "version; experiments.refine learns it anew"
            )
        return SecondLook(segments, classes, reader)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: no second look ({error}).") from error
