"""The flags that say how features lie in their files, and when their clips happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from absl import flags

from ahernet_tf.data.features.feature_sets import FEATURE_SETS

_NAMES = ("preset", "format", "template", "clip_frames", "stride_frames", "fps")
_NAMES += ("resampled", "covers")


def define_layout() -> None:
    """Defines the flags."""
    flags.DEFINE_enum(
        "preset", None, sorted(FEATURE_SETS), "A published set of features."
    )
    flags.DEFINE_string(
        "format", None, "Format of --features (docs/DATA.md); unset: guessed."
    )
    flags.DEFINE_string(
        "template", None, "Name of a sequence in --features, such as v_{video}."
    )
    flags.DEFINE_integer("clip_frames", None, "Frames a clip saw.", 1)
    flags.DEFINE_integer("stride_frames", None, "Frames from one clip to the next.", 1)
    flags.DEFINE_float(
        "fps",
        None,
        "Frames a second of every video; unset: as features, annotations or video "
        "files say.",
        0.01,
    )
    flags.DEFINE_bool(
        "resampled", None, "Videos were converted to --fps before the extraction."
    )
    flags.DEFINE_enum(
        "covers",
        None,
        ["clips", "duration"],
        "What a sequence spans: its clips (default), or, resized, the whole video.",
    )


def layout_of(values: flags.FlagValues, more: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the fields of a `features` entry that flags give.

    Args:
        values: Of all flags.
        more: Further flags of the program that are such fields.
    """
    found = {name: values[name].value for name in (*_NAMES, *more)}
    return {name: value for name, value in found.items() if value not in (None, [])}
