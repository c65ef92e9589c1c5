"""The flags that say which trained network is used, and for which classes."""

from __future__ import annotations

from absl import flags


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
