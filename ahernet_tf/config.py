"""Everything that changes a result, each default once and with its source.

A configuration is a tree of frozen dataclasses. Each part of the program receives its
own branch; `Config` only travels whole where a run is described (`config.json`).
Defaults are the paper's; where the 2020 release differs, the option's comment says
`release:` and `docs/FIDELITY.md` explains the row.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import types
import typing
from typing import Any, Literal

from ahernet_tf import files

#: The systems of the paper's tables (section 4.3); see `training.systems`.
SYSTEMS = ("AherNet0", "AherNet-", "AherNetM", "AherNetA-", "AherNet", "AherNet*")


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Sizes and forms of the network (paper section 3 and 4.2)."""

    untrimmed_steps: int = 512
    moment_steps: int = 256
    base_channels: tuple[int, ...] = (2048, 1024)
    level_channels: tuple[int, ...] = (256, 256, 512, 512, 1024, 1024, 2048, 2048)
    anchor_ratios: tuple[float, ...] = (1.0, 1.26, 1.587)
    transfer_layers: int = 2  # 0 uses the segment classifier as it is
    transfer_activation: Literal["none", "relu", "leaky_relu", "elu"] = "elu"
    generator_channels: int = 1024
    generator_activation: Literal["relu", "linear"] = "relu"  # linear: signed features


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Weights, thresholds and forms of the losses (Eq. 4-8)."""

    foreground_tiou: float = 0.8  # release: 0.65 and 0.70 appear as well
    background_tiou: float = 0.3
    classification_weight: float = 2.0
    proposal_weight: float = 2.0
    overlap_weight: float = 25.0
    adversarial_weight: float = 0.1
    negative_ratio: float = 1.0
    anchor_cls: Literal["all_cells", "foreground"] = "all_cells"  # paper: foreground
    anchor_cls_norm: Literal["sum", "mean"] = "sum"
    offset_loss: Literal["encoded", "decoded"] = "encoded"  # paper: decoded
    adv_mask: Literal["joint", "separate"] = "joint"  # paper: separate


@dataclasses.dataclass(frozen=True)
class SynthesisConfig:
    """How an action moment becomes a sequence with context (Eq. 2)."""

    # single: Eq. 2; tiled: several moments a sequence; transplanted: likewise, amid the
    # real background of an untrimmed video; whole: no context at all
    mode: Literal["single", "tiled", "transplanted", "whole"] = "single"
    length_ratio_min: int = 14  # in units of 0.05 of the sequence, inclusive
    length_ratio_max: int = 19
    position_min: int = 1  # in units of 0.05 of the free room, inclusive
    position_max: int = 19
    legacy_synthetic_gt: bool = False  # release: True
    moments_per_class: int = 4  # tiled, transplanted: rows that share a class
    # Only for mode "tiled":
    # Length of the generated context between moments: uniform between the two, or as
    # the background between the instances of the untrimmed videos.
    context_length: Literal["uniform", "source"] = "uniform"
    context_min_sec: float = 0.4
    context_max_sec: float = 1.6


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """From clip features and annotations to the three streams (paper section 4.2)."""

    pooling: Literal["mean", "max"] = "mean"
    edge: Literal["zero", "clamp"] = "zero"  # steps beyond the outermost clip centres
    legacy_clip_centres: bool = False  # release: True, clip n at (n + 1/2) strides
    minimum_foreground_clips: int = 32
    minimum_moment_clips: int = 8
    max_segments: int = 25
    standardize: bool = False  # per channel, by mean and deviation of the training data
    validation_fraction: float = 0.0  # of the training videos, held out by seed
    oracle_fraction: float = 1.0  # of the annotated videos that AherNet* trains on
    cache_bytes: int = 1 << 30  # resampled sequences kept in memory, all streams


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Optimisation (paper section 4.2 and Algorithm 1)."""

    system: Literal[SYSTEMS] = "AherNet"
    batch_size: int = 16
    pretrain_iterations: int = 95_000
    iterations: int = 15_000
    optimizer: str = "adam"
    localization_learning_rate: float = 1e-4
    generator_learning_rate: float | None = None  # row 4; None: the localisation rate
    adversarial_learning_rate: float = 1e-4
    beta_1: float = 0.9
    adversarial_beta_1: float = 0.5
    beta_2: float = 0.999
    epsilon: float = 1e-8
    decay_factor: float = 0.1
    decay_every: int = 5_000  # release: 15,000 samples; paper for K600: 15,000
    decay_unit: Literal["iterations", "samples"] = "iterations"
    decay_times: int = 5
    # One row after the other, or all from one point with one forward pass a stream:
    schedule: Literal["alternating", "fused"] = "alternating"
    optimizer_split: Literal["per_loss", "joint"] = "per_loss"
    generator_updates: int = 2  # paper: 1; "fused" has one
    ema_decay: float = 0.0  # average of the weights that localises; 0: the weights
    # Of the products; losses: always float32. tf32: on GPUs that have it, else float32
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    jit_compile: bool = False  # compile the iteration with XLA


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """From network outputs to detections (paper section 3.4)."""

    ranking: Literal["anchor", "video"] = "anchor"  # release: video
    # What is multiplied with the class probability:
    proposal_score: Literal["overlap", "action", "product"] = "overlap"
    nms_tiou: float = 0.9
    # Above 0: a kept detection multiplies the scores of the others by
    # exp(-tIoU^2 / (2 soft_nms_sigma)), in place of suppression beyond nms_tiou.
    soft_nms_sigma: float = 0.0
    candidates: int = 765  # the best so many enter non-maximum suppression
    detections: int = 100  # the best so many of a video are kept
    legacy_decode_duration: bool = False  # release: True, scales by the full duration


