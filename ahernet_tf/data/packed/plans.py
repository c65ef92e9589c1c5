"""What a directory of packed records holds, or will hold when packing is finished.

plan.json                                  what is packed, and of what
roles/ROLE.json                         videos of each role
NAME-SPLIT.tfrecord-00000-of-00004         sequences, ordinary TFRecords
index/ROLE-00000-of-00004.npz              where each sequence lies
statistics/ROLE.tfrecord-00000-of-00004    mean and scatter of each video's clips
dataset_info.json, features.json           for tensorflow-datasets
records.json                               written last: everything is there
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.features.feature_entries import paths_of, store_key
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.joined_stores import DeferredStore
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.packed.records import Form
from ahernet_tf.data.roles import Role, features_table
from ahernet_tf.data.sequences import FeatureSequences
from ahernet_tf.files import write_text

PLAN = "plan.json"
FINISHED = "records.json"
VERSION = 1
WHOLE, CUTS = "whole", "cuts"

# Options of the data that decide what is in the records.
OPTIONS = (
    "pooling",
    "edge",
    "legacy_clip_centres",
    "minimum_foreground_clips",
    "minimum_moment_clips",
)


@dataclasses.dataclass(frozen=True)
class RolePlan:
    """What is packed of one role.

    Attributes:
        classes: Class names.
        features: Entry of dataset.json that says where its features are.
        time_model: Fields of its `TimeModel`.
        trimmed: Whether its videos are moments as a whole.
        videos: Number of its videos.
        units: Parts in which it is packed; unit n holds the videos n, n + units, ...
        splits: Names of its splits: "whole" for whole videos, "cuts" for foreground
            segments or moments; those that are not packed are left out.
        steps: Steps of its sequences, by the same keys.
        minimum_clips: Cuts with fewer clips are not packed.
        statistics: Whether mean and scatter of its clips are kept.
        records_of: Name of another role in whose records its videos are, if so.
    """

    classes: tuple[str, ...]
    features: dict[str, Any]
    time_model: dict[str, Any]
    trimmed: bool
    videos: int
    units: int
    splits: dict[str, str]
    steps: dict[str, int]
    minimum_clips: int = 0
    statistics: bool = False
    records_of: str | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is packed, and of what.

    Attributes:
        name: Name of the data set in file names.
        title: Name of the data set in dataset.json.
        channels: Channels of every sequence.
        dtype: Type of the packed numbers.
        short_as_clips: Whether short cuts are kept as their clips.
        skip_bad: Whether faulty videos are left out.
        options: Options of the data that the records depend on.
        identity: What the records are made of; see `identity`.
        roles: Parts of the data set.
        groups: Group of each annotated untrimmed video.
        counts: Sentences of the report with how often each applies.
        left_out: Videos that were faulty before packing began, by file.
    """

    name: str
    title: str
    channels: int
    dtype: str
    short_as_clips: bool
    skip_bad: bool
    options: dict[str, Any]
    identity: dict[str, Any]
    roles: dict[str, RolePlan]
    groups: dict[str, str]
    counts: dict[str, int]
    left_out: dict[str, list[str]]

    @classmethod
    def read(cls, directory: pathlib.Path) -> Plan:
        """Reads the plan of a directory.

        Raises:
            ValueError: There is none, or it is of another version of the format.
        """
        path = directory / PLAN
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read ({error})") from error
        if content.pop("version", None) != VERSION:
            raise ValueError(f"{path}: expected version {VERSION} of packed records")
        content["roles"] = {
            name: RolePlan(**{**role, "classes": tuple(role["classes"])})
            for name, role in content["roles"].items()
        }
        return cls(**content)

    def write(self, directory: pathlib.Path, tables: dict[str, Role]) -> None:
        """Writes the videos of each role, then the plan."""
        for name, role in tables.items():
            path = _table_path(directory, name)
            write_text(path, json.dumps(_records_of(role)))
        write_text(directory / PLAN, json.dumps(self.as_dict(), indent=1) + "\n")

    def as_dict(self) -> dict[str, Any]:
        """Returns the plan as plain JSON values."""
        values = json.loads(json.dumps(dataclasses.asdict(self)))
        return {"version": VERSION, **values}

    def differences(self, other: Plan) -> list[str]:
        """Lists in what two plans differ; the number of units does not count."""
        one, two = self.as_dict(), other.as_dict()
        for plan in (one, two):
            for role in plan["roles"].values():
                role.pop("units")
        return [key for key in one if one[key] != two[key]]

    def form(self, role: str, kind: str) -> Form:
        """Returns what the sequences of a role are."""
        return Form(
            steps=self.roles[role].steps[kind],
            channels=self.channels,
            dtype=self.dtype,
            pooling=self.options["pooling"],
            edge=self.options["edge"],
        )

    def shard(self, directory: pathlib.Path, role: str, kind: str, unit: int) -> Any:
        """Returns the path of the shard that a unit writes for one kind."""
        part = self.roles[role]
        stem = f"{self.name}-{part.splits[kind]}.tfrecord"
        return directory / f"{stem}-{unit:05d}-of-{part.units:05d}"

    def index(self, directory: pathlib.Path, role: str, unit: int) -> pathlib.Path:
        """Returns the path of a unit's index."""
        name = f"{role}-{unit:05d}-of-{self.roles[role].units:05d}.npz"
        return directory / "index" / name

    def statistics(self, directory: pathlib.Path, role: str, unit: int) -> pathlib.Path:
        """Returns the path of a unit's statistics."""
        name = f"{role}.tfrecord-{unit:05d}-of-{self.roles[role].units:05d}"
        return directory / "statistics" / name

    def config(self, config: DataConfig) -> DataConfig:
        """Returns a configuration with the options the records were made with."""
        return dataclasses.replace(config, **self.options)

    def role(
        self,
        directory: pathlib.Path,
        name: str,
        store: FeatureStore,
        config: DataConfig,
    ) -> Role:
        """Reads the videos of a role and builds it, its sequences made of features.

        Raises:
            ValueError: The file of its videos cannot be read.
        """
        path, part = _table_path(directory, name), self.roles[name]
        try:
            videos, *columns = json.loads(path.read_text(encoding="utf-8"))
            videos = [
                Video(*facts[:3], tuple(Instance(*i) for i in facts[3]), *facts[4:])
                for facts in videos
            ]
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{path}: cannot be read ({error})") from error
        time_model = TimeModel(**part.time_model)
        return Role(
            name="test" if name == "pool" else name,
            videos=tuple(videos),
            classes=part.classes,
            time_model=time_model,
            features=features_table([video.id for video in videos], *columns),
            sequences=FeatureSequences(
                key=store_key(part.features),
                store=store,
                time_model=time_model,
                channels=self.channels,
                config=self.config(config),
            ),
            trimmed=part.trimmed,
        )


