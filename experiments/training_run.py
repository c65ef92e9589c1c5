"""A training run from data set to scores: what `train` does, for other programs too."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import tensorflow as tf

from ahernet_tf import evaluation, files, program
from ahernet_tf.auto.configuration import Automatic
from ahernet_tf.config import Config
from ahernet_tf.data.channel_statistics import channel_statistics
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.features.extractors import extractor_differences
from ahernet_tf.data.role_counts import out_of_reach, require_samples, wrong_labels
from ahernet_tf.data.roles import Role
from ahernet_tf.inference import Localizer, scoring
from ahernet_tf.inference.detections import as_results
from ahernet_tf.inference.exemplars import keep_exemplars
from ahernet_tf.inference.refinement import fit_refinement, load_refinement
from ahernet_tf.inference.trained_network import find_model
from ahernet_tf.models import AherNet, checkpoint, checkpoint_files, systems
from ahernet_tf.models.checkpoint import Description
from ahernet_tf.models.initialization import take_weights
from ahernet_tf.training import logs, work_directory
from ahernet_tf.training.distribution import Workers, make_strategy
from ahernet_tf.training.trainer import Trainer

from . import ground_truth_flags, report

VALIDATION = "validation.jsonl"


@dataclasses.dataclass(frozen=True)
class TrainingRun:
    """Where and how a run happens; what it computes is the configuration's."""

    data: pathlib.Path
    workdir: pathlib.Path
    config: Config
    _: dataclasses.KW_ONLY
    automatic: Automatic | None = None
    seed: int = 0
    eval_every: int = 0
    skip_bad: bool = False
    check_features: str = "all"
    checkpoint_every_sec: float = 300.0
    deterministic: bool = True
    progress: bool = True
    strategy: str = "none"
    init: pathlib.Path | None = None


def train(run: TrainingRun) -> dict | None:
    """Trains, localises, scores; returns what metrics.json holds.

    Of several workers only the first writes, localises and scores; the others return
    None after the last iteration.

    Raises:
        ValueError: The data or the work directory do not fit, or another process
            trains there; nothing was trained.
        TrainingInterrupted: The run was asked to stop; the same call continues.
        NonFiniteLossError: A loss became NaN or infinite.
        WorkerLostError: Another worker has gone.
    """
    if run.deterministic and run.config.training.jit_compile:
        raise ValueError(
            "training.jit_compile=true needs TrainingRun(deterministic=False): XLA's "
            "max-pooling has no deterministic form."
        )
    workers = Workers(make_strategy(run.strategy))
    workers.check(run.config.training)
    dataset, validation = _load(run, workers)
    if not workers.chief:
        _trainer(run, workers, dataset).run()
        return None
    with work_directory.locked(run.workdir):
        trainer = _trainer(run, workers, dataset)
        found = work_directory.results(run.workdir)
        if trainer.done >= trainer.total and found is not None:
            _say_finished(run)
            return found
        work_directory.forget_results(run.workdir)
        logs.forget_later_lines(run.workdir / VALIDATION, trainer.done + 1)
        description = describe(dataset)
        if trainer.done:
            _say_continuation(run, trainer)
        work_directory.record(
            run.workdir,
            description,
            run.config,
            run.seed,
            data=str(run.data.absolute()),
            deterministic=run.deterministic,
            init=run.init and str(run.init),
            fps=_untold_rate(dataset.role("untrimmed")),
        )
        if run.automatic:
            run.automatic.save(run.workdir)
        program.note(f"Everything goes to {run.workdir}.")
        fit_refinement(run.workdir, dataset, run.config)
        evaluate = _validation(run, trainer, description, validation)
        trainer.run(evaluate, run.eval_every)
        with trainer.averaged():
            keep_exemplars(run.workdir, trainer.model, dataset, run.config)
            metrics = _scores(run, trainer.model, description, dataset, validation)
        metrics["iterations"] = trainer.total
        files.write_json(run.workdir / work_directory.METRICS, metrics)
        return metrics


