"""Parts the classes of a data set into source and target classes."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from ahernet_tf.data.annotations.activitynet_classes import (
    SOURCE_87,
    SPORTS_CATEGORY,
    TARGET_113,
)
from ahernet_tf.data.annotations.source import Source
from ahernet_tf.spelling import near_pairs, said_of_pairs


@dataclasses.dataclass(frozen=True)
class ClassSplit:
    """Source classes (temporal annotations), target classes (moments), and why.

    Attributes:
        source: Source classes, sorted.
        target: Target classes, sorted.
        origin: A sentence that says where the split comes from.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    origin: str


def split_by_category(
    classes: Collection[str],
    categories: Mapping[str, Collection[str]],
    source_categories: Collection[str],
    origin: str,
) -> ClassSplit:
    """Takes the classes under one of some categories for source classes.

    Args:
        classes: All classes of the data set.
        categories: The categories that each class lies under, of any level.
        source_categories: Names of the categories of the source classes.
        origin: Where the categories come from, for `ClassSplit.origin`.

    Raises:
        ValueError: A class has no category, a category has no class, or one of the
            two parts would be empty.
    """
    absent = sorted(set(classes) - set(categories))
    if absent:
        raise ValueError(f"{origin}: no category for {_some(absent)}.")
    known = {c for name in classes for c in categories[name]}
    unknown = sorted(set(source_categories) - known)
    if unknown:
        raise ValueError(
            f"{origin}: no class of the data lies under {_some(unknown)}; the "
            f"categories are {_some(sorted(known), 20)}."
        )
    wanted = set(source_categories)
    source = [name for name in classes if wanted & set(categories[name])]
    under = " or ".join(f"'{c}'" for c in sorted(wanted))
    return _split(classes, source, f"{origin}: classes under {under}")


def split_by_list(
    classes: Collection[str], source: Iterable[str], origin: str
) -> ClassSplit:
    """Takes the listed classes for source classes, all others for target classes.

    Raises:
        ValueError: A listed class is none of the data, or a part would be empty.
    """
    source = list(source)
    unknown = sorted(set(source) - set(classes))
    if unknown:
        near = said_of_pairs(near_pairs(unknown, classes), "listed", "in the data")
        more = f" ({near})" if near else ""
        raise ValueError(f"{origin}: the data has no class {_some(unknown)}{more}.")
    return _split(classes, source, origin)


def split_at_random(
    classes: Collection[str], source_count: int, seed: int
) -> ClassSplit:
    """Draws the source classes at random; the order of `classes` does not matter.

    Raises:
        ValueError: The count leaves one of the two parts empty.
    """
    if not 0 < source_count < len(set(classes)):
        raise ValueError(
            f"Expected 1 to {len(set(classes)) - 1} source classes, received "
            f"{source_count}."
        )
    order = np.random.default_rng(seed).permutation(sorted(set(classes)))
    drawn = order[:source_count].tolist()
    return _split(classes, drawn, f"{source_count} classes at random, seed {seed}")


def split_by_files(classes: Mapping[str, Collection[str]]) -> ClassSplit:
    """Takes the classes of one file for source, those of another for target classes.

    Args:
        classes: Classes by the name of the file: that of the source classes, then
            that of the target classes.

    Raises:
        ValueError: A class is in both, or a file has none.
    """
    (source_file, source), (target_file, target) = classes.items()
    origin = f"files: source classes of {source_file}, target classes of {target_file}"
    both = sorted(set(source) & set(target))
    if both:
        raise ValueError(
            f"{target_file}: has classes of {source_file} as well: {_some(both)}."
        )
    return _split({*source, *target}, source, origin)


