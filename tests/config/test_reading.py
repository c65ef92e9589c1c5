"""Configurations as JSON and text: round trips, overrides, older versions."""

import dataclasses
import json

import pytest

from ahernet_tf import config
from ahernet_tf.config import Config, LossConfig, NetworkConfig

PARTS = ("network", "loss", "synthesis", "data", "training", "inference")


def test_overrides_apply_in_order_and_keep_the_rest():
    changed = config.with_overrides(
        config.small(),
        ["loss.adv_mask=separate", "loss.adv_mask=joint", "training.iterations = 7 "],
    )
    expected = dataclasses.replace(
        config.small(),
        training=dataclasses.replace(config.small().training, iterations=7),
    )
    assert changed == expected


def test_values_of_command_lines_get_the_type_of_their_option():
    changed = config.with_overrides(
        Config(),
        [
            "network.anchor_ratios=1,1.5",
            "network.base_channels=(8, 4)",
            "training.localization_learning_rate=1e-3",
            "training.generator_learning_rate=none",
            "data.standardize=True",
            "training.iterations=1000",
        ],
    )
    assert changed.network.anchor_ratios == (1.0, 1.5)
    assert changed.network.base_channels == (8, 4)
    assert changed.training.localization_learning_rate == 1e-3
    assert changed.training.generator_learning_rate is None
    assert changed.data.standardize is True
    assert changed.training.iterations == 1000
    assert isinstance(changed.training.iterations, int)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("loss.adv_mask", "part.option=value, received 'loss.adv_mask'"),
        ("adv_mask=joint", "part.option=value"),
        ("loss.adv_musk=joint", r"Unknown option 'loss\.adv_musk'"),
        ("lost.adv_mask=joint", r"Unknown option 'lost\.adv_mask'"),
        ("loss.adv_mask.x=joint", "Unknown option"),
        ("loss.adv_mask=both", r"loss\.adv_mask: expected one of .*received both"),
        ("training.iterations=2.5", r"training\.iterations: expected int"),
        ("training.iterations=many", r"training\.iterations: expected int"),
        ("training.beta_1=big", r"training\.beta_1: expected float"),
        ("data.standardize=perhaps", r"data\.standardize: expected true or false"),
        ("network.base_channels=4,x", r"network\.base_channels: expected int"),
        (
            "network.base_channels=4,0",
            r"network\.base_channels: .*at least 1",
        ),
        ("inference.nms_tiou=50", r"inference\.nms_tiou: .*at most 1, received 50"),
        ("inference.nms_tiou=nan", r"inference\.nms_tiou: .*received nan"),
        ("training.batch_size=0", r"training\.batch_size: .*at least 1, received 0"),
        ("training.iterations=-5", r"training\.iterations: .*at least 0, received -5"),
        ("training.iterations=inf", r"training\.iterations: expected int"),
        ("training.ema_decay=1", r"training\.ema_decay: .*below 1, received 1"),
        ("loss.overlap_weight=inf", r"loss\.overlap_weight: .*received inf"),
        ("data.max_segments=0", r"data\.max_segments: .*at least 1, received 0"),
        ("data.oracle_fraction=0", r"data\.oracle_fraction: .*above 0"),
        (
            "loss.background_tiou=0.9",
            r"loss\.background_tiou=0\.9 is above loss\.foreground_tiou=0\.8",
        ),
        (
            "inference.proposal_score=product",
            "needs network.proposal_classifier=true",
        ),
    ],
)
def test_wrong_override_names_the_option(assignment, message):
    with pytest.raises(ValueError, match=message):
        config.with_overrides(Config(), [assignment])


def test_wrong_file_names_itself(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"config\.json"):
        config.load(path)
    path.write_text('{"loss": {"foreground": 1}}')
    with pytest.raises(ValueError, match=r"config\.json.*loss\.foreground"):
        config.load(path)
    path.write_text('{"loss": 3}')
    with pytest.raises(ValueError, match=r"config\.json.*loss"):
        config.load(path)


