"""Trains a network, localises with it and scores: what `experiments.train` runs."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
from importlib import metadata

import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf import evaluation, files
from ahernet_tf.auto.configuration import Automatic
from ahernet_tf.config import Config
from ahernet_tf.data.channel_statistics import channel_statistics
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.role_counts import wrong_labels
from ahernet_tf.data.roles import Role
from ahernet_tf.inference import Localizer, scoring
from ahernet_tf.inference.detections import as_results
from ahernet_tf.inference.refinement import fit_refinement, load_refinement
from ahernet_tf.models import AherNet, systems
from ahernet_tf.models import checkpoint as storage
from ahernet_tf.training.distribution import (
    Workers,
    make_strategy,
)
from ahernet_tf.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Run:
    """Where and how a run happens; what it computes is the configuration's."""

    data: pathlib.Path
    workdir: pathlib.Path
    config: Config
    automatic: Automatic | None = None
    seed: int = 0
    eval_every: int = 0
    skip_bad: bool = False
    check_features: str = "all"
    checkpoint_every_sec: float = 300.0
    deterministic: bool = True
    progress: bool = True
    strategy: str = "none"


def train(run: Run) -> dict | None:
    """Trains, localises, scores; returns what metrics.json holds.

    Of several workers only the first writes, localises and scores; the others return
    None after the last iteration.

    Raises:
        ValueError: The data or the work directory do not fit; nothing was trained.
        Interrupted: The run was asked to stop; the same call continues.
        NonFiniteLossError: A loss became NaN or infinite.
        WorkerLostError: Another worker has gone.
    """
    finished = run.workdir / "metrics.json"
    config = run.config
    workers = Workers(make_strategy(run.strategy))
    workers.check(config.training)
    dataset = Dataset.load(run.data, config.data, run.skip_bad, run.check_features)
    for line in dataset.report.lines() if workers.chief else ():
        print(line)
    for line in run.automatic.lines() if run.automatic and workers.chief else ():
        print(line)
    description = storage.Description(
        dataset.feature_channels,
        dataset.source_classes,
        dataset.target_classes,
        dataset.extraction,
    )
    if workers.chief:
        check_workdir(run, description)
    validation = None
    system = systems.system(config.training.system)
    if system.oracle:
        fraction = config.data.oracle_fraction
        dataset = dataset.with_fraction("oracle", fraction, run.seed)
    annotated = dataset.role("oracle" if system.oracle else "untrimmed")
    if workers.chief and (warning := wrong_labels(annotated, config.loss)):
        print(f"warning: {warning}")
    if config.data.validation_fraction:
        if not system.localizes_source:
            raise ValueError(
                f"{config.training.system} does not localise the source classes; "
                "there is nothing to validate on held-out training videos."
            )
        dataset, validation = dataset.hold_out(
            config.data.validation_fraction, run.seed
        )
    tf.keras.utils.set_random_seed(run.seed)
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
    storage.compute_products_in(config.training.precision)
    with workers.scope():
        model = description.build(config)
    if config.data.standardize:
        model.standardization.set_statistics(*channel_statistics(dataset))
    trainer = Trainer(
        model,
        dataset,
        config,
        run.workdir,
        run.seed,
        run.checkpoint_every_sec,
        run.progress,
        workers,
    )
    if not workers.chief:
        trainer.run()
        return None
    if trainer.done >= trainer.total and finished.exists():
        print(f"{run.workdir} is finished; nothing to do.")
        return json.loads(finished.read_text())
    write_run(run, description)
    if run.automatic:
        run.automatic.save(run.workdir)
    fit_refinement(run.workdir, dataset, config)
    if trainer.done:
        print(f"Continues after iteration {trainer.done} of {trainer.total}.")

    def evaluate(iteration: int) -> dict[str, float]:
        with trainer.averaged():
            metrics = evaluate_role(run, model, description, validation, "source")
        line = {k: metrics[k] for k in ("average_map", "map_at_tiou", "auc")}
        with (run.workdir / "validation.jsonl").open("a") as file:
            file.write(json.dumps({"iteration": iteration, **line}) + "\n")
        return {
            "validation/average_map": metrics["average_map"],
            "validation/auc": metrics["auc"],
        }

    trainer.run(evaluate if validation else None, run.eval_every)
    with trainer.averaged():
        metrics = final_metrics(run, model, description, dataset, validation)
    files.write_json(finished, metrics)
    return metrics


def evaluate_role(
    run: Run,
    model: AherNet,
    description: storage.Description,
    role: Role,
    classes: str,
    predictions: pathlib.Path | None = None,
) -> dict:
    """Localises and scores the videos of a role."""
    names = getattr(description, f"{classes}_classes")
    refinement = load_refinement(run.workdir, run.config.inference, names)
    localizer = Localizer(model, names, run.config, classes, refinement)
    found = scoring.localize_role(localizer, role, progress=run.progress)
    if predictions is not None:
        evaluation.write_results(predictions, as_results(found))
    return scoring.score(role, found)


def final_metrics(
    run: Run,
    model: AherNet,
    description: storage.Description,
    dataset: Dataset,
    validation: Role | None,
) -> dict:
    """Scores the test videos: target classes, and source classes where there are."""
    metrics: dict = {"units": {"average_map": "fraction of 1", "auc": "percent"}}
    target = dataset.test()
    if target is not None:
        path = run.workdir / "predictions.json"
        metrics |= evaluate_role(run, model, description, target, "target", path)
    system = systems.system(run.config.training.system)
    source = dataset.test(dataset.source_classes)
    if source is not None and system.localizes_source:
        path = run.workdir / "predictions_source.json"
        metrics["source"] = evaluate_role(
            run, model, description, source, "source", path
        )
    if validation is not None:
        metrics["validation"] = evaluate_role(
            run, model, description, validation, "source"
        )
    return metrics


def check_workdir(run: Run, description: storage.Description) -> None:
    """Refuses a work directory of another configuration, data set or seed.

    More iterations than before are no other configuration.

    Raises:
        ValueError: Names what differs.
    """
    if not (run.workdir / storage.DESCRIPTION).exists():
        return
    there, config = storage.load_description(run.workdir)
    training = dataclasses.replace(
        config.training, iterations=run.config.training.iterations
    )
    differences = configuration.differences(
        dataclasses.replace(config, training=training), run.config
    )
    if run.config.training.iterations < config.training.iterations:
        differences.append(
            f"training.iterations: {config.training.iterations} > "
            f"{run.config.training.iterations}"
        )
    if there.extraction not in (None, description.extraction):
        differences.append(f"features: {there.extraction} != {description.extraction}")
    if dataclasses.replace(there, extraction=description.extraction) != description:
        differences.append("classes or feature channels of the data set")
    seed = json.loads((run.workdir / "run.json").read_text())["seed"]
    if seed != run.seed:
        differences.append(f"seed: {seed} != {run.seed}")
    if differences:
        raise ValueError(
            f"{run.workdir} holds a run of another configuration (there != asked): "
            + "; ".join(differences)
        )


def write_run(run: Run, description: storage.Description) -> None:
    """Writes configuration, versions, command and commit into the work directory."""
    storage.save_description(run.workdir, description, run.config)
    versions = {"python": platform.python_version()}
    for package in ("ahernet_tf", "tensorflow", "keras", "numpy", "tensorflow-addons"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=pathlib.Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    files.write_json(
        run.workdir / "run.json",
        {
            "command": sys.orig_argv,
            "data": str(run.data),
            "seed": run.seed,
            "deterministic": run.deterministic,
            "versions": versions,
            "commit": commit.stdout.strip() or None,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
    )
