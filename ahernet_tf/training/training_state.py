"""Everything that a run needs to continue as if it had never stopped."""

from __future__ import annotations

import contextlib
import logging
import pathlib
import shutil

import tensorflow as tf

from ahernet_tf import files
from ahernet_tf.models import AherNet, checkpoint, checkpoint_files
from ahernet_tf.training import optimizers
from ahernet_tf.training.algorithm import Algorithm
from ahernet_tf.training.ema import WeightAverage

_SCORE = "score.json"  # of the best state
_KEPT = 2
_LOG = logging.getLogger(__name__)


class TrainingState:
    """Weights, their average, the state of all optimizers, and the iteration.

    Args:
        model: A built network.
        algorithm: Its training.
        ema_decay: Of the average of the weights; 0: there is none.
        directory: Gets the checkpoints.
    """

    def __init__(
        self,
        model: AherNet,
        algorithm: Algorithm,
        ema_decay: float,
        directory: pathlib.Path,
    ):
        self.directory = directory
        self.iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
        weights = checkpoint.ordered_variables(model)
        self.average = WeightAverage(weights, ema_decay) if ema_decay else None
        averages = self.average.values if self.average else []
        optimizer_state = [
            variable
            for objectives in algorithm.objectives.values()
            for objective in objectives
            for variable in optimizers.variables_of(objective.optimizer)
        ]
        self.variables = [*weights, *optimizer_state, self.iteration, *averages]
        self._checkpoint = tf.train.Checkpoint(
            weights=weights,
            optimizers=optimizer_state,
            iteration=self.iteration,
            **({"average": averages} if averages else {}),
        )

    def restore(self) -> None:
        """Takes over the newest sound checkpoint, if there is one.

        Raises:
            ValueError: All checkpoints are damaged, or are of another configuration.
        """
        path = checkpoint_files.latest_checkpoint(self.directory)
        if path is None:  # a best state would be of a run that begins anew
            shutil.rmtree(self.directory / checkpoint_files.BEST, ignore_errors=True)
        else:
            checkpoint_files.restore(self._checkpoint, path)

    def save(self, iteration: int) -> None:
        """Writes a checkpoint; the last two are kept."""
        self.iteration.assign(iteration)
        checkpoint_files.write_checkpoint(
            self._checkpoint, self.directory, iteration, _KEPT
        )

    def save_if_best(self, iteration: int, score: float) -> None:
        """Writes a checkpoint into the directory `best`, if none there is as good.

        A damaged one is named in the log, and counts for nothing.
        """
        best = self.directory / checkpoint_files.BEST
        if (best / _SCORE).exists():
            try:
                checkpoint_files.latest_checkpoint(best)
                with files.naming(best / _SCORE):
                    kept = files.read_json(best / _SCORE)
                    if kept["iteration"] <= iteration and score <= kept["score"]:
                        return
            except ValueError as error:
                _LOG.warning("%s; it is written anew", error)
        self.iteration.assign(iteration)
        checkpoint_files.write_checkpoint(self._checkpoint, best, iteration)
        files.write_json(best / _SCORE, {"iteration": iteration, "score": score})

    def averaged(self) -> contextlib.AbstractContextManager:
        """Lets the network have the weights that it is to localise with."""
        return self.average.applied() if self.average else contextlib.nullcontext()
