"""The training runs that a table or figure needs.

A run is `experiments.train` in a process of its own; it is finished when its work
directory holds metrics.json.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from ahernet_tf import config as configuration
from ahernet_tf.config import Config
from ahernet_tf.models import systems

TRAIN = (sys.executable, "-m", "ahernet_tf", "train")
LOG = "train.log"
METRICS = "metrics.json"
TAIL_LINES = 15
#: Directory names of systems; the paper's own are no good file names.
_DIRECTORIES = {
    "AherNet-": "AherNet-minus",
    "AherNetA-": "AherNetA-minus",
    "AherNet*": "AherNet-oracle",
}


def trained_as(system: str, config: Config) -> str:
    """Returns the system that is trained for a row of a table.

    The transfer variant that the configuration has anyway is `AherNet` itself, so
    that tables which call it by different names share its runs.

    Args:
        system: Such as `AherNet-` or `AherNet/1-relu`.
        config: What all systems of a table start from.

    Raises:
        ValueError: No system has this name.
    """
    ahernet = systems.configure(config, "AherNet")
    return "AherNet" if systems.configure(config, system) == ahernet else system


def directory_name(system: str) -> str:
    """Returns the name of the directory that holds a system's runs, one a seed."""
    return _DIRECTORIES.get(system, system.replace("/", "-"))


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        system: As `experiments.train --system` takes it.
        seed: Of the run.
        data: Data set directory.
        workdir: Its own work directory.
        preset: Configuration to start from.
        assignments: Options, `part.option=value`.
        more: Further arguments of `experiments.train`.
    """

    system: str
    seed: int
    data: pathlib.Path
    workdir: pathlib.Path
    preset: str = "small"
    assignments: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the run is called in messages."""
        return f"{self.workdir.parent.name}, seed {self.seed}"

    def config(self) -> Config:
        """Returns its configuration.

        Raises:
            ValueError: The preset, an option or the system is unknown.
        """
        preset = configuration.preset(self.preset)
        chosen = configuration.with_overrides(preset, list(self.assignments))
        return systems.configure(chosen, self.system)

    def command(self, trainer: Sequence[str] = TRAIN) -> list[str]:
        """Returns the command that trains it."""
        return [
            *trainer,
            f"--data={self.data}",
            f"--system={self.system}",
            f"--seed={self.seed}",
            f"--workdir={self.workdir}",
            f"--preset={self.preset}",
            *(f"--set={assignment}" for assignment in self.assignments),
            "--noprogress",
            *self.more,
        ]

    def metrics(self) -> dict[str, Any] | None:
        """Returns what metrics.json holds; None where the run is not finished.

        Raises:
            ValueError: The file is unreadable.
        """
        found = _read(self.workdir / METRICS)
        wanted = self.config().training
        if found is None or "iterations" not in found:  # of version 0.1.0
            return found
        possible = (wanted.iterations, wanted.iterations + wanted.pretrain_iterations)
        return found if found["iterations"] in possible else None

    def log_tail(self) -> str:
        """Returns the last lines that its newest process wrote."""
        path = self.workdir / LOG
        if not path.exists():
            return "(no log)"
        text = path.read_text(errors="replace").rpartition("\n$ ")[2]
        return "\n".join(f"    {line}" for line in text.splitlines()[-TAIL_LINES:])


def check(run: Run) -> None:
    """Refuses a directory that holds a run of something else.

    Raises:
        ValueError: Names what differs.
    """
    differences = []
    config, state = run.workdir / "config.json", _read(run.workdir / "run.json")
    if config.exists():
        stored = configuration.load(config)
        differences = configuration.differences(stored, run.config())
    if state is not None:
        data = pathlib.Path(state["data"])
        if data.exists() and not data.samefile(run.data):
            differences.append(f"data: {data} != {run.data}")
        if state["seed"] != run.seed:
            differences.append(f"seed: {state['seed']} != {run.seed}")
    if differences:
        raise ValueError(
            f"{run.workdir} holds a run of another configuration (there != asked): "
            f"{'; '.join(differences)}. Take another --workdir."
        )


def _read(path: pathlib.Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON: {error}") from error
