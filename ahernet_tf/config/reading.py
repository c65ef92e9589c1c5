"""Configurations as text and files: JSON, command lines, differences."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ahernet_tf import files
from ahernet_tf.config.parts import Config, from_dict

#: Forms in which the 2020 release differs from the paper, but for its slips. They are
#: also those of version 0.1.0, where it differs from the defaults of today.
RELEASE_FORMS = {
    "network.proposal_classifier": True,
    "loss.segment_cls_norm": "mean_by_batch",
    "loss.anchor_cls": "all_cells",
    "loss.offset_loss": "encoded",
    "loss.overlap_anchors": "matched",
    "loss.adv_mask": "joint",
    "data.max_segments": 25,
    "training.generator_updates": 2,
}


def to_dict(config: Any) -> dict[str, Any]:
    """Returns a configuration as plain dictionaries and lists, ready for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """Returns a configuration with some options changed.

    Args:
        config: Configuration to start from.
        values: By the names of the options, such as `loss.adv_mask`.

    Raises:
        ValueError: A value is wrong, or contradicts another.
    """
    parts = to_dict(config)
    for name, value in values.items():
        part, _, option = name.partition(".")
        parts.setdefault(part, {})[option] = value
    return from_dict(parts)


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
    """Reads a configuration that `save` wrote, of any version.

    An option that the file does not have takes the value that version 0.1.0 had, or
    that did what 0.1.0 does where the option is newer.

    Raises:
        ValueError: The file is no JSON, or an option is unknown or wrong.
    """
    values = files.read_json(path)
    if isinstance(values, dict):
        for name, value in RELEASE_FORMS.items():
            part, _, option = name.partition(".")
            options = values.setdefault(part, {})
            if isinstance(options, dict):
                options.setdefault(option, value)
    try:
        return from_dict(values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
