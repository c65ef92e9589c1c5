"""Measures classes that join a trained network, beside classes that were always there.

    python -m experiments.new_classes_study --data DIR --workdir S --preset small

Networks are trained on DIR without some of its target classes, which are then added
from a few of their moments, drawn several times. A network that had all classes from
the start is beside them, and all localise the same test videos. S gets the networks,
new_classes.csv with a row per measurement, and new_classes.md with the means. The same
command continues where it stopped. With --holdouts 1000 and --nowhole on a data set of
a thousand target classes and a few more, it measures what so many cost.
"""

from __future__ import annotations

import os
import pathlib
import resource
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import files, program
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.description import DESCRIPTION, read_description
from ahernet_tf.data.features.feature_entries import with_paths

if TYPE_CHECKING:
    from ahernet_tf.config import Config
    from ahernet_tf.inference.class_changes import MomentSequence
    from ahernet_tf.inference.trained_network import TrainedNetwork

ALL, ALWAYS = "all", "from the start"
TABLE, MEANS = "new_classes.csv", "new_classes.md"
_SCORES = ["old_before", "old", "new", "seconds", "memory_mb"]


def without_classes(
    data: pathlib.Path, gone: list[str], directory: pathlib.Path
) -> pathlib.Path:
    """Describes a data set without some of its target classes.

    Args:
        data: The data set; its files stay where they are.
        gone: The classes.
        directory: Gets a dataset.json.
    """

    def there(path: str) -> str:
        return os.fspath((data / path).absolute())

    described = read_description(data, DataReport())
    roles: dict[str, Any] = {}
    for name in ("untrimmed", "moments", "test"):
        role = described.roles[name]
        roles[name] = {
            "annotations": there(role.annotations),
            "subset": role.subset,
            "classes": [label for label in role.classes if label not in gone],
            "features": with_paths(role.features, there),
        }
        if name == "moments" and not role.trimmed:
            roles[name]["from"] = described.content[name]["from"]
    ignored = sorted({*described.ignored_classes, *gone})
    content = {"name": described.name, **roles, "ignored_classes": ignored}
    files.write_json(directory / DESCRIPTION, content)
    return directory


def trained(
    data: pathlib.Path, workdir: pathlib.Path, config: Config, seed: int
) -> TrainedNetwork:
    """Trains a network, if that is not done yet, and returns it."""
    from ahernet_tf.inference.trained_network import TrainedNetwork

    from .training_run import TrainingRun, train

    train(TrainingRun(data, workdir, config, seed=seed))
    return TrainedNetwork.load(workdir)


def drawn_moments(
    dataset: Dataset, label: str, shots: str, draw: int, steps: int
) -> Iterator[MomentSequence]:
    """Yields moments of a class, drawn at random.

    Args:
        dataset: Where they are.
        label: The class.
        shots: How many; or `all`.
        draw: Number of the draw; of one draw, fewer are among more.
        steps: Of their sequences.
    """
    from ahernet_tf.inference.class_changes import MomentSequence

    role = dataset.role("moments")
    spans = role.instance_spans(max(1, dataset.config.minimum_moment_clips))
    own = [span for span in spans if span.label == label]
    count = len(own) if shots == ALL else int(shots)
    for place in np.random.default_rng(draw).permutation(len(own))[:count]:
        sequence = role.sequences.sequence(own[place], steps)
        yield MomentSequence(sequence, own[place].duration_sec)


def scores_of(
    network: TrainedNetwork, dataset: Dataset, gone: list[str]
) -> tuple[float, float]:
    """Localises the test videos; returns percent of mAP of old and of new classes."""
    from ahernet_tf.inference import Localizer, scoring

    role = dataset.test()
    found = scoring.localize_role(Localizer.of(network), role)
    average = scoring.score(role, found)["ap_per_class"]
    old = [100 * own for name, own in average.items() if name not in gone]
    new = [100 * own for name, own in average.items() if name in gone]
    return float(np.mean(old)), float(np.mean(new))


