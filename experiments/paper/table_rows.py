"""What the runs of a table measured, as rows that files hold."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tqdm

from . import significance
from .columns import Column
from .published import MAP_AT, Table

#: What a row of the JSON and CSV files holds: key, how many of it make 1 percent.
RESULTS = {"average_map": 0.01, "auc": 1.0} | {
    key: 0.01 for key, _ in MAP_AT if key != "average_map"
}
UNITS = {
    key: "percent" if unit == 1.0 else "fraction of 1" for key, unit in RESULTS.items()
}


def result_of(metrics: dict[str, Any], key: str) -> float:
    """Returns one result of a run from what its metrics.json holds."""
    if key.startswith("map_at_"):
        return metrics["map_at_tiou"][key.removeprefix("map_at_")]
    return metrics[key]


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Returns mean, sample standard deviation and values; None where undefined."""
    return {
        "mean": float(np.mean(values)) if len(values) else None,
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "values": list(values),
    }


def result_rows(table: Table, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Collects the finished runs of every system on every data set.

    Returns:
        JSON-ready rows: `system`, `setting`, `data`, `seeds`, and for each key of
        `RESULTS` `mean`, `std`, `values` (one a seed) and `published`.
    """
    rows = []
    for column, system in itertools.product(columns, table.systems):
        found = {run.seed: run.metrics() for run in column.runs(system)}
        finished = {
            seed: metrics
            for seed, metrics in found.items()
            if metrics is not None and "average_map" in metrics
        }
        row: dict[str, Any] = {
            "system": system,
            "setting": column.name,
            "data": str(column.data),
            "seeds": list(finished),
        }
        for key, unit in RESULTS.items():
            published = table.value(column.name, system, key)
            row[key] = summary([result_of(m, key) for m in finished.values()])
            row[key]["published"] = None if published is None else published * unit
        rows.append(row)
    return rows


def compare_neighbours(
    table: Table, columns: Sequence[Column], samples: int, progress: bool = True
) -> list[dict[str, Any]]:
    """Compares each system with the one above it, by a paired bootstrap.

    Returns:
        JSON-ready rows: `setting`, `a`, `b`, and the fields of a `SystemComparison`.
    """
    if not (table.compares and samples):
        return []
    found = []
    for column in columns:
        resamples = significance.Resamples(column.data, samples)
        finished = {
            system: {
                run.seed: run.workdir
                for run in column.runs(system)
                if (run.workdir / significance.PREDICTIONS).exists()
                and run.metrics() is not None
            }
            for system in table.systems
        }
        pairs = list(itertools.pairwise(table.systems))
        for b, a in tqdm.tqdm(pairs, desc="bootstrap", disable=not progress):
            result = significance.compare(resamples, finished[a], finished[b])
            if result is not None:
                found.append(
                    {"setting": column.name, "a": a, "b": b}
                    | dataclasses.asdict(result)
                )
    return found


def published_rows(table: Table) -> list[dict[str, Any]]:
    """Lists what the paper prints, in the units of our results."""
    keys = [key for key, _ in table.metrics]

    def values(numbers: Sequence[float | None]) -> dict[str, float | None]:
        return {
            key: None if number is None else number * RESULTS[key]
            for key, number in zip(keys, numbers)
        }

    others = [
        {"system": other.name, "setting": other.group, **values(other.values)}
        for other in table.others
    ]
    return others + [
        {"system": system, "setting": setting, **values(numbers)}
        for setting, systems in table.published.items()
        for system, numbers in systems.items()
    ]
