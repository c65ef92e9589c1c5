"""Times training iterations against what the machine can compute.

    python -m experiments.benchmarks.train_step --preset paper --json train_step.json

An iteration is what the trainer runs: one `tf.function`, updates included, on made-up
batches that lie in memory. In the same process large matrix products are timed between
the iterations; the counted arithmetic over the time, over the rate of those products,
is the efficiency. Then the phases of the iteration are timed one by one. `--set
training.schedule=fused` and the like measure other forms of it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tqdm
from absl import flags

from ahernet_tf import program
from ahernet_tf.config import Config

from . import preset_flags

if TYPE_CHECKING:
    import tensorflow as tf

    from ahernet_tf.training.algorithm import Algorithm

Batches = dict[str, dict[str, "tf.Tensor"]]


def random_batches(
    config: Config, channels: int, source_classes: int, target_classes: int
) -> Batches:
    """Makes up a batch of each stream, with the training data's shapes and types."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    batch, limit = config.training.batch_size, config.data.max_segments or 25
    network, synthesis = config.network, config.synthesis
    steps = network.untrimmed_steps

    def features(length: int) -> tf.Tensor:
        shape, seed = (batch, length, channels), random.integers(1 << 31, size=2)
        return tf.nn.relu(tf.random.stateless_normal(shape, seed))

    bounds = np.sort(random.uniform(0, steps, (batch, limit, 2)), axis=-1)
    mask = np.arange(limit) < random.integers(1, 1 + min(3, limit), (batch, 1))
    moments = {
        "features": features(network.moment_steps),
        "label": tf.constant(random.integers(target_classes, size=batch), tf.int32),
    }
    if synthesis.mode == "single":
        lengths = (synthesis.length_ratio_min, synthesis.length_ratio_max + 1)
        positions = (synthesis.position_min, synthesis.position_max + 1)
        moments |= {
            "length_ratio": tf.constant(random.integers(*lengths, batch), tf.int32),
            "position": tf.constant(random.integers(*positions, batch), tf.int32),
            "inside_start": tf.constant(random.integers(2, size=batch) == 0),
        }
    elif synthesis.mode == "tiled":
        tiles = np.array([[steps // 8, steps // 4], [steps // 2, 3 * steps // 4]])
        moments |= {
            "segments": tf.constant(np.tile(tiles, (batch, 1, 1)), tf.float32),
            "segment_mask": tf.ones([batch, 2], tf.bool),
            "source_row": tf.tile(tf.range(batch)[:, tf.newaxis], [1, 2]),
        }
    return {
        "untrimmed": {
            "features": features(steps),
            "segments": tf.constant(bounds * mask[..., np.newaxis], tf.float32),
            "segment_mask": tf.constant(mask),
            "segment_labels": tf.constant(
                random.integers(source_classes, size=(batch, 1)) * mask, tf.int32
            ),
        },
        "foreground": {
            "features": features(steps),
            "label": tf.constant(random.integers(source_classes, size=batch), tf.int32),
        },
        "moments": moments,
    }


def compiled(
    algorithm: Algorithm, names: Sequence[str], batches: Batches, consecutive: int = 1
) -> Callable[[], None]:
    """Takes steps of an iteration once; returns what does so several times, then waits.

    Args:
        algorithm: Holds the network and the optimizers.
        names: Of the steps.
        batches: Of each stream.
        consecutive: How often; a GPU need not wait for the host between them.
    """
    import tensorflow as tf

    from ahernet_tf.training.algorithm import STEPS

    read = {stream for name in names for stream in STEPS[name].streams}
    streams = {stream: batches[stream] for stream in read}
    step = tf.function(
        functools.partial(algorithm.take, tuple(names)),
        autograph=False,
        jit_compile=algorithm.config.jit_compile or None,
    )

    def run() -> None:
        for _ in range(consecutive):
            losses = step(**streams)
        tf.stack(list(losses.values())).numpy()

    run()
    return run


def measure(
    config: Config,
    channels: int = 2048,
    source_classes: int = 200,
    target_classes: int = 600,
    iterations: int = 3,
    matmul_sizes: Sequence[int] = (2048, 3072),
    with_phases: bool = True,
    consecutive: int = 1,
) -> dict[str, Any]:
    """Times iterations, phases and matrix products in turn.

    Args:
        config: What is trained.
        channels: Of the features.
        source_classes: With temporal annotations.
        target_classes: With moments only.
        iterations: How often each is timed; medians count.
        matmul_sizes: Rows of the matrices.
        with_phases: Whether to time the phases too.
        consecutive: Iterations timed as one; the mean counts.

    Returns:
        The numbers; see the names.

    Raises:
        ValueError: The arithmetic of a step of the system is not known.
    """
    from ahernet_tf.models.checkpoint import compute_products_in

    from . import rates
    from .arithmetic import Arithmetic
    from .fresh_training import fresh_training

    training = config.training
    compute_products_in(training.precision)
    sizes = (channels, source_classes, target_classes)
    counts = Arithmetic(config, *sizes, training.batch_size)
    algorithm = fresh_training(config, *sizes)
    steps = algorithm.steps("train")
    batches = random_batches(config, *sizes)
    parts = {"iteration": steps}
    if with_phases and training.schedule == "alternating":
        parts |= {step: (step,) for step in steps}
    flop = {name: counts.iteration(part) for name, part in parts.items()}
    products = rates.MatrixProducts(
        matmul_sizes,
        dtype="bfloat16" if training.precision == "bfloat16" else "float32",
        jit_compile=training.jit_compile,
    )
    times, peak = {}, 0
    bar = tqdm.tqdm(total=len(parts) * iterations, unit="part")
    for name, part in parts.items():
        run = compiled(algorithm, part, batches, consecutive)
        taken = []
        for _ in range(iterations):
            products.measure()
            seconds = rates.clocked(run)
            taken.append(rates.Seconds(*(clock / consecutive for clock in seconds)))
            bar.set_postfix_str(f"{name} {taken[-1].wall:.2f} s", refresh=False)
            bar.update()
        times[name] = rates.median(taken)
        peak = peak or rates.peak_memory_bytes()
    bar.close()
    results = {
        name: {
            "wall_sec": times[name].wall,
            "processor_sec": times[name].processor,
            "flop": count.to_dict(),
            **products.compared(count.total, times[name]),
        }
        for name, count in flop.items()
    }
    whole = results.pop("iteration")
    return {
        "iteration_s": whole["wall_sec"],
        **whole,
        "phases": results,
        **products.report(),
        "peak_memory_bytes": peak,
        "sizes": {
            "batch": training.batch_size,
            "channels": channels,
            "source_classes": source_classes,
            "target_classes": target_classes,
        },
        "training": dataclasses.asdict(training),
        "machine": rates.machine(),
    }


def describe(report: dict[str, Any]) -> str:
    """Returns a report as a table."""
    head = f"{'':28}{'s':>8}{'TFLOP':>8}{'GFLOP/s':>9}{'of matmul':>10}"
    lines = [head + f"{'by processor time':>19}"]
    for name, part in [*report["phases"].items(), ("whole iteration", report)]:
        lines.append(
            f"{name:28}{part['wall_sec']:8.2f}{part['flop']['total'] / 1e12:8.3f}"
            f"{part['flop_per_sec'] / 1e9:9.1f}{part['efficiency']:10.1%}"
            f"{part['processor_efficiency']:19.1%}"
        )
    kinds = ("forward", "input_gradient", "weight_gradient")
    counted = ", ".join(f"{k} {report['flop'][k] / 1e12:.3f}" for k in kinds)
    return "\n".join(
        [
            *lines,
            f"TFLOP of the whole iteration: {counted}",
            f"matmul: {report['matmul_flop_per_s'] / 1e9:.1f} GFLOP/s",
            f"peak memory: {report['peak_memory_bytes'] / 1e9:.2f} GB",
        ]
    )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    given = {
        "batch_size": values.batch,
        "schedule": values.schedule,
        "precision": values.precision,
        "jit_compile": values.jit_compile,
    }
    options = [f"training.{k}={v}" for k, v in given.items() if v is not None]
    report = measure(
        preset_flags.chosen_config(values, options),
        values.channels,
        values.source_classes,
        values.target_classes,
        values.iterations,
        [int(size) for size in values.matmul_sizes],
        values.phases,
        values.consecutive,
    )
    preset_flags.finish(values, report, describe(report))


def define_flags() -> None:
    """Defines the program's flags."""
    preset_flags.define_flags()
    flags.DEFINE_integer("batch", None, "Short for training.batch_size.", 1)
    flags.DEFINE_enum(
        "schedule", None, ["alternating", "fused"], "Short for training.schedule."
    )
    flags.DEFINE_enum(
        "precision",
        None,
        ["float32", "tf32", "bfloat16"],
        "Short for training.precision.",
    )
    flags.DEFINE_bool("jit_compile", None, "Short for training.jit_compile.")
    flags.DEFINE_integer("channels", 2048, "Channels of the features.", 1)
    preset_flags.define_classes()
    flags.DEFINE_integer("iterations", 3, "How often each part is timed.", 1)
    flags.DEFINE_integer(
        "consecutive",
        1,
        "Iterations timed as one, the last of which is waited for. On a GPU, 10 or so: "
        "training does not wait for each either.",
        1,
    )
    flags.DEFINE_bool("phases", True, "Whether to time the phases one by one.")
    preset_flags.define_matmul_sizes()


if __name__ == "__main__":
    program.start(define_flags, main)
