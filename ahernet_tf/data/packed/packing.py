"""Plans how the sequences of a data set are packed into sharded TFRecords.

`prepare` checks a data set and writes a plan into the directory of the records (its
layout: see `plans`). A `packer.Packer` then packs the units of the plan, in any order,
in many processes or on many machines; a second run packs what is missing. Last,
`packed_files.finish` makes the directory complete.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import re
from collections.abc import Callable

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.features.feature_entries import paths_of
from ahernet_tf.data.loading import LoadedData, load
from ahernet_tf.data.packed import record_files
from ahernet_tf.data.packed.identity import identity
from ahernet_tf.data.packed.plans import CUTS, OPTIONS, PLAN, WHOLE, Plan, RolePlan
from ahernet_tf.data.roles import Role

# Splits by role and kind; "pool" are the test videos of any class.
SPLITS = {
    "untrimmed": {WHOLE: "untrimmed", CUTS: "foreground"},
    "moments": {CUTS: "moments"},
    "pool": {WHOLE: "test"},
    "oracle": {WHOLE: "oracle"},
}
_MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class PackOptions:
    """How a data set is packed.

    Attributes:
        dtype: "float16" or "float32".
        short_as_clips: Keep cuts with few clips as clips, and resample when reading.
        splits: Names of the splits to pack; None: all that the data set has.
        shard_mib: About how large a shard is, in MiB.
        units: Parts in which each role is packed; None: as `shard_mib` asks.
        skip_bad: Leave out faulty videos.
        check_features: "shape" looks at the sizes of all features before it starts,
            "all" at their values, too. Values are looked at again while packing.
    """

    dtype: str = "float16"
    short_as_clips: bool = False
    splits: tuple[str, ...] | None = None
    shard_mib: int = 256
    units: int | None = None
    skip_bad: bool = False
    check_features: str = "shape"


def prepare(
    data: str | pathlib.Path,
    directory: str | pathlib.Path,
    config: Config,
    options: PackOptions,
    check: Callable = checks.check_sequences,
) -> Plan:
    """Checks a data set and writes the plan of its packed records.

    Args:
        data: Directory of the data set.
        directory: Directory of the packed records; one that holds a plan already goes
            on if the plan is the same.
        config: Its steps and data options are those of the records.
        options: How to pack.
        check: Looks at the features, as `checks.check_sequences` does.

    Returns:
        The plan; of an earlier run the one that is there.

    Raises:
        DataError: The data set is faulty.
        ValueError: An option is unknown, or the directory holds other records.
    """
    if options.dtype not in record_files.DTYPES:
        raise ValueError(
            f"Expected a dtype of {record_files.DTYPES}, received '{options.dtype}'."
        )
    data, directory = pathlib.Path(data), pathlib.Path(directory)
    loaded = load(data, config.data, options.skip_bad, options.check_features, check)
    roles = dict(loaded.roles)
    if loaded.test_pool is not None:
        roles["pool"] = loaded.test_pool
    plan = _plan(loaded, roles, config, options)
    if (directory / PLAN).exists():
        there = Plan.read(directory)
        if changed := there.differences(plan):
            raise ValueError(
                f"{directory}: holds records of another data set or form "
                f"({', '.join(changed)} differ); replace them or pack elsewhere"
            )
        return there
    plan.write(directory, roles)
    return plan


def _plan(
    loaded: LoadedData, roles: dict[str, Role], config: Config, options: PackOptions
) -> Plan:
    """Decides what is packed of each role, in how many units."""
    description = loaded.description
    features = {name: role.features for name, role in description.roles.items()}
    known = {split for role in SPLITS.values() for split in role.values()}
    wanted = known if options.splits is None else set(options.splits)
    if wanted - known:
        raise ValueError(
            f"Expected splits of {sorted(known)}, received {sorted(wanted - known)}."
        )
    parts = {}
    for name, role in roles.items():
        kinds = SPLITS.get(name, {})
        splits = {kind: split for kind, split in kinds.items() if split in wanted}
        steps = config.network.untrimmed_steps
        if name == "moments":
            steps = config.network.moment_steps
        minimum = config.data.minimum_foreground_clips
        if name == "moments":
            minimum = config.data.minimum_moment_clips
        count = (WHOLE in splits) * len(role.videos)
        count += (CUTS in splits) * len(role.instance_spans(max(1, minimum)))
        size = steps * loaded.channels * np.dtype(options.dtype).itemsize
        units = options.units or math.ceil(count * size / (options.shard_mib * _MIB))
        parts[name] = RolePlan(
            classes=role.classes,
            features=features["test" if name == "pool" else name],
            time_model=dataclasses.asdict(role.time_model),
            trimmed=role.trimmed,
            videos=len(role.videos),
            units=min(max(1, units), max(1, len(role.videos))) if splits else 0,
            splits=splits,
            steps=dict.fromkeys(splits, steps),
            minimum_clips=max(1, minimum),
            statistics=bool(splits) and name in ("untrimmed", "moments"),
            records_of="pool" if name == "test" else None,
        )
    return Plan(
        name=re.sub(r"[^a-z0-9]+", "_", description.name.lower()).strip("_") or "data",
        title=description.name,
        channels=loaded.channels,
        dtype=options.dtype,
        short_as_clips=options.short_as_clips,
        skip_bad=options.skip_bad,
        options={name: getattr(config.data, name) for name in OPTIONS},
        identity=identity(
            description.directory,
            description.content,
            description.annotation_files(),
            sorted({path for entry in features.values() for path in paths_of(entry)}),
        ),
        roles=parts,
        groups=loaded.groups,
        counts=dict(loaded.report.counts),
        left_out=loaded.report.skipped(),
    )