def describe(dataset: Dataset) -> Description:
    """Returns what a network for a data set is built for."""
    return Description(
        dataset.feature_channels,
        dataset.source_classes,
        dataset.target_classes,
        dataset.extraction,
    )


def _say_finished(run: TrainingRun) -> None:
    """Says that a run has all its iterations, and what would give others."""
    program.note(
        f"{run.workdir} is finished: {run.config.training.iterations} iterations; "
        "nothing to do. More --iterations go on, another --workdir begins anew."
    )


def _say_continuation(run: TrainingRun, trainer: Trainer) -> None:
    """Says where a run goes on, and what stays as chosen for fewer iterations."""
    program.note(f"Continues after iteration {trainer.done} of {trainer.total}.")
    before = checkpoint.load_description(run.workdir)[1].training.iterations
    if before < run.config.training.iterations:
        kept = ("training.decay_every", "training.ema_decay", "data.crop_min")
        said = ", ".join(f"{name} {run.config.option(name):g}" for name in kept)
        program.note(
            f"All else stays as for {before} iterations, such as {said}; another "
            "--workdir begins anew."
        )


def _untold_rate(role: Role) -> float | None:
    """Returns the one frame rate of all videos, where their features do not tell it."""
    store, rates = role.sequences.store, set(role.features["fps"].dropna())
    info = store.info(role.videos[0].id)
    told = store.description.get("fps") or (info and info.fps)
    return rates.pop() if len(rates) == 1 and not told else None


def _load(run: TrainingRun, workers: Workers) -> tuple[Dataset, Role | None]:
    """Loads and checks the data; returns it without what is held out, and that."""
    config = run.config
    dataset = Dataset.load(run.data, config.data, run.skip_bad, run.check_features)
    if workers.chief:
        for line in dataset.report.left_out():
            program.warn(line)
        chosen = run.automatic.lines() if run.automatic else []
        for line in [*dataset.report.counted(), *chosen]:
            program.note(line)
        work_directory.check(run.workdir, describe(dataset), config, run.seed)
    return prepare_roles(run, dataset, warn=workers.chief)


def prepare_roles(
    run: TrainingRun, dataset: Dataset, warn: bool
) -> tuple[Dataset, Role | None]:
    """Checks the roles that the system needs; holds out what validates.

    Raises:
        ValueError: A role is missing, or a class would never be learnt.
    """
    config = run.config
    system = systems.system(config.training.system)
    if system.oracle:
        fraction = config.data.oracle_fraction
        dataset = dataset.with_fraction("oracle", fraction, run.seed)
    validation = None
    if config.data.validation_fraction:
        if not system.localizes_source:
            raise ValueError(
                f"{config.training.system} does not localise the source classes; "
                "there is nothing to validate on held-out training videos."
            )
        fraction = config.data.validation_fraction
        dataset, validation = dataset.hold_out(fraction, run.seed)
    _check_samples(dataset, config, warn)
    return dataset, validation


def _check_samples(dataset: Dataset, config: Config, warn: bool) -> None:
    """Says what of the samples will not be learnt, before training starts.

    Raises:
        ValueError: A class would never be learnt.
    """
    system = systems.system(config.training.system)
    steps = {*system.pretrain, *system.train}
    annotated = dataset.role("oracle" if system.oracle else "untrimmed")
    if "moments" in steps:
        require_samples(dataset.role("moments"), config.data)
    if "foreground" in steps:
        require_samples(annotated, config.data)
    said = [wrong_labels(annotated, config.loss)]
    if steps & {"untrimmed", "proposals"}:
        said += out_of_reach(annotated, config)
    for warning in filter(None, said):
        if warn:
            program.warn(warning)


