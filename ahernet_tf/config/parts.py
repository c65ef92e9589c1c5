"""Everything that changes a result, each default once and with its source.

A configuration is a tree of frozen dataclasses. Each part of the program receives its
own branch; `Config` only travels whole where a run is described (`config.json`).
Defaults are the paper's, and where the paper is silent the 2020 release's. Where the
release differs, the option's comment says `release:`; the preset `release` holds all
of these, and `docs/FIDELITY.md` explains each row. Ranges stand beside the options and
are checked whenever a configuration is made (see `options`).
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Literal

from ahernet_tf.config.options import (
    Amount,
    BelowOne,
    Count,
    CountOrNone,
    Fraction,
    Options,
    Positive,
    Range,
)

Ratio = typing.Annotated[int, Range(1, 19)]
Position = typing.Annotated[int, Range(0, 20)]
Share = typing.Annotated[float, Range(0, 1, open_low=True)]


@dataclasses.dataclass(frozen=True)
class NetworkConfig(Options):
    """Sizes and forms of the network (paper section 3 and 4.2)."""

    untrimmed_steps: Count = 512
    moment_steps: Count = 256
    base_channels: tuple[Count, ...] = (2048, 1024)
    level_channels: tuple[Count, ...] = (256, 256, 512, 512, 1024, 1024, 2048, 2048)
    anchor_ratios: tuple[Positive, ...] = (1.0, 1.26, 1.587)
    # Whether anchors tell action from background apart from the overlap, and are
    # taught so on mined background. release: True
    proposal_classifier: bool = False
    transfer_layers: CountOrNone = 2  # 0 uses the segment classifier as it is
    transfer_activation: Literal["none", "relu", "leaky_relu", "elu"] = "elu"
    generator_channels: Count = 1024
    generator_activation: Literal["relu", "linear"] = "relu"  # linear: signed features


@dataclasses.dataclass(frozen=True)
class LossConfig(Options):
    """Weights, thresholds and forms of the losses (Eq. 4-8)."""

    foreground_tiou: Fraction = 0.8  # release: 0.65 and 0.70 appear as well
    background_tiou: Fraction = 0.3
    classification_weight: Amount = 2.0
    proposal_weight: Amount = 2.0  # of the two-class term: network.proposal_classifier
    overlap_weight: Amount = 25.0
    adversarial_weight: Amount = 0.1
    negative_ratio: Amount = 1.0  # mined background: network.proposal_classifier
    # Over batch and levels. release: mean_by_batch, divided by the batch size once more
    segment_cls_norm: Literal["mean", "mean_by_batch"] = "mean"
    # Cells with a foreground anchor bear the label of the instance that it matches.
    anchor_cls: Literal["foreground", "all_cells"] = "foreground"  # release: all_cells
    anchor_cls_norm: Literal["sum", "mean"] = "sum"
    offset_loss: Literal["decoded", "encoded"] = "decoded"  # release: encoded
    # Which anchors learn their overlap; matched: those that overlap an instance.
    overlap_anchors: Literal["all", "matched"] = "all"  # release: matched
    adv_mask: Literal["separate", "joint"] = "separate"  # release: joint


@dataclasses.dataclass(frozen=True)
class SynthesisConfig(Options):
    """How an action moment becomes a sequence with context (Eq. 2)."""

    # single: Eq. 2; tiled: several moments per sequence; transplanted: several amid the
    # real background of an untrimmed video; whole: no context at all
    mode: Literal["single", "tiled", "transplanted", "whole"] = "single"
    length_ratio_min: Ratio = 14  # in units of 0.05 of the sequence, inclusive
    length_ratio_max: Ratio = 19
    position_min: Position = 1  # in units of 0.05 of the free room, inclusive
    position_max: Position = 19
    legacy_synthetic_gt: bool = False  # release: True
    moments_per_class: Count = 4  # tiled, transplanted: rows that share a class
    # Only for mode "tiled":
    # Length of the generated context between moments: uniform between the two, or as
    # the background between the instances of the untrimmed videos.
    context_length: Literal["uniform", "source"] = "uniform"
    context_min_sec: Amount = 0.4
    context_max_sec: Amount = 1.6


@dataclasses.dataclass(frozen=True)
class DataConfig(Options):
    """From clip features and annotations to the three streams (paper section 4.2)."""

    pooling: Literal["mean", "max"] = "mean"
    edge: Literal["zero", "clamp"] = "zero"  # steps beyond the outermost clip centres
    legacy_clip_centres: bool = False  # release: True, clip n at (n + 1/2) strides
    minimum_foreground_clips: CountOrNone = 32
    minimum_moment_clips: CountOrNone = 8
    max_segments: Count | None = None  # of a video; None: all. release: 25
    # Longer videos are read as windows, in training and localising; 0: none is.
    window_sec: Amount = 0.0
    # Least share of a video or window that a training sample shows; 1: all of it.
    crop_min: Share = 1.0
    standardize: bool = False  # per channel, by mean and deviation of the training data
    validation_fraction: BelowOne = 0.0  # of the training videos, held out by seed
    oracle_fraction: Share = 1.0  # of the annotated videos that AherNet* trains on
    cache_bytes: CountOrNone = 1 << 30  # of resampled sequences, kept in memory


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Options):
    """Optimisation (paper section 4.2 and Algorithm 1)."""

    system: str = "AherNet"  # a name in models.systems.SYSTEMS
    batch_size: Count = 16
    pretrain_iterations: CountOrNone = 95_000
    iterations: CountOrNone = 15_000
    optimizer: Literal[
        "adam", "adamw", "sgd", "rectified_adam", "lamb", "lookahead_adam"
    ] = "adam"
    localization_learning_rate: Amount = 1e-4
    generator_learning_rate: Amount | None = None  # step 4; None: the localisation rate
    adversarial_learning_rate: Amount = 1e-4
    beta_1: BelowOne = 0.9
    adversarial_beta_1: BelowOne = 0.5
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-8
    decay_factor: Fraction = 0.1
    decay_every: Count = 5_000  # release: 15,000 samples; paper for K600: 15,000
    decay_unit: Literal["iterations", "samples"] = "iterations"  # release: samples
    decay_times: CountOrNone = 5
    # One step after the other, or all from one point with one forward pass per stream:
    schedule: Literal["alternating", "fused"] = "alternating"
    optimizer_split: Literal["per_loss", "joint"] = "per_loss"
    generator_updates: Count = 1  # release: 2; "fused" has one
    ema_decay: BelowOne = 0.0  # average of the weights that localises; 0: the weights
    # Of the products; losses: always float32. tf32: on GPUs that have it, else float32
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    jit_compile: bool = False  # compile the iteration with XLA


@dataclasses.dataclass(frozen=True)
class InferenceConfig(Options):
    """From network outputs to detections (paper section 3.4)."""

    ranking: Literal["anchor", "video"] = "anchor"  # release: video
    # What is multiplied with the class probability; all but overlap need
    # network.proposal_classifier:
    proposal_score: Literal["overlap", "action", "product"] = "overlap"
    nms_tiou: Fraction = 0.9
    # Above 0: a kept detection multiplies the scores of the others by
    # exp(-tIoU^2 / (2 soft_nms_sigma)), in place of suppression beyond nms_tiou.
    soft_nms_sigma: Amount = 0.0
    candidates: Count = 765  # the best so many enter non-maximum suppression
    detections: Count = 100  # the best so many of a video are kept
    second_look: bool = False  # read what was found once more, in the input
    # Above 0: score times exp(-(log length - mean)^2 / (2 (prior deviation)^2)) of the
    # log durations of the class's moments.
    duration_prior: Amount = 0.0
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

    def __post_init__(self) -> None:
        """Refuses options that contradict one another.

        Raises:
            ValueError: Names both options and their values.
        """
        for low, high in (
            ("loss.background_tiou", "loss.foreground_tiou"),
            ("synthesis.length_ratio_min", "synthesis.length_ratio_max"),
            ("synthesis.position_min", "synthesis.position_max"),
            ("synthesis.context_min_sec", "synthesis.context_max_sec"),
        ):
            lower, upper = self.option(low), self.option(high)
            if lower > upper:
                raise ValueError(f"{low}={lower} is above {high}={upper}.")
        score = self.inference.proposal_score
        if score != "overlap" and not self.network.proposal_classifier:
            raise ValueError(
                f"inference.proposal_score={score} needs "
                "network.proposal_classifier=true."
            )

    def option(self, name: str) -> Any:
        """Returns an option by its name, such as `loss.adv_mask`."""
        part, _, option = name.partition(".")
        return getattr(getattr(self, part), option)


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
    fields = {
        name: from_dict(value, hints[name], f"{where}{name}.")
        if dataclasses.is_dataclass(hints[name])
        else value
        for name, value in values.items()
    }
    return cls(**fields)
