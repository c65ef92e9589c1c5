"""Trains the runs that are not there yet, several at a time.

Each running process holds a lock on its directory, which goes with it however it ends:
two tables over the same directory, or one that was killed and started again, never
train the same run twice at once.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import tqdm

from ahernet_tf import program

from .runs import LOG, TRAIN, Run, check

_POLL_SEC = 0.1


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
