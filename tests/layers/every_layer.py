"""One small example of every layer, for the tests that all layers share."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ahernet_tf import layers

BATCH = 3
CHANNELS = 4
MAP_SHAPES = ((6, 3), (3, 2))  # cells and channels of two levels
CLASSES = 5


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Returns random float32 numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def maps() -> list[np.ndarray]:
    """Returns the maps of two levels."""
    return [normal(BATCH, *shape, seed=n) for n, shape in enumerate(MAP_SHAPES)]


def single_draw() -> dict[str, np.ndarray]:
    """Returns the draw of three synthetic sequences."""
    return {
        "length_ratio": np.array([14, 17, 5], np.int32),
        "position": np.array([1, 10, 19], np.int32),
        "inside_start": np.array([True, False, False]),
    }


def tiled_draw(steps: int = 20) -> dict[str, np.ndarray]:
    """Returns the draw of three synthetic sequences of several moments."""
    segments = [[[2, 7], [9, 16]], [[0, steps], [0, 0]], [[5, 6], [6, 11]]]
    return {
        "segments": np.array(segments, np.float32),
        "segment_mask": np.array([[True, True], [True, False], [True, True]]),
        "source_row": np.array([[1, 0], [2, 0], [0, 2]], np.int32),
    }


@dataclasses.dataclass(frozen=True)
class Example:
    """A layer and what it is called on.

    Attributes:
        make: Creates the layer; takes `dtype` and other arguments of a Keras layer.
        inputs: Positional arguments: an array, or a list or dictionary of arrays.
        has_batch: Whether the inputs' first axis is the batch.
    """

    make: Callable[..., Any]
    inputs: tuple[Any, ...]
    has_batch: bool = True


SEQUENCE = (normal(BATCH, 16, CHANNELS),)
CLASSIFIER = (
    [normal(c, CLASSES, seed=c) for _, c in MAP_SHAPES],
    [normal(CLASSES, seed=c) for _, c in MAP_SHAPES],
)


def synthetic(mode: str) -> Callable[..., Any]:
    """Returns what creates the synthesis of a mode."""
    return lambda **kwargs: layers.SyntheticMoments(
        20, mode, channels=3, activation="linear", **kwargs
    )


EXAMPLES = {
    "convolution": Example(
        lambda **kwargs: layers.TemporalConvolution(
            5, stride=2, activation="relu", **kwargs
        ),
        SEQUENCE,
    ),
    "backbone": Example(
        lambda **kwargs: layers.Backbone((4, 5), (3, 2), **kwargs), SEQUENCE
    ),
    "standardization": Example(layers.FeatureStandardization, SEQUENCE),
    "anchor head": Example(
        lambda **kwargs: layers.AnchorHead(2, **kwargs), (maps()[0],)
    ),
    "pyramid head": Example(
        lambda **kwargs: layers.PyramidHead(2, 3, **kwargs), (maps(),)
    ),
    "segment classifier": Example(
        lambda **kwargs: layers.SegmentClassifier(CLASSES, **kwargs), (maps(),)
    ),
    "transfer function": Example(
        lambda **kwargs: layers.TransferFunction(2, "elu", **kwargs),
        ([CLASSIFIER[0][0], CLASSIFIER[1][0]],),
        has_batch=False,
    ),
    "weight transfer": Example(
        lambda **kwargs: layers.WeightTransfer(2, 3, "leaky_relu", **kwargs),
        (CLASSIFIER,),
        has_batch=False,
    ),
    "anchor classifier": Example(
        lambda **kwargs: layers.AnchorClassifier(
            layers.SegmentClassifier(CLASSES), layers.WeightTransfer(2, 2), **kwargs
        ),
        (maps(),),
    ),
    "discriminator": Example(
        lambda **kwargs: layers.Discriminator(2, 3, **kwargs), (maps(),)
    ),
    "context generator": Example(
        lambda **kwargs: layers.ContextGenerator(3, "linear", **kwargs), SEQUENCE
    ),
    "single synthetic moments": Example(
        synthetic("single"), (*SEQUENCE, single_draw())
    ),
    "tiled synthetic moments": Example(synthetic("tiled"), (*SEQUENCE, tiled_draw())),
}
