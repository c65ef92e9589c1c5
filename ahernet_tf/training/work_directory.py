"""A work directory: what it was made for, who writes to it, and whether it is done.

| file | content |
|---|---|
| `model.json`, `config.json` | what the network was built for, the configuration |
| `run.json` | data, seed, command, versions |
| `checkpoints/`, `best/` | the last states, and that of the best validation score |
| `losses.jsonl`, `tensorboard/`, `validation.jsonl` | logs |
| `predictions*.json`, `metrics.json` | results, of all iterations of `config.json` |
| `report.html` | a page to look at them with |
| `exemplars.npz` | moments as the trained network sees them, for classes to come |
| `train.lock` | held while a process trains |
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import filelock

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.config import Config
from ahernet_tf.models import checkpoint, checkpoint_files
from ahernet_tf.models.checkpoint import Description

RUN, METRICS, LOCK = "run.json", "metrics.json", "train.lock"
EXEMPLARS = "exemplars.npz"
PREDICTIONS, SOURCE_PREDICTIONS = "predictions.json", "predictions_source.json"
PAGE = "report.html"
_GIT_SEC = 10.0  # a version is not worth a longer wait
_PACKAGES = ("ahernet_tf", "tensorflow", "keras", "numpy", "tensorflow-addons")


@contextlib.contextmanager
def locked(directory: pathlib.Path) -> Iterator[None]:
    """Holds a work directory, which is made, against other processes that train.

    Raises:
        ValueError: Another process holds it, or nothing can be written there.
    """
    files.check_directory(directory)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(directory / LOCK, timeout=0):
            yield
    except filelock.Timeout as error:
        raise ValueError(
            f"{directory}: another process trains there. Wait for it, or choose "
            "another directory."
        ) from error


def is_locked(directory: pathlib.Path) -> bool:
    """Tells whether a process trains in a work directory."""
    if not (directory / LOCK).exists():
        return False
    try:
        with filelock.FileLock(directory / LOCK, timeout=0):
            return False
    except filelock.Timeout:
        return True


def check(
    directory: pathlib.Path, description: Description, config: Config, seed: int
) -> None:
    """Refuses a work directory of another configuration, data set or seed.

    More iterations than before are no other configuration. What a run that was ended
    before its first checkpoint left is written anew.

    Raises:
        ValueError: Names what differs, or there are results without a checkpoint.
    """
    if not checkpoint_files.checkpoint_paths(directory):
        if (directory / METRICS).exists():
            raise ValueError(
                f"{directory}: holds the results of a finished run, whose checkpoints "
                f"are gone. Remove its {METRICS} to train anew there, or train in "
                "another directory."
            )
        return
    if not (directory / RUN).exists():
        raise ValueError(
            f"{directory}: holds a network, but no {RUN}: it was not trained here (an "
            "imported release?). Train in another directory."
        )
    there, stored = checkpoint.load_description(directory)
    training = dataclasses.replace(
        stored.training, iterations=config.training.iterations
    )
    differences = configuration.differences(
        dataclasses.replace(stored, training=training), config
    )
    if config.training.iterations < stored.training.iterations:
        differences.append(
            f"training.iterations: {stored.training.iterations} > "
            f"{config.training.iterations}"
        )
    if there.extraction not in (None, description.extraction):
        differences.append(f"features: {there.extraction} != {description.extraction}")
    if dataclasses.replace(there, extraction=description.extraction) != description:
        differences.append("classes or feature channels of the data set")
    recorded = files.read_json(directory / RUN).get("seed")
    if recorded != seed:
        differences.append(f"seed: {recorded} != {seed}")
    if differences:
        raise ValueError(
            f"{directory} holds a run of another configuration (there != asked): "
            + "; ".join(differences)
        )


def record(
    directory: pathlib.Path,
    description: Description,
    config: Config,
    seed: int,
    **facts: Any,
) -> None:
    """Writes what a run is, with versions and command."""
    files.write_json(
        directory / RUN,
        {
            "command": sys.orig_argv,
            "seed": seed,
            **facts,
            "versions": {"python": platform.python_version()} | _versions(),
            "commit": _commit(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
    )
    checkpoint.save_description(directory, description, config)


def results(directory: pathlib.Path) -> dict[str, Any] | None:
    """Returns what `metrics.json` holds; None where the run is not finished.

    Raises:
        ValueError: The file is unreadable.
    """
    path = directory / METRICS
    return files.read_json(path) if path.exists() else None


def rate(directory: pathlib.Path) -> float | None:
    """Returns the frame rate of all training videos, if their features do not tell it.

    None where they do, where it differs, or where the network was not trained here.
    """
    path = directory / RUN
    return files.read_json(path).get("fps") if path.exists() else None


def forget_results(directory: pathlib.Path) -> None:
    """Removes results that the iterations to come will make untrue."""
    for name in (METRICS, EXEMPLARS, PREDICTIONS, SOURCE_PREDICTIONS, PAGE):
        (directory / name).unlink(missing_ok=True)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _commit() -> str | None:
    """Returns the commit of this checkout; None outside of one, or without git."""
    checkout = pathlib.Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        found = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_GIT_SEC
        )
        return found.stdout.strip() or None
    return None
