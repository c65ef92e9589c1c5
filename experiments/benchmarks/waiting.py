"""Measures which share of a training iteration is spent waiting for data.

    python -m experiments.benchmarks.waiting --json waiting.json

Makes and packs a data set of 2048-channel features, then trains on its streams as the
trainer does: fetch a batch of each, take the iteration in one `tf.function`, read the
losses. What the fetching takes is the waiting; batches are made ahead where the trainer
would make them ahead. The first iteration, which traces the function, is left out.
Every sample is read from the packed files; none is kept in memory.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tqdm
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.packed.packing import pack

from . import preset_flags


def measure(
    config: Config,
    directory: pathlib.Path,
    videos: int,
    iterations: int,
    source_classes: int = 200,
    target_classes: int = 600,
) -> dict[str, Any]:
    """Trains for some iterations.

    Args:
        config: Of the run.
        directory: Where the data set is made.
        videos: Number of files.
        iterations: That count; one more comes first.
        source_classes: Of the network; the videos show a few of them.
        target_classes: As `source_classes`.

    Returns:
        Seconds of waiting and of computing in an iteration, and the share of the first.
    """
    import tensorflow as tf

    from ahernet_tf.data import pipelines
    from ahernet_tf.training import input_prefetch

    from . import pipeline, rates
    from .fresh_training import fresh_training

    config = configuration.with_overrides(config, ["data.cache_bytes=0"])
    data = pipeline.make_data(directory, videos)
    pack(data)
    dataset = Dataset.load(data, config.data)
    algorithm = fresh_training(
        config, dataset.feature_channels, source_classes, target_classes
    )
    step = tf.function(
        functools.partial(algorithm.take, algorithm.steps("train")),
        autograph=False,
        jit_compile=config.training.jit_compile or None,
    )
    make = {
        "untrimmed": pipelines.untrimmed_stream,
        "foreground": pipelines.foreground_stream,
        "moments": pipelines.moment_stream,
    }
    names = algorithm.streams("train")

    streams = {name: make[name](dataset, config, 0) for name in names}
    batches = input_prefetch.on_device(iter(input_prefetch.joined(streams)))
    clocks = [_clocked(step, batches) for _ in tqdm.trange(iterations + 1, unit="it")]
    waiting, computing = zip(*clocks[1:])
    shares = [w / (w + c) for w, c in clocks[1:]]
    return {
        "waiting_s": statistics.median(waiting),
        "computing_s": statistics.median(computing),
        "waiting_share": statistics.median(shares),
        "waiting_share_largest": max(shares),
        "iterations": iterations,
        "peak_memory_bytes": rates.peak_memory_bytes(),
        "training": dataclasses.asdict(config.training),
        "machine": rates.machine(),
    }


def _clocked(step: Callable, batches: Iterator[Mapping]) -> tuple[float, float]:
    """Takes an iteration; returns the seconds of waiting and of computing."""
    begin = time.perf_counter()
    fetched = next(batches)
    between = time.perf_counter()
    losses = step(
        **{
            stream: {name: part for name, part in batch.items() if name != "video"}
            for stream, batch in fetched.items()
        }
    )
    for loss in losses.values():
        loss.numpy()
    return between - begin, time.perf_counter() - between


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    config = preset_flags.chosen_config(values)
    with tempfile.TemporaryDirectory(dir=values.directory) as directory:
        report = measure(
            config,
            pathlib.Path(directory, "data"),
            values.videos,
            values.iterations,
            values.source_classes,
            values.target_classes,
        )
    preset_flags.finish(
        values,
        report,
        f"waiting {1e3 * report['waiting_s']:.1f} ms, computing "
        f"{report['computing_s']:.2f} s an iteration: "
        f"{report['waiting_share']:.3%} waiting; "
        f"peak memory {report['peak_memory_bytes'] / 1e9:.2f} GB",
    )


def define_flags() -> None:
    """Defines the program's flags."""
    preset_flags.define_flags()
    preset_flags.define_classes()
    flags.DEFINE_integer("videos", 32, "Number of files.", 2)
    flags.DEFINE_integer("iterations", 3, "Iterations that count.", 1)
    flags.DEFINE_string(
        "directory", None, "Where to make the files (200 MiB). Unset: the system's."
    )


if __name__ == "__main__":
    program.start(define_flags, main)