@dataclasses.dataclass(frozen=True)
class Config:
    """A whole run: its preset's name and every part."""

    preset: str = "paper"
    network: NetworkConfig = NetworkConfig()
    loss: LossConfig = LossConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    inference: InferenceConfig = InferenceConfig()


def paper() -> Config:
    """The paper's network and settings: 2048-d features, 512 steps, batch 16."""
    return Config()


def small() -> Config:
    """A network for features of a few hundred channels: minutes on two cores."""
    return Config(
        preset="small",
        network=NetworkConfig(
            base_channels=(128, 128),
            level_channels=(64, 64, 64, 64, 128, 128, 128, 128),
            generator_channels=128,
            generator_activation="linear",
        ),
        loss=LossConfig(foreground_tiou=0.5, anchor_cls_norm="mean"),
        synthesis=SynthesisConfig(mode="tiled"),
        data=DataConfig(
            edge="clamp",
            minimum_foreground_clips=4,
            minimum_moment_clips=2,
            max_segments=64,
            standardize=True,
        ),
        training=TrainingConfig(
            pretrain_iterations=100,
            iterations=400,
            localization_learning_rate=1e-3,
            decay_every=250,
            decay_times=1,
        ),
        inference=InferenceConfig(proposal_score="product", nms_tiou=0.5),
    )


def best() -> Config:
    """`small` with what helps beyond the paper (docs/RESULTS.md)."""
    config = small()
    return dataclasses.replace(
        config,
        preset="best",
        synthesis=dataclasses.replace(config.synthesis, mode="transplanted"),
        training=dataclasses.replace(
            config.training, schedule="fused", optimizer_split="joint", ema_decay=0.98
        ),
        inference=dataclasses.replace(config.inference, soft_nms_sigma=0.3),
    )


PRESETS = {"paper": paper, "small": small, "best": best}


def preset(name: str) -> Config:
    """Returns the named preset.

    Raises:
        ValueError: No preset has this name.
    """
    if name not in PRESETS:
        raise ValueError(f"Expected a preset of {sorted(PRESETS)}, received '{name}'.")
    return PRESETS[name]()


def to_dict(config: Any) -> dict[str, Any]:
    """Returns a configuration as plain dictionaries and lists, ready for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_dict(values: dict[str, Any], cls: type = Config, where: str = "") -> Any:
    """Builds a configuration from dictionaries; what is absent keeps its default.

    Raises:
        ValueError: A field is unknown or holds a value of the wrong kind.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where or 'config'}: expected an object, received {values}.")
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ValueError(
            f"Unknown option '{where}{unknown[0]}'; expected one of {sorted(hints)}."
        )
    fields = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            fields[name] = from_dict(value, hints[name], f"{where}{name}.")
        else:
            fields[name] = _convert(value, hints[name], f"{where}{name}")
    return cls(**fields)


def with_overrides(config: Config, assignments: list[str]) -> Config:
    """Applies `part.option=value` assignments to a configuration.

    Args:
        config: Configuration to start from.
        assignments: Such as `loss.adv_mask=separate`; lists are written `1,2,3`.

    Raises:
        ValueError: An assignment has no `=`, an unknown option or a wrong value.
    """
    values = to_dict(config)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        *parts, name = path.strip().split(".")
        if not equals or not parts:
            raise ValueError(f"Expected part.option=value, received '{assignment}'.")
        branch = values
        for part in parts:
            if not isinstance(branch.get(part), dict):
                raise ValueError(f"Unknown option '{path}' in '{assignment}'.")
            branch = branch[part]
        branch[name] = text.strip()
    return from_dict(values)


def differences(a: Config, b: Config) -> list[str]:
    """Lists the options in which two configurations differ, `path: a != b`."""

    def walk(x: Any, y: Any, path: str) -> list[str]:
        if isinstance(x, dict) and isinstance(y, dict):
            keys = sorted(set(x) | set(y))
            return [d for k in keys for d in walk(x.get(k), y.get(k), f"{path}.{k}")]
        return [] if x == y else [f"{path[1:]}: {x} != {y}"]

    return walk(to_dict(a), to_dict(b), "")


def save(config: Config, path: str | pathlib.Path) -> None:
    """Writes a configuration as JSON, whole or not at all."""
    files.write_json(path, to_dict(config))


def load(path: str | pathlib.Path) -> Config:
    """Reads a configuration that `save` wrote.

    Raises:
        ValueError: The file is no JSON, or an option is unknown or wrong.
    """
    values = files.read_json(path)
    try:
        return from_dict(values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


_WORDS = {"true": True, "false": False, "1": True, "0": False}


def _convert(value: Any, hint: Any, where: str) -> Any:
    """Converts a JSON value or a command-line text to the type of an option."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where}: expected one of {arguments}, received {value}.")
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None or value == "none":
            return None
        return _convert(value, arguments[0], where)
    if origin is tuple:
        items = value.strip("()[] ").split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"{where}: expected a list, received {value}.")
        return tuple(_convert(item, arguments[0], where) for item in items)
    if hint is bool:
        word = str(value).lower()
        if word not in _WORDS:
            raise ValueError(f"{where}: expected true or false, received {value}.")
        return _WORDS[word]
    try:
        converted = hint(value)
    except (TypeError, ValueError):
        converted = None
    if converted is None or (hint is int and float(value) != converted):
        raise ValueError(f"{where}: expected {hint.__name__}, received {value}.")
    return converted
