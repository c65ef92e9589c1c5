"""Reads every step of a video: which class it shows, or background.

A step is classified by its own features and their means in windows around it. That
tells where an action begins and ends, and needs no network, which has seen target
actions in made-up surroundings only.
"""

from __future__ import annotations

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

#: Windows around a step, in median lengths of a moment; 0: the step alone.
_WIDTHS = (0.0, 0.25, 0.75)
#: What flanks a segment on either side, in its lengths.
FLANK = 0.5
#: Clips to learn from, of moments and of untrimmed videos: a few minutes at 2048
#: channels.
_EXAMPLES = 200_000

_Examples = tuple[Video, np.ndarray, list[int]]


class StepReader(NamedTuple):
    """A classifier of steps.

    Attributes:
        discriminant: Reads what `describe_steps` returns. Its outputs are those of the
            second look's classes, and background last.
        widths_sec: `[widths]`, of the windows around a step.
        background: `[channels]`, the mean features of background: what surrounds a
            moment. None where untrimmed videos have none.
    """

    discriminant: Discriminant
    widths_sec: np.ndarray
    background: np.ndarray | None

    def probabilities(self, sequence: np.ndarray, step_sec: float) -> np.ndarray:
        """Classifies the steps `[steps, channels]` of a sequence.

        Args:
            sequence: Of one video, or window.
            step_sec: Duration of a step.

        Returns:
            `[steps, classes + 1]`, background last.
        """
        shown = self.discriminant.by_part(sequence)
        widths = self.widths_sec[:, np.newaxis] / step_sec
        return softmax(sum(map(describe_steps, shown, widths)) + self.discriminant.bias)

    def describe_moment(self, features: np.ndarray, step_sec: float) -> np.ndarray:
        """Describes the steps of a moment as if background surrounded it.

        Args:
            features: `[steps, channels]`.
            step_sec: Duration of a step.

        Returns:
            `[steps, numbers]`.
        """
        return _amid(self.background, features, self.widths_sec / step_sec)

    def of_classes(self, numbers: Sequence[int]) -> StepReader:
        """Returns it with some of its classes, by their numbers, and background."""
        last = len(self.discriminant.bias) - 1
        return self._replace(
            discriminant=self.discriminant.of_classes([*numbers, last])
        )

    def with_classes(self, means: np.ndarray, counts: np.ndarray) -> StepReader:
        """Returns it with more classes behind its own.

        Args:
            means: `[more classes, numbers]`, of what `describe_moment` returns.
            counts: `[more classes]`, moments of each: the steps of one are alike.
        """
        last = len(self.discriminant.bias) - 1
        more = self.discriminant.with_classes(means, counts)
        order = [*range(last), *range(last + 1, last + 1 + len(means)), last]
        return self._replace(discriminant=more.of_classes(order))


def describe_steps(
    sequence: np.ndarray, widths: np.ndarray, places: np.ndarray | None = None
) -> np.ndarray:
    """Computes the means of the features in windows around steps.

    Args:
        sequence: `[steps, channels]`.
        widths: `[widths]`, in steps. Windows are cut at the ends of the sequence.
        places: `[places]` int, the steps; None: all.

    Returns:
        `[places, widths * channels]`, float32.
    """
    places = np.arange(len(sequence)) if places is None else places
    middles = places[:, np.newaxis] + 0.5
    reach = np.maximum(widths, 1.0) / 2  # within a step there is but one value
    start = np.clip(middles - reach, 0, len(sequence))
    end = np.clip(middles + reach, 0, len(sequence))
    until = _integral(sequence)
    means = (until(end) - until(start)) / (end - start)[..., np.newaxis]
    return means.reshape(len(places), -1).astype(np.float32)


