"""The flags that say which trained network is used, for which classes and clips."""

from __future__ import annotations

from typing import Any

from absl import flags

from ahernet_tf.data.features.time_model import TIMES


def define_checkpoint() -> None:
    """Defines `--checkpoint`."""
    flags.DEFINE_string(
        "checkpoint",
        None,
        "Work directory W of training, one of its checkpoints (W/checkpoints/ckpt-N), "
        "or the state of its best validation score (W/best).",
        required=True,
    )


def define_classes() -> None:
    """Defines `--classes`."""
    flags.DEFINE_enum(
        "classes",
        "target",
        ["target", "old", "source"],
        "Classes learnt from moments, the same without those that were added after "
        "training, or classes with temporal annotations.",
    )


def define_times() -> None:
    """Defines the flags of `TIMES`."""
    like = "of features; default: what they say, or as in training."
    flags.DEFINE_integer("clip_frames", None, f"Frames that a clip saw, {like}", 1)
    flags.DEFINE_integer("stride_frames", None, f"Frames between clips, {like}", 1)
    flags.DEFINE_float("fps", None, f"Frame rate of the videos, {like}", 0.01)


def times_of(values: flags.FlagValues) -> dict[str, Any]:
    """Returns what the flags of `TIMES` say, as far as they are given."""
    times = {name: values[name].value for name in TIMES}
    return {name: value for name, value in times.items() if value is not None}
