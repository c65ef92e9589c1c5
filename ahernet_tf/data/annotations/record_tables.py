"""Tables that are JSON: a record per row."""

from __future__ import annotations

from typing import Any

from ahernet_tf.data.annotations.text_tables import TextRow, TextTable, named_columns


def table_of_records(content: Any) -> TextTable | None:
    """Makes a table of JSON records.

    Args:
        content: `[{"video", "start", "end", "label"}]`, or `{video: [{...}]}`. Times
            may be `"segment": [start, end]`.

    Returns:
        None where these are no records.

    Raises:
        ValueError: A column is there twice.
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
        values = (record.get(name) for name in header)
        cells = ["" if value is None else str(value) for value in values]
        rows.append(TextRow(number, dict(zip(keys, cells)) | dict(zip(columns, cells))))
    return TextTable(tuple(header), keys, columns, tuple(rows), tuple(bad), "", unit)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record with start and end in place of its segment."""
    segment = record.get("segment")
    if not isinstance(segment, list) or len(segment) != 2:
        return record
    return {
        "start": segment[0],
        "end": segment[1],
        **{key: value for key, value in record.items() if key != "segment"},
    }
