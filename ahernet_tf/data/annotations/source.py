"""A file of annotations, read once however many forms look at it."""

from __future__ import annotations

import codecs
import functools
import json
import pathlib
import re
from typing import Any
from xml.etree import ElementTree

from ahernet_tf import files
from ahernet_tf.data.annotations.record_tables import table_of_records
from ahernet_tf.data.annotations.text_tables import TextTable, parse_table

# Where every other byte of plain letters is zero.
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF16 = {"utf-16-le": 1, "utf-16-be": 0}
_XML = ("xml", "eaf", "anvil")
_SAVE_CSV = "save it as CSV"
_BINARY = {  # how files begin that hold no text -> what they are, and what to do
    b"PK\x03\x04": (
        f"a zip archive or an Excel workbook: unpack it, or {_SAVE_CSV} or npy"
    ),
    b"\xd0\xcf\x11\xe0": f"an Excel workbook: {_SAVE_CSV}",
    b"PAR1": f"a Parquet file: {_SAVE_CSV}",
    b"ARROW1": f"a Feather file: {_SAVE_CSV}",
    b"SQLite format 3": f"a SQLite database: {_SAVE_CSV}",
    b"MATLAB": f"a MATLAB file: {_SAVE_CSV} or JSON",
    b"\x89HDF": f"an HDF5 file: {_SAVE_CSV} or JSON",
    b"\x93NUMPY": f"a NumPy array: {_SAVE_CSV} or JSON",
    b"\x80": "a pickle, which is never read: save it as JSON or CSV",
    b"version https://git-lfs": "a pointer of Git LFS: run git lfs pull",
}


class Source:
    """A file, or a directory of files, in whatever form.

    Text may be UTF-8 or UTF-16, with or without byte order mark, and gzipped.

    Attributes:
        path: File or directory.
        name: What reports call it.
        stem: Its name without endings: the id of a video that has a file of its own.
        repeated: Keys that JSON objects have twice, with their later values.
    """

    def __init__(
        self, path: str | pathlib.Path, encoding: str | None = None, name: str = ""
    ) -> None:
        """Notes the path; nothing is read yet.

        Args:
            path: File or directory.
            encoding: Encoding of the text; None: UTF-8 or UTF-16.
            name: What reports call it; the last part of the path by default.
        """
        self.path = pathlib.Path(path)
        self.name = name or self.path.name or str(path)
        self.stem, _, self.ending = self.path.name.removesuffix(".gz").rpartition(".")
        self.stem = self.stem or self.ending
        self.encoding = encoding
        self.repeated: list[tuple[str, Any]] = []

    @functools.cached_property
    def files(self) -> list[pathlib.Path]:
        """The files of a directory, without hidden ones; none of a file."""
        if not self.path.is_dir():
            return []
        entries = sorted(self.path.iterdir())
        return [p for p in entries if p.is_file() and not p.name.startswith(".")]

    @functools.cached_property
    def text(self) -> str:
        """The text of a file; "" of a directory.

        Raises:
            ValueError: The file cannot be read, or is no text.
        """
        if self.path.is_dir():
            return ""
        try:
            data = files.read_bytes(self.path)
        except ValueError as error:
            raise ValueError(str(error).removeprefix(f"{self.path}: ")) from error
        return _decoded(data, self.encoding)

    @functools.cached_property
    def json(self) -> Any:
        """The content of a JSON file, a list of JSON Lines; None of any other.

        Raises:
            ValueError: The file begins like JSON, but is not.
        """
        if not self._is_json():
            return None
        self.repeated.clear()
        try:
            return files.read_json(self.path, lambda *pair: self.repeated.append(pair))
        except ValueError as error:
            if (records := _json_lines(self.text)) is not None:
                return records
            raise ValueError(str(error).removeprefix(f"{self.path}: ")) from error

    @functools.cached_property
    def xml(self) -> ElementTree.Element | None:
        """The root of an XML file; None of any other.

        Raises:
            ValueError: The file begins like XML, but is not.
        """
        if not self.text.lstrip().startswith("<"):
            return None
        if "<!ENTITY" in self.text:
            raise ValueError("defines entities, which are not read")
        try:
            return ElementTree.fromstring(self.text.lstrip().encode("utf-8"))
        except (ElementTree.ParseError, LookupError) as error:
            if not (self.text.lstrip().startswith("<?xml") or self.ending in _XML):
                return None
            raise ValueError(f"is not XML ({error})") from error

    @functools.cached_property
    def table(self) -> TextTable | None:
        """The table of text or of JSON records; None where there is none.

        Raises:
            ValueError: A column is there twice, or quotes do not end.
        """
        if self._is_json():
            return table_of_records(self.json)
        return None if self.text.lstrip().startswith("<") else parse_table(self.text)

    def _is_json(self) -> bool:
        """Tells by its first sign, or by its name, whether a file is one of JSON."""
        begin = self.text.lstrip()
        return begin.startswith(("{", "[")) or (bool(begin) and self.ending == "json")

    @functools.cached_property
    def lines(self) -> list[tuple[int, str]]:
        """The lines that are not empty, with their numbers."""
        lines = re.split(r"\r\n|\r|\n", self.text)
        return [(n, line.strip(" ")) for n, line in enumerate(lines, 1) if line.strip()]


def _json_lines(text: str) -> list[Any] | None:
    """Reads an object per line; None where there are no such lines."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
        return None
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None


def _decoded(data: bytes, encoding: str | None) -> str:
    """Decodes text without its byte order mark.

    Raises:
        ValueError: It is none in this encoding.
    """
    for begin, what in _BINARY.items():
        if data.startswith(begin):
            raise ValueError(f"is {what}")
    if encoding is None and data.startswith(_UTF32):
        encoding = "utf-32"
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if encoding is None and not wide and b"\0" in data[:64]:
        encoding = next((n for n, o in _UTF16.items() if not any(data[o:64:2])), None)
        if encoding is None:
            raise ValueError("is no text, but holds bytes of zero")
    try:
        text = data.decode(encoding or ("utf-16" if wide else "utf-8"))
    except LookupError as error:
        raise ValueError(f"--encoding: Python knows no '{encoding}'") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"is no text in {encoding or 'UTF-8'} (line {line}, {error.reason})"
        if encoding is None:
            sample = data[:200_000].decode("cp1252", "replace").splitlines()
            what += (
                f": save it as UTF-8, or give its encoding; with --encoding cp1252 "
                f"(Windows) the line is {''.join(sample[line - 1 : line])[:60]!r}"
            )
        raise ValueError(what) from error
    return text.removeprefix("\ufeff")
