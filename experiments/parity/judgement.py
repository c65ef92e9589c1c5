"""Compares all that a recording holds; nothing recorded may go unjudged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from . import names, network, training
from .comparison import VALUE, Comparison
from .recording import Recording

Part = Callable[[Recording], Iterator[Comparison]]

PARTS: tuple[Part, ...] = (
    network.compare_anchors,
    network.compare_matching,
    network.compare_context,
    network.compare_forward,
    training.compare_losses,
    training.compare_gradients,
    training.compare_trajectory,
    network.compare_inference,
    network.compare_resampling,
)


def judge(recording: Recording, verbose: bool = True) -> list[Comparison]:
    """Compares everything that a recording holds.

    Args:
        recording: What the release computed.
        verbose: Whether to print a line an array.

    Returns:
        All comparisons.

    Raises:
        ValueError: A file or an array is absent.
    """
    found = []
    if verbose:
        print(f"verdict absolute  relative   {'allowed':32}  array")
    for comparison in compare(recording, PARTS):
        found.append(comparison)
        if verbose:
            print(comparison.line(), flush=True)
    for comparison in unjudged(recording, {comparison.name for comparison in found}):
        found.append(comparison)
        if verbose:
            print(comparison.line(), "(nothing recomputes it)")
    return found


def compare(recording: Recording, parts: Iterable[Part]) -> Iterator[Comparison]:
    """Yields the comparisons of some parts."""
    for part in parts:
        yield from part(recording)


def unjudged(recording: Recording, judged: set[str]) -> Iterator[Comparison]:
    """Yields a failing comparison for each recorded array that none looked at."""
    for name, recorded in recording.all_arrays():
        if name not in judged and not re.match(names.INPUTS, name):
            yield Comparison(name, np.zeros([0, *recorded.shape]), recorded, VALUE)
