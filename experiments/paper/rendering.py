"""A table of the paper as Markdown and CSV."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from typing import Any

from . import significance
from .columns import Column, Plan, title
from .published import Table, label
from .table_rows import RESULTS, published_rows


def markdown(
    table: Table,
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    comparisons: Sequence[dict[str, Any]],
    plan: Plan,
) -> str:
    """Writes the table in the paper's order, ours beside the published numbers."""
    by_name = {column.name: column for column in columns}
    names = [name for name in by_name if name not in table.published]
    names += list(table.published)
    heads, cells = ["system"], [[label(system)] for system in table.systems]
    others = [[f"{other.name} *"] for other in table.others]
    ours = {(row["setting"], row["system"]): row for row in rows}
    for name in names:
        of_paper = "paper" if len(table.published) == 1 else f"paper, {title(name)}"
        for place, (key, heading) in enumerate(table.metrics):
            if name in by_name:
                heads.append(f"{title(name)}: {heading}")
                for line, system in zip(cells, table.systems):
                    line.append(_cell(table, ours[name, system], key, len(plan.seeds)))
                for line in others:
                    line.append("")
            if name in table.published:
                heads.append(f"{of_paper}: {heading}")
                for line, system in zip(cells, table.systems):
                    line.append(_number(table, table.value(name, system, key)))
                for line, other in zip(others, table.others):
                    line.append(_number(table, other.values[place]))
    number = table.name.removeprefix("table")
    parts = [f"## Table {number}: {table.title}", ""]
    groups = dict.fromkeys(other.group for other in table.others)
    body: list[list[str]] = []
    for group in groups:
        body.append([f"*{group}*", *[""] * (len(heads) - 1)])
        body += [ln for ln, other in zip(others, table.others) if other.group == group]
    if groups:
        body.append(["*Partially-supervised localization*", *[""] * (len(heads) - 1)])
    parts += [*_aligned(heads, body + cells), ""]
    parts += _notes(table, columns, plan)
    parts += _findings(table, columns, ours, comparisons)
    return "\n".join(parts) + "\n"


def _cell(table: Table, row: dict[str, Any], key: str, seeds: int) -> str:
    """Writes one of our results, such as `13.6 ± 2.5`."""
    result, unit = row[key], RESULTS[key]
    count = len(result["values"])
    if not count:
        return "-"
    text = _number(table, result["mean"] / unit)
    if result["std"] is not None:
        text += f" ± {_number(table, result['std'] / unit)}"
    return text if count == seeds else f"{text} ({count} of {seeds} seeds)"


def _number(table: Table, value: float | None) -> str:
    return "-" if value is None else f"{value:.{table.decimals}f}"


def _aligned(heads: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Writes a Markdown table whose columns stand under one another."""
    widths = [max(map(len, column)) for column in zip(heads, *body)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (cell.ljust(width) for cell, width in zip(cells, widths))
        right = [cell.strip().rjust(width) for cell, width in zip(rest, widths[1:])]
        return f"| {' | '.join([first, *right])} |"

    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return [line(heads), line(rule), *map(line, body)]


def _notes(table: Table, columns: Sequence[Column], plan: Plan) -> list[str]:
    """Says how to read the numbers."""
    seeds = ", ".join(map(str, plan.seeds))
    over = (
        f"mean ± sample standard deviation over seeds {seeds}"
        if len(plan.seeds) > 1
        else f"seed {seeds}"
    )
    text = (
        "Percent; mAP without a threshold is averaged over tIoU 0.5:0.05:0.95. Ours: "
        f"{over}, preset {', '.join(sorted({column.preset for column in columns}))}"
    )
    options = dict.fromkeys(a for column in columns for a in column.assignments)
    if options:
        text += f" with {shlex.join(options)}"
    paper = ", ".join(title(name) for name in table.published)
    text += f". Paper: as published, {paper}."
    if table.others:
        text += " *: methods of others, as the paper prints them; not run here."
    return [text]


def _findings(
    table: Table,
    columns: Sequence[Column],
    ours: dict[tuple[str, str], dict[str, Any]],
    comparisons: Sequence[dict[str, Any]],
) -> list[str]:
    """Says how neighbours differ and how much of the oracle AherNet reaches."""
    lines = []
    if comparisons:
        lines += [
            "",
            "Each system less the one above it: paired bootstrap over test videos and "
            "seeds, 95% interval.",
            "",
        ]
    several = len(columns) > 1
    for entry in comparisons:
        fields = {
            key: value
            for key, value in entry.items()
            if key not in ("setting", "a", "b")
        }
        comparison = significance.SystemComparison(**fields)
        place = f"{title(entry['setting'])}: " if several else ""
        lines.append(f"- {place}{comparison.sentence(entry['a'], entry['b'])}")
    if not table.compares:
        return lines
    for column in columns:
        pair = (ours.get((column.name, s)) for s in ("AherNet", "AherNet*"))
        means = [row["average_map"]["mean"] for row in pair if row is not None]
        if len(means) == 2 and None not in means and means[1]:
            lines += [
                "",
                f"{column.title}: AherNet reaches {100 * means[0] / means[1]:.0f}% of "
                "AherNet*'s average mAP.",
            ]
    return lines


def csv_text(table: Table, rows: Sequence[dict[str, Any]]) -> str:
    """Writes our rows and all published ones, every number in percent."""
    heads = ["setting", "system", "published", "seeds"]
    for key in RESULTS:
        heads += [f"{key}_percent_mean", f"{key}_percent_std"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        line = [row["setting"], row["system"], "no", len(row["seeds"])]
        for key, unit in RESULTS.items():
            values = (row[key]["mean"], row[key]["std"])
            line += ["" if v is None else f"{v / unit:.4f}" for v in values]
        writer.writerow(line)
    for row in published_rows(table):
        line = [row["setting"], row["system"], "yes", ""]
        for key, unit in RESULTS.items():
            value = row.get(key)
            line += ["" if value is None else f"{value / unit:g}", ""]
        writer.writerow(line)
    return stream.getvalue()
