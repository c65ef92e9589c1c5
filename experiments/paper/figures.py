"""What the programs of the figures share: their runs, their files, their looks."""

from __future__ import annotations

import csv
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.data.dataset import Dataset

from . import significance
from .runs import directory_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that those who do not tell red from green tell apart.
BLUE, ORANGE, GREEN, GREY = "#1f61b2", "#d9731a", "#2a8f6d", "0.45"
FORMATS = ("png", "pdf")
_DPI = 150
_SYSTEM = "AherNet"  # what every table trains, and every figure shows


def system_runs(workdir: pathlib.Path, system: str) -> dict[int, pathlib.Path]:
    """Finds the finished runs of a system, by seed.

    Raises:
        ValueError: There is none; says what makes them.
    """
    try:
        return significance.finished_runs(workdir / directory_name(system))
    except ValueError as error:
        raise ValueError(
            f"{error} python -m experiments.table2 --workdir {workdir} makes them."
        ) from error


def workdirs(workdir: pathlib.Path, data: str | None = None) -> list[pathlib.Path]:
    """Returns where the runs of each data set lie: here, or a directory for each.

    Args:
        workdir: Of a table; one of several data sets has a directory for each.
        data: Where the data set lies now, if that was said.

    Raises:
        ValueError: One data set was named, and there are runs of several.
    """
    if (workdir / directory_name(_SYSTEM)).exists() or not workdir.is_dir():
        return [workdir]
    places = sorted(p.parent for p in workdir.glob(f"*/{directory_name(_SYSTEM)}"))
    if data is not None and len(places) > 1:
        raise ValueError(
            f"{workdir}: holds runs of {len(places)} data sets; with --data name one "
            f"as --workdir: {', '.join(map(str, places))}."
        )
    return places or [workdir]


def load_data(run: pathlib.Path, data: str | None) -> Dataset:
    """Loads the data set that a run was trained on.

    Args:
        run: Its work directory.
        data: Where the data set lies now; None: where run.json says.

    Raises:
        ValueError: It is not there, or has no test videos.
    """
    directory = data or json.loads((run / "run.json").read_text())["data"]
    config = configuration.load(run / "config.json")
    # Whatever is wrong with the data was reported when it was trained on.
    dataset = Dataset.load(directory, config.data, True, "shape")
    if dataset.test() is None:
        raise ValueError(f"{directory}: the data set has no test videos.")
    return dataset


def seeds_of(name: str, seeds: Sequence[int]) -> str:
    """Says whose mean a figure of a data set shows."""
    of = "mean and standard deviation over seeds" if len(seeds) > 1 else "seed"
    return f"{name}: {of} {', '.join(map(str, seeds))}"


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Returns an empty figure of inches and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def save(figure: Figure, workdir: pathlib.Path, name: str) -> None:
    """Writes a figure as PNG and PDF."""
    for kind in FORMATS:
        metadata = {"CreationDate": None} if kind == "pdf" else {}
        with files.whole_file(workdir / f"{name}.{kind}") as temporary:
            figure.savefig(temporary, format=kind, dpi=_DPI, metadata=metadata)


def write_numbers(
    workdir: pathlib.Path,
    name: str,
    content: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Writes a figure's numbers: all as JSON, its rows as CSV.

    Args:
        workdir: Gets `<name>.json` and `<name>.csv`.
        name: Of the figure.
        content: Goes into the JSON, beside the rows.
        rows: One a line, all with the same keys.
    """
    files.write_json(workdir / f"{name}.json", {**content, "rows": list(rows)})
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(workdir / f"{name}.csv", stream.getvalue())


def written(workdir: pathlib.Path, name: str) -> str:
    """Says where everything went."""
    kinds = ", ".join(f".{kind}" for kind in (*FORMATS, "json"))
    return f"{workdir / name}{kinds} and .csv"


def define_flags() -> None:
    """Defines the flags of every figure that is drawn of finished runs."""
    flags.DEFINE_string(
        "workdir",
        "runs/paper",
        "Holds the runs of a table, <system>/<seed>, or those of several data sets, "
        "<name>/<system>/<seed>; beside them goes the figure.",
    )
    flags.DEFINE_string(
        "data", None, "Data set directory; by default where the runs were trained."
    )
