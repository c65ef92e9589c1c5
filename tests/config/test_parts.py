"""Options: each can be set, none can be changed in place."""

import dataclasses
import json
import typing

import pytest

from ahernet_tf import config
from ahernet_tf.config import Config

PARTS = ("network", "loss", "synthesis", "data", "training", "inference")


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
        return "25" if int in typing.get_args(hint) else "0.25"
    if isinstance(value, str):
        return f"other_{value}"
    return str(value / 2) if isinstance(value, float) and value else str(value - 1)


#: Where half or one less is out of range.
OTHER_VALUES = {
    "soft_nms_sigma": "0.5",
    "duration_prior": "2",
    "validation_fraction": "0.5",
    "ema_decay": "0.5",
    "context_max_sec": "3",
    "window_sec": "5",
    "generator_updates": "2",
}


@pytest.mark.parametrize("part", PARTS)
def test_every_option_can_be_set_and_survives_json(part):
    branch = getattr(Config(), part)
    hints = typing.get_type_hints(type(branch))
    base = config.with_overrides(Config(), ["network.proposal_classifier=true"])
    for name, value in dataclasses.asdict(branch).items():
        value = getattr(getattr(base, part), name)
        text = OTHER_VALUES.get(name, different_value(value, hints[name]))
        changed = config.with_overrides(base, [f"{part}.{name}={text}"])
        assert len(config.differences(base, changed)) == 1, name
        found = getattr(getattr(changed, part), name)
        assert found != value, name
        assert config.from_dict(json.loads(json.dumps(config.to_dict(changed)))) == (
            changed
        )


def test_configurations_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().loss.adv_mask = "separate"
