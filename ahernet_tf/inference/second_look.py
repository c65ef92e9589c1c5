"""A second look: what was found is classified as the moment it claims to be.

Moments and foreground segments are both trimmed, so one classifier over source and
target classes has no shift between them. It reads mean and deviation of the input
features within a segment, and removes what source actions were taken for. Another one
reads the steps of the video (`step_reader`): how well does a segment fit them?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import Video
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.discriminant import Discriminant, DiscriminantFit
from ahernet_tf.inference.step_reader import StepReader, evidence, fit_step_reader
from ahernet_tf.inference.windows import windows

_SHORTEST = 1e-3  # steps; a shorter segment is read as if it were so long


class SecondLook(NamedTuple):
    """Classifiers of segments and of steps.

    Attributes:
        discriminant: Reads what `describe_segments` returns.
        classes: Of its outputs, in their order: target and source classes.
        steps: Classifies the steps of a sequence.
    """

    discriminant: Discriminant
    classes: tuple[str, ...]
    steps: StepReader

    def read(
        self, sequence: np.ndarray, segments: np.ndarray, step_sec: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads segments of a sequence.

        Args:
            sequence: `[steps, channels]`.
            segments: `[segments, 2]`, `[start, end]` in steps.
            step_sec: Duration of a step.

        Returns:
            `[segments, classes]` each: probability that a segment is an action of the
            class, and its estimated tIoU with one.
        """
        described = describe_segments(sequence, segments)
        shown = self.steps.probabilities(sequence, step_sec)[:, :-1]
        return self.discriminant.probabilities(described), evidence(shown, segments)

    def of_classes(self, classes: Sequence[str]) -> SecondLook:
        """Returns it with some of its classes, in that order."""
        numbers = [self.classes.index(name) for name in classes]
        return SecondLook(
            self.discriminant.of_classes(numbers),
            tuple(classes),
            self.steps.of_classes(numbers),
        )


def describe_segments(sequence: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Computes mean and deviation of the features within segments.

    Bounds may lie within a step, which then counts in part. All segments are one
    product of matrices, however many they are.

    Args:
        sequence: `[steps, channels]`.
        segments: `[segments, 2]`, `[start, end]` in steps.

    Returns:
        `[segments, 2 channels]`, float32: means, then deviations.
    """
    steps = np.arange(len(sequence))
    start, end = np.clip(segments.astype(np.float64), 0, len(sequence)).T[..., None]
    start = np.minimum(start, len(sequence) - _SHORTEST)
    end = np.maximum(end, start + _SHORTEST)
    covered = np.minimum(end, steps + 1) - np.maximum(start, steps)
    weights = np.maximum(covered, 0) / (end - start)  # [segments, steps]
    centre = sequence.mean(axis=0, dtype=np.float64).astype(np.float32)
    values = sequence - centre  # squares lose less
    both = np.concatenate([values, np.square(values)], axis=1)
    mean, square = np.split(weights.astype(np.float32) @ both, 2, axis=1)
    deviation = np.sqrt(np.maximum(square - np.square(mean), 0))
    return np.concatenate([mean + centre, deviation], axis=1)


def fit_second_look(
    dataset: Dataset, config: Config, target_role: str = "moments"
) -> SecondLook:
    """Learns to tell the segments of all classes apart.

    Args:
        dataset: Foreground segments of its untrimmed videos are examples of the source
            classes.
        config: Uses network and data.
        target_role: Role with examples of the target classes: `moments`, or `oracle`
            for the instances that the oracle knows.

    Returns:
        Classifiers of target and source classes.
    """
    classes = tuple(dict.fromkeys((*dataset.target_classes, *dataset.source_classes)))
    fit = DiscriminantFit(2 * dataset.feature_channels, len(classes))
    for name in (target_role, "untrimmed"):
        role = dataset.role(name)
        groups = {video.id: dataset.group(video) for video in role.videos}
        examples_of = _moments if name == "moments" else _instances
        for video, examples, labels in examples_of(role, config):
            numbers = np.array([classes.index(label) for label in labels], int)
            fit.add(examples, numbers, groups[video])
    steps = fit_step_reader(dataset, config, classes, target_role)
    return SecondLook(fit.solve(), classes, steps)


_Examples = tuple[str, np.ndarray, list[str]]


def _instances(role: Role, config: Config) -> Iterator[_Examples]:
    """Yields id, descriptions and labels of the instances of each untrimmed video.

    In a video that is localised in windows, an instance is read in the window whose
    middle is nearest, at the windows' resolution.
    """
    steps = config.network.untrimmed_steps
    annotated = [video for video in role.videos if video.instances]

    def read(video: Video) -> _Examples:
        segments, labels = role.segments(video, steps)
        if 0 < config.data.window_sec < role.covered_sec(video):
            return video.id, _in_windows(role, video, segments, config), labels
        sequence = role.sequences.sequence(role.whole_span(video), steps)
        return video.id, describe_segments(sequence, segments), labels

    yield from checks.in_parallel(read, annotated, "second look")


def _in_windows(
    role: Role, video: Video, segments: np.ndarray, config: Config
) -> np.ndarray:
    """Describes segments, in steps of the whole video, each in the window around it."""
    steps, span = config.network.untrimmed_steps, role.whole_span(video)
    timing = (role.time_model, span.fps)
    cuts = windows(span.clips, *timing, span.duration_sec, config.data.window_sec)
    features = role.sequences.clips(span)
    times_sec = segments.astype(np.float64) * role.covered_sec(video) / steps
    middles = [cut.offset_sec + cut.covered_sec / 2 for cut in cuts]
    nearest = np.abs(np.subtract.outer(times_sec.mean(axis=1), middles)).argmin(axis=1)
    described = np.zeros((len(segments), 2 * features.shape[1]), np.float32)
    for number in np.unique(nearest):
        cut, own = cuts[number], nearest == number
        sequence = cut.sequence(features, *timing, steps, config.data)
        inside = (times_sec[own] - cut.offset_sec) * steps / cut.covered_sec
        described[own] = describe_segments(sequence, inside)
    return described


def _moments(role: Role, config: Config) -> Iterator[_Examples]:
    """Yields video, description and label of each moment."""
    steps = config.network.moment_steps
    spans = role.instance_spans(max(1, config.data.minimum_moment_clips))

    def read(span: ClipSpan) -> _Examples:
        sequence = role.sequences.sequence(span, steps)
        described = describe_segments(sequence, np.array([[0, steps]]))
        return span.video, described, [span.label]

    yield from checks.in_parallel(read, spans, "second look")
