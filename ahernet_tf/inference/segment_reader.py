"""Reads segments: which class each shows, and how well it is placed.

Moments and foreground segments are both trimmed, so one classifier over source and
target classes has no shift between them. It also knows what an action looks like to a
segment that begins or ends too early or too late: its classes are the placements of a
segment about an action of each class. What a segment is worth is its expected tIoU.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.discriminant import Discriminant, DiscriminantFit, softmax
from ahernet_tf.inference.windows import windows

#: How far a misplaced segment begins or ends beside an action, in lengths of it.
_OFF = 0.4
#: Start and end of segments, in lengths of the action from its start; the action's own
#: first. Those too early or too late at both ends overlap it as little as is of use.
PLACEMENTS = np.array(
    [(0.0, 1.0)]
    + [
        (start, end)
        for start, end in itertools.product((-_OFF, 0, _OFF), (1 - _OFF, 1, 1 + _OFF))
        if (start, end) not in {(0, 1), (_OFF, 1 - _OFF)}
    ]
)
#: tIoU of each placement with the action.
PLACEMENT_TIOU = (
    (np.minimum(PLACEMENTS[:, 1], 1) - np.maximum(PLACEMENTS[:, 0], 0))
    / (np.maximum(PLACEMENTS[:, 1], 1) - np.minimum(PLACEMENTS[:, 0], 0))
).astype(np.float32)
#: What leads each placement to the action: of start and end, in lengths of the segment.
WAY = ([0.0, 1.0] - PLACEMENTS) / (PLACEMENTS[:, 1:] - PLACEMENTS[:, :1])
#: Parts of a segment, each of which is described by its mean.
PARTS = 3
#: Segments to learn from, of each role; with more instances, each has fewer placements.
_EXAMPLES = 200_000
_SHORTEST = 1e-3  # steps; a shorter segment is read as if it were so long

_Examples = tuple[str, np.ndarray, list[int]]


class ReadSequence(NamedTuple):
    """What segments of one sequence look like.

    Attributes:
        shown: `[PARTS, steps, outputs]`, what a step adds to the logits in each part.
        bias: `[outputs]`.
    """

    shown: np.ndarray
    bias: np.ndarray

    def logits(self, segments: np.ndarray) -> np.ndarray:
        """Returns the logits `[segments, classes, placements]` of segments.

        Args:
            segments: `[segments, 2]`, `[start, end]` in steps.
        """
        return self._logits(_weights(segments, self.shown.shape[1]))

    def of_class(self, number: int) -> ReadSequence:
        """Returns it with one class."""
        outputs = slice(number * len(PLACEMENTS), (number + 1) * len(PLACEMENTS))
        return ReadSequence(self.shown[:, :, outputs], self.bias[outputs])

    def tiou(self, segments: np.ndarray) -> np.ndarray:
        """Estimates the tIoU of segments with an action, class by class.

        Args:
            segments: `[segments, 2]`, in steps.

        Returns:
            `[segments, classes]` in [0, 1].
        """
        logits = self.logits(segments)
        placed = softmax(logits.reshape(len(segments), -1)).reshape(logits.shape)
        return placed @ PLACEMENT_TIOU

    def moved(self, segments: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Moves segments to where actions of their classes seem to lie.

        Args:
            segments: `[segments, 2]`, in steps.
            labels: `[segments]` int, the class of each.

        Returns:
            `[segments, 2]` float32, within the sequence.
        """
        placed = np.zeros((len(segments), len(PLACEMENTS)), np.float32)
        weights = _weights(segments, self.shown.shape[1])
        for label in np.unique(labels):
            own = labels == label
            logits = self.of_class(label)._logits(weights[own])[:, 0]
            # A class without an example knows no placement: each is as likely.
            placed[own] = softmax(np.maximum(logits, np.finfo(np.float32).min))
        length = segments[:, 1:] - segments[:, :1]
        moved = segments + length * (placed @ WAY)
        return np.clip(moved, 0, self.shown.shape[1]).astype(np.float32)

    def _logits(self, weights: np.ndarray) -> np.ndarray:
        """Returns the logits of segments whose parts weigh the steps so."""
        weights = weights.reshape(len(weights), -1)
        logits = weights @ self.shown.reshape(weights.shape[1], -1)
        logits += self.bias
        return logits.reshape(len(weights), -1, len(PLACEMENTS))


