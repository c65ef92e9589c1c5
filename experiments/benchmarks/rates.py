"""The machine's own rate of matrix products, and clocks for what is set beside it."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class Seconds(NamedTuple):
    """How long something took.

    Attributes:
        wall: Seconds by the clock.
        processor: Seconds that this process computed, all cores added.
    """

    wall: float
    processor: float


def clocked(function: Callable[[], Any]) -> Seconds:
    """Times one call; the function must wait for its result."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return Seconds(time.perf_counter() - wall, time.process_time() - processor)


def median(times: Sequence[Seconds]) -> Seconds:
    """Returns the median of each clock."""
    return Seconds(*(statistics.median(clock) for clock in zip(*times)))


class MatrixProducts:
    """Large square `tf.matmul`s, timed between the rounds of a benchmark.

    Several sizes are tried, since a size whose rows lie a power of two apart can be
    slow; the fastest is the machine's rate.

    Args:
        sizes: Rows of the matrices.
        least_sec: Least length of one measurement.
        dtype: Of the matrices.
        jit_compile: Whether to compile the product with XLA.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (2048, 3072),
        least_sec: float = 1.0,
        dtype: str = "float32",
        jit_compile: bool = False,
    ):
        self._least_sec = least_sec
        self._times: dict[int, list[Seconds]] = {size: [] for size in sizes}
        self._dtype = dtype
        self._product = tf.function(tf.matmul, jit_compile=jit_compile or None)
        for size in sizes:
            self._run(self._matrix(size))

    def _matrix(self, size: int) -> tf.Tensor:
        return tf.cast(tf.random.normal([size, size]), self._dtype)

    def _run(self, matrix: tf.Tensor) -> None:
        self._product(matrix, matrix)[:1, :1].numpy()  # waits for the device

    def measure(self) -> None:
        """Times every size once more; no matrix is held afterwards."""
        for size, times in self._times.items():
            matrix = self._matrix(size)
            wall, processor, calls = 0.0, 0.0, 0
            while not calls or wall < self._least_sec:
                seconds = clocked(lambda matrix=matrix: self._run(matrix))
                wall, processor = wall + seconds.wall, processor + seconds.processor
                calls += 1
            times.append(Seconds(wall / calls, processor / calls))

    def flop_per_sec(self) -> dict[str, float]:
        """Returns the rate of each size, by the clock."""
        return {
            str(size): 2 * size**3 / median(times).wall
            for size, times in self._times.items()
        }

    def best(self) -> Seconds:
        """Returns the rates of the fastest size: operations a second of each clock."""
        return max(
            Seconds(*(2 * size**3 / seconds for seconds in median(times)))
            for size, times in self._times.items()
        )

    def compared(self, flop: float, taken: Seconds) -> dict[str, float]:
        """Returns the rate of other arithmetic, and its share of the products' rate."""
        best = self.best()
        return {
            "flop_per_sec": flop / taken.wall,
            "efficiency": flop / taken.wall / best.wall,
            "processor_efficiency": flop / taken.processor / best.processor,
        }

    def report(self) -> dict[str, Any]:
        """Returns the rate of the fastest size, and of each, ready for JSON."""
        return {
            "matmul_flop_per_s": self.best().wall,
            "matmul_flop_per_s_by_size": self.flop_per_sec(),
        }


def peak_memory_bytes() -> int:
    """Returns the most memory ever held: the GPU's, or the process's without one."""
    if tf.config.list_physical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def machine() -> dict[str, Any]:
    """Describes where the numbers come from."""
    return {
        "cores": os.cpu_count(),
        "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "load_before": os.getloadavg()[0],
    }
