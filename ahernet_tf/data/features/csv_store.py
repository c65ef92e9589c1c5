"""A feature store of csv files: a line per clip, a cell per channel."""

from __future__ import annotations

import dataclasses
import pathlib
import re

import numpy as np

from ahernet_tf.data.features.directory_stores import DirectoryStore

_INDEX_NAMES = ("", "unnamed: 0")  # of the first column, as pandas writes and reads it
_LEAST_COUNTED = 3  # so many rows 0, 1, 2 are no coincidence
_LEAST_EVEN = 8  # so many rows of any column that grow evenly are none, either
_LONGEST_LINE = 1 << 24


@dataclasses.dataclass(frozen=True)
class CsvLayout:
    """How the lines of a csv file are to be read.

    Attributes:
        delimiter: Between cells; a regular expression for blanks.
        decimal: "." or ",".
        header: Whether the first line names the columns.
        index: Whether the first column counts the rows and is no channel.
        columns: Number of columns, the index among them.
    """

    delimiter: str
    decimal: str
    header: bool
    index: bool
    columns: int

    @property
    def channels(self) -> int:
        """Columns that are features."""
        return self.columns - self.index


class CsvStore(DirectoryStore):
    """A directory with one csv file per video: a line per clip.

    Cells are separated by commas, semicolons (then a comma may be the decimal point),
    tabs or blanks. A first line is a header where none of its cells is a number, or
    where they are the column numbers 0, 1, 2, ... or 1, 2, 3, ... as pandas writes
    them. The row number that `DataFrame.to_csv` writes first is known by its empty
    name, and left out.
    """

    endings = (".csv", ".tsv")

    def _read_file(self, path: pathlib.Path) -> np.ndarray:
        import pandas as pd

        layout = read_layout(path)
        values = pd.read_csv(
            path,
            sep=layout.delimiter,
            decimal=layout.decimal,
            header=None,
            skiprows=int(layout.header),
            names=range(layout.columns),
            index_col=False,
            dtype=np.float64,
            engine="c",
        ).to_numpy()
        if np.isnan(values[:, -1]).any():
            _require_whole_lines(path, layout)
        counted = np.array_equal(values[:, 0], np.arange(len(values)))
        if layout.index and not counted:
            raise ValueError(
                "the first column has no name, and does not count the rows 0, 1, 2, ..."
            )
        even = _is_even(values[:, 0]) and not _is_even(values[:, -1])
        if (counted or even) and not layout.index and len(values) >= _LEAST_COUNTED:
            said = ", ".join(f"{value:g}" for value in values[:3, 0])
            raise ValueError(
                f"the first column counts the rows or frames, or is their time ({said}"
                ", ...), and is no feature; write the file without it (index=False)"
            )
        values = values[:, int(layout.index) :]
        if len(values) >= _LEAST_EVEN:
            steps = np.diff(values, axis=0)
            even = (steps[0] > 0) & np.isclose(steps, steps[0], atol=0).all(axis=0)
            if even.any() and not even.all():
                column = int(np.flatnonzero(even)[0])
                raise ValueError(
                    f"column {column + 1 + layout.index} counts the rows or frames, or "
                    f"is their time ({values[0, column]:g}, {values[1, column]:g}, "
                    "...), and is no feature; write the file without it"
                )
        return values

    def _shape_of_file(self, path: pathlib.Path) -> tuple[int, ...]:
        layout = read_layout(path)
        lines = path.read_bytes().replace(b"\r", b"\n").split(b"\n")
        return sum(map(bool, map(bytes.strip, lines))) - layout.header, layout.channels


def _require_whole_lines(path: pathlib.Path, layout: CsvLayout) -> None:
    """Refuses a file with a line that ends early; pandas would fill it with NaN.

    Raises:
        ValueError: Names the first such line.
    """
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            cells = len(_cells(line, layout.delimiter))
            if line.strip() and cells < layout.columns:
                raise ValueError(
                    f"line {number} has {cells} cells, expected {layout.columns}"
                )


def _is_even(column: np.ndarray) -> bool:
    """Tells whether numbers grow by the same each time."""
    steps = np.diff(column)
    return len(steps) > 1 and steps[0] > 0 and np.allclose(steps, steps[0], atol=0)


def read_layout(path: pathlib.Path) -> CsvLayout:
    """Finds out from the first two lines how a csv file is to be read.

    Raises:
        ValueError: The first line is neither a header nor data.
    """
    with open(path, encoding="utf-8-sig") as file:
        try:
            first, second = (file.readline(_LONGEST_LINE) for _ in range(2))
        except UnicodeError as error:
            raise ValueError(f"is no text in UTF-8 ({error})") from error
    delimiter = _delimiter(first.lstrip("# ") or second, second)
    names, cells = _cells(first, delimiter), _cells(second, delimiter)
    decimal = "," if delimiter == ";" and "," in second + first else "."
    numbers = [_number(cell, decimal) for cell in names]
    header = _is_header(names, numbers)
    if header is None:
        bad = next(i for i, number in enumerate(numbers) if number is None)
        raise ValueError(
            f"line 1 is neither a header nor data: {numbers.count(None)} of "
            f"{len(names)} cells are no numbers, the first is cell {bad + 1}, "
            f"'{names[bad][:40]}'"
        )
    columns = len(cells) if header and second.strip() else len(names)
    if header and columns != len(names):
        raise ValueError(
            f"line 1 has {len(names)} cells, '{names[0][:40]}' first, but line 2 has "
            f"{columns}"
        )
    index = header and columns > 1 and names[0].lower() in _INDEX_NAMES
    return CsvLayout(delimiter, decimal, header, index, columns)


def _delimiter(line: str, other: str) -> str:
    """Returns what separates the cells of a line."""
    for delimiter in (";", "\t", ","):
        if delimiter in line or delimiter in other:
            return delimiter
    return r"\s+"


def _cells(line: str, delimiter: str) -> list[str]:
    """Splits a line; the sign of a comment before a header is left out."""
    line = line.strip("\r\n").removeprefix("#")
    cells = line.split() if delimiter == r"\s+" else line.split(delimiter)
    return [cell.strip().strip("\"'").strip() for cell in cells]


def _number(cell: str, decimal: str) -> float | None:
    """Returns the number in a cell, or None."""
    text = cell.replace(decimal, ".")
    if not re.match(r"[-+]?(\d|\.\d|nan|inf)", text, re.IGNORECASE):
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _is_header(names: list[str], numbers: list[float | None]) -> bool | None:
    """Tells whether a first line names the columns; None: it cannot be told."""
    if all(number is None for number in numbers):
        return True
    named = names[0].lower() in _INDEX_NAMES  # before the columns' numbers
    counted = names[1:] if named else names
    for begin in (0, 1):
        expected = [str(n) for n in range(begin, begin + len(counted))]
        if len(counted) > 1 - named and counted == expected:
            return True
    return None if None in numbers else False
