"""Entries of ActivityNet's files: their video ids, segments and scores."""

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ahernet_tf import files

PathLike = str | os.PathLike


def content_of(path_or_dict: PathLike | Mapping) -> tuple[str, Any]:
    """Reads a JSON file; a mapping is passed through.

    Returns:
        The name to use in error messages (the path, or "<dict>") and the content.

    Raises:
        ValueError: The file is absent or holds no readable JSON.
    """
    if isinstance(path_or_dict, Mapping):
        return "<dict>", path_or_dict
    return str(path_or_dict), files.read_json(path_or_dict)


def result_video_id(video: Any) -> str:
    """Returns the id as ActivityNet results files spell it: one leading `v_` dropped.

    An id of 11 characters is a bare YouTube id and stays as it is.
    """
    video = str(video)
    return video[2:] if video.startswith("v_") and len(video) not in (2, 11) else video


def is_pair(value: Any) -> bool:
    """Tells whether a value is a list of two finite numbers (or their strings)."""
    if not isinstance(value, list | tuple | np.ndarray) or len(value) != 2:
        return False
    try:
        return math.isfinite(float(value[0])) and math.isfinite(float(value[1]))
    except (TypeError, ValueError):
        return False


def check_item(name: str, video: str, item: Any, keys: tuple[str, ...]) -> None:
    """Raises a ValueError naming file, video and value if one item is not usable.

    Args:
        name: The file, for the message.
        video: The video, as the file spells it.
        item: An annotation (`segment`, `label`) or a prediction (with `score`).
        keys: The keys that the item must have.
    """
    where = f"{name}: video {video!r}"
    if not isinstance(item, Mapping):
        raise ValueError(f"{where}: expected an object with {keys}, received {item!r}.")
    for key in keys:
        if item.get(key) is None:
            raise ValueError(f"{where}: {key!r} is missing in {dict(item)!r}.")
    if "label" in keys and isinstance(item["label"], list | Mapping | bool):
        raise ValueError(f"{where}: expected one label, received {item['label']!r}.")
    segment = item["segment"]
    if not is_pair(segment):
        raise ValueError(
            f"{where}: expected a segment of two finite numbers, received {segment!r}."
        )
    if float(segment[0]) > float(segment[1]):
        raise ValueError(
            f"{where}: segment starts at {segment[0]} s, after its end at "
            f"{segment[1]} s."
        )
    if "score" in keys:
        try:
            finite = math.isfinite(float(item["score"]))
        except (TypeError, ValueError):
            finite = False
        if not finite:
            raise ValueError(
                f"{where}: expected a finite score, received {item['score']!r}."
            )
