"""Starts a network from the weights of another, trained one: what fits is taken."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ahernet_tf.models.ahernet import AherNet
from ahernet_tf.models.checkpoint import Description

_LAYERS = (
    "standardization",
    "backbone",
    "head",
    "weight_transfer",
    "synthetic_moments",
    "discriminator",
)
_NAMED = 5


def take_weights(
    model: AherNet,
    description: Description,
    other: AherNet,
    other_description: Description,
) -> list[str]:
    """Gives a network the weights of another, as far as they fit.

    A weight fits where it has the same shape in a layer of as many weights. The
    segment classifier of a class is taken where the other network knows a class of
    that name, be it a source or a target class there.

    Args:
        model: A built network; what does not fit stays as it is.
        description: What it was built for.
        other: A trained network.
        other_description: What that was built for.

    Returns:
        What was not taken, a line per kind.

    Raises:
        ValueError: Nothing of the backbone fits.
    """
    said = []
    for name in _LAYERS:
        own, theirs = (getattr(m, name).weights for m in (model, other))
        alike = len(own) == len(theirs)
        pairs = [(a, b) for a, b in zip(own, theirs) if alike and a.shape == b.shape]
        if name == "backbone" and not pairs:
            raise ValueError("Nothing of the backbone fits: other sizes throughout.")
        if not alike:
            said.append(f"{name}: of another form, not taken")
            continue
        for variable, value in pairs:
            variable.assign(tf.convert_to_tensor(value))
        if len(pairs) < len(own):
            unfit = len(own) - len(pairs)
            said.append(f"{name}: {unfit} of {len(own)} weights of other shapes")
    for kind in ("source", "target"):
        said += _take_classes(kind, model, description, other, other_description)
    known = {*description.source_classes, *description.target_classes}
    theirs = (*other_description.source_classes, *other_description.target_classes)
    if unused := [name for name in dict.fromkeys(theirs) if name not in known]:
        said.append(f"classes that are not in the data: {_listed(unused)}")
    return said


def _take_classes(
    kind: str,
    model: AherNet,
    description: Description,
    other: AherNet,
    other_description: Description,
) -> list[str]:
    """Takes the columns of the source or target classes that the other knows."""
    own = getattr(model, f"{kind}_classifier")
    classes = getattr(description, f"{kind}_classes")
    rest = "target" if kind == "source" else "source"
    missing = set(classes)
    for place in (kind, rest):  # the same kind first
        theirs = getattr(other, f"{place}_classifier")
        known = getattr(other_description, f"{place}_classes")
        shared = [name for name in classes if name in missing and name in known]
        columns, values = own.get_weights(), theirs.get_weights()
        rows = [[part.shape[:-1] for part in parts] for parts in (columns, values)]
        if not shared or rows[0] != rows[1]:
            continue
        here, there = ([n.index(c) for c in shared] for n in (classes, known))
        for column, value in zip(columns, values):
            column[..., here] = value[..., there]
        own.set_weights(columns)
        missing -= set(shared)
    fresh = [name for name in classes if name in missing]
    return [f"{kind} classes that begin anew: {_listed(fresh)}"] if fresh else []


def _listed(names: Sequence[str]) -> str:
    """Names a few of many classes."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
