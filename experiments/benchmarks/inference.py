"""Times inference, from clip features to detections, against matrix products.

    python -m experiments.benchmarks.inference --json inference.json

A video's features are resampled, go through the network, and all its anchors through
non-maximum suppression; videos a second over several batch sizes. The network has the
paper's size and fresh weights, whose detections overlap as little or as much as
`--spread` makes the offsets: suppression then has as much to do as with trained ones.
The class transfer is done once, when the network is loaded, and timed apart. Large
matrix products are timed between the rounds.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import tqdm
from absl import app, flags

from ahernet_tf.config import Config
from ahernet_tf.data.resampling import resample
from ahernet_tf.inference import Localizer
from ahernet_tf.models import AherNet
from ahernet_tf.models.storage import Description, compute_products_in
from experiments.benchmarks import program, rates
from experiments.benchmarks.arithmetic import Arithmetic

FPS, STRIDE_FRAMES = 30.0, 8


def make_network(config: Config, channels: int, classes: int, spread: float) -> AherNet:
    """Builds a network whose heads and classifiers say something of every anchor."""
    names = tuple(f"class {number}" for number in range(classes))
    model = Description(channels, ("source",), names).build(config)
    random = np.random.default_rng(0)
    for layer in (model.head, model.target_classifier):
        for weight in layer.trainable_variables:
            noise = random.normal(scale=spread, size=weight.shape)
            weight.assign(weight + noise.astype(np.float32))
    return model


def measure(
    config: Config,
    batch_sizes: Sequence[int],
    channels: int = 2048,
    classes: int = 600,
    clips: int = 300,
    rounds: int = 3,
    spread: float = 0.02,
    matmul_sizes: Sequence[int] = (2048, 3072),
) -> dict[str, Any]:
    """Times batches of several sizes and matrix products in turn.

    Args:
        config: Of the run.
        batch_sizes: Videos computed at once.
        channels: Of the features.
        classes: That are localised.
        clips: Of a video.
        rounds: How often each is timed; medians count.
        spread: Deviation of the noise on heads and classifiers.
        matmul_sizes: Rows of the matrices.

    Returns:
        The numbers; see the names.
    """
    compute_products_in(config.training.precision)
    model = make_network(config, channels, classes, spread)
    names = [f"class {number}" for number in range(classes)]
    localizers: list[Localizer] = []

    def load() -> None:
        localizers.append(Localizer(model, names, config))

    load()
    loading = rates.clocked(load)
    localizer = localizers[-1]
    random = np.random.default_rng(1)
    videos = random.standard_normal((max(batch_sizes), clips, channels), np.float32)
    videos = videos.clip(min=0)
    covered_sec = clips * STRIDE_FRAMES / FPS
    centres_sec = (np.arange(clips) + 0.5) * STRIDE_FRAMES / FPS

    def resampled(batch: int) -> np.ndarray:
        return np.stack(
            [
                resample(
                    video,
                    centres_sec,
                    covered_sec,
                    localizer.steps,
                    config.data.pooling,
                    config.data.edge,
                )
                for video in videos[:batch]
            ]
        )

    products = rates.MatrixProducts(matmul_sizes)
    taken: dict[int, list[rates.Seconds]] = {batch: [] for batch in batch_sizes}
    resampling = []
    for batch in batch_sizes:
        found = localizer.detect(resampled(batch))
    for _ in tqdm.trange(rounds, desc="rounds"):
        for batch, times in taken.items():
            products.measure()
            times.append(
                rates.clocked(lambda batch=batch: localizer.detect(resampled(batch)))
            )
        resampling.append(rates.clocked(lambda: resampled(1)).wall)
    best = products.best()
    results = []
    for batch, times in taken.items():
        seconds = rates.median(times)
        flop = Arithmetic(config, channels, 1, classes, batch).inference().total
        results.append(
            {
                "batch": batch,
                "videos_per_sec": batch / seconds.wall,
                "flop": flop,
                "flop_per_sec": flop / seconds.wall,
                "efficiency": flop / seconds.wall / best.wall,
                "processor_efficiency": flop / seconds.processor / best.processor,
            }
        )
    return {
        "batches": results,
        "resampling_sec_per_video": statistics.median(resampling),
        "transfer_sec_per_checkpoint": loading.wall,
        "transfer_flop": Arithmetic(config, channels, 1, classes, 1).transfer(classes),
        "detections_of_last_video": len(found[-1].score),
        "matmul_flop_per_s": best.wall,
        "matmul_flop_per_s_by_size": products.flop_per_sec(),
        "peak_memory_bytes": rates.peak_memory_bytes(),
        "machine": rates.machine(),
    }


def describe(report: dict[str, Any]) -> str:
    """Returns a report as a table."""
    lines = ["batch  videos/s  GFLOP/s  of matmul  by processor time"]
    lines += [
        f"{part['batch']:5d}{part['videos_per_sec']:10.2f}"
        f"{part['flop_per_sec'] / 1e9:9.1f}{part['efficiency']:11.1%}"
        f"{part['processor_efficiency']:19.1%}"
        for part in report["batches"]
    ]
    return "\n".join(
        [
            *lines,
            f"matmul: {report['matmul_flop_per_s'] / 1e9:.1f} GFLOP/s",
            f"resampling: {1e3 * report['resampling_sec_per_video']:.1f} ms a video",
            f"transfer: {report['transfer_sec_per_checkpoint']:.2f} s a checkpoint, "
            f"{report['transfer_flop'] / 1e9:.1f} GFLOP",
            f"peak memory: {report['peak_memory_bytes'] / 1e9:.2f} GB",
        ]
    )


def main(argv: list[str]) -> int:
    """Runs the program."""
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")  # as experiments.predict
    values = flags.FLAGS
    report = measure(
        program.chosen_config(argv),
        [int(size) for size in values.batch_sizes],
        values.channels,
        values.classes,
        values.clips,
        values.rounds,
        values.spread,
        [int(size) for size in values.matmul_sizes],
    )
    return program.finish(report, describe(report))


def _define_flags() -> None:
    program.define_flags()
    flags.DEFINE_list("batch_sizes", ["1", "2", "4", "8", "16"], "Videos at once.")
    flags.DEFINE_integer("channels", 2048, "Channels of the features.", 1)
    flags.DEFINE_integer("classes", 600, "Classes that are localised.", 1)
    flags.DEFINE_integer("clips", 300, "Clips of a video.", 1)
    flags.DEFINE_integer("rounds", 3, "How often each batch size is timed.", 1)
    flags.DEFINE_float("spread", 0.02, "Noise on the heads and classifiers.")
    program.define_matmul_sizes()


if __name__ == "__main__":
    _define_flags()
    app.run(main)
