"""What the benchmark programs that start from a preset share: flags and the ending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from absl import app, flags

from ahernet_tf import config as configuration
from ahernet_tf.config import Config
from ahernet_tf.files import write_json

# `--help` of a program shows the flags that are defined here for it as its own.
flags.disclaim_key_flags()


def define_flags() -> None:
    """Defines `--preset`, `--set` and `--json`."""
    presets = sorted(configuration.PRESETS)
    flags.DEFINE_enum("preset", "paper", presets, "Configuration to start from.")
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


def chosen_config(argv: Sequence[str], options: Sequence[str] = ()) -> Config:
    """Returns the configuration that the flags ask for.

    Args:
        argv: What `app.run` passes to `main`.
        options: Further assignments, which win over `--set`.

    Raises:
        UsageError: There is an argument that is no flag.
        ValueError: An option is unknown or wrong.
    """
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected argument '{argv[1]}'.")
    values = flags.FLAGS
    config = configuration.preset(values.preset)
    return configuration.with_overrides(config, [*values.set, *options])


def finish(report: dict[str, Any], text: str) -> int:
    """Prints a report and writes it to `--json`; returns the exit status."""
    print(text)
    if flags.FLAGS.json:
        write_json(flags.FLAGS.json, report)
    return 0
