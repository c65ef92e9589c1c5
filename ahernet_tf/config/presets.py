"""Named configurations."""

from __future__ import annotations

import dataclasses
import difflib

from ahernet_tf.config.parts import Config
from ahernet_tf.config.reading import RELEASE_FORMS, load, with_values

#: The preset that looks at the data (see the room `auto`); the default of training.
AUTO = "auto"
#: What a run with it may take unless said otherwise.
BUDGET_MINUTES = 10.0


def paper() -> Config:
    """What the paper says; where it is silent, what the 2020 release does."""
    return Config()


def release() -> Config:
    """What the 2020 release computes, its slips included: what parity judges."""
    return with_values(
        Config(preset="release"),
        RELEASE_FORMS
        | {
            "synthesis.legacy_synthetic_gt": True,
            "data.legacy_clip_centres": True,
            "training.decay_every": 15_000,
            "training.decay_unit": "samples",
            "inference.ranking": "video",
            "inference.legacy_decode_duration": True,
        },
    )


def small() -> Config:
    """A network for features of a few hundred channels: minutes on two cores."""
    return with_values(
        Config(preset="small"),
        RELEASE_FORMS
        | {
            "network.base_channels": (128, 128),
            "network.level_channels": (64, 64, 64, 64, 128, 128, 128, 128),
            "network.generator_channels": 128,
            "network.generator_activation": "linear",
            "loss.foreground_tiou": 0.5,
            "loss.anchor_cls": "foreground",
            "loss.anchor_cls_norm": "mean",
            "synthesis.mode": "tiled",
            "data.edge": "clamp",
            "data.minimum_foreground_clips": 4,
            "data.minimum_moment_clips": 2,
            "data.max_segments": 64,
            "data.standardize": True,
            "training.pretrain_iterations": 100,
            "training.iterations": 400,
            "training.localization_learning_rate": 1e-3,
            "training.decay_every": 250,
            "training.decay_times": 1,
            "inference.proposal_score": "product",
            "inference.nms_tiou": 0.5,
        },
    )


def best() -> Config:
    """`small` with what helps beyond the paper (docs/RESULTS.md)."""
    return with_values(
        dataclasses.replace(small(), preset="best"),
        {
            "synthesis.mode": "transplanted",
            "training.schedule": "fused",
            "training.optimizer_split": "joint",
            "training.ema_decay": 0.98,
            "inference.soft_nms_sigma": 0.3,
        },
    )


PRESETS = {"paper": paper, "release": release, "small": small, "best": best}


def preset(name: str) -> Config:
    """Returns the named preset, or what a configuration file holds.

    Args:
        name: A key of `PRESETS`, or the path of a `config.json`.

    Raises:
        ValueError: No preset has this name, or the file is wrong; or it is `auto`,
            which no name alone stands for.
    """
    if name.endswith(".json"):
        return load(name)
    if name == AUTO:
        raise ValueError(
            "The preset 'auto' looks at a data set: "
            "ahernet_tf.auto.configuration.configure_for(directory, minutes).config"
        )
    if name not in PRESETS:
        names = [AUTO, *sorted(PRESETS)]
        near = difflib.get_close_matches(name.lower(), names, 1)
        raise ValueError(
            f"Expected a preset of {names} or a config.json, received '{name}'."
            + (f" Did you mean '{near[0]}'?" if near else "")
        )
    return PRESETS[name]()