def study(
    data: pathlib.Path,
    workdir: pathlib.Path,
    config: Config,
    holdouts: list[int],
    shots: list[str],
    draws: int,
    seed: int = 0,
    whole: bool = True,
) -> pd.DataFrame:
    """Trains, adds, localises; returns a row per measurement.

    Args:
        data: The data set.
        workdir: Where networks and results go.
        config: Of every network.
        holdouts: How many target classes are left out, one network each.
        shots: Moments per class that they are added from; `all` is drawn once.
        draws: Of moments.
        seed: Of training, and of the choice of classes.
        whole: Whether to train one with all classes, too.
    """
    from ahernet_tf.inference.class_changes import with_classes

    dataset = Dataset.load(data, config.data)
    targets = dataset.target_classes
    if not 0 < max(holdouts) < len(targets):
        raise ValueError(f"Expected holdouts below {len(targets)} target classes.")
    order = [targets[i] for i in np.random.default_rng(seed).permutation(len(targets))]
    rows = []
    always = trained(data, workdir / "whole", config, seed) if whole else None
    for count in holdouts:
        gone = order[:count]
        own = without_classes(data, gone, workdir / f"without_{count}" / "data")
        network = trained(own, own.parent / "run", config, seed)
        before, _ = scores_of(network, dataset, gone)
        row = {"holdout": count, "old_before": before}
        if always is not None:
            old, new = scores_of(always, dataset, gone)
            rows.append(row | {"shots": ALWAYS, "old": old, "new": new})
        for number in shots:
            for draw in range(1 if number == ALL else draws):
                steps = config.network.moment_steps
                moments = {
                    name: drawn_moments(dataset, name, number, draw, steps)
                    for name in gone
                }
                begin = time.monotonic()
                more = with_classes(network, moments)
                seconds = time.monotonic() - begin
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                old, new = scores_of(more, dataset, gone)
                measured = {"shots": number, "draw": draw, "old": old, "new": new}
                cost = {"seconds": seconds, "memory_mb": memory}
                rows.append(row | measured | cost)
                _write(workdir, pd.DataFrame(rows))
    return pd.DataFrame(rows)


def _write(workdir: pathlib.Path, frame: pd.DataFrame) -> None:
    """Writes the measurements and their means."""
    with files.whole_file(workdir / TABLE) as temporary:
        frame.to_csv(temporary, index=False)
    files.write_text(workdir / MEANS, means_of(frame))


def means_of(frame: pd.DataFrame) -> str:
    """Returns the means over draws as a Markdown table."""
    groups = frame.groupby(["holdout", "shots"], sort=False)
    lines = [
        "| left out | moments per class | old classes before | old classes | "
        "new classes | seconds | peak memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for (holdout, shots), group in groups:
        means = group[[c for c in _SCORES if c in group]].mean()
        spread = group["new"].std(ddof=0)
        cells = [f"{means[c]:.1f}" for c in ("old_before", "old")]
        cells.append(f"{means['new']:.1f} ± {spread:.1f}")
        for name, form in (("seconds", ".1f"), ("memory_mb", ".0f")):
            value = means.get(name, np.nan)
            cells.append("" if np.isnan(value) else f"{value:{form}}")
        lines.append(f"| {holdout} | {shots} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("data", None, "Data set directory.", required=True)
    flags.DEFINE_string("workdir", None, "Where everything is written.", required=True)
    flags.DEFINE_list("holdouts", ["2", "3", "4"], "How many classes are left out.")
    flags.DEFINE_list("shots", ["1", "5", "20", ALL], "Moments per added class.")
    flags.DEFINE_integer("draws", 3, "Draws of moments.", lower_bound=1)
    flags.DEFINE_string(
        "preset", configuration.AUTO, "Configuration to start from, as of train."
    )
    flags.DEFINE_float(
        "budget_minutes",
        configuration.BUDGET_MINUTES,
        "What training one network may take, for the preset auto.",
    )
    flags.DEFINE_multi_string("set", [], "Option of the configuration. Repeatable.")
    flags.DEFINE_integer("seed", 0, "Of training and of the choice of classes.")
    flags.DEFINE_bool("whole", True, "Train a network with all classes, too.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    data, workdir = pathlib.Path(values.data), pathlib.Path(values.workdir)
    stored, overrides = workdir / "config.json", list(values.set)
    if stored.exists():
        config = configuration.load(stored)
    elif values.preset == configuration.AUTO:
        from ahernet_tf.auto.configuration import configure_for

        config = configure_for(data, values.budget_minutes, overrides).config
    else:
        preset = configuration.preset(values.preset)
        config = configuration.with_overrides(preset, overrides)
    files.check_directory(workdir)
    configuration.save(config, stored)
    holdouts, shots = [int(n) for n in values.holdouts], values.shots
    frame = study(
        data,
        workdir,
        config,
        holdouts,
        shots,
        values.draws,
        values.seed,
        values.whole,
    )
    _write(workdir, frame)
    print(means_of(frame), end="")


if __name__ == "__main__":
    program.start(define_flags, main)
