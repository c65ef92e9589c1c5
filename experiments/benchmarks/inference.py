"""Times inference, from files of clip features to detections, beside matrix products.

    python -m experiments.benchmarks.inference --json inference.json

Videos are localised as `experiments.predict` does it: their features are read and
resampled, every time anew, while the network computes the batch before, and all anchors
go through non-maximum suppression; videos a second over several batch sizes. The
network has the paper's size and fresh weights, whose detections overlap as little or as
much as `--spread` makes the offsets: suppression then has as much to do as with trained
ones. The class transfer is done once, when the network is loaded, and timed apart.
Large matrix products are timed between the rounds.
"""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tqdm
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset

from . import preset_flags

if TYPE_CHECKING:
    from ahernet_tf.inference import Localizer
    from ahernet_tf.models import AherNet

    from . import rates


def make_network(config: Config, channels: int, classes: int, spread: float) -> AherNet:
    """Builds a network whose heads and classifiers say something of every anchor."""
    from ahernet_tf.models.checkpoint import Description

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
    directory: pathlib.Path,
    batch_sizes: Sequence[int],
    videos: int = 32,
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
        directory: Where the features are made.
        batch_sizes: Videos computed at once.
        videos: That are localised.
        channels: Of the features.
        classes: That are localised.
        clips: Of a video.
        rounds: How often each is timed; medians count.
        spread: Deviation of the noise on heads and classifiers.
        matmul_sizes: Rows of the matrices.

    Returns:
        The numbers; see the names.
    """
    from ahernet_tf.inference import Localizer, scoring
    from ahernet_tf.models.checkpoint import compute_products_in

    from . import pipeline, rates
    from .arithmetic import Arithmetic

    compute_products_in(config.training.precision)
    config = configuration.with_overrides(config, ["data.cache_bytes=0"])
    data = pipeline.make_data(directory, videos, "npy", clips, channels)
    role = Dataset.load(data, config.data).role("untrimmed")
    model = make_network(config, channels, classes, spread)
    names = [f"class {number}" for number in range(classes)]
    localizers: list[Localizer] = []

    def load() -> None:
        localizers.append(Localizer(model, names, config))

    load()
    loading = rates.clocked(load)
    localizer = localizers[-1]

    def prepare() -> None:
        for video in role.videos:
            role.sequences.sequence(role.whole_span(video), localizer.steps)

    products = rates.MatrixProducts(matmul_sizes)
    taken: dict[int, list[rates.Seconds]] = {batch: [] for batch in batch_sizes}
    preparing: list[rates.Seconds] = []
    for batch in batch_sizes:
        found = scoring.localize_role(localizer, role, batch_size=batch)
    for _ in tqdm.trange(rounds, desc="rounds"):
        for batch, times in taken.items():
            products.measure()
            times.append(
                rates.clocked(
                    lambda batch=batch: scoring.localize_role(
                        localizer, role, batch_size=batch
                    )
                )
            )
        preparing.append(rates.clocked(prepare))
    flop = Arithmetic(config, channels, 1, classes, videos).inference().total
    results = []
    for batch, times in taken.items():
        seconds = rates.median(times)
        results.append(
            {
                "batch": batch,
                "videos_per_sec": videos / seconds.wall,
                **products.compared(flop, seconds),
            }
        )
    return {
        "batches": results,
        "videos": videos,
        "flop": flop,
        "preparing_sec_per_video": rates.median(preparing).processor / videos,
        "transfer_sec_per_checkpoint": loading.wall,
        "transfer_flop": Arithmetic(config, channels, 1, classes, 1).transfer(classes),
        "detections_per_video": sum(map(len, found.values())) / videos,
        **products.report(),
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
            f"reading and resampling: {1e3 * report['preparing_sec_per_video']:.1f} ms "
            "a video",
            f"transfer: {report['transfer_sec_per_checkpoint']:.2f} s a checkpoint, "
            f"{report['transfer_flop'] / 1e9:.1f} GFLOP",
            f"peak memory: {report['peak_memory_bytes'] / 1e9:.2f} GB",
        ]
    )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")  # as experiments.predict
    config = preset_flags.chosen_config(values)
    with tempfile.TemporaryDirectory(dir=values.directory) as directory:
        report = measure(
            config,
            pathlib.Path(directory, "data"),
            [int(size) for size in values.batch_sizes],
            values.videos,
            values.channels,
            values.classes,
            values.clips,
            values.rounds,
            values.spread,
            [int(size) for size in values.matmul_sizes],
        )
    preset_flags.finish(values, report, describe(report))


def define_flags() -> None:
    """Defines the program's flags."""
    preset_flags.define_flags()
    flags.DEFINE_list("batch_sizes", ["1", "2", "4", "8", "16"], "Videos at once.")
    flags.DEFINE_integer("videos", 32, "Videos that are localised.", 1)
    flags.DEFINE_string(
        "directory", None, "Where to make the features (80 MiB). Unset: the system's."
    )
    flags.DEFINE_integer("channels", 2048, "Channels of the features.", 1)
    flags.DEFINE_integer("classes", 600, "Classes that are localised.", 1)
    flags.DEFINE_integer("clips", 300, "Clips of a video.", 1)
    flags.DEFINE_integer("rounds", 3, "How often each batch size is timed.", 1)
    flags.DEFINE_float("spread", 0.02, "Noise on the heads and classifiers.")
    preset_flags.define_matmul_sizes()


if __name__ == "__main__":
    program.start(define_flags, main)