def deferred_stores(plan: Plan, data: pathlib.Path | None) -> dict[str, FeatureStore]:
    """Returns the feature store of each role, opened only when it is needed.

    Args:
        plan: The plan.
        data: Directory of the data set, or None where it is not here.
    """
    stores: dict[Any, FeatureStore] = {}
    for part in plan.roles.values():
        spec = part.features
        path = (data or pathlib.Path()) / paths_of(spec)[0]

        def open_it(path: pathlib.Path = path, spec: dict = spec) -> FeatureStore:
            if data is None:
                raise ValueError(f"{path}: only packed records are here")
            return open_features(data, spec)

        stores.setdefault(store_key(spec), DeferredStore(path, open_it))
    return {name: stores[store_key(part.features)] for name, part in plan.roles.items()}


def _table_path(directory: pathlib.Path, role: str) -> pathlib.Path:
    return directory / "roles" / f"{role}.json"


def _records_of(role: Role) -> list[list[Any]]:
    """Returns everything of a role's videos as plain JSON values."""
    videos = [
        (
            v.id,
            v.subset,
            v.duration_sec,
            [(i.start_sec, i.end_sec, i.label) for i in v.instances],
            v.frames,
            v.fps,
            v.group,
        )
        for v in role.videos
    ]
    return [videos, *(role.features[name].tolist() for name in role.features)]