def split_activitynet(classes: Collection[str], taxonomy: Any = None) -> ClassSplit:
    """Parts the classes of ActivityNet v1.3 into the 87 and 113 of the paper.

    The taxonomy of the user's file decides if it places all classes, else the list
    of `activitynet_classes`; `origin` says which.

    Args:
        classes: Classes of the data.
        taxonomy: The `taxonomy` of an ActivityNet annotation file, or None.

    Raises:
        ValueError: A class is none of ActivityNet v1.3, or a part would be empty.
    """
    why = "the file has no taxonomy"
    if taxonomy is not None:
        categories = categories_of_taxonomy(taxonomy)
        absent = sorted(set(classes) - set(categories))
        if not absent:
            return split_by_category(
                classes, categories, [SPORTS_CATEGORY], "taxonomy of the file"
            )
        why = f"the file's taxonomy lacks {len(absent)} of the classes"
    unknown = sorted(set(classes) - set(SOURCE_87) - set(TARGET_113))
    if unknown:
        raise ValueError(f"ActivityNet v1.3 has no class {_some(unknown)}.")
    source = [name for name in classes if name in set(SOURCE_87)]
    origin = f"supplied list, classes under '{SPORTS_CATEGORY}' ({why})"
    return _split(classes, source, origin)


def categories_of_taxonomy(taxonomy: Any) -> dict[str, tuple[str, ...]]:
    """Finds the categories above every leaf of ActivityNet's `taxonomy`.

    Args:
        taxonomy: A list of nodes, or an object of them, each with `nodeId`,
            `nodeName` and `parentId`.

    Returns:
        The names of all nodes above each leaf, the nearest first.

    Raises:
        ValueError: A node lacks a field, or nodes are their own ancestors.
    """
    nodes = list(taxonomy.values()) if isinstance(taxonomy, Mapping) else taxonomy
    fields = {"nodeId", "nodeName", "parentId"}
    for node in nodes:
        if not isinstance(node, Mapping) or fields - set(node):
            raise ValueError(f"taxonomy: expected {sorted(fields)}, received {node!r}.")
    by_id = {node["nodeId"]: node for node in nodes}
    parents = {node["parentId"] for node in nodes}
    categories: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        if node["nodeId"] in parents:
            continue
        above: list[str] = []
        parent = by_id.get(node["parentId"])
        while parent is not None:
            if len(above) > len(by_id):
                raise ValueError(f"taxonomy: a circle above '{node['nodeName']}'.")
            above.append(parent["nodeName"].strip())
            parent = by_id.get(parent["parentId"])
        categories[node["nodeName"].strip()] = tuple(above)
    return categories


def categories_of_table(
    path: str | pathlib.Path, category_columns: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Reads the categories of each class from a CSV file with a column `class`.

    Args:
        path: The table, with a header.
        category_columns: Columns that hold categories; by default all others.

    Raises:
        ValueError: A column is missing, or a class is there twice.
    """
    try:
        table = Source(path).table
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    columns = dict(zip(table.header, table.keys)) if table is not None else {}
    wanted = list(category_columns or [c for c in columns if c != "class"])
    missing = sorted({"class", *wanted} - set(columns))
    if missing:
        raise ValueError(f"{path}: has no column {_some(missing)}.")
    for line, _ in table.bad_rows:
        raise ValueError(f"{path}: line {line}: expected {len(columns)} cells.")
    categories: dict[str, tuple[str, ...]] = {}
    for row in table.rows:
        if row["class"] in categories:
            raise ValueError(f"{path}: class '{row['class']}' is there twice.")
        cells = (row[columns[name]] for name in wanted)
        categories[row["class"]] = tuple(cell for cell in cells if cell)
    return categories


def _split(classes: Collection[str], source: Iterable[str], origin: str) -> ClassSplit:
    """Builds a split whose parts are not empty."""
    chosen = set(source)
    target = sorted(set(classes) - chosen)
    if not chosen or not target:
        raise ValueError(
            f"{origin}: {len(chosen)} source and {len(target)} target classes; "
            "both are needed."
        )
    return ClassSplit(tuple(sorted(chosen)), tuple(target), origin)


def _some(names: Collection[str], most: int = 5) -> str:
    """Names the first few of many."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{n}'" for n in names[:most]) + more
