"""A second look: what was found is read again, in the input features.

One classifier reads segments as wholes (`segment_reader`), another the steps within
and around them (`step_reader`). Both know source and target classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.segment_reader import SegmentReader, fit_segment_reader
from ahernet_tf.inference.step_reader import StepReader, evidence, fit_step_reader


class SecondLook(NamedTuple):
    """Classifiers of segments and of steps.

    Attributes:
        segments: Classifies segments.
        classes: Of both, in their order: target and source classes.
        steps: Classifies the steps of a sequence.
    """

    segments: SegmentReader
    classes: tuple[str, ...]
    steps: StepReader

    def read(
        self, found: Candidates, sequence: np.ndarray, step_sec: float, classes: int
    ) -> Candidates:
        """Moves and scores what was found in a sequence.

        The mean of what the network says (proposal times class probability) and what
        the steps say gives each candidate a class. It is moved to where it looks to
        belong about an action of that class, and read there: its score is the tIoU that
        it looks to have, times the mean of network and steps.

        Args:
            found: Candidates of one sequence.
            sequence: `[steps, channels]`.
            step_sec: Duration of a step.
            classes: How many of its first classes may be found.

        Returns:
            The candidates, with other segments, labels and scores.
        """
        shown = self.steps.probabilities(sequence, step_sec)[:, :classes]
        told = found.at(found.segments).joined(evidence(shown, found.segments))
        looking = self.segments.read(sequence)
        segments = looking.moved(found.segments, told.argmax(axis=1))
        found = found.at(segments)
        looks = looking.tiou(segments)[:, :classes]
        return found.labelled(looks * found.joined(evidence(shown, segments)))

    def of_classes(self, classes: Sequence[str]) -> SecondLook:
        """Returns it with some of its classes, in that order."""
        numbers = [self.classes.index(name) for name in classes]
        return SecondLook(
            self.segments.of_classes(numbers),
            tuple(classes),
            self.steps.of_classes(numbers),
        )


def fit_second_look(
    dataset: Dataset, config: Config, target_role: str = "moments"
) -> SecondLook:
    """Learns to read the classes of a data set.

    Args:
        dataset: Its untrimmed videos show the source classes.
        config: Uses network and data.
        target_role: Role with examples of the target classes: `moments`, or `oracle`
            for the instances that the oracle knows.

    Returns:
        Classifiers of target and source classes.
    """
    classes = tuple(dict.fromkeys((*dataset.target_classes, *dataset.source_classes)))
    steps = fit_step_reader(dataset, config, classes, target_role)
    segments = fit_segment_reader(
        dataset, config, classes, target_role, steps.background
    )
    return SecondLook(segments, classes, steps)
