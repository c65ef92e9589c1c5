"""Opens packed records in place of the features they were made of."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.checks import DataError, DataReport
from ahernet_tf.data.packed import packed_files
from ahernet_tf.data.packed.identity import differences, identity
from ahernet_tf.data.packed.plans import (
    CUTS,
    FINISHED,
    PLAN,
    WHOLE,
    Plan,
    deferred_stores,
)
from ahernet_tf.data.packed.records import (
    REMEDY,
    ClipMoments,
    PackedSequences,
    Records,
)
from ahernet_tf.data.roles import Role

DIRECTORY = "packed"  # beside dataset.json
_DESCRIPTION = "dataset.json"


@dataclasses.dataclass(frozen=True)
class PackedData:
    """A data set as far as its packed records know it.

    Attributes:
        plan: What is packed.
        roles: The roles; "pool" are the test videos of any class.
        report: What was left out, and what is read packed.
    """

    plan: Plan
    roles: dict[str, Role]
    report: DataReport


def is_packed(directory: pathlib.Path) -> bool:
    """Tells whether a directory holds packed records that are complete."""
    return (directory / FINISHED).exists()


def is_unfinished(directory: pathlib.Path) -> bool:
    """Tells whether packing began there, but has not come to an end."""
    return (directory / PLAN).exists() and not is_packed(directory)


def open_packed(
    directory: pathlib.Path, data: pathlib.Path | None, config: DataConfig
) -> PackedData:
    """Opens packed records.

    Args:
        directory: Where they lie.
        data: Directory of the data set they were made of; what is there must not have
            changed, what is not is not missed. None: the records are all there is.
        config: Options of the data; those that the records depend on must agree.

    Raises:
        DataError: The records do not fit the data set or the configuration, or are
            damaged; names everything that has changed.
    """
    try:
        plan = Plan.read(directory)
        finished = json.loads((directory / FINISHED).read_text(encoding="utf-8"))
        changed = _changed_options(plan, config)
        if data is not None:
            changed += differences(plan.identity, _identity_now(data, plan))
        if changed:
            raise DataError(
                f"{directory}: packed records do not fit any more: "
                f"{'; '.join(changed)}. {REMEDY}"
            )
        roles = _roles(plan, directory, data, config, finished["left_out"])
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(str(error)) from error
    return PackedData(plan, roles, _report(plan, directory, finished))


def _changed_options(plan: Plan, config: DataConfig) -> list[str]:
    """Lists options of the data that the records cannot serve."""
    found = []
    for name, packed in plan.options.items():
        asked = getattr(config, name)
        enough = name.startswith("minimum_") and max(1, asked) >= max(1, packed)
        if asked != packed and not enough:
            found.append(f"data.{name} is {asked}, packed with {packed}")
    return found


def _identity_now(data: pathlib.Path, plan: Plan) -> dict[str, Any]:
    """Describes what the data set is made of now."""
    path = data / _DESCRIPTION
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return identity(
        data, content, plan.identity["annotations"], plan.identity["features"]
    )


def _roles(
    plan: Plan,
    directory: pathlib.Path,
    data: pathlib.Path | None,
    config: DataConfig,
    left_out: dict[str, list[str]],
) -> dict[str, Role]:
    """Builds the roles with their records."""
    stores = deferred_stores(plan, data)
    roles = {}
    for name, part in plan.roles.items():
        role = plan.role(directory, name, stores[name], config)
        owner = part.records_of or name
        if plan.roles[owner].splits:
            if owner in roles and owner != name:
                packed = roles[owner].sequences
            else:
                packed = _packed_sequences(plan, directory, owner, role)
            role = dataclasses.replace(role, sequences=packed)
        bad = set(left_out.get(owner, ()))
        if bad:
            role = role.with_videos(v for v in role.videos if v.id not in bad)
        roles[name] = role
    return roles


def _packed_sequences(
    plan: Plan, directory: pathlib.Path, name: str, role: Role
) -> PackedSequences:
    """Gathers the records of a role of which something is packed."""
    part = plan.roles[name]
    units = []
    for number in range(part.units):
        unit = packed_files.read_unit(plan, directory, name, number)
        if unit is None:
            path = plan.index(directory, name, number)
            raise ValueError(f"{path}: the unit is missing or damaged; pack again")
        units.append(unit)
    moments = None
    if part.statistics:
        files = [plan.statistics(directory, name, n) for n in range(part.units)]
        numbers = {video.id: number for number, video in enumerate(role.videos)}
        moments = ClipMoments(numbers, tuple(files), plan.channels)
    return PackedSequences(
        features=role.sequences,
        clip_counts=role.features["clips"].to_dict(),
        whole=_records(plan, directory, name, WHOLE, units),
        spans=_records(plan, directory, name, CUTS, units),
        moments=moments,
    )


def _records(
    plan: Plan,
    directory: pathlib.Path,
    role: str,
    kind: str,
    units: list[packed_files.Unit],
) -> Records | None:
    """Joins the indices of all units of a split."""
    part = plan.roles[role]
    if kind not in part.splits:
        return None
    columns = {
        name: np.concatenate([unit.columns[kind][name] for unit in units])
        for name in Records.COLUMNS
        if name != "shard"
    }
    counts = [len(unit.columns[kind]["keys"]) for unit in units]
    columns["shard"] = np.repeat(np.arange(part.units, dtype=np.int32), counts)
    order = np.argsort(columns["keys"], kind="stable")
    return Records(
        name=part.splits[kind],
        form=plan.form(role, kind),
        shards=tuple(plan.shard(directory, role, kind, n) for n in range(part.units)),
        **{name: column[order] for name, column in columns.items()},
    )


def _report(
    plan: Plan, directory: pathlib.Path, finished: dict[str, Any]
) -> DataReport:
    """Says what was left out when it was packed, and what is packed."""
    report = DataReport()
    for file, videos in plan.left_out.items():
        for video in videos:
            report.add(file, video, "was left out when it was packed")
    for role, videos in finished["left_out"].items():
        for video in videos:
            report.add(role, video, "was left out when it was packed")
    report.counts.update(plan.counts)
    for split, count in finished["records"].items():
        report.counts[f"{directory}: sequences of '{split}' ({plan.dtype})"] = count
    return report