def _trainer(run: TrainingRun, workers: Workers, dataset: Dataset) -> Trainer:
    """Builds the network and takes over the newest checkpoint."""
    config = run.config
    tf.keras.utils.set_random_seed(run.seed)
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
    checkpoint.compute_products_in(config.training.precision)
    with workers.scope():
        model = describe(dataset).build(config)
    if config.data.standardize:
        model.standardization.set_statistics(*channel_statistics(dataset))
    if run.init is not None and not checkpoint_files.checkpoint_paths(run.workdir):
        said = _initialize(run.init, model, describe(dataset))
        if workers.chief:
            program.note(f"Starts from the weights of {run.init}.")
            for line in said:
                program.note(f"  {line}")
    return Trainer(
        model,
        dataset,
        config,
        run.workdir,
        run.seed,
        run.checkpoint_every_sec,
        run.progress,
        workers,
    )


def _initialize(init: pathlib.Path, model: AherNet, own: Description) -> list[str]:
    """Gives the network the weights of a trained one; returns what does not fit.

    Raises:
        ValueError: There is no trained network, or nothing of it fits.
    """
    other, description, _ = checkpoint.load_model(*find_model(init))
    said = []
    then, now = ((d.extraction or {}).get("extractor") for d in (description, own))
    if then and now and (differences := extractor_differences(then, now)):
        said.append(f"features of another network (then, now): {differences}")
    with files.naming(init):
        return said + take_weights(model, own, other, description)


def _validation(
    run: TrainingRun,
    trainer: Trainer,
    description: Description,
    validation: Role | None,
):
    """Returns what scores the held-out videos during training, if there are any."""
    if validation is None:
        return None

    def evaluate(iteration: int) -> dict[str, float]:
        with trainer.averaged():
            metrics = score_role(run, trainer.model, description, validation, "source")
        line = {k: metrics[k] for k in ("average_map", "map_at_tiou", "auc")}
        with (run.workdir / VALIDATION).open("a") as file:
            file.write(json.dumps({"iteration": iteration, **line}) + "\n")
        return {
            "validation/average_map": metrics["average_map"],
            "validation/auc": metrics["auc"],
        }

    return evaluate


def score_role(
    run: TrainingRun,
    model: AherNet,
    description: Description,
    role: Role,
    classes: str,
    predictions: pathlib.Path | None = None,
) -> dict[str, Any]:
    """Localises and scores the videos of a role.

    Args:
        run: Whose configuration counts.
        model: The network.
        description: What it was built for.
        role: The videos.
        classes: `target` or `source`.
        predictions: Gets the detections; None: they are not written.
    """
    names = getattr(description, f"{classes}_classes")
    refinement = load_refinement(run.workdir, run.config.inference, names)
    localizer = Localizer(model, names, run.config, classes, refinement)
    found = scoring.localize_role(localizer, role, progress=run.progress)
    if predictions is not None:
        evaluation.write_results(predictions, as_results(found))
    return scoring.score(role, found)


def _scores(
    run: TrainingRun,
    model: AherNet,
    description: Description,
    dataset: Dataset,
    validation: Role | None,
) -> dict[str, Any]:
    """Scores the test videos: target classes, and source classes where there are."""
    metrics: dict = {"units": {"average_map": "fraction of 1", "auc": "percent"}}
    system = systems.system(run.config.training.system)
    source = dataset.test(dataset.source_classes) if system.localizes_source else None
    target = dataset.test()
    if target is not None:
        shown = "target classes"
        if source is not None:
            shown += f"; detections of others: {work_directory.SOURCE_PREDICTIONS}"
        path = run.workdir / work_directory.PREDICTIONS
        metrics |= score_role(run, model, description, target, "target", path)
        report.make_report(
            run.workdir / work_directory.PAGE,
            {run.config.training.system: path},
            ground_truth_flags.of_role(target),
            f"{run.config.training.system}: {dataset.name}",
            {"Data": str(run.data), "Seed": str(run.seed), "Classes": shown},
            progress=run.progress,
        )
    if source is not None:
        path = run.workdir / work_directory.SOURCE_PREDICTIONS
        metrics["source"] = score_role(run, model, description, source, "source", path)
    if validation is not None:
        metrics["validation"] = score_role(
            run, model, description, validation, "source"
        )
    return metrics
