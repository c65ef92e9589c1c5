"""One reader for all tables: whatever separates, quotes, encodes and heads them."""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import re
import urllib.parse
from collections.abc import Iterable, Iterator

from ahernet_tf.data.annotations.column_names import (
    COLUMN_NAMES,
    COLUMNS,
    named_columns,
    plain_column,
)
from ahernet_tf.data.annotations.times import SECONDS, to_number
from ahernet_tf.spelling import is_subset

DELIMITERS = {
    **{",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"},
    " ": "a blank",
}

_IS_SUBSET = re.compile(r"(is|in)?(train|test|val|validation)(ing)?")
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_MOST_ABOVE = 10  # lines above a header
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_MAYBE_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


@dataclasses.dataclass(frozen=True)
class TextRow:
    """A row of a table.

    Attributes:
        line: The line of the file in which it ends, or number of a record.
        cells: Text by column, under the names here and the plain ones of the file.
    """

    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """Returns a cell, or "" where the table has no such column."""
        return self.cells.get(column, "")

    def __getitem__(self, column: str) -> str:
        """Returns a cell."""
        return self.cells[column]


@dataclasses.dataclass(frozen=True)
class TextTable:
    """A table with a header.

    Attributes:
        header: The columns as the file names them.
        keys: The same without case, blanks, signs and units of seconds.
        columns: Their names here: those of `COLUMNS` where one is known, else keys.
        rows: Those that have as many cells as the header.
        bad_rows: Line and cells of all others.
        delimiter: What separates cells; "" in JSON.
        unit: Unit of `start` and `end`, one of `times.UNITS`.
    """

    header: tuple[str, ...]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[TextRow, ...]
    bad_rows: tuple[tuple[int, tuple[str, ...]], ...]
    delimiter: str
    unit: str = SECONDS

    def lacks(self, needed: Iterable[str]) -> str | None:
        """Says which columns are missing and which are there, or returns None."""
        missing = sorted(set(needed) - set(self.columns))
        if not missing:
            return None
        if not set(self.keys) & COLUMN_NAMES and any(map(to_number, self.header)):
            return (
                f"has no line with the names of the columns (such as video, start, "
                f"end, label), but begins with {', '.join(self.header)}"
            )
        parted = ""
        if self.delimiter:
            parted = f" (separated by {DELIMITERS[self.delimiter]})"
        names = ", ".join(name or "(no name)" for name in self.header)
        return (
            f"has no column {', '.join(missing)}; its columns are {names}{parted}: "
            "its first line must name the columns so"
        )

    def unread(self) -> list[str]:
        """Returns the names of the columns that are none of `COLUMNS`.

        Raises:
            ValueError: One of them holds subsets, which would be lost.
        """
        named = zip(self.header, self.keys, self.columns)
        rest = {name: key for name, key, column in named if column not in COLUMNS}
        for name, key in rest.items() if "subset" not in self.columns else ():
            found = {row.get(key) for row in self.rows} - {""}
            parts = bool(found) and all(map(is_subset, found))
            if parts or _IS_SUBSET.fullmatch(key):
                raise ValueError(
                    f"the column '{name}' tells training from test ("
                    f"{', '.join(sorted(found)[:3])}): call it subset, with training, "
                    "validation or test in it"
                )
        return [name for name in rest if name]

    def video_of(self, row: TextRow) -> str:
        """Returns the video of a row; of a file's name without folders and ending."""
        key = self.keys[self.columns.index("video")]
        of_file = "file" in key or "path" in key
        return video_name(row["video"]) if of_file else row["video"]

    @functools.cached_property
    def videos(self) -> frozenset[str]:
        """The videos of the sound rows."""
        return frozenset(row["video"] for row in self.rows if row.get("video"))

    def bad_videos(self) -> Iterator[tuple[int, str | None, str]]:
        """Yields line, video and fault of the rows that cannot be read.

        The video is None where it cannot be told: it is sought in its column, counted
        from the left and from the right, among the videos of the other rows.
        """
        place = self.columns.index("video") if "video" in self.columns else None
        for line, cells in self.bad_rows:
            video = None
            if place is not None:
                wanted = (place, place - len(self.columns))
                found = [cells[p] for p in wanted if -len(cells) <= p < len(cells)]
                known = [cell for cell in found if cell in self.videos]
                video = next(iter(known), found[0] if found and place == 0 else None)
            what = f"line {line}: expected {len(self.columns)} cells, received "
            yield line, video or None, f"{what}{len(cells)} ({_shortened(cells)})"


