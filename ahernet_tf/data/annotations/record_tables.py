"""Tables that are JSON: a record per row."""

from __future__ import annotations

from typing import Any

from ahernet_tf.data.annotations.column_names import named_columns
from ahernet_tf.data.annotations.text_tables import TextRow, TextTable


def table_of_records(content: Any) -> TextTable | None:
    """Makes a table of JSON records.

    Args:
        content: `[{"video", "start", "end", "label"}]`, or `{video: [{...}]}`. Times
            may be `"segment": [start, end]`.

    Returns:
        None where these are no records.

    Raises:
        ValueError: A column is there twice, or a value is a list.
    """
    records = content
    if isinstance(content, dict) and all(isinstance(v, list) for v in content.values()):
        records = [
            {"video": video, **entry} if isinstance(entry, dict) else entry
            for video, entries in content.items()
            for entry in entries
        ]
    if not isinstance(records, list) or not any(isinstance(r, dict) for r in records):
        return None
    flat = [_flat(r) if isinstance(r, dict) else r for r in records]
    header = list(dict.fromkeys(key for r in flat if isinstance(r, dict) for key in r))
    keys, columns, unit = named_columns(header)
    rows, bad = [], []
    for number, record in enumerate(flat, 1):
        if not isinstance(record, dict):
            bad.append((number, (str(record),)))
            continue
        values = {c: record.get(name) for c, name in zip(columns, header)}
        for column in ("video", "start", "end", "label"):
            if isinstance(values.get(column), list | dict):
                value = f"{column} = {values[column]!r:.80}"
                raise ValueError(f"record {number}: expected one value, found {value}")
        cells = ["" if value is None else str(value) for value in values.values()]
        rows.append(TextRow(number, dict(zip(keys, cells)) | dict(zip(columns, cells))))
    return TextTable(tuple(header), keys, columns, tuple(rows), tuple(bad), "", unit)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record with start and end in place of its segment, one label alone."""
    for name in ("label", "labels"):
        if isinstance(record.get(name), list) and len(record[name]) == 1:
            record = {**record, name: record[name][0]}
    segment = record.get("segment")
    if not isinstance(segment, list) or len(segment) != 2:
        return record
    return {
        "start": segment[0],
        "end": segment[1],
        **{key: value for key, value in record.items() if key != "segment"},
    }
