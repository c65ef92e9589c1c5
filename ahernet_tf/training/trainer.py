"""The training run: pre-training, alternating iterations, checkpoints, resume."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tqdm

from ahernet_tf.config import Config
from ahernet_tf.data import pipelines
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import AherNet
from ahernet_tf.models import checkpoint as storage
from ahernet_tf.training import input_prefetch, optimizers, schedule
from ahernet_tf.training.algorithm import Algorithm
from ahernet_tf.training.distribution import Batches, Workers
from ahernet_tf.training.ema import WeightAverage
from ahernet_tf.training.logs import LossLog, NoLog
from ahernet_tf.training.losses_of_steps import Losses


class NonFiniteLossError(ArithmeticError):
    """A loss became NaN or infinite."""


class Interrupted(Exception):
    """The run was asked to stop; everything is saved."""


class Iteration(NamedTuple):
    """An iteration that was begun.

    Attributes:
        number: Its number, from 0, pre-training included.
        phase: `pretrain` or `train`.
        losses: Scalars by name.
        rates: Learning rates by name.
        videos: Ids of the videos of each stream's batch.
        workers: Who computes it.
    """

    number: int
    phase: str
    losses: Losses
    rates: Mapping[str, float]
    videos: Sequence[tf.Tensor]
    workers: Workers

    def values(self) -> dict[str, float]:
        """Waits until it has ended; returns losses and learning rates by name.

        Raises:
            NonFiniteLossError: A loss became NaN or infinite.
        """
        read = tf.stack(list(self.losses.values())).numpy()  # from the device at once
        values = dict(zip(self.losses, map(float, read)))
        bad = {name: v for name, v in values.items() if not np.isfinite(v)}
        if bad:
            videos = [
                ", ".join(video.decode() for video in self.workers.rows(batch))
                for batch in self.videos
            ]
            raise NonFiniteLossError(
                f"Iteration {self.number} ({self.phase}): {bad}. Nothing of it was "
                f"saved. Videos of the batches: {'; '.join(videos)}"
            )
        rates = {f"learning_rate/{name}": rate for name, rate in self.rates.items()}
        return values | rates


@dataclasses.dataclass
class Trainer:
    """Trains a network on a data set; continues where an earlier run stopped.

    Every batch is a function of the seed and the iteration, and a checkpoint holds all
    weights, all optimizer state and the iteration, so a resumed run gives bit for bit
    the weights of one that never stopped (on a CPU, with determinism switched on).

    Attributes:
        model: A built network.
        dataset: Where the batches come from.
        config: The run's configuration.
        directory: Gets checkpoints and logs.
        seed: Of data order and random draws.
        checkpoint_every_sec: Time between checkpoints.
        progress: Whether to show a bar.
        done: Iterations done, pre-training included.
        workers: Who shares every batch; the model was built in their scope. One
            process, the chief, writes and shows; the others start from what it has
            and need no directory.
    """

    model: AherNet
    dataset: Dataset
    config: Config
    directory: pathlib.Path
    seed: int = 0
    checkpoint_every_sec: float = 300.0
    progress: bool = True
    workers: Workers = dataclasses.field(default_factory=Workers)
    done: int = dataclasses.field(default=0, init=False)

    def __post_init__(self) -> None:
        """Creates the optimizers and finds the newest checkpoint."""
        training = self.config.training
        self.workers.check(training)
        with self.workers.scope():
            self.algorithm = Algorithm(self.model, self.config.loss, training)
            self.iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
            weights = storage.ordered_variables(self.model)
            self.average = (
                WeightAverage(weights, training.ema_decay)
                if training.ema_decay
                else None
            )
        averages = self.average.values if self.average else []
        state = self._optimizer_state()
        checkpoint = tf.train.Checkpoint(
            weights=weights,
            optimizers=state,
            iteration=self.iteration,
            **({"average": averages} if averages else {}),
        )
        self._manager = tf.train.CheckpointManager(
            checkpoint, self.directory / storage.CHECKPOINTS, max_to_keep=2
        )
        if self.workers.chief and self._manager.latest_checkpoint:
            storage.restore(checkpoint, self._manager.latest_checkpoint)
        self.workers.copy_from_chief([*weights, *state, self.iteration, *averages])
        self.done = int(self.iteration.numpy())
        has_pretraining = bool(self.algorithm.steps("pretrain"))
        self.pretrain_iterations = training.pretrain_iterations * has_pretraining
        self.total = self.pretrain_iterations + training.iterations
        self._stop = threading.Event()
        self._rates: dict[str, float] = {}
        self._steps: dict[str, Callable] = {}

    def _optimizer_state(self) -> list[tf.Variable]:
        return [
            variable
            for objectives in self.algorithm.objectives.values()
            for objective in objectives
            for variable in optimizers.variables_of(objective.optimizer)
        ]

    def run(
        self,
        evaluate: Callable[[int], Mapping[str, float]] | None = None,
        every: int = 0,
    ) -> None:
        """Trains until all iterations are done.

        The losses of an iteration are read when the next one is under way, so that a
        GPU need not wait for them.

        Ctrl-C and SIGTERM end the iteration at hand, save, and raise `Interrupted`,
        in every worker if one of them is told so.

        Args:
            evaluate: Called with the iteration by the chief; what it returns is logged.
            every: Iterations between evaluations; 0 never evaluates.

        Raises:
            NonFiniteLossError: A loss became NaN or infinite; nothing is saved.
            Interrupted: The run was asked to stop.
        """
        chief = self.workers.chief
        log = LossLog(self.directory, self.done) if chief else NoLog()
        bar = tqdm.tqdm(
            total=self.total,
            initial=self.done,
            unit="it",
            desc=self._phase(self.done),
            disable=not (self.progress and chief),
        )
        saved_at = time.monotonic()
        previous = self._catch_signals()
        unread: list[Iteration] = []

        def read() -> None:
            while unread:
                iteration = unread.pop(0)
                values = iteration.values()
                log.write(iteration.number, iteration.phase, values)
                self._show(bar, iteration.phase, values)

        try:
            for phase in ("pretrain", "train"):
                for batches in self._batches(phase):
                    iteration = self._iterate(phase, self.done, batches)
                    del batches  # its memory is for the batch after the next
                    self.done += 1
                    read()
                    unread.append(iteration)
                    stop = self.workers.any(self._stop.is_set())
                    due = time.monotonic() - saved_at > self.checkpoint_every_sec
                    evaluating = evaluate and chief and every and self.done % every == 0
                    if due or stop or evaluating:
                        read()
                    if due or stop:
                        self._save(log)
                        saved_at = time.monotonic()
                    if stop:
                        raise Interrupted
                    if evaluating:
                        log.write_scalars(self.done, evaluate(self.done))
            read()
            self._save(log)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            log.close()
            bar.close()

    def _phase(self, iteration: int) -> str:
        pretraining = iteration < self.pretrain_iterations
        return "pretrain" if pretraining else "train"

    def _batches(self, phase: str) -> Iterator[Batches]:
        """Yields what is left of a phase, a batch of each stream an iteration."""
        start, pretrain = self.done, self.pretrain_iterations
        end = pretrain if phase == "pretrain" else self.total
        if start >= end:
            return
        if phase == "train" and start == pretrain:
            self._forget_pretraining()

        yield from input_prefetch.on_device(self._stream(phase, start, end))

    def _stream(self, phase: str, start: int, end: int) -> Iterator[Batches]:
        """Returns the batches from one iteration of a phase to another.

        Args:
            phase: `pretrain` or `train`.
            start: The first iteration, pre-training included.
            end: The one after the last.
        """
        system = self.algorithm.system
        role = "oracle" if system.oracle else "untrimmed"
        arguments = (self.dataset, self.config, self.seed)
        make = {
            "untrimmed": functools.partial(
                pipelines.untrimmed_stream, *arguments, start, role
            ),
            "foreground": functools.partial(
                pipelines.foreground_stream, *arguments, start, role
            ),
            "moments": functools.partial(
                pipelines.moment_stream, *arguments, start - self.pretrain_iterations
            ),
        }
        parts = []
        for shard in self.workers.shards:
            names = self.algorithm.streams(phase)
            streams = {name: make[name](shard=shard) for name in names}
            parts.append(input_prefetch.joined(streams).take(end - start))
        return self._joined(parts)

    def _joined(self, parts: Sequence[tf.data.Dataset]) -> Iterator[Batches]:
        """Yields the batches of all shards together, and holds none of them."""
        iterators = [iter(part) for part in parts]
        with contextlib.suppress(StopIteration):
            while True:
                yield self.workers.join([next(iterator) for iterator in iterators])

    def _forget_pretraining(self) -> None:
        """Starts the alternating iterations with fresh optimizers."""
        self._steps.clear()
        gc.collect()  # a compiled step refers to itself
        for objectives in self.algorithm.objectives.values():
            for objective in objectives:
                optimizers.reset(objective.optimizer, objective.variables)
        self._rates = {}

    def _iterate(self, phase: str, number: int, batches: Batches) -> Iteration:
        """Takes one iteration; may return before it has ended."""
        training = self.config.training
        main_iteration = number - self.pretrain_iterations
        rates = schedule.rates(training, main_iteration if phase == "train" else None)
        if rates != self._rates:
            self.algorithm.set_learning_rates(**rates)
            self._rates = rates
        tensors = {
            stream: {name: part for name, part in batch.items() if name != "video"}
            for stream, batch in batches.items()
        }
        losses = self._step(phase)(**tensors)
        videos = [batch["video"] for batch in batches.values()]
        return Iteration(number, phase, losses, rates, videos, self.workers)

    def _step(self, phase: str) -> Callable:
        """Returns the compiled step of a phase."""
        if phase not in self._steps:
            algorithm, jit_compile = self.algorithm, self.config.training.jit_compile
            is_training = phase == "train"
            step = algorithm.train_step if is_training else algorithm.pretrain_step
            self._steps[phase] = self.workers.compile(
                self._averaging(step), jit_compile
            )
        return self._steps[phase]

    def _averaging(self, step: Callable) -> Callable:
        """Lets the average of the weights follow a step, where there is one."""
        if self.average is None:
            return step

        def step_and_average(**batches: Mapping[str, tf.Tensor]) -> Losses:
            losses = step(**batches)
            self.average.update()
            return losses

        return step_and_average

    def averaged(self) -> contextlib.AbstractContextManager:
        """Lets the network have the weights that it is to localise with."""
        return self.average.applied() if self.average else contextlib.nullcontext()

    def _show(self, bar: tqdm.tqdm, phase: str, values: Mapping[str, float]) -> None:
        bar.set_description(phase, refresh=False)
        shown = {"untrimmed": "untrimmed/localization"}
        if phase == "train":
            shown |= {
                "synthetic": "synthetic/localization",
                "moments": "moments/segment_classification",
                "discriminator": "discriminators/discriminator",
            }
        postfix = {
            name: f"{values[key]:.3g}" for name, key in shown.items() if key in values
        }
        bar.set_postfix(postfix, refresh=False)
        bar.update()

    def _save(self, log: LossLog) -> None:
        if not self.workers.chief:
            return
        log.flush()
        self.iteration.assign(self.done)
        self._manager.save(checkpoint_number=self.done)

    def _catch_signals(self) -> dict:
        """Lets Ctrl-C and SIGTERM end the iteration at hand; a second one, at once."""
        if threading.current_thread() is not threading.main_thread():
            return {}

        def handle(number, frame):
            if self._stop.is_set():
                raise KeyboardInterrupt
            self._stop.set()

        return {
            number: signal.signal(number, handle)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
