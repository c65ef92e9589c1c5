"""What refines the scores of candidates: second look and duration prior, on disk.

Both are learnt from the training data and kept in the model directory, so that a
localizer needs no data.
"""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
from collections.abc import Sequence

import numpy as np

from ahernet_tf import files
from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.discriminant import Discriminant
from ahernet_tf.inference.duration_prior import DurationPrior, typical_durations
from ahernet_tf.inference.second_look import describe_segments, fit_second_look
from ahernet_tf.models import systems

SECOND_LOOK = "second_look.npz"
DURATIONS = "durations.json"


@dataclasses.dataclass(frozen=True)
class Refinement:
    """Changes the scores of candidates.

    Attributes:
        second_look: Classifies segments; its first outputs are the localizer's classes.
        classes: How many those are.
        durations: Prior of the localizer's classes.
        width: Of the prior, in deviations.
    """

    classes: int
    second_look: Discriminant | None = None
    durations: DurationPrior | None = None
    width: float = 1.0

    def apply(
        self, candidates: Candidates, sequence: np.ndarray, step_sec: float
    ) -> Candidates:
        """Returns the candidates of one video with other scores.

        Args:
            candidates: Those that enter suppression.
            sequence: `[steps, channels]`, that they were found in.
            step_sec: Duration of a step.
        """
        if self.second_look is not None:
            read = describe_segments(sequence, candidates.segments)
            probabilities = self.second_look.probabilities(read)[:, : self.classes]
            candidates = candidates.labelled(probabilities)
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
            covered_sec: `[batch]`, the duration that the steps of each divide; None if
                it is not known.

        Raises:
            ValueError: There is a duration prior, and no duration.
        """
        if covered_sec is None:
            if self.durations is not None:
                raise ValueError("inference.duration_prior: expected covered_sec.")
            covered_sec = [np.nan] * len(found)
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
        found, classes = fit_second_look(dataset, config, target_role)
        parts = {"classes": np.array(classes), **dataclasses.asdict(found)}
        with (
            files.whole_file(directory / SECOND_LOOK) as temporary,
            temporary.open("wb") as stream,
        ):
            np.savez(stream, **parts)


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
    second_look = durations = None
    if inference.second_look:
        second_look = _read_second_look(directory / SECOND_LOOK, classes)
    if inference.duration_prior:
        path = directory / DURATIONS
        try:
            durations = DurationPrior.of_classes(files.read_json(path), classes)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{path}: no typical durations ({error}).") from error
    if second_look is None and durations is None:
        return None
    return Refinement(len(classes), second_look, durations, inference.duration_prior)


def _durations(role: Role, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns the durations in seconds of a role's moments or instances by class."""
    found: dict[str, list[float]] = {name: [] for name in classes}
    for span in role.instance_spans(1):
        found[span.label].append(span.duration_sec)
    return {name: np.array(values) for name, values in found.items()}


def _read_second_look(path: pathlib.Path, classes: Sequence[str]) -> Discriminant:
    """Reads a second look; the localizer's classes come first in what it returns."""
    if not path.exists():
        raise ValueError(
            f"{path}: no such file; inference.second_look was off when the network was "
            "trained. experiments.refine learns it now."
        )
    try:
        with np.load(path) as content:
            parts = {name: content[name] for name in content.files}
        known = parts.pop("classes").tolist()
        found = Discriminant(**parts)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: no second look ({error}).") from error
    unknown = [name for name in classes if name not in known]
    if unknown:
        raise ValueError(f"{path}: does not know the class {unknown[0]!r}.")
    own = [known.index(name) for name in classes]
    order = own + [place for place in range(len(known)) if place not in set(own)]
    return dataclasses.replace(
        found, kernel=found.kernel[:, order], bias=found.bias[order]
    )
