"""What is packed of a data set, and in which shards."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from typing import Any

import numpy as np

from ahernet_tf.data.features.feature_entries import paths_of, store_key
from ahernet_tf.data.features.packed_store import DTYPES
from ahernet_tf.data.loading import LoadedData
from ahernet_tf.data.packed.packed_data import PLAN, VERSION
from ahernet_tf.data.packed.provenance import provenance
from ahernet_tf.files import naming, read_json, write_json

ROLES = ("untrimmed", "moments", "test", "oracle")

_MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class PackOptions:
    """How a data set is packed.

    Attributes:
        dtype: "float16" or "float32".
        splits: Names of the roles to pack; None: all. The others go on to be read
            from their features.
        shard_mib: About how large a shard is, in MiB.
        units: Shards of each feature store; None: as `shard_mib` asks.
        skip_bad: Leave out faulty videos.
        check_features: "shape" looks at the sizes of all features before packing
            starts, "all" at their values, too. Values are looked at again while
            packing.

    Raises:
        ValueError: An option is unknown.
    """

    dtype: str = "float16"
    splits: tuple[str, ...] | None = None
    shard_mib: int = 256
    units: int | None = None
    skip_bad: bool = False
    check_features: str = "shape"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(
                f"Expected a dtype of {tuple(DTYPES)}, received '{self.dtype}'."
            )
        unknown = sorted(set(self.splits or ()) - set(ROLES))
        if unknown:
            raise ValueError(f"Expected splits of {ROLES}, received {unknown}.")


@dataclasses.dataclass(frozen=True)
class StorePlan:
    """What is packed of one feature store.

    Attributes:
        features: Its entry of dataset.json.
        channels: Channels of each clip.
        shards: Number of clips by video, for each shard.
    """

    features: dict[str, Any]
    channels: int
    shards: list[dict[str, int]]


@dataclasses.dataclass(frozen=True)
class PackingPlan:
    """What is packed of a data set.

    Attributes:
        dtype: Type of the packed numbers.
        skip_bad: Whether faulty videos are left out.
        splits: The packed roles.
        provenance: What the data set was made of.
        stores: Packed feature stores, by the first role that has each.
        version: Of the format.
    """

    dtype: str
    skip_bad: bool
    splits: list[str]
    provenance: dict[str, Any]
    stores: dict[str, StorePlan]
    version: int = VERSION

    @classmethod
    def read(cls, directory: pathlib.Path) -> PackingPlan:
        """Reads the plan of a directory.

        Raises:
            ValueError: It is damaged, or of another version.
        """
        path = directory / PLAN
        content = read_json(path)
        with naming(path):
            if content["version"] != VERSION:
                raise ValueError("was packed by another version; pack again")
            stores = {n: StorePlan(**store) for n, store in content["stores"].items()}
            return cls(**{**content, "stores": stores})

    def write(self, directory: pathlib.Path) -> None:
        """Writes the plan."""
        write_json(directory / PLAN, dataclasses.asdict(self), indent=None)

    def differences(self, other: PackingPlan) -> list[str]:
        """Lists in what two plans differ; how videos are shared out does not count."""
        one, two = dataclasses.asdict(self), dataclasses.asdict(other)
        for plan in (one, two):
            for store in plan["stores"].values():
                store["shards"] = _joined(store["shards"])
        return [key for key in one if one[key] != two[key]]

    def store_of(self, features: dict[str, Any]) -> str:
        """Returns the packed store of a features entry."""
        key = store_key(features)
        return next(n for n, s in self.stores.items() if store_key(s.features) == key)

    def parts(self) -> list[tuple[str, int]]:
        """Lists all shards, as name of the store and number."""
        return [
            (name, number)
            for name, store in self.stores.items()
            for number in range(len(store.shards))
        ]


def plan_of(loaded: LoadedData, options: PackOptions) -> PackingPlan:
    """Decides what is packed of a data set, and in how many shards."""
    description = loaded.description
    roles = [loaded.roles[name] for name in ROLES if name in loaded.roles]
    entries = {role.name: description.roles[role.name].features for role in roles}
    if loaded.test_pool is not None:
        roles.append(loaded.test_pool)
        entries[loaded.test_pool.name] = entries["test"]
    packed, clips, names = [], {}, {}
    for role in roles:
        split = "test" if role is loaded.test_pool else role.name
        if options.splits is not None and split not in options.splits:
            continue
        packed.append(split)
        name = names.setdefault(store_key(entries[role.name]), split)
        clips.setdefault(name, {}).update(role.features["clips"].to_dict())
    return PackingPlan(
        dtype=options.dtype,
        skip_bad=options.skip_bad,
        splits=sorted(set(packed)),
        provenance=provenance(
            description.directory,
            description.content,
            description.annotation_files(),
            sorted({path for entry in entries.values() for path in paths_of(entry)}),
        ),
        stores={
            name: StorePlan(
                features=entries[name],
                channels=loaded.channels,
                shards=_shards(counts, loaded.channels, options),
            )
            for name, counts in clips.items()
        },
    )


def _shards(
    clips: dict[str, int], channels: int, options: PackOptions
) -> list[dict[str, int]]:
    """Shares videos out to shards of about the same size."""
    counts = np.fromiter(clips.values(), np.int64, len(clips))
    begin = np.cumsum(counts) - counts
    size = counts.sum() * channels * DTYPES[options.dtype].itemsize
    units = options.units or math.ceil(size / (options.shard_mib * _MIB))
    shards: dict[int, dict[str, int]] = {}
    for (video, count), place in zip(clips.items(), begin):
        shards.setdefault(int(place * units // counts.sum()), {})[video] = count
    return list(shards.values())


def _joined(shards: list[dict[str, int]]) -> dict[str, int]:
    return {video: clips for shard in shards for video, clips in shard.items()}
