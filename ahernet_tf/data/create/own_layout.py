"""Finds out how the features of a data set of one's own were made, or asks for it."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ahernet_tf.data.features.feature_entries import entry_at
from ahernet_tf.data.features.feature_sets import expand
from ahernet_tf.data.features.feature_store import read_descriptions
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TIMES

_QUESTIONS = {
    "clip_frames": "How many frames does a clip see? ",
    "stride_frames": "How many frames is it from one clip to the next? ",
    "fps": "How many frames a second did the features see? ",
}


def complete_layout(
    layout: Mapping[str, Any],
    features: pathlib.Path | None,
    moments: Sequence[pathlib.Path],
    rates_known: bool,
    ask: Callable[[str], str] | None,
) -> dict[str, Any]:
    """Completes what the times of features follow from.

    Args:
        layout: Fields of a `features` entry of dataset.json, as far as they are given.
        features: Features of the untrimmed videos.
        moments: Folders of the features of moments.
        rates_known: Frame rates of single videos are known beside the features.
        ask: Asks the user for a number that is not known; None: an error.

    Raises:
        ValueError: A number is not known.
    """
    layout = dict(layout)
    own, of_moments = read_descriptions([features]), read_descriptions(moments)
    known = {**of_moments, **own, **expand({"path": "", **layout})}
    if known.get("covers", "clips") == "duration":
        return layout
    for name in TIMES:
        value = known.get(name)
        by_video = name == "fps" and (rates_known or "videos" in own)
        if moments:  # each of them needs a rate as well
            by_video = name == "fps" and (rates_known or "videos" in of_moments)
        if value is None and by_video:
            continue
        if value is None and ask is not None:
            value = _number(ask(_QUESTIONS[name]), name)
        if value is None:
            more = ", or --videos or --video_info" if name == "fps" else ""
            raise ValueError(f"{name} is not known: give --{name}{more}")
        layout[name] = value
    if known.get("resampled"):
        layout["resampled"] = True
    return layout


def layout_of_moments(
    layout: Mapping[str, Any],
    folders: Sequence[pathlib.Path],
    transposed: bool | None = None,
) -> dict[str, Any]:
    """Returns what of the features' layout holds for the moments, too.

    Parts and an array do where the first class has such; a template does not.
    `transposed` holds for the moments alone; None: it is as the layout says.
    """
    layout = expand({"path": "", **layout})
    names = [*TIMES, "resampled", "array", "transposed", "follow_links", "parts"]
    kept = {name: layout[name] for name in names if name in layout}
    if transposed is not None:
        kept["transposed"] = transposed
    for name in ("parts", "array"):
        if name in kept and not _opens(folders[0], kept):
            del kept[name]
    return kept


def _opens(folder: pathlib.Path, layout: Mapping[str, Any]) -> bool:
    """Tells whether a folder holds sequences of a layout."""
    try:
        store = open_features(folder.parent, entry_at(folder.name, dict(layout)))
        return len(store) > 0
    except ValueError:
        return False


def _number(text: str, name: str) -> float | int:
    """Converts an answer.

    Raises:
        ValueError: It is no number.
    """
    try:
        return float(text) if name == "fps" else int(text)
    except ValueError as error:
        raise ValueError(f"{name}: expected a number, received {text!r}") from error
