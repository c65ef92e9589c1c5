"""Trains AherNet on the embedded synthetic data set: a small table, and a page.

    python -m experiments.quickstart --workdir runs/quickstart

Nothing is needed beforehand. The data are synthetic (docs/SYNTHETIC.md): the table
shows that everything runs and learns, and is no evidence about real video.
"""

from __future__ import annotations

import dataclasses
import pathlib

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import files, program
from ahernet_tf.models import systems

PRETRAIN_ITERATIONS = 80
ITERATIONS = 150


def quickstart(
    workdir: pathlib.Path,
    seed: int = 0,
    difficulty: str = "easy",
    pretrain_iterations: int = PRETRAIN_ITERATIONS,
    iterations: int = ITERATIONS,
    progress: bool = True,
) -> dict[str, dict]:
    """Writes the data, trains, scores; continues where an earlier call stopped.

    Returns:
        Scores on the test videos of the target classes, by system.
    """
    from ahernet_tf.data.dataset import Dataset
    from ahernet_tf.data.synthetic.difficulty import synthetic_config
    from ahernet_tf.data.synthetic.synthetic_dataset import write_synthetic
    from ahernet_tf.inference import Localizer, scoring
    from ahernet_tf.inference.chance import chance
    from ahernet_tf.models.checkpoint import load_model

    from .training_run import TrainingRun, train

    data = workdir / "data"
    if not data.exists():
        write_synthetic(data, synthetic_config(difficulty, seed=seed), progress)
    config = configuration.small()
    config = dataclasses.replace(
        config,
        training=dataclasses.replace(
            config.training,
            pretrain_iterations=pretrain_iterations,
            iterations=iterations,
            decay_every=max(1, iterations * 2 // 3),
        ),
    )
    run = TrainingRun(data, workdir / "ahernet", config, seed=seed, progress=progress)
    scores = {"AherNet": train(run)}
    model, description, config = load_model(run.workdir)
    names = description.target_classes
    role = Dataset.load(data, config.data, check_features="shape").test()
    alone = Localizer(model, names, systems.configure(config, "AherNet0"))
    found = scoring.localize_role(alone, role)
    scores["segment classifier alone"] = scoring.score(role, found)
    random = chance(role, names, config.inference.detections, seed)
    scores["chance"] = scoring.score(role, random)
    return scores


def table(scores: dict[str, dict]) -> str:
    """Returns the printed table."""
    lines = [f"{'':26}{'average mAP':>12}{'mAP@0.5':>10}{'AUC':>8}"]
    for system in reversed(scores):
        part = scores[system]
        lines.append(
            f"{system:26}{100 * part['average_map']:11.1f}%"
            f"{100 * part['map_at_tiou']['0.50']:9.1f}%{part['auc']:7.1f}%"
        )
    return "\n".join(lines)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("workdir", "runs/quickstart", "Where everything is written.")
    flags.DEFINE_integer("seed", 0, "Seed of the data and of training.")
    flags.DEFINE_enum(
        "difficulty", "easy", ["easy", "medium", "hard"], "Of the synthetic data."
    )
    flags.DEFINE_integer(
        "pretrain_iterations", PRETRAIN_ITERATIONS, "Iterations of pre-training."
    )
    flags.DEFINE_integer("iterations", ITERATIONS, "Alternating iterations.")


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    workdir = pathlib.Path(values.workdir)
    scores = quickstart(
        workdir,
        values.seed,
        values.difficulty,
        values.pretrain_iterations,
        values.iterations,
        progress=not values.quiet,
    )
    print(
        "\nClasses without any temporal annotation, on synthetic test videos "
        f"({values.difficulty}, seed {values.seed}):\n\n{table(scores)}\n"
    )
    print(f"data                 {workdir}/data")
    print(f"network, losses      {workdir}/ahernet  (tensorboard --logdir of it)")
    print(f"detections           {workdir}/ahernet/predictions.json")
    print(f"scores               {workdir}/scores.json")
    print(f"page for a browser   {workdir}/ahernet/report.html")
    files.write_json(workdir / "scores.json", scores)
    return 0


if __name__ == "__main__":
    program.start(define_flags, main)
