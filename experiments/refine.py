"""Learns what stands beside the weights for a network that is trained already.

    python -m experiments.refine --workdir W

W is a work directory of experiments.train. It gets second_look.npz and durations.json,
which inference.second_look and inference.duration_prior read, and exemplars.npz, which
experiments.add_classes needs; the weights stay as they are. For a network that
data_tools.import_release imported, --data names the data set: its classes are those of
the import, in the same order. Afterwards, for instance:
python -m experiments.predict --checkpoint W ... --set inference.second_look=true
--set inference.duration_prior=2
"""

from __future__ import annotations

import dataclasses
import pathlib

from absl import flags

from ahernet_tf import files, program
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import systems


def refine(workdir: pathlib.Path, data: pathlib.Path | None = None) -> None:
    """Learns all from the training data and writes it anew.

    Args:
        workdir: Work directory of training.
        data: The data set it was trained on; by default that which its run.json names.

    Raises:
        ValueError: The directory holds no trained model, or the data do not fit it.
    """
    from ahernet_tf.inference.exemplars import keep_exemplars
    from ahernet_tf.inference.refinement import DURATIONS, SECOND_LOOK, fit_refinement
    from ahernet_tf.models.checkpoint import load_model
    from ahernet_tf.training.work_directory import RUN

    model, description, config = load_model(workdir)
    record = workdir / RUN
    if data is None and not record.exists():
        raise ValueError(f"{workdir}: was trained elsewhere; --data says on what.")
    run = files.read_json(record) if record.exists() else {"seed": 0}
    dataset = Dataset.load(data or run["data"], config.data, skip_bad=True)
    for line in dataset.report.left_out():
        program.warn(line)
    for name in ("source_classes", "target_classes", "feature_channels"):
        then, now = getattr(description, name), getattr(dataset, name)
        if then != now:
            raise ValueError(
                f"{dataset.directory}: other {name.replace('_', ' ')} than {workdir} "
                f"was trained on: {now}, then {then}."
            )
    if systems.system(config.training.system).oracle:
        fraction = config.data.oracle_fraction
        dataset = dataset.with_fraction("oracle", fraction, run["seed"])
    if config.data.validation_fraction:
        dataset, _ = dataset.hold_out(config.data.validation_fraction, run["seed"])
    inference = dataclasses.replace(config.inference, second_look=True)
    for name in (SECOND_LOOK, DURATIONS):
        (workdir / name).unlink(missing_ok=True)
    fit_refinement(workdir, dataset, dataclasses.replace(config, inference=inference))
    keep_exemplars(workdir, model, dataset, config)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("workdir", None, "Work directory of training.", required=True)
    flags.DEFINE_string(
        "data", None, "The data set it was trained on; default: where it was."
    )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    workdir = pathlib.Path(values.workdir)
    refine(workdir, pathlib.Path(values.data) if values.data else None)
    print(f"Second look, typical durations and exemplars are in {workdir}.")


if __name__ == "__main__":
    program.start(define_flags, main)
