"""Configurations: JSON round trip, overrides, and errors that name the option."""

import dataclasses
import json
import typing

import pytest

from ahernet_tf import config
from ahernet_tf.config import Config, LossConfig, NetworkConfig

PARTS = ("network", "loss", "synthesis", "data", "training", "inference")


@pytest.mark.parametrize("name", sorted(config.PRESETS))
def test_preset_survives_json(name, tmp_path):
    preset = config.preset(name)
    assert preset.preset == name
    config.save(preset, tmp_path / "config.json")
    assert config.load(tmp_path / "config.json") == preset
    assert list(tmp_path.iterdir()) == [tmp_path / "config.json"]


def test_unknown_preset_is_refused():
    with pytest.raises(
        ValueError, match=r"\['best', 'paper', 'small'\], received 'large'"
    ):
        config.preset("large")


def test_paper_preset_is_what_the_paper_states():
    paper = config.preset("paper")
    assert paper.network.level_channels == (256, 256, 512, 512, 1024, 1024, 2048, 2048)
    assert (paper.network.untrimmed_steps, paper.network.moment_steps) == (512, 256)
    assert (paper.loss.foreground_tiou, paper.loss.background_tiou) == (0.8, 0.3)
    assert (paper.training.batch_size, paper.inference.nms_tiou) == (16, 0.9)
    assert paper.training.adversarial_beta_1 == 0.5


def different_value(value, hint):
    """Returns a legal value of an option other than its default, as --set text."""
    choices = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return next(choice for choice in choices if choice != value)
    if isinstance(value, bool):
        return str(not value).lower()
    if isinstance(value, tuple):
        return ",".join(str(item + 1) for item in value)
    if value is None:
        return "0.25"
    return f"other_{value}" if isinstance(value, str) else str(value + 1)


@pytest.mark.parametrize("part", PARTS)
def test_every_option_can_be_set_and_survives_json(part):
    branch = getattr(Config(), part)
    hints = typing.get_type_hints(type(branch))
    for name, value in dataclasses.asdict(branch).items():
        text = different_value(value, hints[name])
        changed = config.with_overrides(Config(), [f"{part}.{name}={text}"])
        assert len(config.differences(Config(), changed)) == 1, name
        found = getattr(getattr(changed, part), name)
        assert found != value, name
        assert config.from_dict(json.loads(json.dumps(config.to_dict(changed)))) == (
            changed
        )


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
    other = Config(loss=LossConfig(adv_mask="separate"), network=NetworkConfig())
    assert config.differences(Config(), other) == ["loss.adv_mask: joint != separate"]
    assert config.differences(other, other) == []


def test_configurations_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().loss.adv_mask = "separate"
