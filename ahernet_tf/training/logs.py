"""Losses on disk: JSON lines, and TensorBoard scalars."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping

import tensorflow as tf

from ahernet_tf import files


class LossLog:
    """Writes every named loss of every iteration.

    Args:
        directory: Gets `losses.jsonl` and `tensorboard/`.
        start_iteration: What was logged of this iteration and later ones, by a run
            that was cut short, is dropped.
    """

    def __init__(self, directory: pathlib.Path, start_iteration: int):
        path = directory / "losses.jsonl"
        kept = []
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    record = json.loads(line)
                except ValueError:  # the last line of a killed run
                    break
                if record["iteration"] < start_iteration:
                    kept.append(line + "\n")
        files.write_text(path, "".join(kept))
        self._file = path.open("a")
        self._writer = tf.summary.create_file_writer(str(directory / "tensorboard"))

    def write(self, iteration: int, phase: str, values: Mapping[str, float]) -> None:
        """Logs one iteration's values by name."""
        record = {"iteration": iteration, "phase": phase, **values}
        self._file.write(json.dumps(record) + "\n")
        self.write_scalars(iteration, values)

    def write_scalars(self, iteration: int, values: Mapping[str, float]) -> None:
        """Writes TensorBoard scalars alone."""
        with self._writer.as_default(step=iteration):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def flush(self) -> None:
        """Makes sure that everything written so far is on disk."""
        self._file.flush()
        self._writer.flush()

    def close(self) -> None:
        """Ends the log."""
        self._file.close()
        self._writer.close()


class NoLog:
    """Takes what a `LossLog` takes, and writes nothing."""

    def write(self, iteration: int, phase: str, values: Mapping[str, float]) -> None:
        """Does nothing."""

    def write_scalars(self, iteration: int, values: Mapping[str, float]) -> None:
        """Does nothing."""

    def flush(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""
