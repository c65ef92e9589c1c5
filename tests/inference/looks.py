"""Second looks made by hand."""

import numpy as np

from ahernet_tf.inference.discriminant import Discriminant
from ahernet_tf.inference.second_look import SecondLook
from ahernet_tf.inference.segment_reader import PARTS, PLACEMENTS, SegmentReader
from ahernet_tf.inference.step_reader import StepReader

#: Of `tests.data.tiny`, target classes first; and what features show of each.
CLASSES = ("wave", "jump", "run", "sit")
LEVELS = {"run": 0.0, "sit": 2.0, "wave": 4.0, "jump": 6.0}


def discriminant(numbers, classes, random=None):
    """One that knows nothing, or with a random generator anything."""
    if random is None:
        kernel = np.zeros((numbers, classes), np.float32)
        return Discriminant(
            np.zeros(numbers), np.ones(numbers), kernel, np.zeros(classes)
        )
    return Discriminant(
        random.normal(size=numbers).astype(np.float32),
        (1 + np.abs(random.normal(size=numbers))).astype(np.float32),
        0.3 * random.normal(size=(numbers, classes)).astype(np.float32),
        np.zeros(classes, np.float32),
    )


def second_look(channels, classes, random=None):
    """A second look of classes `0`, `1`, ..., with one window around a step."""
    return SecondLook(
        SegmentReader(
            discriminant(PARTS * channels, classes * len(PLACEMENTS), random)
        ),
        tuple(map(str, range(classes))),
        StepReader(
            discriminant(2 * channels, classes + 1, random),
            np.array([0.0, 3.0], np.float32),
            None,
        ),
    )
