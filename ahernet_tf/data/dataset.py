"""A data set: a directory with a dataset.json that names its parts."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data import checks
from ahernet_tf.data.annotations import Video, parse_annotations, read_json
from ahernet_tf.data.checks import DataError, Report
from ahernet_tf.data.features import FeatureStore, open_store
from ahernet_tf.data.roles import Cut, Role
from ahernet_tf.data.sequences import SequenceCache
from ahernet_tf.data.time_model import TimeModel

__all__ = ["Cut", "DataError", "Dataset", "Role"]

DESCRIPTION = "dataset.json"
REQUIRED_ROLES = ("untrimmed", "moments")
OPTIONAL_ROLES = ("test", "oracle")
FROM_UNTRIMMED = "untrimmed annotations"


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A checked data set, ready for the streams.

    Attributes:
        name: What dataset.json calls it.
        directory: Where it lies.
        source_classes: Classes with temporal annotations, in order.
        target_classes: Classes with moments only, in order.
        feature_channels: Channels of every feature sequence.
        roles: The parts: always `untrimmed` and `moments`; `test` and `oracle` where
            dataset.json has them.
        report: What was left out, clamped and counted while loading.
        config: The data configuration it was loaded with.
        cache: Sequences in memory, shared by all streams and parts.
    """

    name: str
    directory: pathlib.Path
    source_classes: tuple[str, ...]
    target_classes: tuple[str, ...]
    feature_channels: int
    roles: dict[str, Role]
    report: Report
    config: DataConfig
    cache: SequenceCache
    _test_pool: Role | None = None
    _groups: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def load(
        cls,
        directory: str | pathlib.Path,
        config: DataConfig,
        skip_bad: bool = False,
        check_features: str = "all",
    ) -> Dataset:
        """Reads and checks a data set.

        `dataset.json` holds `name` and the roles `untrimmed`, `moments`, `test` and
        `oracle` (the last two may be absent). A role is `{"annotations": file,
        "subset": name, "classes": [...], "features": {"path": ..., "clip_frames": ...,
        "stride_frames": ...}}`, paths relative to the directory. Moments may be cut
        from untrimmed videos: `{"from": "untrimmed annotations", "classes": [...]}`,
        where annotations, subset and features are those of `untrimmed` if not given.
        Labels that are in no role's classes are refused unless `ignored_classes`
        (beside the roles) lists them.

        Args:
            directory: Where dataset.json lies.
            config: Options of the data.
            skip_bad: Leave out faulty videos instead of raising.
            check_features: "all" reads every sequence once to find NaN and infinity;
                "shape" looks at the sizes only.

        Raises:
            DataError: One report of everything that is wrong; with `skip_bad` only
                where leaving out videos does not help.
        """
        loader = _Loader(pathlib.Path(directory), config, check_features)
        loader.read_description()
        loader.report.require_clean(skip_bad)
        loader.select_videos()
        loader.check_features()
        loader.report.require_clean(skip_bad)
        roles = {name: loader.build_role(name) for name in loader.specs}
        for name, role in roles.items():
            if not role.videos:
                loader.report.add(DESCRIPTION, None, f"role '{name}': no video", True)
        loader.report.require_clean(skip_bad)
        loader.count(roles)
        pool = loader.build_role("test pool") if "test" in roles else None
        return cls(
            name=loader.name,
            directory=loader.directory,
            source_classes=roles["untrimmed"].classes,
            target_classes=roles["moments"].classes,
            feature_channels=loader.channels,
            roles=roles,
            report=loader.report,
            config=config,
            cache=SequenceCache(config.cache_bytes),
            _test_pool=pool,
            _groups=loader.groups(),
        )

    def role(self, name: str) -> Role:
        """Returns a role.

        Raises:
            DataError: dataset.json does not have it.
        """
        if name not in self.roles:
            raise DataError(
                f"{self.directory / DESCRIPTION}: no role '{name}', only "
                f"{', '.join(self.roles)}"
            )
        return self.roles[name]

    def test(self, classes: Sequence[str] | None = None) -> Role | None:
        """Returns the test videos of the given classes, for evaluation.

        The videos are those of the test role's annotation file and subset that hold
        an instance of one of the classes and have features.

        Args:
            classes: Such as `source_classes`; by default those of the test role.

        Returns:
            The role, or None where the data set has no such video.
        """
        if self._test_pool is None:
            return None
        if classes is None:
            return self.roles["test"]
        videos = [
            dataclasses.replace(
                video, instances=tuple(i for i in video.instances if i.label in classes)
            )
            for video in self._test_pool.videos
            if any(i.label in classes for i in video.instances)
        ]
        if not videos:
            return None
        return dataclasses.replace(
            self._test_pool, name="test", videos=tuple(videos), classes=tuple(classes)
        )

    def hold_out(self, fraction: float, seed: int) -> tuple[Dataset, Role]:
        """Splits the untrimmed videos into training and validation.

        Whole groups (people) are held out where videos have groups, else videos.
        What belongs to a held-out group leaves the training roles everywhere. A
        moment belongs to the group that its record names, else to that of the
        annotated video whose id its own id begins with.

        Args:
            fraction: Part of the groups to hold out; at least one is.
            seed: Decides which.

        Returns:
            The data set without the held-out groups, and the validation role: the
            held-out untrimmed videos, with source classes.

        Raises:
            DataError: Nothing would be left on one side.
        """
        untrimmed = self.roles["untrimmed"]
        groups = sorted({self.group(v) for v in untrimmed.videos})
        count = max(1, round(fraction * len(groups)))
        if not 0 < fraction < 1 or count >= len(groups):
            raise DataError(
                f"{self.name}: cannot hold out {fraction} of {len(groups)} groups"
            )
        order = np.random.Generator(np.random.Philox(seed)).permutation(len(groups))
        held = {groups[i] for i in order[:count]}
        roles = dict(self.roles)
        for name in ("untrimmed", "moments", "oracle"):
            if name in roles:
                role = roles[name]
                kept = [v for v in role.videos if self.group(v) not in held]
                if not kept:
                    raise DataError(f"{self.name}: all {name} are of held-out groups")
                roles[name] = role.with_videos(kept)
        validation = untrimmed.with_videos(
            v for v in untrimmed.videos if self.group(v) in held
        )
        validation = dataclasses.replace(validation, name="validation")
        return dataclasses.replace(self, roles=roles), validation

    def group(self, video: Video) -> str:
        """Returns the group of a video: its own, or that of the video it is from."""
        if video.group is not None:
            return f"group {video.group}"
        parts = video.id
        while parts:
            if parts in self._groups:
                return self._groups[parts]
            parts = _without_last_part(parts)
        return f"video {video.id}"