class SegmentReader(NamedTuple):
    """A classifier of segments.

    Attributes:
        discriminant: Reads what `describe_segments` returns. Its outputs are, class by
            class, the placements of a segment about an action of the class.
    """

    discriminant: Discriminant

    def read(self, sequence: np.ndarray) -> ReadSequence:
        """Reads a sequence `[steps, channels]`, of which segments are asked then."""
        return ReadSequence(self.discriminant.by_part(sequence), self.discriminant.bias)

    def of_classes(self, numbers: Sequence[int]) -> SegmentReader:
        """Returns it with some of its classes, by their numbers, in that order."""
        count = len(PLACEMENTS)
        outputs = [number * count + own for number in numbers for own in range(count)]
        return SegmentReader(self.discriminant.of_classes(outputs))

    def with_classes(self, means: np.ndarray, counts: np.ndarray) -> SegmentReader:
        """Returns it with more classes behind its own.

        Args:
            means: `[more classes, placements, numbers]`, of what `describe_moment`
                returns.
            counts: `[more classes]`, moments of each.
        """
        known = np.isfinite(means).all(axis=-1)
        counts = np.where(known, counts[:, np.newaxis], 0)
        means = np.nan_to_num(means).reshape(-1, means.shape[-1])
        return SegmentReader(self.discriminant.with_classes(means, counts.ravel()))


