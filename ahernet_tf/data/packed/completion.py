"""Makes a packed data set complete when all its shards are there."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
from typing import Any

from ahernet_tf.data.description import DESCRIPTION, DatasetDescription
from ahernet_tf.data.features.extractors import common_extractor, extractor_of
from ahernet_tf.data.features.feature_entries import TIME, with_paths
from ahernet_tf.data.features.feature_store import DESCRIPTION_FILE, FeatureStore
from ahernet_tf.data.features.packed_store import PackedStore, index_path, shard_path
from ahernet_tf.data.loading import LoadedData
from ahernet_tf.data.packed.packed_data import FINISHED
from ahernet_tf.data.packed.plan import PackingPlan, StorePlan
from ahernet_tf.data.packed.provenance import checksum
from ahernet_tf.files import whole_file, write_json

_ANNOTATIONS = "annotations"
_KEPT = (*TIME, "length")  # of a features entry


def complete(
    out: pathlib.Path,
    plan: PackingPlan,
    loaded: LoadedData,
    left_out: dict[str, dict[str, str]],
) -> dict[str, Any]:
    """Writes what is in a packed data set beside the shards.

    Args:
        out: Its directory.
        plan: What was packed.
        loaded: The data set it was made of.
        left_out: Why videos were left out, by store and id.

    Returns:
        What packed.json holds.

    Raises:
        ValueError: An annotation file has changed while the data set was packed, or a
            shard is missing.
    """
    description = loaded.description
    copies = _copy_annotations(description, out, plan)
    files = list(copies.values())
    sizes = {}
    for name, store in plan.stores.items():
        origin = loaded.roles[name].sequences.store
        features = _description(store, origin, description.directory, plan.dtype)
        write_json(out / name / DESCRIPTION_FILE, features, indent=None)
        shards = [shard_path(out / name, n) for n in range(len(store.shards))]
        files.append(f"{name}/{DESCRIPTION_FILE}")
        files += [f"{name}/{index_path(shard).name}" for shard in shards]
        sizes[name] = sum(shard.stat().st_size for shard in shards)
    write_json(out / DESCRIPTION, _dataset(description, out, plan, copies))
    files.append(DESCRIPTION)
    content = {
        "version": plan.version,
        "dtype": plan.dtype,
        "skip_bad": plan.skip_bad,
        "provenance": plan.provenance,
        "videos": {name: len(PackedStore(out / name)) for name in plan.stores},
        "bytes": sizes,
        "left_out": left_out,
        "sha256": {name: checksum(out / name) for name in files},
    }
    write_json(out / FINISHED, content)
    return content


def _copy_annotations(
    description: DatasetDescription, out: pathlib.Path, plan: PackingPlan
) -> dict[str, str]:
    """Copies the annotation files and tables.

    Returns:
        Where each is now.
    """
    copies: dict[str, str] = {}
    for file in description.annotation_files():
        name = f"{_ANNOTATIONS}/{pathlib.PurePath(file).name}"
        while name in copies.values():
            name = f"{_ANNOTATIONS}/_{pathlib.PurePath(name).name}"
        copies[file] = name
        with whole_file(out / name) as temporary:
            shutil.copyfile(description.directory / file, temporary)
        if checksum(out / name) != plan.provenance["annotations"][file]:
            raise ValueError(f"{file}: has changed while it was packed")
    return copies


def _description(
    plan: StorePlan, origin: FeatureStore, directory: pathlib.Path, dtype: str
) -> dict[str, Any]:
    """Returns the features.json of a packed store: what the original says of itself."""
    infos = {}
    for shard in plan.shards:
        for video in shard:
            info = origin.info(video)
            if info is not None:
                infos[video] = dataclasses.asdict(info)
    description = {
        **origin.description,
        "format": PackedStore.format,
        "dtype": dtype,
        "dim": plan.channels,
        "shards": len(plan.shards),
        "videos": infos,
    }
    extractor = common_extractor(
        {"": plan.features}, lambda path: extractor_of(directory / path)
    )
    return description | ({"extractor": extractor} if extractor else {})


def _dataset(
    description: DatasetDescription,
    out: pathlib.Path,
    plan: PackingPlan,
    copies: dict[str, str],
) -> dict[str, Any]:
    """Returns the dataset.json of a packed data set."""
    content: dict[str, Any] = {**description.content, "name": description.name}
    for name, role in description.roles.items():
        if name in plan.splits:
            features = {k: role.features[k] for k in _KEPT if k in role.features}
            features["path"] = plan.store_of(role.features)
            table = role.features.get("covered_durations")
            if table is not None:
                features["covered_durations"] = copies[table]
        else:
            features = with_paths(
                role.features,
                lambda path: os.path.relpath(description.directory / path, out),
            )
        content[name] = {
            **content[name],
            "annotations": copies[role.annotations],
            "features": features,
        }
    return content
