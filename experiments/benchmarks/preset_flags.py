"""What the benchmark programs that start from a preset share: flags and the ending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf.config import Config
from ahernet_tf.files import write_json


def define_flags(default: str = "paper") -> None:
    """Defines `--preset`, `--set` and `--json`."""
    presets = sorted(configuration.PRESETS)
    flags.DEFINE_enum("preset", default, presets, "Configuration to start from.")
    flags.DEFINE_multi_string(
        "set", [], "Option of the configuration, part.option=value. Repeatable."
    )
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")


def define_matmul_sizes() -> None:
    """Defines `--matmul_sizes`, of the products that the rate is taken from."""
    flags.DEFINE_list(
        "matmul_sizes", ["2048", "3072"], "Rows of the matrices; the fastest counts."
    )


def define_classes(source: int = 200, target: int = 600) -> None:
    """Defines `--source_classes` and `--target_classes`."""
    flags.DEFINE_integer("source_classes", source, "Classes with annotations.", 1)
    flags.DEFINE_integer("target_classes", target, "Classes with moments only.", 1)


def chosen_config(values: flags.FlagValues, options: Sequence[str] = ()) -> Config:
    """Returns the configuration that the flags ask for.

    Args:
        values: Of the flags.
        options: Further assignments, which win over `--set`.

    Raises:
        ValueError: An option is unknown or wrong.
    """
    config = configuration.preset(values.preset)
    return configuration.with_overrides(config, [*values.set, *options])


def finish(values: flags.FlagValues, report: dict[str, Any], text: str) -> None:
    """Prints a report and writes it to `--json`."""
    print(text)
    if values.json:
        write_json(values.json, report)
