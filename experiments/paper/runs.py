"""Makes the training runs that a table or figure needs and that are not there yet.

A run is `experiments.train` in a process of its own; it is finished when its work
directory holds metrics.json. Each running process holds a lock on its directory, which
goes with it however it ends: two tables over the same directory, or one that was
killed and started again, never train the same run twice at once.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import tqdm

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.models import systems

TRAIN = (sys.executable, "-m", "ahernet_tf", "train")
LOG = "train.log"
METRICS = "metrics.json"
TAIL_LINES = 15
_POLL_SEC = 0.1
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


def make_missing(
    runs: Sequence[Run],
    jobs: int = 1,
    trainer: Sequence[str] = TRAIN,
    progress: bool = True,
) -> list[Run]:
    """Trains the runs that are not finished, several at a time.

    Ctrl-C and SIGTERM tell the processes once to save and to end, and wait for them;
    a second time kills them.

    Args:
        runs: What is wanted; runs that share a directory are one.
        jobs: How many are trained at once.
        trainer: The command that trains, for another one to take its place.
        progress: Whether to show a bar.

    Returns:
        The runs that failed; the end of their logs was printed.

    Raises:
        ValueError: A directory holds a run of something else; nothing was started.
        KeyboardInterrupt: It was asked to stop; every run has saved and ended.
    """
    if jobs < 1:
        raise ValueError(f"Expected at least 1 job, received {jobs}.")
    by_directory = {run.workdir: run for run in runs}
    for run in by_directory.values():
        check(run)
    missing = [run for run in by_directory.values() if run.metrics() is None]
    if not missing:
        return []
    with tqdm.tqdm(
        total=len(by_directory),
        initial=len(by_directory) - len(missing),
        unit="run",
        desc="runs",
        disable=not progress,
    ) as bar:
        return _Pool(jobs, trainer, bar).train(missing)


@dataclasses.dataclass
class _Active:
    """A run that is being trained."""

    run: Run
    process: subprocess.Popen
    log: BinaryIO


class _Pool:
    """Keeps up to `jobs` training processes busy."""

    def __init__(self, jobs: int, trainer: Sequence[str], bar: tqdm.tqdm):
        self.jobs = jobs
        self.trainer = trainer
        self.bar = bar
        self.waiting: collections.deque[Run] = collections.deque()
        self.active: list[_Active] = []
        self.failed: list[Run] = []
        self.asked_to_stop = 0
        self.shown: list[str] = []

    def train(self, runs: Sequence[Run]) -> list[Run]:
        """Trains all; returns those that failed."""
        self.waiting.extend(runs)
        told = 0
        with self._signals():
            try:
                while self.active or (self.waiting and not self.asked_to_stop):
                    self._reap()
                    if self.asked_to_stop > told:
                        told = self.asked_to_stop
                        self._stop(signal.SIGTERM if told == 1 else signal.SIGKILL)
                    if not self.asked_to_stop:
                        self._start()
                    time.sleep(_POLL_SEC)
            finally:
                self._stop(signal.SIGTERM)
        if self.asked_to_stop:
            raise KeyboardInterrupt(program.CONTINUES)
        return self.failed

    def _start(self) -> None:
        """Starts runs while there is room; one locked elsewhere waits its turn."""
        from ahernet_tf.training import work_directory

        waiting = self.waiting
        for _ in range(len(waiting)):
            if len(self.active) >= self.jobs:
                break
            run = waiting.popleft()
            if work_directory.is_locked(run.workdir):
                waiting.append(run)
            elif run.metrics() is not None:  # another program finished it
                self.bar.update()
            else:
                self.active.append(_launch(run, self.trainer))
        names = [active.run.name for active in self.active]
        if waiting and not names:
            names = [f"waiting for another program: {waiting[0].name}"]
        if names != self.shown:
            self.shown = names
            self.bar.set_postfix_str("; ".join(names))

    def _reap(self) -> None:
        """Takes note of the processes that have ended."""
        from ahernet_tf.training import work_directory

        for active in [a for a in self.active if a.process.poll() is not None]:
            self.active.remove(active)
            active.log.close()
            run, status = active.run, active.process.returncode
            if status == 0 and run.metrics() is not None:
                self.bar.update()
            elif work_directory.is_locked(run.workdir):  # started elsewhere as well
                self.waiting.append(run)
            elif not self.asked_to_stop:
                self.failed.append(run)
                self.bar.write(
                    f"{run.name}: failed with exit status {status}; the end of "
                    f"{run.workdir / LOG}:\n{run.log_tail()}",
                    file=sys.stderr,
                )

    def _stop(self, number: signal.Signals) -> None:
        for active in self.active:
            with contextlib.suppress(ProcessLookupError):
                active.process.send_signal(number)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Counts the requests to stop instead of ending at once."""

        def handle(number, frame):
            self.asked_to_stop += 1

        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _launch(run: Run, trainer: Sequence[str]) -> _Active:
    """Starts the process of a run.

    In a session of its own it does not hear the terminal's Ctrl-C, which it would
    else hear twice.
    """
    command = run.command(trainer)
    run.workdir.mkdir(parents=True, exist_ok=True)
    log = (run.workdir / LOG).open("ab")
    log.write(f"\n$ {shlex.join(command)}\n".encode())
    log.flush()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ},
        start_new_session=True,
    )
    return _Active(run, process, log)
