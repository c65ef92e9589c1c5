"""Files beside the packed shards: indices of units, and what makes them complete."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.packed.plans import FINISHED, VERSION, Plan
from ahernet_tf.files import PARTIAL, whole_file, write_text

_CORE = "tensorflow_datasets.core.features."


@dataclasses.dataclass(frozen=True)
class Unit:
    """The index of a unit that is done.

    Attributes:
        columns: Columns of its records by kind of split; see `records.Records`.
        faults: Videos left out, and why.
    """

    columns: dict[str, dict[str, np.ndarray]]
    faults: dict[str, str]


def write_unit(
    plan: Plan,
    directory: pathlib.Path,
    role: str,
    unit: int,
    columns: dict[str, dict[str, np.ndarray]],
    faults: dict[str, str],
) -> None:
    """Writes the index of a unit whose shards are there."""
    arrays = {
        f"{kind}_{name}": column
        for kind, part in columns.items()
        for name, column in part.items()
    }
    arrays["faults"] = np.array(json.dumps(faults))
    for kind in columns:
        size = plan.shard(directory, role, kind, unit).stat().st_size
        arrays[f"{kind}_bytes"] = np.array(size)
    path = plan.index(directory, role, unit)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_unit(plan: Plan, directory: pathlib.Path, role: str, unit: int) -> Unit | None:
    """Reads the index of a unit.

    Returns:
        The index, or None where the unit is not done: there is no index, or a shard
        is missing or has another size than when the index was written.

    Raises:
        ValueError: The index is damaged.
    """
    path = plan.index(directory, role, unit)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            content = dict(arrays)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: is damaged ({error}); remove it") from error
    columns = {}
    for kind in plan.roles[role].splits:
        shard = plan.shard(directory, role, kind, unit)
        size = int(content.pop(f"{kind}_bytes"))
        if not shard.exists() or shard.stat().st_size != size:
            return None
        columns[kind] = {
            name.removeprefix(f"{kind}_"): column
            for name, column in content.items()
            if name.startswith(f"{kind}_")
        }
    return Unit(columns, json.loads(str(content["faults"])))


def finish(directory: str | pathlib.Path) -> dict[str, Any]:
    """Makes the directory complete when all its units are done.

    Returns:
        What records.json holds: number and bytes of the records of each split, and
        the videos left out while packing.

    Raises:
        DataError: Units are missing.
    """
    directory = pathlib.Path(directory)
    plan = Plan.read(directory)
    report = DataReport()
    splits: dict[str, dict[str, list[int]]] = {}
    left_out: dict[str, list[str]] = {}
    for role, part in plan.roles.items():
        for number in range(part.units):
            unit = read_unit(plan, directory, role, number)
            if unit is None:
                report.add(directory, None, f"unit {number} of '{role}' is not packed")
                continue
            left_out.setdefault(role, []).extend(unit.faults)
            for kind, split in part.splits.items():
                sizes = splits.setdefault(split, {"records": [], "bytes": []})
                sizes["records"].append(len(unit.columns[kind]["keys"]))
                shard = plan.shard(directory, role, kind, number)
                sizes["bytes"].append(shard.stat().st_size)
    report.require_clean()
    for partial in _partial_files(directory):
        partial.unlink(missing_ok=True)
    _write_json(directory / "features.json", _tfds_features(plan))
    _write_json(directory / "dataset_info.json", _tfds_info(plan, splits))
    content = {
        "version": VERSION,
        "records": {name: sum(sizes["records"]) for name, sizes in splits.items()},
        "bytes": {name: sum(sizes["bytes"]) for name, sizes in splits.items()},
        "left_out": {role: videos for role, videos in left_out.items() if videos},
    }
    _write_json(directory / FINISHED, content)
    return content


def _partial_files(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields what killed processes left behind."""
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.startswith(".") and name.endswith(PARTIAL):
                yield pathlib.Path(folder, name)


def _write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")


def _tfds_info(plan: Plan, splits: dict[str, dict[str, list[int]]]) -> dict[str, Any]:
    """Returns dataset_info.json as tensorflow-datasets reads it."""
    return {
        "name": plan.name,
        "version": "1.0.0",
        "description": f"Clip features of {plan.title}, packed by ahernet_tf.",
        "fileFormat": "tfrecord",
        "splits": [
            {
                "name": name,
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "numBytes": str(sum(sizes["bytes"])),
                "shardLengths": [str(count) for count in sizes["records"]],
            }
            for name, sizes in splits.items()
        ],
    }


def _tfds_features(plan: Plan) -> dict[str, Any]:
    """Returns features.json as tensorflow-datasets reads it."""

    def tensor(dtype: str, encoding: str, *dimensions: int) -> dict[str, Any]:
        sizes = {"dimensions": [str(size) for size in dimensions]} if dimensions else {}
        kind = "tensor_feature.Tensor" if dimensions else "scalar.Scalar"
        content = {"dtype": dtype, "encoding": encoding, "shape": sizes}
        return {"pythonClassName": _CORE + kind, "tensor": content}

    text = {"pythonClassName": f"{_CORE}text_feature.Text", "text": {}}
    features = {
        "features": tensor(plan.dtype, "bytes", -1, plan.channels),
        "resampled": tensor("bool", "none"),
        "video": text,
        "first_clip": tensor("int64", "none"),
        "end_clip": tensor("int64", "none"),
        "duration_sec": tensor("float32", "none"),
        "fps": tensor("float32", "none"),
        "segments_sec": tensor("float32", "none", -1, 2),
        "labels": {
            "pythonClassName": f"{_CORE}sequence_feature.Sequence",
            "sequence": {"feature": text, "length": "-1"},
        },
    }
    return {
        "pythonClassName": f"{_CORE}features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }
