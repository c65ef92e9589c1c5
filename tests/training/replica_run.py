"""A tiny training run, alone or as one of several replicas.

python -m tests.training.replica_run STRATEGY DATA DIRECTORY STOP_AFTER [OPTION ...]

With "mirrored" the CPU counts as two devices. After STOP_AFTER iterations the process
tells itself to stop; -1: it never does. The exit status is 130 for a stopped run.
"""

import pathlib
import signal
import sys
from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import checkpoint
from ahernet_tf.training.distribution import Workers, make_strategy
from ahernet_tf.training.trainer import Trainer, TrainingInterrupted
from tests.models.tiny import OVERRIDES

# A large epsilon keeps Adam from making steps out of rounding where the gradient is 0,
# as that of a bias that all classes share.
CONFIG = configuration.with_overrides(
    configuration.small(),
    [
        *OVERRIDES,
        "network.level_channels=4",
        "training.pretrain_iterations=1",
        "training.iterations=4",
        "training.epsilon=1e-3",
        "training.generator_updates=1",
        "synthesis.mode=tiled",
    ],
)


def trainer(
    data: pathlib.Path,
    directory: pathlib.Path,
    workers: Workers,
    options: Sequence[str] = (),
) -> Trainer:
    config = configuration.with_overrides(CONFIG, list(options))
    tf.keras.utils.set_random_seed(3)
    dataset = Dataset.load(data, config.data)
    description = checkpoint.Description(
        dataset.feature_channels, dataset.source_classes, dataset.target_classes
    )
    with workers.scope():
        model = description.build(config)
    return Trainer(
        model, dataset, config, directory, 3, progress=False, workers=workers
    )


def train(
    data: pathlib.Path,
    directory: pathlib.Path,
    workers: Workers,
    stop_after: int = -1,
    options: Sequence[str] = (),
) -> tuple[Trainer, bool]:
    """Returns the trainer, and whether it was stopped."""
    trained = trainer(data, directory, workers, options)
    iterate = trained._iterate

    def stopping(phase, iteration, batches):
        if iteration + 1 == stop_after:
            signal.raise_signal(signal.SIGTERM)
        return iterate(phase, iteration, batches)

    trained._iterate = stopping
    try:
        trained.run()
    except TrainingInterrupted:
        return trained, True
    return trained, False


def main(
    strategy: str, data: str, directory: str, stop_after: str, *options: str
) -> int:
    if strategy == "mirrored":
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, devices)
    workers = Workers(make_strategy(strategy))
    assert workers.shards[0].count == 2
    paths = pathlib.Path(data), pathlib.Path(directory)
    trained, stopped = train(*paths, workers, int(stop_after), options)
    print(f"iterations done: {trained.done}")
    return 130 if stopped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
