"""What a way to surround moments consists of, and what its draws may look at."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ahernet_tf.config import SynthesisConfig
from ahernet_tf.synthesis.layouts import Layout

#: What is drawn for one moment: arrays by name, which travel in the batch.
Draw = dict[str, np.ndarray]


class Stretch(NamedTuple):
    """What a sample shows of an untrimmed video.

    Attributes:
        video: Row of the video.
        first_clip: First clip shown.
        end_clip: Clip after the last.
        covered_sec: Duration that the steps of its sequence divide.
        segments: `[instances, 2]`, float32, what is shown of each instance, steps.
        labels: Class of each.
    """

    video: int
    first_clip: int
    end_clip: int
    covered_sec: float
    segments: np.ndarray
    labels: Sequence[str]


@dataclasses.dataclass(frozen=True)
class SynthesisMode:
    """One way to surround a moment.

    Attributes:
        draw: Draws where moments lie, from `DrawInputs`, a random generator, the row
            of the batch, and the real lengths of the row's moments in seconds.
        layout: From the batch of draws, the length of the sequences, and
            `synthesis.legacy_synthetic_gt`, to where every step comes from.
        uses_generators: Whether contexts are generated.
        shares_class: Whether rows come in runs of one class, and a sequence shows
            several moments of its run: `source_row` of a draw says which.
        real_context: Whether an untrimmed video is the context: `context_span [3]` of
            a draw, video and first and end clip, says which stretch of it, and in the
            batch its `context [steps, channels]` stands in its place.
    """

    draw: Callable[[DrawInputs, np.random.Generator, int, Sequence[float]], Draw]
    layout: Callable[[Mapping[str, tf.Tensor], int, bool], Layout]
    uses_generators: bool
    shares_class: bool = False
    real_context: bool = False


@dataclasses.dataclass(frozen=True)
class DrawInputs:
    """What the draws of a stream may look at.

    Attributes:
        config: Ranges of the draws.
        steps: Length of the sequences.
        max_segments: The most moments in one.
        instances_sec: Of each untrimmed video `[instances, 2]`, ascending, seconds.
        stretch: Draws a stretch of an untrimmed video, as it is shown in training.
    """

    config: SynthesisConfig
    steps: int
    max_segments: int
    instances_sec: Sequence[np.ndarray]
    stretch: Callable[[np.random.Generator], Stretch]

    @functools.cached_property
    def gaps_sec(self) -> np.ndarray:
        """Lengths of the background between neighbouring instances, seconds.

        Instances that touch or overlap leave a gap of 0.

        Raises:
            ValueError: No video has two instances.
        """
        gaps = [np.zeros(0)]
        for starts, ends in (instances.T for instances in self.instances_sec):
            gaps.append(starts[1:] - np.maximum.accumulate(ends)[:-1])
        found = np.maximum(np.concatenate(gaps), 0.0)
        if not len(found):
            raise ValueError(
                "synthesis.context_length=source: no untrimmed video has two instances "
                "with background between them; choose uniform."
            )
        return found


def take_turns(count: int, length: int, random: np.random.Generator) -> np.ndarray:
    """Draws a sequence in which all of `count` moments come once before any again.

    Args:
        count: Number of moments.
        length: Length of the sequence.
        random: Where the draw comes from.

    Returns:
        Indices `[length]`, int32.
    """
    rounds = np.tile(np.arange(count, dtype=np.int32), (-(-length // count), 1))
    return random.permuted(rounds, axis=1).ravel()[:length]