def parse_table(text: str) -> TextTable | None:
    """Reads a table with a header; None where the text has no line.

    Cells are separated by a comma, semicolon, tab, bar or blanks: by whichever makes
    most of the header known columns. A first line `sep=;` says so, too. Cells may be
    quoted and then hold line breaks. A comma is a decimal comma where it cannot part
    thousands, or where cells are not separated by commas. Lines above the header, such
    as a title, are left out, and the row numbers that R writes below no name. `NA`
    among numbers is an empty cell.

    Raises:
        ValueError: A column is there twice, or quotes do not end.
    """
    text = _from_header(text)
    told = re.match(r"\s*sep=(.)\r?\n", text)
    first = _first_line(text[told.end() :] if told else text)
    if not first.strip():
        return None
    delimiter = told.group(1) if told else _delimiter(first)
    if delimiter not in DELIMITERS:
        raise ValueError(f"line 1: cells cannot be separated by {delimiter!r}")
    if delimiter == " ":
        text = re.sub(" +", " ", text)
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=True, skipinitialspace=True)
    lines = []
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells) and not (told and reader.line_num == 1):
                lines.append((reader.line_num, cells))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    if not lines:
        return None
    header = lines.pop(0)[1]
    width = len(header)
    if lines and all(len(c) > width and not any(c[width:]) for _, c in lines):
        lines = [(line, cells[:width]) for line, cells in lines]
    if all(len(c) == width + 1 and c[0] == str(n) for n, (_, c) in enumerate(lines, 1)):
        lines = [(line, cells[1:]) for line, cells in lines]  # R numbers its rows
    good = [line for line in lines if len(line[1]) == width]
    bad = [(line, tuple(cells)) for line, cells in lines if len(cells) != width]
    keys, columns, unit = named_columns(header)
    comma = delimiter != "," or any(
        _DECIMAL_COMMA.fullmatch(cell) and not _MAYBE_THOUSANDS.fullmatch(cell)
        for _, cells in good
        for cell in cells
    )
    rows = []
    for line, cells in good:
        named = {c: _point(c, cell, comma) for c, cell in zip(columns, cells)}
        rows.append(TextRow(line, {**dict(zip(keys, cells)), **named}))
    return TextTable(
        tuple(header), keys, columns, tuple(rows), tuple(bad), delimiter, unit
    )


def video_name(path: str) -> str:
    """Returns the id of a video file: its name without folders and ending."""
    name = re.split(r"[/\\]", path.strip())[-1]
    return _ENDING.sub("", name)


def media_name(url: str) -> str:
    """Returns the id of a video file of which a tool has the URL, or the path.

    What follows `?` in a URL is no part of the name, but in Label Studio's
    `/data/local-files/?d=day1/cake.mp4`, the path.
    """
    if "://" not in url and not url.startswith("/data/"):
        return video_name(url)
    path, _, query = url.partition("?")
    named = urllib.parse.parse_qs(query).get("d") if path.endswith("/") else None
    return video_name(named[0] if named else urllib.parse.unquote(path))


def _from_header(text: str) -> str:
    """Empties the lines above a header that one of the first lines is."""
    lines = re.split(r"(\r\n|\r|\n)", text, maxsplit=_MOST_ABOVE)
    for number in range(0, len(lines) - 1, 2):
        cells = re.split(r"[,;\t|]| +", lines[number])
        known = sum(plain_column(cell) in COLUMN_NAMES for cell in cells)
        if known > 2 and number:
            return "".join([*lines[1:number:2], *lines[number:]])
        if known > 1 and not lines[number].startswith("#"):
            break
    return text


def _first_line(text: str) -> str:
    """Returns the first line that is not empty."""
    return next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")


def _delimiter(header: str) -> str:
    """Finds what separates the cells of a header: blanks, if nothing else can."""

    def known(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter))
        return sum(plain_column(cell) in COLUMN_NAMES for cell in cells), len(cells)

    others = [delimiter for delimiter in DELIMITERS if delimiter.strip(" ")]
    there = [delimiter for delimiter in others if delimiter in header]
    return max(there or (" " if known(" ")[0] > 1 else ","), key=known)


_NUMBERS = {"start", "end", "action_duration", "duration", "frames", "fps"}
NOT_AVAILABLE = ("na", "n/a", "nan", "null")  # as R and pandas write an empty cell


def _point(column: str, cell: str, comma: bool) -> str:
    """Writes the decimal comma of a number as a point, and no number as nothing."""
    if column in _NUMBERS and cell.casefold() in NOT_AVAILABLE:
        return ""
    if comma and column in _NUMBERS and _DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    return cell


def _shortened(cells: Iterable[str], most: int = 60) -> str:
    text = " | ".join(cells)
    return text if len(text) <= most else f"{text[:most]}..."
