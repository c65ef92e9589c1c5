"""The flags that say which trained network is used, for which classes and clips."""

from __future__ import annotations

from typing import Any

from absl import flags

from ahernet_tf.data.features.time_model import TimeModel

TIMES = ("clip_frames", "stride_frames", "fps")


def define_checkpoint() -> None:
    """Defines `--checkpoint`."""
    flags.DEFINE_string(
        "checkpoint",
        None,
        "Work directory of training, or one of its checkpoints (W/checkpoints/ckpt-N).",
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


def timing_differences(
    trained: dict[str, Any], time_model: TimeModel, rate: float | None = None
) -> list[str]:
    """Lists in what clips are timed otherwise than in training, "what: then, now".

    Args:
        trained: `Description.extraction`.
        time_model: Of the features.
        rate: Frame rate of the training videos, where `trained` holds none.
    """
    then = {name: trained.get(name) for name in TIMES}
    then["fps"] = then["fps"] or rate
    now = {name: getattr(time_model, name) for name in TIMES}
    both = [name for name in TIMES if then[name] and now[name] is not None]
    return [
        f"{name}: {then[name]:g}, {now[name]:g}"
        for name in both
        if abs(now[name] / then[name] - 1) > 1e-3
    ]


def times_of(values: flags.FlagValues) -> dict[str, Any]:
    """Returns what the flags of `TIMES` say, as far as they are given."""
    times = {name: values[name].value for name in TIMES}
    return {name: value for name, value in times.items() if value is not None}
