"""Training on several devices and machines: data-parallel, one batch shared by all."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ahernet_tf import replicas
from ahernet_tf.config import TrainingConfig
from ahernet_tf.data.sampling import WHOLE, Shard
from ahernet_tf.training.adam import assign_own

STRATEGIES = ("none", "mirrored", "multi_worker")

# What a sum over several processes raises when one of them has gone.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)

#: A batch of each stream, by stream and by part.
Batches = Mapping[str, Mapping[str, Any]]


class WorkerLostError(RuntimeError):
    """Another worker of the run has gone."""


def make_strategy(name: str) -> tf.distribute.Strategy | None:
    """Creates a strategy; for several workers, before anything else of TensorFlow.

    Args:
        name: "none"; "mirrored", all GPUs of this machine; "multi_worker", all GPUs of
            the machines that the environment variable TF_CONFIG lists. Waits there
            until all have come.

    Returns:
        The strategy; None for "none".

    Raises:
        ValueError: The name is unknown, or TF_CONFIG is not fit.
    """
    if name == "none":
        return None
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name != "multi_worker":
        raise ValueError(f"Expected a strategy of {STRATEGIES}, received '{name}'.")
    text = os.environ.get("TF_CONFIG", "")
    try:
        values = json.loads(text)
        workers, task = values["cluster"]["worker"], values["task"]
        known = task["type"] == "worker" and 0 <= int(task["index"]) < len(workers)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known or set(values["cluster"]) != {"worker"}:
        raise ValueError(
            "Strategy 'multi_worker' reads the environment variable TF_CONFIG, such as "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}; received '
            f"'{text}'."
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


class Workers:
    """This process among those that train together.

    Args:
        strategy: None, or with one replica in all: this process trains alone.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        if strategy is not None and strategy.num_replicas_in_sync == 1:
            strategy = None
        self._strategy = strategy
        if strategy is None:
            self.shards = (WHOLE,)
        else:
            numbers = strategy.experimental_distribute_values_from_function(
                lambda context: context.replica_id_in_sync_group
            )
            count = strategy.num_replicas_in_sync
            self.shards = tuple(
                Shard(number, count)
                for number in strategy.experimental_local_results(numbers)
            )
        self._several_processes = len(self.shards) < self.shards[0].count
        self._total = self.compile(lambda flag: {"flags": replicas.total(flag)})

    @property
    def alone(self) -> bool:
        """Whether this process trains alone, on one device."""
        return self._strategy is None

    @property
    def chief(self) -> bool:
        """Whether this process writes what there is to write."""
        return self.shards[0].index == 0

    def check(self, config: TrainingConfig) -> None:
        """Refuses what several replicas cannot do.

        Raises:
            ValueError: Names the option.
        """
        self.shards[0].rows(config.batch_size)
        if self._strategy is not None and config.optimizer != "adam":
            raise ValueError(
                "Several replicas train with training.optimizer=adam only, "
                f"received '{config.optimizer}'."
            )
        if self._strategy is not None and config.jit_compile:
            raise ValueError("Several replicas train with training.jit_compile=false.")

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which variables are created."""
        return self._strategy.scope() if self._strategy else contextlib.nullcontext()

    def join(self, batches: Sequence[Batches]) -> Batches:
        """Makes one of the batches of this process' replicas, one a shard."""
        if self._strategy is None:
            return batches[0]
        first = self.shards[0].index
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: batches[context.replica_id_in_sync_group - first]
        )

    def rows(self, values: Any) -> np.ndarray:
        """Returns the rows of one part of joined batches."""
        if self._strategy is None:
            return values.numpy()
        parts = self._strategy.experimental_local_results(values)
        return np.concatenate([part.numpy() for part in parts])

    def compile(
        self, step: Callable[..., dict[str, tf.Tensor]], jit_compile: bool = False
    ) -> Callable[..., dict[str, tf.Tensor]]:
        """Compiles a step, which every replica takes on its own part of the batches.

        Args:
            step: Takes batches by stream; what it returns is the same on all replicas.
            jit_compile: Whether by XLA.

        Returns:
            Takes joined batches by stream; raises WorkerLostError where another
            worker has gone.
        """
        strategy = self._strategy

        def everywhere(**batches):
            results = strategy.run(step, kwargs=batches)
            return {
                name: strategy.experimental_local_results(value)[0]
                for name, value in results.items()
            }

        compiled = tf.function(
            everywhere if strategy else step,
            autograph=False,
            jit_compile=jit_compile or None,
        )
        return self._guarded(compiled) if self._several_processes else compiled

    def any(self, flag: bool) -> bool:
        """Returns whether any process says yes; all must ask."""
        if self._several_processes:
            flag = bool(self._total(flag=tf.constant(float(flag)))["flags"] > 0)
        return flag

    def copy_from_chief(self, variables: Sequence[tf.Variable]) -> None:
        """Gives variables the values that they have in the chief; all must call."""
        strategy = self._strategy
        if not self._several_processes:
            return

        def copy(same_type: Sequence[tf.Variable]) -> None:
            context = tf.distribute.get_replica_context()
            own = tf.equal(context.replica_id_in_sync_group, 0)
            values = [tf.where(own, v, tf.zeros_like(v)) for v in same_type]
            for variable, value in zip(same_type, replicas.total(values)):
                assign_own(variable, value)

        def copy_all() -> None:
            for kind in dict.fromkeys(variable.dtype for variable in variables):
                strategy.run(copy, [[v for v in variables if v.dtype == kind]])

        self._guarded(tf.function(copy_all, autograph=False))()

    @staticmethod
    def _guarded(function: Callable) -> Callable:
        """Says which errors mean that another process has gone."""

        @functools.wraps(function)
        def call(**arguments):
            try:
                return function(**arguments)
            except _LOST as error:
                raise WorkerLostError(
                    "Another worker has gone; see its own messages. Started again on "
                    "all workers, the same command continues from the last checkpoint."
                ) from error

        return call
