"""The `features` entries of dataset.json: their form, their paths, their parts."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

# Fields that say where and how sequences are stored; then what they mean.
WHERE = (
    *("path", "format", "template", "array", "parts", "id_field", "features_field"),
    *("dtype", "transposed", "follow_links"),
)
TIME = ("clip_frames", "stride_frames", "fps", "covers", "resampled")
MEANING = ("preset", "dim", "length", "covered_durations")


def entry_at(path: str | list[str], layout: dict[str, Any]) -> dict[str, Any]:
    """Returns the entry of features that lie at a path.

    Args:
        path: Relative to the directory of dataset.json; or several.
        layout: Fields of the entry. As `parts` it may hold names: of files or
            directories below the path (`rgb`), templates of sequences in it
            (`{video}_rgb`), or arrays of npz files (`array:rgb`). They become the parts
            of every video, in that order.
    """
    parts = layout.get("parts")
    if not parts or not all(isinstance(part, str) for part in parts):
        return {"path": path, **layout}
    own = {key: value for key, value in layout.items() if key != "parts"}
    return {**own, "parts": [_part(path, part) for part in parts]}


def _part(path: str | list[str], part: str) -> dict[str, Any]:
    """Returns the entry of one part."""
    if "{video}" in part:
        return {"path": path, "template": part}
    if part.startswith("array:"):
        return {"path": path, "array": part.removeprefix("array:")}
    if isinstance(path, list):
        return {"path": [str(pathlib.PurePosixPath(p, part)) for p in path]}
    return {"path": str(pathlib.PurePosixPath(path, part))}


def fault_of_entry(spec: Any) -> str | None:
    """Says what is wrong with the form of a `features` entry, or returns None."""
    if not isinstance(spec, dict):
        return "expected an object with a path"
    unknown = sorted(map(str, spec.keys() - {*WHERE, *TIME, *MEANING}))
    if unknown:
        return f"{', '.join(map(repr, unknown))}: no such field"
    if "parts" in spec:
        parts = spec["parts"]
        if not isinstance(parts, list) or not parts or "path" in spec:
            return "parts: expected a list of entries, and no path beside it"
        faults = (fault_of_entry(part) for part in parts)
        return next((f"parts: {fault}" for fault in faults if fault), None)
    path = spec.get("path")
    if isinstance(path, str):
        return None
    if isinstance(path, list) and path and all(isinstance(p, str) for p in path):
        return None
    return "expected an object with a path"


def paths_of(spec: dict[str, Any]) -> list[str]:
    """Returns all paths that a `features` entry names."""
    if "parts" in spec:
        return [path for part in spec["parts"] for path in paths_of(part)]
    return [spec["path"]] if isinstance(spec["path"], str) else list(spec["path"])


def with_paths(spec: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Returns a `features` entry with all its paths changed, also that of a table."""
    changed = dict(spec)
    if "parts" in spec:
        changed["parts"] = [with_paths(part, change) for part in spec["parts"]]
    for name in ("path", "covered_durations"):
        if spec.get(name) is not None:
            one = isinstance(spec[name], str)
            changed[name] = change(spec[name]) if one else [*map(change, spec[name])]
    return changed


def store_key(spec: dict[str, Any]) -> str:
    """Returns what tells stores apart: entries of one key name the same store."""
    return json.dumps({k: spec[k] for k in WHERE if k in spec}, sort_keys=True)


def transposed_hint(
    shapes: Sequence[tuple[int, int]], channels: int, turned: bool = False
) -> str:
    """Asks whether sequences are transposed where their shapes look like it.

    Args:
        shapes: `(clips, channels)` of the videos of a store.
        channels: What was declared, or most have.
        turned: They were declared as transposed.

    Returns:
        Words for the end of a message, or nothing.
    """
    clips = {shape[0] for shape in shapes}
    widths = {shape[1] for shape in shapes}
    one_length = len(clips) == 1 and len(widths) > max(2, len(shapes) / 2)
    looks = (clips == {channels} and widths != {channels}) or one_length
    if looks and turned:
        return (
            f"; are they [clips, channels] = [..., {min(clips)}] as they are? Leave "
            "out --transposed (say --notransposed_moments where moments alone are), "
            "or 'transposed' among the features"
        )
    if looks:
        return (
            f"; [channels, clips] = [{min(clips)}, ...] instead of [clips, channels]? "
            "Say --transposed to make_dataset (--transposed_moments where the moments "
            "alone are), or 'transposed': true among the features"
        )
    return ""
