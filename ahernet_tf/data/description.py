"""What dataset.json says: the roles of a data set, and where their files are."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection
from typing import Any

from ahernet_tf import files
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.features.feature_entries import fault_of_entry
from ahernet_tf.data.features.feature_sets import expand

DESCRIPTION = "dataset.json"
REQUIRED_ROLES = ("untrimmed", "moments")
OPTIONAL_ROLES = ("test", "oracle")
FROM_UNTRIMMED = "untrimmed annotations"
_FIELDS = ("name", "ignored_classes", *REQUIRED_ROLES, *OPTIONAL_ROLES)
_FIELDS_OF_ROLES = ("annotations", "subset", "classes", "features")


@dataclasses.dataclass(frozen=True)
class RoleDescription:
    """The entry of one role.

    Attributes:
        name: Name of the role.
        annotations: Annotation file, relative to the directory.
        subset: Which of its videos; None: all.
        classes: Class names.
        features: The complete `features` entry; see `features.opening`.
        trimmed: True where every video is one action moment as a whole.
    """

    name: str
    annotations: str
    subset: str | None
    classes: tuple[str, ...]
    features: dict[str, Any]
    trimmed: bool


@dataclasses.dataclass(frozen=True)
class DatasetDescription:
    """The content of dataset.json.

    Attributes:
        directory: Where it lies.
        name: Name of the data set; that of the directory by default.
        ignored_classes: Labels that are in no role and may be there all the same.
        roles: The roles whose entries are sound, by name.
        content: All that the file holds.
    """

    directory: pathlib.Path
    name: str
    ignored_classes: frozenset[str]
    roles: dict[str, RoleDescription]
    content: dict[str, Any]

    @property
    def listed_classes(self) -> frozenset[str]:
        """The classes of all roles, also of those whose entries are not sound."""
        entries = [self.content.get(n) for n in REQUIRED_ROLES + OPTIONAL_ROLES]
        lists = [entry.get("classes") for entry in entries if isinstance(entry, dict)]
        return frozenset(
            name
            for classes in lists
            if isinstance(classes, list)
            for name in classes
            if isinstance(name, str)
        )

    def annotation_files(self) -> list[str]:
        """Returns the annotation files and tables, relative to the directory."""
        roles = self.roles.values()
        files = dict.fromkeys(role.annotations for role in roles)
        tables = {role.features.get("covered_durations") for role in roles} - {None}
        return [*files, *sorted(tables)]


def read_description(directory: pathlib.Path, report: DataReport) -> DatasetDescription:
    """Reads dataset.json; what is wrong with it goes to the report, as fatal.

    Args:
        directory: Where it lies.
        report: Where faults go.
    """
    content = _content(directory / DESCRIPTION, report)
    if fault := _unknown_fields(content, _FIELDS):
        report.add(DESCRIPTION, None, fault, fatal=True)
    ignored = content.get("ignored_classes", [])
    if ignored and (fault := _fault_of_classes(ignored)):
        report.add(DESCRIPTION, None, f"ignored_classes: {fault}", fatal=True)
        ignored = []
    roles = {}
    for name in REQUIRED_ROLES + OPTIONAL_ROLES:
        entry = content.get(name)
        if entry is None:
            faults = ["is missing"] if content and name in REQUIRED_ROLES else []
        else:
            faults, entry = _complete(name, entry, content.get("untrimmed"))
        for fault in faults:
            text = (
                f"role '{name}' {fault}" if entry is None else f"role '{name}': {fault}"
            )
            report.add(DESCRIPTION, None, text, fatal=True)
        if entry is not None and not faults:
            roles[name] = RoleDescription(
                name=name,
                annotations=entry["annotations"],
                subset=entry.get("subset"),
                classes=tuple(entry["classes"]),
                features=entry["features"],
                trimmed=name == "moments" and "from" not in entry,
            )
    return DatasetDescription(
        directory=directory,
        name=str(content.get("name", directory.resolve().name)),
        ignored_classes=frozenset(ignored or ()),
        roles=roles,
        content=content,
    )


def _content(path: pathlib.Path, report: DataReport) -> dict[str, Any]:
    """Reads the file; empty where it is no JSON object."""
    try:
        content = files.read_json(path)
    except ValueError as error:
        reason = str(error).removeprefix(f"{path}: ")
        report.add(path, None, reason, fatal=True)
        return {}
    if not isinstance(content, dict):
        report.add(DESCRIPTION, None, "expected an object", fatal=True)
        return {}
    return content


def _complete(
    name: str, entry: Any, untrimmed: Any
) -> tuple[list[str], dict[str, Any]]:
    """Fills in what moments take over from untrimmed, and checks the fields.

    Returns:
        What is wrong with the entry, and the complete entry.
    """
    if not isinstance(entry, dict):
        return [f"expected an object, received {entry!r}"], {}
    origin = entry.get("from")
    if origin is not None:
        if name != "moments" or origin != FROM_UNTRIMMED:
            return [f"from {origin!r} is not known"], {}
        if isinstance(untrimmed, dict):
            inherited = ("annotations", "subset", "features")
            entry = {**{key: untrimmed.get(key) for key in inherited}, **entry}
    known = (*_FIELDS_OF_ROLES, "from") if name == "moments" else _FIELDS_OF_ROLES
    faults = [fault] if (fault := _unknown_fields(entry, known)) else []
    if not isinstance(entry.get("subset") or "", str):
        faults.append(f"subset: expected a name, received {entry['subset']!r}")
    features = entry.get("features")
    if isinstance(features, dict):
        try:
            features = expand(features)
        except ValueError as error:
            faults.append(f"features: {error}")
    if fault := fault_of_entry(features):
        faults.append(f"features: {fault}")
    if not isinstance(entry.get("annotations"), str):
        faults.append("annotations: expected a file name")
    if fault := _fault_of_classes(entry.get("classes")):
        faults.append(f"classes: {fault}")
    return faults, {**entry, "features": features}


def _unknown_fields(entry: dict[str, Any], known: Collection[str]) -> str | None:
    """Names the fields that nothing reads, such as `tests`, or returns None."""
    unknown = sorted(entry.keys() - set(known))
    if not unknown:
        return None
    names = ", ".join(map(repr, unknown))
    return f"{names}: no such field; there are {', '.join(known)}"


def _fault_of_classes(classes: Any) -> str | None:
    if not isinstance(classes, list) or not classes:
        return "expected a list of names"
    if not all(isinstance(name, str) for name in classes):
        return "expected a list of names"
    if len(set(classes)) < len(classes):
        return "a name is there twice"
    return None
