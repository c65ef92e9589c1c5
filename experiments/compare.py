"""Tells whether the difference of two systems is larger than the noise.

    python -m experiments.compare --a W/AherNet --b W/AherNet-minus

A and B are directories of a table (one work directory a seed) or single work
directories of experiments.train, on the same data set. Prints the difference of their
average mAPs with a 95% interval and a p-value: a paired bootstrap over the test videos
and over the seeds that both have. Two results files of any origin are compared by
experiments.evaluate --compare_with.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib

from absl import flags

from ahernet_tf import files, program

from .paper import significance


def run(
    a: pathlib.Path,
    b: pathlib.Path,
    data: pathlib.Path | None = None,
    samples: int = 1000,
    seed: int = 0,
) -> significance.SystemComparison:
    """Compares two directories.

    Args:
        a: A system's directory, or one run's.
        b: Another.
        data: Their data set; by default that which run.json names.
        samples: Number of resamples.
        seed: Of the resampling.

    Raises:
        ValueError: A directory holds no finished run, they share no seed, or they
            were trained on different data.
    """
    runs_a, runs_b = map(significance.finished_runs, (a, b))
    places = [*runs_a.values(), *runs_b.values()]
    named = {json.loads((p / "run.json").read_text())["data"] for p in places}
    if data is None and len(named) > 1:
        raise ValueError(f"Trained on different data: {', '.join(sorted(named))}.")
    if len(runs_a) == len(runs_b) == 1:  # two single runs, whatever their seeds
        runs_a, runs_b = ({0: next(iter(r.values()))} for r in (runs_a, runs_b))
    resamples = significance.Resamples(data or pathlib.Path(named.pop()), samples, seed)
    comparison = significance.compare(resamples, runs_a, runs_b)
    if comparison is None:
        raise ValueError(
            f"No seed in common: {sorted(runs_a)} of {a}, {sorted(runs_b)} of {b}."
        )
    return comparison


def define_flags() -> None:
    """Defines the program's flags."""
    for name in ("a", "b"):
        flags.DEFINE_string(
            name, None, "Directory of a system's runs, or of one run.", required=True
        )
    flags.DEFINE_string(
        "data", None, "Their data set directory; default: where they were trained."
    )
    flags.DEFINE_integer("bootstrap", 1000, "Resamples of the videos.", lower_bound=2)
    flags.DEFINE_integer("bootstrap_seed", 0, "Seed of the resampling.")
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    if values.json:
        files.check_output(values.json)
    a, b = pathlib.Path(values.a), pathlib.Path(values.b)
    data = pathlib.Path(values.data) if values.data else None
    result = run(a, b, data, values.bootstrap, values.bootstrap_seed)
    print(result.sentence(str(a), str(b)))
    if values.json:
        files.write_json(values.json, dataclasses.asdict(result))


if __name__ == "__main__":
    program.start(define_flags, main)