def test_absent_options_keep_their_defaults():
    loaded = config.from_dict({"loss": {"overlap_weight": 3}})
    assert loaded == Config(loss=LossConfig(overlap_weight=3.0))
    assert isinstance(loaded.loss.overlap_weight, float)


def test_differences_name_path_and_both_values():
    other = Config(loss=LossConfig(adv_mask="joint"), network=NetworkConfig())
    assert config.differences(Config(), other) == ["loss.adv_mask: separate != joint"]
    assert config.differences(other, other) == []


def test_values_of_python_are_checked_as_those_of_a_command_line():
    with pytest.raises(ValueError, match=r"training\.batch_size: .*received 0"):
        dataclasses.replace(Config().training, batch_size=0)


#: What version 0.1.0 wrote for its preset `paper`.
VERSION_0_1_0 = """
{"preset": "paper", "network": {"untrimmed_steps": 512, "moment_steps": 256,
"base_channels": [2048, 1024], "level_channels": [256, 256, 512, 512, 1024, 1024, 2048,
2048], "anchor_ratios": [1.0, 1.26, 1.587], "transfer_layers": 2,
"transfer_activation": "elu", "generator_channels": 1024,
"generator_activation": "relu"}, "loss": {"foreground_tiou": 0.8,
"background_tiou": 0.3, "classification_weight": 2.0, "proposal_weight": 2.0,
"overlap_weight": 25.0, "adversarial_weight": 0.1, "negative_ratio": 1.0,
"anchor_cls": "all_cells", "anchor_cls_norm": "sum", "offset_loss": "encoded",
"adv_mask": "joint"}, "synthesis": {"mode": "single", "length_ratio_min": 14,
"length_ratio_max": 19, "position_min": 1, "position_max": 19,
"legacy_synthetic_gt": false, "moments_per_class": 4, "context_length": "uniform",
"context_min_sec": 0.4, "context_max_sec": 1.6}, "data": {"pooling": "mean",
"edge": "zero", "legacy_clip_centres": false, "minimum_foreground_clips": 32,
"minimum_moment_clips": 8, "max_segments": 25, "standardize": false,
"validation_fraction": 0.0, "oracle_fraction": 1.0, "cache_bytes": 1073741824},
"training": {"system": "AherNet", "batch_size": 16, "pretrain_iterations": 95000,
"iterations": 15000, "optimizer": "adam", "localization_learning_rate": 0.0001,
"generator_learning_rate": null, "adversarial_learning_rate": 0.0001, "beta_1": 0.9,
"adversarial_beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-08, "decay_factor": 0.1,
"decay_every": 5000, "decay_unit": "iterations", "decay_times": 5,
"schedule": "alternating", "optimizer_split": "per_loss", "generator_updates": 2,
"ema_decay": 0.0, "precision": "float32", "jit_compile": false},
"inference": {"ranking": "anchor", "proposal_score": "overlap", "nms_tiou": 0.9,
"soft_nms_sigma": 0.0, "candidates": 765, "detections": 100,
"legacy_decode_duration": false}}
"""


def test_configuration_of_version_0_1_0_means_what_it_meant(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(VERSION_0_1_0)
    loaded = config.load(path)
    stored = json.loads(VERSION_0_1_0)
    for part in PARTS:
        values = config.to_dict(loaded)[part]
        assert {name: values[name] for name in stored[part]} == stored[part]
    # Options that came later do what version 0.1.0 did.
    assert loaded.network.proposal_classifier
    assert loaded.loss.segment_cls_norm == "mean_by_batch"
    assert loaded.loss.overlap_anchors == "matched"


def test_options_absent_from_a_file_have_the_values_of_version_0_1_0(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"preset": "paper"}')
    loaded = config.load(path)
    path.write_text(VERSION_0_1_0)
    assert loaded == config.load(path)