def evidence(probabilities: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Estimates the tIoU of segments with what the steps show, class by class.

    That is what a class has within a segment, over the segment and what the class has
    beside it, half its length to either side.

    Args:
        probabilities: `[steps, classes]`.
        segments: `[segments, 2]`, `[start, end]` in steps.

    Returns:
        `[segments, classes]` in [0, 1], float32.
    """
    start, end = segments.astype(np.float64).T
    length = end - start
    flank = np.maximum(FLANK * length, 1.0)
    until = _integral(probabilities)
    inside = until(end) - until(start)
    around = until(end + flank) - until(start - flank)
    union = length[:, np.newaxis] + around - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0).astype(
        np.float32
    )


def _integral(values: np.ndarray):
    """Returns a function: the sum of values `[steps, ...]` until times, in steps."""
    sums = np.pad(np.cumsum(values, axis=0, dtype=np.float64), [(1, 0), (0, 0)])

    def until(times: np.ndarray) -> np.ndarray:
        times = np.clip(times, 0, len(values))
        whole = np.minimum(times.astype(int), len(values) - 1)
        return sums[whole] + (times - whole)[..., np.newaxis] * values[whole]

    return until


def fit_step_reader(
    dataset: Dataset, config: Config, classes: Sequence[str], target_role: str
) -> StepReader:
    """Learns to tell the steps of all classes and of background apart.

    Args:
        dataset: Its untrimmed videos show the source classes, and background.
        config: Uses `data.minimum_moment_clips`.
        classes: Names, in the order of the outputs.
        target_role: Role that shows the target classes: `moments`, or `oracle`.
    """
    roles = [dataset.role("untrimmed")]
    spans: list[ClipSpan] = []
    if target_role == "moments":
        moments = dataset.role("moments")
        spans = moments.instance_spans(max(1, config.data.minimum_moment_clips))
        lengths_sec = [span.duration_sec for span in spans]
    else:
        roles.append(dataset.role(target_role))
        instances = roles[-1].instances()
        lengths_sec = instances["end_sec"] - instances["start_sec"]
    widths_sec = np.array(_WIDTHS) * float(np.median(lengths_sec))
    fit = DiscriminantFit(len(widths_sec) * dataset.feature_channels, len(classes) + 1)
    sums, count = np.zeros(dataset.feature_channels), 0
    for role in roles:
        examples = _untrimmed(role, classes, widths_sec, target_role != "moments")
        for video, described, numbers in examples:
            labels = np.array(numbers, int)
            fit.add(described, labels, dataset.group(video))
            shown = described[labels == len(classes), : len(sums)]
            sums, count = sums + shown.sum(axis=0, dtype=np.float64), count + len(shown)
    background = (sums / count).astype(np.float32) if count else None
    if spans:
        examples = _moments(moments, spans, classes, widths_sec, background)
        for video, described, numbers in examples:
            labels = np.array(numbers, int)
            fit.add(described, labels, dataset.group(video))
    return StepReader(fit.solve(), widths_sec.astype(np.float32), background)


def _untrimmed(
    role: Role, classes: Sequence[str], widths_sec: np.ndarray, knows_all: bool
) -> Iterator[_Examples]:
    """Yields untrimmed videos, descriptions and class numbers of clips of each.

    A clip of two actions is an example of both. With `knows_all` so are actions of
    classes that the role does not have: to the oracle they are no background.
    """
    every = math.ceil(role.features["clips"].sum() / _EXAMPLES)
    numbers = {name: number for number, name in enumerate(classes)}

    def read(video: Video) -> _Examples:
        span = role.whole_span(video)
        features = role.sequences.clips(span)
        interval_sec = role.covered_sec(video) / len(features)
        centres = role.time_model.centres_sec(
            len(features), span.fps, span.duration_sec
        )
        places, labels = [], []
        kept = np.arange(len(features))[::every]
        free = np.ones(len(kept), bool)
        for instance in (*video.instances, *(video.others if knows_all else ())):
            times = centres[kept]
            inside = (instance.start_sec <= times) & (times < instance.end_sec)
            free &= ~inside
            if instance.label in numbers:
                places.append(kept[inside])
                labels += [numbers[instance.label]] * int(inside.sum())
        places.append(kept[free])
        labels += [len(classes)] * int(free.sum())
        where = np.concatenate(places)
        widths = widths_sec / interval_sec
        return video, describe_steps(features, widths, where), labels

    yield from checks.in_parallel(read, role.videos, "second look")


def _moments(
    role: Role,
    spans: Sequence[ClipSpan],
    classes: Sequence[str],
    widths_sec: np.ndarray,
    background: np.ndarray | None,
) -> Iterator[_Examples]:
    """Yields video, descriptions and class numbers of clips of each moment."""
    every = math.ceil(sum(span.clips for span in spans) / _EXAMPLES)
    videos = {video.id: video for video in role.videos}

    def read(span: ClipSpan) -> _Examples:
        features = role.sequences.clips(span)
        widths = widths_sec * span.clips / span.duration_sec
        described = _amid(background, features, widths)[
            span.clips // 2 % every :: every
        ]
        labels = [classes.index(span.label)] * len(described)
        return videos[span.video], described, labels

    yield from checks.in_parallel(read, spans, "second look")


def _amid(
    background: np.ndarray | None, features: np.ndarray, widths: np.ndarray
) -> np.ndarray:
    """Describes the steps `[steps, channels]` of a moment amid background, if known."""
    if background is None:
        return describe_steps(features, widths)
    margin = math.ceil(float(widths.max()) / 2)
    beside = np.broadcast_to(background, (margin, len(background)))
    inside = margin + np.arange(len(features))
    return describe_steps(np.concatenate([beside, features, beside]), widths, inside)
