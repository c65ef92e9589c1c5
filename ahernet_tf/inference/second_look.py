"""A second look: what was found is classified as the moment it claims to be.

Moments and foreground segments are both trimmed, so one classifier over source and
target classes has no shift between them. It reads mean and deviation of the input
features within a segment, and removes what source actions were taken for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import Video
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.discriminant import Discriminant, DiscriminantFit

_SHORTEST = 1e-3  # steps; a shorter segment is read as if it were so long


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
) -> tuple[Discriminant, tuple[str, ...]]:
    """Learns to tell the segments of all classes apart.

    Args:
        dataset: Foreground segments of its untrimmed videos are examples of the source
            classes.
        config: Uses network and data.
        target_role: Role with examples of the target classes: `moments`, or `oracle`
            for the instances that the oracle knows.

    Returns:
        The classifier, and the classes in the order of its outputs.
    """
    classes = tuple(dict.fromkeys((*dataset.target_classes, *dataset.source_classes)))
    fit = DiscriminantFit(2 * dataset.feature_channels, len(classes))
    groups: dict[str, int] = {}
    for name in (target_role, "untrimmed"):
        examples_of = _moments if name == "moments" else _instances
        for video, examples, labels in examples_of(dataset.role(name), config):
            numbers = np.array([classes.index(label) for label in labels], int)
            fit.add(examples, numbers, groups.setdefault(video, len(groups)))
    return fit.solve(), classes


_Examples = tuple[str, np.ndarray, list[str]]


def _instances(role: Role, config: Config) -> Iterator[_Examples]:
    """Yields id, descriptions and labels of the instances of each untrimmed video."""
    steps = config.network.untrimmed_steps
    annotated = [video for video in role.videos if video.instances]

    def read(video: Video) -> _Examples:
        segments, labels = role.segments(video, steps)
        sequence = role.sequences.sequence(role.whole_span(video), steps)
        return video.id, describe_segments(sequence, segments), labels

    yield from checks.in_parallel(read, annotated, "second look")


def _moments(role: Role, config: Config) -> Iterator[_Examples]:
    """Yields video, description and label of each moment."""
    steps = config.network.moment_steps
    spans = role.instance_spans(max(1, config.data.minimum_moment_clips))

    def read(span: ClipSpan) -> _Examples:
        sequence = role.sequences.sequence(span, steps)
        described = describe_segments(sequence, np.array([[0, steps]]))
        return span.video, described, [span.label]

    yield from checks.in_parallel(read, spans, "second look")
