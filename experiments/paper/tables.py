"""A table of the paper: runs what is missing, prints and writes what was measured."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import shlex
from collections.abc import Sequence
from typing import NoReturn

from absl import flags

from ahernet_tf import command, files, program
from ahernet_tf import config as configuration
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.description import read_description
from ahernet_tf.models import systems

from . import columns as table_columns
from . import pages, rendering, run_pool, table_rows
from . import runs as training_runs
from .columns import Column, Plan
from .published import Table


def make_table(
    table: Table,
    columns: Sequence[Column],
    workdir: pathlib.Path,
    plan: Plan,
    jobs: int = 1,
    samples: int = 1000,
    trainer: Sequence[str] = training_runs.TRAIN,
    train: bool = True,
    progress: bool = True,
) -> tuple[str, list[training_runs.Run]]:
    """Runs what is missing and writes the table as .md, .csv and .json.

    Args:
        table: Of the paper.
        columns: The data sets.
        workdir: Gets the files.
        plan: How the runs are made.
        jobs: Runs at once.
        samples: Resamples of the comparisons; 0: none.
        trainer: The command that trains.
        train: Whether to run what is missing.
        progress: Whether to show bars.

    Returns:
        The Markdown text, and the runs that failed.

    Raises:
        ValueError: A flag or a directory does not fit; nothing was started.
        KeyboardInterrupt: It was asked to stop.
    """
    # Seed by seed, so that a table cut short holds every system.
    by_system = [c.runs(system) for c in columns for system in table.systems]
    wanted = [run for of_one_seed in zip(*by_system) for run in of_one_seed]
    failed = []
    if train:
        failed = run_pool.make_missing(wanted, jobs, trainer, progress)
    else:
        for run in wanted:
            training_runs.check(run)
    rows = table_rows.result_rows(table, columns)
    comparisons = table_rows.compare_neighbours(table, columns, samples, progress)
    text = rendering.markdown(table, columns, rows, comparisons, plan)
    files.write_text(workdir / f"{table.name}.md", text)
    files.write_text(workdir / f"{table.name}.csv", rendering.csv_text(table, rows))
    content = {
        "table": table.name,
        "title": table.title,
        "units": table_rows.UNITS,
        "preset": {column.name: column.preset for column in columns},
        "set": list(plan.assignments),
        "seeds": list(plan.seeds),
        "rows": rows,
        "comparisons": comparisons,
        "published": table_rows.published_rows(table),
    }
    files.write_json(workdir / f"{table.name}.json", content)
    return text, failed


def define_run_flags() -> None:
    """Defines the flags of every program that makes runs."""
    flags.DEFINE_multi_string(
        "data",
        None,
        "Data set directory; or NAME=DIR, repeatable, where NAME is the paper's "
        "setting (anet_un_to_anet_am, th14_to_anet_fg, anet_to_k600) or any other.",
        required=True,
    )
    flags.DEFINE_string(
        "workdir",
        "runs/paper",
        "Gets the runs, <system>/<seed>, and the results; shared by all tables.",
    )
    flags.DEFINE_string(
        "preset",
        None,
        f"Configuration to start from: {configuration.AUTO}, which looks at the data, "
        f"{', '.join(configuration.PRESETS)}, or a config.json. By default paper for "
        "the paper's settings, else auto.",
    )
    flags.DEFINE_float(
        "budget_minutes",
        configuration.BUDGET_MINUTES,
        "What a run may take on this machine, for the preset auto.",
    )
    flags.DEFINE_multi_string(
        "set", [], "Option of the configuration, part.option=value. Repeatable."
    )
    flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of each system.")
    flags.DEFINE_integer("jobs", 1, "Runs that are trained at once.", lower_bound=1)
    flags.DEFINE_multi_string(
        "train_flag",
        [],
        "Further flag of experiments.train, such as --train_flag=--skip_bad.",
    )
    flags.DEFINE_bool("train", True, "Run what is missing; else show what there is.")
    flags.DEFINE_bool("progress", True, "Show progress bars.")
    program.define_dry_run()


def define_flags() -> None:
    """Defines the flags of a table."""
    define_run_flags()
    flags.DEFINE_list(
        "systems", [], "Rows to make; unset: all. Such as AherNet,AherNet*."
    )
    flags.DEFINE_integer(
        "bootstrap",
        1000,
        "Resamples of the test videos that tell whether neighbouring systems differ "
        "(Table 2). 0: none.",
        lower_bound=0,
    )


def of_systems(table: Table, systems: Sequence[str]) -> Table:
    """Returns a table with some of its systems, in its own order; none: all.

    Raises:
        ValueError: One is not in the table.
    """
    unknown = [name for name in systems if name not in table.systems]
    if unknown:
        raise ValueError(
            f"--systems: {unknown[0]!r} is not in {table.name}; it has "
            f"{', '.join(table.systems)}."
        )
    kept = tuple(name for name in table.systems if not systems or name in systems)
    return dataclasses.replace(table, systems=kept)


def _check_roles(table: Table, columns: Sequence[Column]) -> None:
    """Refuses data without what a system of the table learns from.

    Raises:
        ValueError: Names the data, the system and what to do.
    """
    needy = [name for name in table.systems if systems.system(name).oracle]
    for column in columns if needy else []:
        report = DataReport()
        roles = read_description(column.data, report).roles
        if "oracle" not in roles and not report.problems:
            raise ValueError(
                f"{column.data}: no role 'oracle', which {needy[0]} learns from; "
                "--systems leaves it out."
            )


def plan_from_flags(values: flags.FlagValues) -> Plan:
    """Builds the plan that the flags describe.

    Raises:
        ValueError: A seed is no whole number.
    """
    try:
        seeds = tuple(dict.fromkeys(int(seed) for seed in values.seeds))
    except ValueError as error:
        raise ValueError(f"--seeds: expected whole numbers: {error}") from error
    if not seeds:
        raise ValueError("--seeds: expected at least one.")
    return Plan(
        values.preset,
        tuple(values.set),
        seeds,
        tuple(values.train_flag),
        values.budget_minutes,
    )


def start(table: Table) -> NoReturn:
    """Runs the program of a table."""
    program.start(define_flags, functools.partial(main, table))


def main(table: Table, values: flags.FlagValues) -> int:
    """Makes a table; returns the exit status."""
    table = of_systems(table, values.systems)
    workdir = pathlib.Path(values.workdir)
    plan = plan_from_flags(values)
    columns = table_columns.columns(values.data, workdir, plan)
    if values.train:
        _check_roles(table, columns)
    if values.dry_run:
        from .forecast_of_runs import forecast_of_runs

        wanted = [(system, "") for system in table.systems]
        print("\n".join(forecast_of_runs(wanted, columns, workdir).lines()))
        return 0
    text, failed = make_table(
        table,
        columns,
        workdir,
        plan,
        values.jobs,
        values.bootstrap,
        train=values.train,
        progress=values.progress,
    )
    print(text)
    print(f"{workdir / table.name}.md, .csv and .json")
    for column in columns:
        name = table.name if len(columns) == 1 else f"{table.name}_{column.name}"
        page = workdir / f"{name}.html"
        if pages.write_page(table, column, page, values.bootstrap, values.progress):
            print(f"{page}: open it in a browser.")
    if len(table.systems) > 1:
        b, a = (columns[0].runs(s)[0].workdir.parent for s in table.systems[-2:])
        arguments = shlex.join(["--a", str(a), "--b", str(b)])
        program.note(f"Next: {command.start_of('experiments.compare')} {arguments}")
    for run in failed:
        program.warn(f"failed: {run.name}; see {run.workdir / training_runs.LOG}")
    return 1 if failed else 0
