"""Tells which network the clip features of a data set came from.

Directories that `data_tools.extract_features` writes say it under `extractor` in their
`features.json`: the form of the network and a fingerprint of its weights. Features from
elsewhere say nothing. Two networks of one form give features of one width that mean
different things.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from ahernet_tf.data.checks import DataError
from ahernet_tf.data.features.feature_entries import paths_of
from ahernet_tf.data.features.feature_store import read_description

Extractor = dict[str, Any]
_ROUNDING = ("policy",)  # what changes features by no more than rounding


def extractor_of(path: pathlib.Path) -> Extractor | None:
    """Returns what a directory of features says of its network, if anything.

    Raises:
        ValueError: Its `features.json` is damaged.
    """
    extractor = read_description(path).get("extractor") if path.is_dir() else None
    return extractor if isinstance(extractor, dict) else None


def extractor_differences(one: Extractor, other: Extractor) -> list[str]:
    """Lists in what two networks differ, "what: this, that"; rounding is nothing."""
    return [
        f"{key}: {one.get(key)}, {other.get(key)}"
        for key in sorted((one.keys() | other.keys()) - set(_ROUNDING))
        if one.get(key) != other.get(key)
    ]


def common_extractor(
    entries: Mapping[str, dict[str, Any]],
    extractor_at: Callable[[str], Extractor | None],
) -> Extractor | None:
    """Returns the network that all features of a data set came from.

    Features put together of `parts` come from several, and are left out.

    Args:
        entries: Role -> its features entry of dataset.json.
        extractor_at: Gives what is known of the features at a path of an entry.

    Returns:
        The network, or None where no features tell.

    Raises:
        DataError: Two came from different networks.
    """
    found: dict[str, Extractor] = {}
    for entry in entries.values():
        paths = () if "parts" in entry else paths_of(entry)
        for path in paths:
            extractor = extractor_at(path)
            if extractor is None:
                continue
            found.setdefault(path, extractor)
            first = next(iter(found))
            differences = extractor_differences(found[first], extractor)
            if differences:
                raise DataError(
                    f"the features in {first} and {path} came from different "
                    f"networks: {'; '.join(differences)}"
                )
    return next(iter(found.values()), None)