def describe_segments(sequence: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Computes the mean features of the parts of segments.

    Bounds may lie within a step, which then counts in part.

    Args:
        sequence: `[steps, channels]`.
        segments: `[segments, 2]`, `[start, end]` in steps; cut at the sequence's ends.

    Returns:
        `[segments, PARTS * channels]`, float32: part by part.
    """
    weights = _weights(segments, len(sequence))
    return (weights @ sequence).reshape(len(segments), -1).astype(np.float32)


def _weights(segments: np.ndarray, steps: int) -> np.ndarray:
    """Returns how much each step counts in the mean of each part of segments.

    Returns:
        `[segments, PARTS, steps]`, float32.
    """
    start, end = np.clip(segments.astype(np.float64), 0, steps).T
    start = np.minimum(start, steps - _SHORTEST)
    end = np.maximum(end, start + _SHORTEST)
    bounds = np.linspace(start, end, PARTS + 1, axis=1)[..., np.newaxis]
    last = np.minimum(bounds.astype(int), steps - 1)  # step that a bound lies in
    until = (np.arange(steps) < last).astype(np.float32)
    np.put_along_axis(until, last, (bounds - last).astype(np.float32), axis=2)
    weights = np.diff(until, axis=1)
    weights /= np.diff(bounds, axis=1).astype(np.float32)
    return weights


def describe_moment(
    features: np.ndarray, background: np.ndarray | None, placements: np.ndarray
) -> np.ndarray:
    """Describes segments about a moment as if background surrounded it.

    Args:
        features: `[steps, channels]`, of the moment.
        background: `[channels]`; None where nothing is known of it.
        placements: `[placements, 2]`.

    Returns:
        `[placements, numbers]`; NaN for those that reach beyond the moment where
        nothing is known of background.
    """
    bounds = placements * len(features)
    if background is None:
        described = describe_segments(features, bounds)
        described[(placements < 0).any(axis=1) | (placements > 1).any(axis=1)] = np.nan
        return described
    margin = math.ceil(_OFF * len(features))
    beside = np.broadcast_to(background, (margin, len(background)))
    return describe_segments(
        np.concatenate([beside, features, beside]), bounds + margin
    )


def fit_segment_reader(
    dataset: Dataset,
    config: Config,
    classes: Sequence[str],
    target_role: str,
    background: np.ndarray | None,
) -> SegmentReader:
    """Learns to tell the classes of segments apart, and how they are placed.

    Args:
        dataset: Foreground segments of its untrimmed videos are examples of the source
            classes.
        config: Uses network and data.
        classes: Names, in the order of the outputs.
        target_role: Role with examples of the target classes: `moments`, or `oracle`.
        background: `[channels]`, what surrounds moments; None: unknown.
    """
    numbers = PARTS * dataset.feature_channels
    fit = DiscriminantFit(numbers, len(classes) * len(PLACEMENTS))
    for name in (target_role, "untrimmed"):
        role = dataset.role(name)
        groups = {video.id: dataset.group(video) for video in role.videos}
        if name == "moments":
            examples = _moments(role, classes, background, config)
        else:
            examples = _instances(role, classes, config)
        for video, described, outputs in examples:
            fit.add(described, np.array(outputs, int), groups[video])
    return SegmentReader(fit.solve())


def _placements(instance: int, instances: int) -> list[int]:
    """Returns which placements of one of many instances are examples.

    Its own extent always is; the others take turns where there would be too many.
    """
    others = len(PLACEMENTS) - 1
    turns = min(others, max(1, _EXAMPLES // max(instances, 1) - 1))
    return [0, *(1 + (instance * turns + turn) % others for turn in range(turns))]


def _outputs(
    label: str, placements: Sequence[int], classes: Sequence[str]
) -> list[int]:
    """Returns the numbers of the outputs that placements about a class are."""
    return [classes.index(label) * len(PLACEMENTS) + own for own in placements]


def _instances(
    role: Role, classes: Sequence[str], config: Config
) -> Iterator[_Examples]:
    """Yields id, descriptions and outputs of the instances of each untrimmed video.

    In a video that is localised in windows, an instance is read in the window whose
    middle is nearest, at the windows' resolution. What of a segment lies beyond the
    sequence's ends is cut off, as it is of what is found.
    """
    steps = config.network.untrimmed_steps
    annotated = [video for video in role.videos if video.instances]
    ends = np.cumsum([0, *(len(video.instances) for video in annotated)])
    firsts = {video.id: first for video, first in zip(annotated, ends)}

    def read(video: Video) -> _Examples:
        segments, labels = role.segments(video, steps)
        shown, outputs = [], []
        for number, label in enumerate(labels):
            placements = _placements(firsts[video.id] + number, ends[-1])
            start, end = segments[number].astype(np.float64)
            shown.append(start + PLACEMENTS[placements] * (end - start))
            outputs += _outputs(label, placements, classes)
        bounds = np.concatenate([np.zeros((0, 2)), *shown])
        if 0 < config.data.window_sec < role.covered_sec(video):
            return video.id, _in_windows(role, video, bounds, config), outputs
        sequence = role.sequences.sequence(role.whole_span(video), steps)
        return video.id, describe_segments(sequence, bounds), outputs

    yield from checks.in_parallel(read, annotated, "second look")


def _in_windows(
    role: Role, video: Video, segments: np.ndarray, config: Config
) -> np.ndarray:
    """Describes segments, in steps of the whole video, each in the window around it."""
    steps, span = config.network.untrimmed_steps, role.whole_span(video)
    timing = (role.time_model, span.fps)
    cuts = windows(span.clips, *timing, span.duration_sec, config.data.window_sec)
    features = role.sequences.clips(span)
    times_sec = segments * role.covered_sec(video) / steps
    middles = [cut.offset_sec + cut.covered_sec / 2 for cut in cuts]
    nearest = np.abs(np.subtract.outer(times_sec.mean(axis=1), middles)).argmin(axis=1)
    described = np.zeros((len(segments), PARTS * features.shape[1]), np.float32)
    for number in np.unique(nearest):
        cut, own = cuts[number], nearest == number
        sequence = cut.sequence(features, *timing, steps, config.data)
        inside = (times_sec[own] - cut.offset_sec) * steps / cut.covered_sec
        described[own] = describe_segments(sequence, inside)
    return described


def _moments(
    role: Role,
    classes: Sequence[str],
    background: np.ndarray | None,
    config: Config,
) -> Iterator[_Examples]:
    """Yields video, descriptions and outputs of segments about each moment."""
    steps = config.network.moment_steps
    spans = role.instance_spans(max(1, config.data.minimum_moment_clips))

    def read(numbered: tuple[int, ClipSpan]) -> _Examples:
        number, span = numbered
        placements = _placements(number, len(spans))
        sequence = role.sequences.sequence(span, steps)
        described = describe_moment(sequence, background, PLACEMENTS[placements])
        known = np.isfinite(described).all(axis=1)
        outputs = np.array(_outputs(span.label, placements, classes))
        return span.video, described[known], outputs[known].tolist()

    yield from checks.in_parallel(read, list(enumerate(spans)), "second look")
