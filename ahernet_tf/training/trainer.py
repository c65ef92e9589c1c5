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
from collections.abc import Callable, Iterator, Mapping

import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.data import pipelines
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import AherNet
from ahernet_tf.training import input_prefetch, optimizers, schedule
from ahernet_tf.training.algorithm import STEPS, Algorithm
from ahernet_tf.training.distribution import Batches, Workers
from ahernet_tf.training.iterations import Iteration, IterationRecord
from ahernet_tf.training.logs import LossLog, NoLog, ProgressBar
from ahernet_tf.training.losses_of_steps import Losses
from ahernet_tf.training.training_state import TrainingState

PHASES = ("pretrain", "train")


class TrainingInterrupted(KeyboardInterrupt):
    """The run was asked to stop; everything is saved."""

    def __init__(self):
        super().__init__("Stopped and saved. The same command continues.")


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
        """Creates the optimizers and takes over the newest checkpoint."""
        training = self.config.training
        self.workers.check(training)
        with self.workers.scope():
            self.algorithm = Algorithm(self.model, self.config.loss, training)
            self.state = TrainingState(
                self.model, self.algorithm, training.ema_decay, self.directory
            )
        if self.workers.chief:
            self.state.restore()
        self.workers.copy_from_chief(self.state.variables)
        self.done = int(self.state.iteration.numpy())
        has_pretraining = bool(self.algorithm.steps("pretrain"))
        self.pretrain_iterations = training.pretrain_iterations * has_pretraining
        self.total = self.pretrain_iterations + training.iterations
        self._rates: dict[str, float] = {}
        self._steps: dict[str, Callable] = {}
        # Made before anything is trained: what the data cannot give is said at once.
        self._streams = {phase: self._make_streams(phase) for phase in PHASES}

    def run(
        self,
        evaluate: Callable[[int], Mapping[str, float]] | None = None,
        every: int = 0,
    ) -> None:
        """Trains until all iterations are done.

        The losses of an iteration are read when the next one is under way, so that a
        GPU need not wait for them.

        Ctrl-C and SIGTERM end the iteration at hand, save, and raise
        `TrainingInterrupted`, in every worker if one of them is told so.

        Args:
            evaluate: Called with the iteration by the chief; what it returns is logged.
                The state with the largest `validation/average_map` is kept as the best.
            every: Iterations between evaluations; 0 never evaluates.

        Raises:
            NonFiniteLossError: A loss became NaN or infinite; nothing is saved.
            TrainingInterrupted: The run was asked to stop.
        """
        chief = self.workers.chief
        shown = [
            f"{name}/{objectives[0].losses[0]}"
            for name, objectives in self.algorithm.objectives.items()
            if not STEPS[name].for_generators
        ]
        saved_at = time.monotonic()
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(
                LossLog(self.directory, self.done) if chief else NoLog()
            )
            bar = ProgressBar(self.total, self.done, shown, self.progress and chief)
            stack.enter_context(bar)
            asked_to_stop = stack.enter_context(_requests_to_stop())
            record = IterationRecord(log, bar)
            for phase in PHASES:
                record.read()
                bar.announce(phase, self._remaining(phase))
                for batches in self._batches(phase):
                    iteration = self._iterate(phase, self.done, batches)
                    self.done += 1
                    record.add(iteration)
                    stop = self.workers.any(asked_to_stop.is_set())
                    due = time.monotonic() - saved_at > self.checkpoint_every_sec
                    evaluating = evaluate and chief and every and self.done % every == 0
                    if due or stop or evaluating:
                        record.read()
                    if due or stop:
                        self._save(log)
                        saved_at = time.monotonic()
                    if stop:
                        raise TrainingInterrupted
                    if evaluating:
                        self._evaluate(evaluate, log)
            record.read()
            self._save(log)

    def _save(self, log: LossLog | NoLog) -> None:
        if self.workers.chief:
            log.flush()
            self.state.save(self.done)

    def _evaluate(self, evaluate: Callable, log: LossLog) -> None:
        scores = evaluate(self.done)
        log.write_scalars(self.done, scores)
        score = scores.get("validation/average_map")
        if score is not None:
            self.state.save_if_best(self.done, score)

    def averaged(self) -> contextlib.AbstractContextManager:
        """Lets the network have the weights that it is to localise with."""
        return self.state.averaged()

    def _remaining(self, phase: str) -> tuple[int, int]:
        """Returns the first iteration of a phase that is left, and its end."""
        pretrain = self.pretrain_iterations
        end = pretrain if phase == "pretrain" else self.total
        return self.done, max(self.done, end)

    def _batches(self, phase: str) -> Iterator[Batches]:
        """Yields what is left of a phase, a batch of each stream per iteration."""
        start, end = self._remaining(phase)
        if start == end:
            return
        if phase == "train" and start == self.pretrain_iterations:
            self._forget_pretraining()
        iterators = [iter(stream) for stream in self._streams.pop(phase)]
        joined = map(self.workers.join, map(list, zip(*iterators)))
        yield from input_prefetch.on_device(joined)

    def _make_streams(self, phase: str) -> list[tf.data.Dataset]:
        """Makes the streams of what is left of a phase, joined, one per replica.

        Raises:
            ValueError: The data cannot give what the configuration asks for.
        """
        start, end = self._remaining(phase)
        if phase == "train":
            start = max(start, self.pretrain_iterations)
        if start == end:
            return []
        role = "oracle" if self.algorithm.system.oracle else "untrimmed"
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
        return parts

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
            names, average = self.algorithm.steps(phase), self.state.average

            def step(**batches: Mapping[str, tf.Tensor]) -> Losses:
                losses = self.algorithm.take(names, **batches)
                if average is not None:
                    average.update()
                return losses

            jit_compile = self.config.training.jit_compile
            self._steps[phase] = self.workers.compile(step, jit_compile)
        return self._steps[phase]


@contextlib.contextmanager
def _requests_to_stop() -> Iterator[threading.Event]:
    """Lets Ctrl-C and SIGTERM set an event; a second one acts at once."""
    asked = threading.Event()

    def handle(number, frame):
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    previous = {}
    if threading.current_thread() is threading.main_thread():
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
