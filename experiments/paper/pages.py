"""The page of a table: its systems side by side, on the test videos of a data set."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from .. import ground_truth_flags, report
from .columns import Column
from .published import Table, label
from .significance import PREDICTIONS


def write_page(
    table: Table,
    column: Column,
    path: pathlib.Path,
    samples: int = report.SAMPLES,
    progress: bool = True,
) -> bool:
    """Writes the page of one column, of the runs of the first seed.

    Args:
        table: Of the paper.
        column: The data set.
        path: The page.
        samples: Resamples of the videos for intervals; 0: none.
        progress: Whether to show bars.

    Returns:
        Whether there was a finished run to show.
    """
    found = {}
    for system in table.systems:
        run = column.runs(system)[0]
        predictions = run.workdir / PREDICTIONS
        if predictions.exists() and run.metrics() is not None:
            found[label(system)] = predictions
    if not found:
        return False
    report.make_report(
        path,
        found,
        ground_truth_flags.of_data(str(column.data)),
        f"Table {table.name.removeprefix('table')}: {column.title}",
        {"Data": str(column.data), "Seed": _seeds(column.plan.seeds)},
        samples,
        progress=progress,
    )
    return True


def _seeds(seeds: Sequence[int]) -> str:
    """Says of which seed the page is, and where the others are."""
    first, *others = map(str, seeds)
    if not others:
        return first
    return f"{first}; the table has the mean over it and {', '.join(others)}"
