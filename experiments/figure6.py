"""Figure 6: AherNet* on 10% to 100% of the annotations, AherNet as a line.

    python -m experiments.figure6 --data DIR --workdir W --seeds 0,1,2

Trains what W does not hold yet: AherNet* with data.oracle_fraction set to each of
--fractions (W/AherNet-oracle-10/<seed> and so on; all annotations are the run of the
tables), and AherNet. Writes W/figure6.png, .pdf, .json and .csv. Ctrl-C saves and
stops; the same command continues.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from ahernet_tf import program

from .paper import columns as table_columns
from .paper import figures, run_pool, tables
from .paper import runs as training_runs
from .paper.columns import Column
from .paper.runs import Run
from .paper.table_rows import summary

NAME = "figure6"


def oracle(percent: int) -> tuple[str, ...]:
    """Returns AherNet* on a part of the annotations, as `Column.runs` takes it."""
    if percent == 100:
        return "AherNet*", ""
    return ("AherNet*", f"-{percent}", f"data.oracle_fraction={percent / 100}")


def average_maps(runs: Sequence[Run]) -> dict[str, Any]:
    """Summarises the average mAPs of the finished runs, fractions of 1."""
    found = [run.metrics() for run in runs]
    return summary([m["average_map"] for m in found if m is not None])


def crossing(points: Sequence[tuple[float, float]], line: float) -> float | None:
    """Returns where a curve first reaches a line, interpolated; None if nowhere.

    Args:
        points: (x, y), x ascending.
        line: Height of the line.
    """
    previous = None
    for x, y in points:
        if y >= line:
            if previous is None:
                return x
            return float(np.interp(line, [previous[1], y], [previous[0], x]))
        previous = (x, y)
    return None


def draw(
    column: Column, curve: dict[int, dict[str, Any]], ahernet: dict[str, Any]
) -> Any:
    """Draws the curve of AherNet* and the line of AherNet, with their spread."""
    figure, axes = figures.new_figure(6.0, 4.0)
    shown = {p: r for p, r in curve.items() if r["values"]}
    mean, std = (
        np.array([100 * (r[k] or 0.0) for r in shown.values()]) for k in ("mean", "std")
    )
    places = list(shown)
    axes.fill_between(
        places, mean - std, mean + std, color=figures.ORANGE, alpha=0.18, linewidth=0
    )
    axes.plot(
        places, mean, "o-", color=figures.ORANGE, label="AherNet*, part of the videos"
    )
    if ahernet["values"]:
        height, spread = 100 * ahernet["mean"], 100 * (ahernet["std"] or 0.0)
        axes.axhspan(
            height - spread,
            height + spread,
            color=figures.BLUE,
            alpha=0.15,
            linewidth=0,
        )
        axes.axhline(
            height, color=figures.BLUE, linestyle="--", label="AherNet, moments only"
        )
    axes.set_xticks(list(curve))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("annotated videos of the target classes (%)")
    axes.set_ylabel("average mAP (%)")
    axes.set_title(figures.seeds_of(column.title, column.plan.seeds), loc="left")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def run(
    column: Column,
    percents: Sequence[int],
    jobs: int = 1,
    program: Sequence[str] = training_runs.TRAIN,
    train: bool = True,
    progress: bool = True,
) -> tuple[dict[str, Any], list[Run]]:
    """Makes the missing runs, draws the figure, writes its numbers.

    Args:
        column: The data set.
        percents: Parts of the annotations, ascending.
        jobs: Runs at once.
        program: The command that trains.
        train: Whether to run what is missing.
        progress: Whether to show a bar.

    Returns:
        What figure6.json holds beside its rows, and the runs that failed.

    Raises:
        ValueError: A directory holds other runs, or there is no run to draw.
        KeyboardInterrupt: It was asked to stop.
    """
    by_percent = {percent: column.runs(*oracle(percent)) for percent in percents}
    line = column.runs("AherNet")
    wanted = [r for of_seed in zip(line, *by_percent.values()) for r in of_seed]
    failed = []
    if train:
        failed = run_pool.make_missing(wanted, jobs, program, progress)
    curve = {percent: average_maps(runs) for percent, runs in by_percent.items()}
    if not any(result["values"] for result in curve.values()):
        raise ValueError(f"{column.workdir}: no finished run of AherNet*.")
    ahernet = average_maps(line)
    reached = None
    if ahernet["values"]:
        points = [(p, r["mean"]) for p, r in curve.items() if r["values"]]
        reached = crossing(points, ahernet["mean"])
    content = {
        "setting": column.name,
        "units": {"average_map": "fraction of 1"},
        "ahernet": ahernet,
        "reaches_ahernet_at_percent": reached,
    }
    rows = [
        {"system": "AherNet*", "percent": percent, **result}
        for percent, result in curve.items()
    ]
    rows.append({"system": "AherNet", "percent": None, **ahernet})
    figures.save(draw(column, curve, ahernet), column.workdir, NAME)
    figures.write_numbers(column.workdir, NAME, content, rows)
    return content, failed


def define_flags() -> None:
    """Defines the program's flags."""
    tables.define_run_flags()
    flags.DEFINE_list(
        "fractions",
        [f"{tenth / 10}" for tenth in range(1, 11)],
        "Parts of the annotated videos that AherNet* trains on.",
    )


def percents_of(fractions: Sequence[str]) -> list[int]:
    """Reads the fractions as whole percents, ascending.

    Raises:
        ValueError: One is no number, not in (0, 1], or no whole percent.
    """
    found = set()
    for text in fractions:
        percent = round(100 * float(text))
        if not 0 < percent <= 100 or abs(percent - 100 * float(text)) > 1e-9:
            raise ValueError(
                f"--fractions: expected whole percents in (0, 1], received {text}."
            )
        found.add(percent)
    return sorted(found)


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    workdir = pathlib.Path(values.workdir)
    status = 0
    percents = percents_of(values.fractions)
    plan = tables.plan_from_flags(values)
    columns = table_columns.columns(values.data, workdir, plan)
    if values.dry_run:
        from .paper.forecast_of_runs import forecast_of_runs

        wanted = [("AherNet", ""), *map(oracle, percents)]
        print("\n".join(forecast_of_runs(wanted, columns, workdir).lines()))
        return 0
    for column in columns:
        content, failed = run(
            column,
            percents,
            values.jobs,
            train=values.train,
            progress=values.progress,
        )
        if content["reaches_ahernet_at_percent"] is not None:
            print(
                f"{column.title}: AherNet* reaches AherNet at "
                f"{content['reaches_ahernet_at_percent']:.0f}% of the annotations."
            )
        print(figures.written(column.workdir, NAME))
        status = status or int(bool(failed))
    return status


if __name__ == "__main__":
    program.start(define_flags, main, needs=["matplotlib"])
