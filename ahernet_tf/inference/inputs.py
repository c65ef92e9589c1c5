"""What a localizer is given, checked before anything is computed."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ahernet_tf.data.features.time_model import TimeModel, timing_differences


def checked_features(features: np.ndarray, channels: int) -> np.ndarray:
    """Returns the features of a video as an array.

    Raises:
        ValueError: They are no matrix `[clips, channels]`, or hold NaN or infinity.
    """
    kind = type(features).__name__
    if kind == "list" and any(np.ndim(values) == 2 for values in features):
        raise ValueError(
            f"Expected features [clips, {channels}] of one video, received a list of "
            "arrays; localize_videos takes those of several."
        )
    features = np.asarray(features)
    if features.dtype.kind not in "fiub" and features.dtype.name != "bfloat16":
        raise ValueError(
            f"Expected features [clips, {channels}] of numbers, received {kind}."
        )
    if features.ndim != 2 or features.shape[1] != channels or not len(features):
        raise ValueError(
            f"Expected features [clips, {channels}] of at least one clip, "
            f"received {features.shape}."
        )
    if not np.isfinite(features).all():
        raise ValueError("The features hold NaN or infinite values.")
    return features


def check_count(value: int | None, what: str) -> None:
    """Refuses a number below 1; None is none.

    Raises:
        ValueError: Names the number.
    """
    if value is None:
        return
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"Expected {what} of at least 1, received {value!r}.")


def check_number(value: float | None, what: str) -> None:
    """Refuses what is no finite number; None is none.

    Raises:
        ValueError: Names the value.
    """
    if value is not None and not _is_finite(value):
        raise ValueError(f"Expected {what}, a number, received {value!r}.")


def of_each(
    value: float | Sequence[float | None] | None, videos: int, what: str
) -> list[float | None]:
    """Returns the value of each video, such as its frame rate.

    Args:
        value: Of all videos, or of each; None where none is needed.
        videos: How many there are.
        what: Name of the value.

    Raises:
        ValueError: There is not one for each video, or one is no number above 0.
    """
    alike = value is None or isinstance(value, str | numbers.Number)
    values: list[Any] = [value] * videos if alike else list(value)  # type: ignore
    if len(values) != videos:
        raise ValueError(
            f"Expected {what} of each of {videos} videos, received {len(values)}."
        )
    for number in values:
        if number is not None and not (_is_finite(number) and number > 0):
            raise ValueError(f"Expected {what} above 0, received {number!r}.")
    return values


def _is_finite(value: Any) -> bool:
    """Tells whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    return math.isfinite(value)


def warn_of_timing(trained: Mapping[str, Any] | None, time_model: TimeModel) -> None:
    """Warns of clips that are timed otherwise than in training, where that is known."""
    if differences := timing_differences(trained or {}, time_model):
        warnings.warn(
            "The clips are timed otherwise than those of training (then, now): "
            f"{', '.join(differences)}. Scores are worse where this is not meant.",
            stacklevel=4,
        )
