"""Losses on disk and on the screen."""

from __future__ import annotations

import contextlib
import json
import pathlib
from collections.abc import Mapping, Sequence

import tensorflow as tf
import tqdm

from ahernet_tf import files


def forget_later_lines(path: pathlib.Path, start_iteration: int) -> None:
    """Drops what an earlier run, cut short, logged of iterations to come.

    Args:
        path: JSON lines, each with an `iteration`; need not exist.
        start_iteration: Lines of this iteration and later ones go.
    """
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # the last line of a killed run
            break
        if record["iteration"] < start_iteration:
            kept.append(line + "\n")
    files.write_text(path, "".join(kept))


class LossLog(contextlib.AbstractContextManager):
    """Writes every named loss of every iteration.

    Args:
        directory: Gets `losses.jsonl` and `tensorboard/`.
        start_iteration: What was logged of this iteration and later ones, by a run
            that was cut short, is dropped.
    """

    def __init__(self, directory: pathlib.Path, start_iteration: int):
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "losses.jsonl"
        forget_later_lines(self._path, start_iteration)
        self._file = self._path.open("a")
        self._writer = tf.summary.create_file_writer(str(directory / "tensorboard"))

    def write(self, iteration: int, phase: str, values: Mapping[str, float]) -> None:
        """Logs one iteration's values by name."""
        record = {"iteration": iteration, "phase": phase, **values}
        with files.full_disk_named(self._path):
            self._file.write(json.dumps(record) + "\n")
        self.write_scalars(iteration, values)

    def write_scalars(self, iteration: int, values: Mapping[str, float]) -> None:
        """Writes TensorBoard scalars alone."""
        with self._writer.as_default(step=iteration):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def flush(self) -> None:
        """Makes sure that everything written so far is on disk."""
        with files.full_disk_named(self._path):
            self._file.flush()
        self._writer.flush()

    def __exit__(self, *error) -> None:
        """Ends the log."""
        with files.full_disk_named(self._path):
            self._file.close()
        self._writer.close()


class NoLog(contextlib.AbstractContextManager):
    """Takes what a `LossLog` takes, and writes nothing."""

    def write(self, iteration: int, phase: str, values: Mapping[str, float]) -> None:
        """Does nothing."""

    def write_scalars(self, iteration: int, values: Mapping[str, float]) -> None:
        """Does nothing."""

    def flush(self) -> None:
        """Does nothing."""

    def __exit__(self, *error) -> None:
        """Does nothing."""


class ProgressBar(contextlib.AbstractContextManager):
    """Shows iterations, the time left and a few losses, on the standard error.

    Args:
        total: Iterations in all.
        done: Iterations done before.
        losses: Names of those to show.
        enabled: Whether anything is shown.
    """

    def __init__(self, total: int, done: int, losses: Sequence[str], enabled: bool):
        self._losses = losses
        self._bar = tqdm.tqdm(total=total, initial=done, unit="it", disable=not enabled)

    def announce(self, phase: str, remaining: tuple[int, int]) -> None:
        """Says why the bar stands still as a phase begins, if it has iterations."""
        if remaining[0] < remaining[1]:
            self._bar.set_description(f"{phase}: compiling")

    def show(self, phase: str, values: Mapping[str, float]) -> None:
        """Shows an iteration that has ended."""
        self._bar.set_description(phase, refresh=False)
        shown = {
            name.partition("/")[0]: f"{values[name]:.3g}"
            for name in self._losses
            if name in values
        }
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def __exit__(self, *error) -> None:
        """Ends the bar."""
        self._bar.close()
