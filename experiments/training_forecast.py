"""What a training run would do: `train --dry_run`, for the tables too."""

from __future__ import annotations

from ahernet_tf.auto import cost
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.forecast import START_SEC, Forecast
from ahernet_tf.models import checkpoint_files
from ahernet_tf.training import work_directory

from .training_run import TrainingRun, describe, prepare_roles

#: Of a work directory: weights, two numbers per weight and optimizer, in two
#: checkpoints while one takes the other's place.
_BYTES_PER_WEIGHT = 40


def forecast_of(run: TrainingRun) -> Forecast:
    """Says what a run would do.

    Raises:
        ValueError: The data are not usable, or the work directory is of another run.
    """
    config, training = run.config, run.config.training
    dataset = Dataset.load(run.data, config.data, run.skip_bad, "shape")
    work_directory.check(run.workdir, describe(dataset), config, run.seed)
    prepare_roles(run, dataset, warn=False)
    found = checkpoint_files.checkpoint_paths(run.workdir)
    done = int(found[0].name.rpartition("-")[2]) if found else 0
    total = training.pretrain_iterations + training.iterations
    does = []
    if done < total or work_directory.results(run.workdir) is None:
        does = [
            f"train {training.system} on {run.data}, seed {run.seed}: "
            f"{training.pretrain_iterations} iterations of pre-training, "
            f"{training.iterations} of training"
            + (f"; {done} of {total} are done" if done else ""),
        ]
        if dataset.test() is not None:
            count = len(dataset.test().videos)
            does.append(f"localise in {count} test videos and score them")
    seconds = cost.seconds_of_training(
        dataset.feature_channels, config, cost.measure_gflops(), done
    )
    weights = describe(dataset).build(config).count_params()
    return Forecast(
        tuple(does),
        START_SEC + seconds if does else 0.0,
        _BYTES_PER_WEIGHT * weights if does else 0.0,
        run.workdir,
    )