def _without_last_part(text: str) -> str:
    """Cuts an id before its last `_`, `-`, `.` or `:`; "" where it has none."""
    return text[: max(text.rfind(mark) for mark in "_-.:")] if text else ""


class _Loader:
    """Collects what `Dataset.load` needs, and every fault on the way."""

    def __init__(
        self, directory: pathlib.Path, config: DataConfig, check_features: str
    ) -> None:
        if check_features not in ("all", "shape"):
            raise ValueError(
                f"Expected check_features 'all' or 'shape', received {check_features!r}"
            )
        self.directory = directory
        self.config = config
        self.read_values = check_features == "all"
        self.report = Report()
        self.name = directory.resolve().name
        self.specs: dict[str, dict[str, Any]] = {}
        self.ignored: set[str] = set()
        self.annotations: dict[str, dict[str, Video]] = {}
        self.stores: dict[tuple[str, Any], FeatureStore] = {}
        self.role_stores: dict[str, FeatureStore] = {}
        self.time_models: dict[str, TimeModel] = {}
        self.selected: dict[str, list[Video]] = {}
        self.fps: dict[str, dict[str, float | None]] = {}
        self.shapes: dict[tuple[FeatureStore, str], checks.FeatureCheck] = {}
        self.channels = 0

    def fatal(self, what: str) -> None:
        """Reports a structural fault of dataset.json."""
        self.report.add(DESCRIPTION, None, what, fatal=True)

    # dataset.json ------------------------------------------------------------------

    def read_description(self) -> None:
        """Reads dataset.json, every annotation file and the index of every store."""
        content = read_json(self.directory / DESCRIPTION, DESCRIPTION, self.report)
        if not isinstance(content, dict):
            if content is not None:
                self.fatal("expected an object")
            return
        self.name = str(content.get("name", self.name))
        self.ignored = set(content.get("ignored_classes", ()))
        for name in REQUIRED_ROLES + OPTIONAL_ROLES:
            spec = content.get(name)
            if spec is None:
                if name in REQUIRED_ROLES:
                    self.fatal(f"role '{name}' is missing")
                continue
            spec = self._complete(name, spec, content.get("untrimmed"))
            if spec is not None:
                self.specs[name] = spec
                self._read_annotations(spec["annotations"])
                self._open_store(name, spec["features"])

    def _complete(self, name: str, spec: Any, untrimmed: Any) -> dict[str, Any] | None:
        """Fills in what moments take over from untrimmed; checks the fields."""
        if not isinstance(spec, dict):
            self.fatal(f"role '{name}': expected an object, received {spec!r}")
            return None
        origin = spec.get("from")
        if origin is not None:
            if name != "moments" or origin != FROM_UNTRIMMED:
                self.fatal(f"role '{name}': from {origin!r} is not known")
                return None
            if isinstance(untrimmed, dict):
                inherited = ("annotations", "subset", "features")
                spec = {**{k: untrimmed.get(k) for k in inherited}, **spec}
        classes, features = spec.get("classes"), spec.get("features")
        faults = []
        if not isinstance(spec.get("annotations"), str):
            faults.append("annotations: expected a file name")
        if not isinstance(features, dict) or not isinstance(features.get("path"), str):
            faults.append("features: expected an object with a path")
        if (
            not isinstance(classes, list)
            or not classes
            or not all(isinstance(c, str) for c in classes)
        ):
            faults.append("classes: expected a list of names")
        elif len(set(classes)) < len(classes):
            faults.append("classes: a name is there twice")
        for fault in faults:
            self.fatal(f"role '{name}': {fault}")
        return None if faults else spec

    def _read_annotations(self, file: str) -> None:
        if file not in self.annotations:
            videos, report = parse_annotations(self.directory / file, file)
            self.annotations[file] = videos
            self.report.merge(report)

    def _open_store(self, name: str, spec: dict[str, Any]) -> None:
        """Opens the feature store of a role; roles of one path share it."""
        key = (spec["path"], spec.get("format"))
        try:
            if key not in self.stores:
                self.stores[key] = open_store(self.directory / spec["path"], spec)
            store = self.stores[key]
            spec = {**store.description, **spec}
            self.time_models[name] = TimeModel.from_spec(
                spec, self.config.legacy_clip_centres
            )
        except (ValueError, OSError) as error:
            reason = str(error).removeprefix(f"{self.directory}/")
            self.fatal(f"role '{name}': features: {reason}")
            return
        self.role_stores[name] = store

    # Videos ------------------------------------------------------------------------

    def select_videos(self) -> None:
        """Chooses the videos of each role by subset and classes."""
        listed = {c for spec in self.specs.values() for c in spec["classes"]}
        for name, spec in self.specs.items():
            self.selected[name] = self._select(name, spec, spec["classes"], listed)
            self.fps[name] = self._rates(name)
            present = {i.label for v in self.selected[name] for i in v.instances}
            for label in spec["classes"]:
                if label not in present and name in REQUIRED_ROLES:
                    what = f"role '{name}': class '{label}' has no video"
                    self.report.add(DESCRIPTION, None, what)
        if "test" in self.specs:
            spec, store = self.specs["test"], self.role_stores["test"]
            videos = self._select("test pool", spec, sorted(listed), listed)
            self.selected["test pool"] = [v for v in videos if v.id in store]
            self.role_stores["test pool"] = store
            self.time_models["test pool"] = self.time_models["test"]
            self.fps["test pool"] = self._rates("test pool")

    def _select(
        self, name: str, spec: dict[str, Any], classes: Sequence[str], listed: set[str]
    ) -> list[Video]:
        """Takes the videos of a subset that hold one of the classes, or nothing."""
        file, subset, wanted = spec["annotations"], spec.get("subset"), set(classes)
        trimmed = name == "moments" and "from" not in spec
        selected = []
        for video in self.annotations[file].values():
            if subset is not None and video.subset != subset:
                continue
            labels = [i.label for i in video.instances]
            unknown = sorted(set(labels) - listed - self.ignored)
            for label in unknown:
                self.report.add(
                    file,
                    video.id,
                    f"unknown class '{label}' (in no role's classes of {DESCRIPTION}, "
                    "nor in ignored_classes)",
                )
            kept = tuple(i for i in video.instances if i.label in wanted)
            if unknown or (labels and not kept) or (name == "moments" and not kept):
                continue
            if trimmed and len(kept) > 1:
                what = f"{len(kept)} annotations in a moment; a moment has one"
                self.report.add(file, video.id, what)
                continue
            selected.append(dataclasses.replace(video, instances=kept))
        return selected

    def _rates(self, name: str) -> dict[str, float | None]:
        """Finds the frame rate of each video of a role; drops those without."""
        file = self.specs[name.split()[0]]["annotations"]
        store, time_model = self.role_stores[name], self.time_models[name]
        rates = {}
        for video in self.selected[name]:
            try:
                rates[video.id] = time_model.fps_of(video, store.info(video.id))
            except ValueError as error:
                self.report.add(file, video.id, str(error))
        self.selected[name] = [v for v in self.selected[name] if v.id in rates]
        return rates

    # Features ----------------------------------------------------------------------

    def check_features(self) -> None:
        """Looks at the features of all selected videos, and agrees on the channels."""
        pairs = [
            (self.role_stores[name], video.id)
            for name, videos in self.selected.items()
            for video in videos
        ]
        self.shapes = checks.check_sequences(pairs, self.read_values)
        expected = self._expected_channels()
        for (store, video), check in self.shapes.items():
            fault = check.fault
            if fault is None and check.shape[1] != expected[store]:
                fault = f"{check.shape[1]} channels, expected {expected[store]}"
                self.shapes[store, video] = checks.FeatureCheck(None, fault)
            if fault is not None:
                file = store.file_of(video)
                if file.is_relative_to(self.directory):
                    file = file.relative_to(self.directory)
                self.report.add(file, video, fault)

    def _expected_channels(self) -> dict[FeatureStore, int]:
        """Finds the channels of each store: as declared, else what most videos have."""
        counts: dict[FeatureStore, collections.Counter[int]] = {
            store: collections.Counter() for store in self.stores.values()
        }
        for (store, _), check in self.shapes.items():
            if check.shape is not None:
                counts[store][check.shape[1]] += 1
        declared = {
            store: {**store.description, **self.specs[name]["features"]}.get("dim")
            for name, store in self.role_stores.items()
            if name in self.specs
        }
        expected = {
            store: declared.get(store) or max(count, key=count.get, default=0)
            for store, count in counts.items()
        }
        if len(set(expected.values()) - {0}) > 1:
            sizes = ", ".join(f"{s.path.name} {n}" for s, n in expected.items())
            self.fatal(f"the feature stores differ in their channels: {sizes}")
        self.channels = max(expected.values(), default=0)
        return expected

    # Result ------------------------------------------------------------------------

    def build_role(self, name: str) -> Role:
        """Builds a role from the videos whose features are sound."""
        store = self.role_stores[name]
        spec = self.specs[name.split()[0]]
        videos = [
            v for v in self.selected[name] if self.shapes[store, v.id].fault is None
        ]
        return Role(
            name=name,
            videos=tuple(videos),
            store=store,
            time_model=self.time_models[name],
            classes=tuple(spec["classes"]),
            clips={v.id: self.shapes[store, v.id].shape[0] for v in videos},
            fps=self.fps[name],
            trimmed=name == "moments" and "from" not in spec,
        )

    def groups(self) -> dict[str, str]:
        """Returns the groups of all annotated videos, by id."""
        return {
            video.id: f"group {video.group}"
            for videos in self.annotations.values()
            for video in videos.values()
            if video.group is not None
        }

    def count(self, roles: dict[str, Role]) -> None:
        """Counts what a user should know but need not act upon."""
        counts = self.report.counts
        limit = self.config.max_segments
        for name, role in roles.items():
            empty = sum(not v.instances for v in role.videos)
            many = sum(len(v.instances) > limit for v in role.videos)
            covered = {v.id: role.covered_sec(v) for v in role.videos}
            behind = sum(
                i.start_sec >= covered[v.id] for v in role.videos for i in v.instances
            )
            other = sum(
                abs(covered[v.id] - v.duration_sec) > max(1.0, 0.1 * v.duration_sec)
                for v in role.videos
            )
            all_cuts = len(role.cuts(1)) if name in REQUIRED_ROLES else 0
            option = {
                "untrimmed": "minimum_foreground_clips",
                "moments": "minimum_moment_clips",
            }.get(name)
            short = 0
            if option:
                minimum = getattr(self.config, option)
                short = all_cuts - len(role.cuts(minimum))
                counts[f"{name}: instances with fewer than data.{option} clips"] = short
            counts[f"{name}: videos without annotation, background only"] = empty
            if name != "moments":
                what = f"videos cut to their first data.max_segments = {limit} segments"
                counts[f"{name}: {what}"] = many
            counts[f"{name}: instances behind the last clip, left out"] = behind
            what = "features cover over 10% more or less than the duration"
            counts[f"{name}: {what}"] = other
        for what in [w for w, n in counts.items() if not n]:
            del counts[what]
