"""Reads the files of a data set into roles and gathers every fault on the way."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from ahernet_tf import files
from ahernet_tf.config import DataConfig
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import Video, parse_annotations
from ahernet_tf.data.features.covered_durations import read_covered_durations
from ahernet_tf.data.features.feature_entries import (
    fault_of_entry,
    store_key,
    transposed_hint,
)
from ahernet_tf.data.features.feature_sets import expand
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import check_description, open_features
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.role_counts import counts_of_role
from ahernet_tf.data.roles import Role
from ahernet_tf.evaluation import canonical_video_id

DESCRIPTION = "dataset.json"
REQUIRED_ROLES = ("untrimmed", "moments")
OPTIONAL_ROLES = ("test", "oracle")
TEST_POOL = "test of any class"
FROM_UNTRIMMED = "untrimmed annotations"


class Loader:
    """Loads the roles of one data set; see `dataset.Dataset.load`.

    Attributes:
        name: What dataset.json calls the data set; the directory's name by default.
        channels: Channels of every feature sequence.
        report: Every fault, and what was counted.
        content: What dataset.json holds.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        config: DataConfig,
        skip_bad: bool,
        check_features: str,
        check: Callable = checks.check_sequences,
    ) -> None:
        """Notes what to load; nothing is read yet.

        Args:
            directory: Where dataset.json lies.
            config: Options of the data.
            skip_bad: As for `dataset.Dataset.load`.
            check_features: As for `dataset.Dataset.load`.
            check: Looks at the features; takes pairs of store and id and whether to
                read the values, as `checks.check_sequences` does.
        """
        if check_features not in ("all", "shape"):
            raise ValueError(
                f"Expected check_features 'all' or 'shape', received {check_features!r}"
            )
        self.directory = directory
        self.config = config
        self.skip_bad = skip_bad
        self.read_values = check_features == "all"
        self._check = check
        self.report = checks.Report()
        self.name = directory.resolve().name
        self.channels = 0
        self.content: dict[str, Any] = {}
        self._ignored: set[str] = set()
        self._annotations: dict[str, dict[str, Video]] = {}
        self._stores: dict[tuple[str, Any], FeatureStore] = {}
        self._parts: dict[str, _Part] = {}
        self._sequences: dict[tuple[FeatureStore, str], checks.FeatureCheck] = {}

    def load(self) -> dict[str, Role]:
        """Reads and checks everything.

        Returns:
            The roles by name; beside them `TEST_POOL`, the test videos of any class,
            where there is a test role.

        Raises:
            DataError: With every fault found.
        """
        self._read_description()
        self.report.require_clean(skip_bad=True)  # structural faults end it here
        listed = {c for part in self._parts.values() for c in part.classes}
        for name in list(self._parts):
            self._select(self._parts[name], listed)
            if name == "test":
                self._select_pool(listed)
        self._check_features()
        self.report.require_clean(self.skip_bad)
        roles = {name: self._role(part) for name, part in self._parts.items()}
        for name, role in roles.items():
            if not role.videos and name != TEST_POOL:
                self.report.add(DESCRIPTION, None, f"role '{name}': no video", True)
        self.report.require_clean(self.skip_bad)
        for name in REQUIRED_ROLES + OPTIONAL_ROLES:
            if name in roles:
                self.report.counts.update(counts_of_role(roles[name], self.config))
        return roles

    def groups(self) -> dict[str, str]:
        """Returns the group of every annotated untrimmed video, by id."""
        return {
            video.id: f"video {video.id}" if video.group is None else f"group {group}"
            for part in self._parts.values()
            if not part.trimmed
            for video in self._annotations[part.file].values()
            for group in [video.group]
        }

    def features(self) -> dict[str, dict[str, Any]]:
        """Returns the features entry of every role that `load` returned."""
        return {name: part.features for name, part in self._parts.items()}

    def annotation_files(self) -> list[str]:
        """Returns the annotation files and tables, relative to the directory."""
        tables = [p.features.get("covered_durations") for p in self._parts.values()]
        return [*self._annotations, *sorted({t for t in tables if t is not None})]

    # dataset.json, annotation files, indices of the stores -------------------------

    def _fatal(self, what: str) -> None:
        """Reports a structural fault of dataset.json."""
        self.report.add(DESCRIPTION, None, what, fatal=True)

    def _read_description(self) -> None:
        path = self.directory / DESCRIPTION
        try:
            content = files.read_json(path)
        except ValueError as error:
            self._fatal(str(error).removeprefix(f"{path}: "))
            return
        if not isinstance(content, dict):
            self._fatal("expected an object")
            return
        self.content = content
        self.name = str(content.get("name", self.name))
        self._ignored = set(content.get("ignored_classes", ()))
        for name in REQUIRED_ROLES + OPTIONAL_ROLES:
            spec = content.get(name)
            if spec is not None:
                self._read_part(name, spec, content.get("untrimmed"))
            elif name in REQUIRED_ROLES:
                self._fatal(f"role '{name}' is missing")

    def _read_part(self, name: str, spec: Any, untrimmed: Any) -> None:
        """Reads the entry of a role, its annotation file and its store's index."""
        spec = self._completed(name, spec, untrimmed)
        if spec is None:
            return
        file = spec["annotations"]
        if file not in self._annotations:
            videos, report = parse_annotations(self.directory / file, file)
            self._annotations[file] = videos
            self.report.merge(report)
        try:
            store = self._store(spec["features"])
            timing = {**store.description, **spec["features"]}
            time_model = TimeModel.from_spec(timing, self.config.legacy_clip_centres)
            covered = self._covered_durations(spec["features"], time_model)
        except (ValueError, OSError) as error:
            reason = str(error).removeprefix(f"{self.directory}/")
            self._fatal(f"role '{name}': features: {reason}")
            return
        for other in self._parts.values():
            if other.store is store and other.time_model != time_model:
                self._fatal(
                    f"roles '{other.name}' and '{name}' share {store.path.name}, but "
                    "not its clip_frames, stride_frames, fps and covers"
                )
        self._parts[name] = _Part(
            name=name,
            file=file,
            subset=spec.get("subset"),
            classes=tuple(spec["classes"]),
            channels=timing.get("dim"),
            store=store,
            time_model=time_model,
            trimmed=name == "moments" and "from" not in spec,
            features=spec["features"],
            length=timing.get("length"),
            covered_durations=covered,
        )

    def _completed(self, name: str, spec: Any, untrimmed: Any) -> dict | None:
        """Fills in what moments take over from untrimmed; checks the fields."""
        if not isinstance(spec, dict):
            self._fatal(f"role '{name}': expected an object, received {spec!r}")
            return None
        origin = spec.get("from")
        if origin is not None:
            if name != "moments" or origin != FROM_UNTRIMMED:
                self._fatal(f"role '{name}': from {origin!r} is not known")
                return None
            if isinstance(untrimmed, dict):
                inherited = ("annotations", "subset", "features")
                spec = {**{k: untrimmed.get(k) for k in inherited}, **spec}
        faults = []
        classes, features = spec.get("classes"), spec.get("features")
        try:
            features = expand(features) if isinstance(features, dict) else features
        except ValueError as error:
            faults.append(f"features: {error}")
        if not isinstance(spec.get("annotations"), str):
            faults.append("annotations: expected a file name")
        if fault := fault_of_entry(features):
            faults.append(f"features: {fault}")
        if (
            not isinstance(classes, list)
            or not classes
            or not all(isinstance(c, str) for c in classes)
        ):
            faults.append("classes: expected a list of names")
        elif len(set(classes)) < len(classes):
            faults.append("classes: a name is there twice")
        for fault in faults:
            self._fatal(f"role '{name}': {fault}")
        return None if faults else {**spec, "features": features}

    def _store(self, spec: dict[str, Any]) -> FeatureStore:
        """Opens a feature store; roles of one path share it."""
        key = store_key(spec)
        if key not in self._stores:
            self._stores[key] = open_features(self.directory, spec)
        check_description(self._stores[key], spec)
        return self._stores[key]

    def _covered_durations(
        self, spec: dict[str, Any], time_model: TimeModel
    ) -> dict[str, float] | None:
        """Reads the table of what resized features cover, if the entry names one."""
        name = spec.get("covered_durations")
        if name is None:
            return None
        if time_model.covers != "duration":
            raise ValueError("covered_durations: only with covers 'duration'")
        return read_covered_durations(self.directory / name)

    # Videos ------------------------------------------------------------------------

    def _select(self, part: _Part, listed: set[str]) -> None:
        """Takes the videos of the part's subset that hold one of its classes.

        Untrimmed videos without any annotation are background, and taken as well.
        """
        wanted = set(part.classes)
        for video in self._annotations[part.file].values():
            if part.subset is not None and video.subset != part.subset:
                continue
            labels = [i.label for i in video.instances]
            unknown = sorted(set(labels) - listed - self._ignored)
            for label in unknown:
                what = f"unknown class '{label}' (neither in the classes of a role "
                what += f"nor in ignored_classes of {DESCRIPTION})"
                self.report.add(part.file, video.id, what)
            kept = tuple(i for i in video.instances if i.label in wanted)
            background = not labels and part.name != "moments"
            if unknown or not (kept or background):
                continue
            if part.trimmed and len(kept) > 1:
                what = f"{len(kept)} annotations in a moment, expected one"
                self.report.add(part.file, video.id, what)
                continue
            try:
                info = part.store.info(video.id)
                part.fps[video.id] = part.time_model.fps_of(video, info)
            except ValueError as error:
                self.report.add(part.file, video.id, str(error))
                continue
            if part.covered_durations is not None:
                covered = part.covered_durations.get(canonical_video_id(video.id))
                if covered is None:
                    what = f"has no duration in {part.features['covered_durations']}"
                    self.report.add(part.file, video.id, what)
                    continue
                part.covered[video.id] = covered
            part.videos.append(dataclasses.replace(video, instances=kept))
        present = {i.label for v in part.videos for i in v.instances}
        for label in part.classes:
            if label not in present and part.name in REQUIRED_ROLES:
                what = f"role '{part.name}': class '{label}' has no video"
                self.report.add(DESCRIPTION, None, what)

    def _select_pool(self, listed: set[str]) -> None:
        """Selects the test videos of all classes as far as they have features."""
        pool = dataclasses.replace(
            self._parts["test"],
            name=TEST_POOL,
            classes=tuple(sorted(listed)),
            videos=[],
            fps={},
            covered={},
        )
        self._select(pool, listed)
        pool.videos = [v for v in pool.videos if v.id in pool.store]
        self._parts[TEST_POOL] = pool

    # Features ----------------------------------------------------------------------

    def _check_features(self) -> None:
        """Looks at the features of all selected videos, and agrees on the channels."""
        pairs = [(p.store, v.id) for p in self._parts.values() for v in p.videos]
        self._sequences = self._check(pairs, self.read_values)
        expected = self._expected_channels()
        shapes = collections.defaultdict(list)
        for (store, _), sequence in self._sequences.items():
            if sequence.shape is not None:
                shapes[store].append(sequence.shape)
        lengths = {p.store: p.length for p in self._parts.values() if p.length}
        for (store, video), sequence in self._sequences.items():
            fault = sequence.fault
            clips, channels = sequence.shape or (0, 0)
            if fault is None and channels != expected[store]:
                fault = f"{channels} channels, expected {expected[store]}"
                fault += transposed_hint(shapes[store], expected[store])
            elif fault is None and clips != lengths.get(store, clips):
                fault = f"{clips} clips, expected {lengths[store]}"
            if fault is not None:
                self._sequences[store, video] = checks.FeatureCheck(None, fault)
            if fault is not None:
                file = store.file_of(video)
                if file.is_relative_to(self.directory):
                    file = file.relative_to(self.directory)
                self.report.add(file, video, fault)

    def _expected_channels(self) -> dict[FeatureStore, int]:
        """Finds the channels of each store: as declared, else what most videos have."""
        found = collections.defaultdict(collections.Counter)
        for (store, _), sequence in self._sequences.items():
            if sequence.shape is not None:
                found[store][sequence.shape[1]] += 1
        declared = {p.store: p.channels for p in self._parts.values() if p.channels}
        expected = {
            store: declared.get(store) or max(found[store], key=found[store].get)
            for store in self._stores.values()
            if store in declared or found[store]
        }
        if len(set(expected.values())) > 1:
            sizes = ", ".join(f"{s.path.name} {n}" for s, n in expected.items())
            self._fatal(f"the feature stores differ in their channels: {sizes}")
        self.channels = max(expected.values(), default=0)
        return expected

    def _role(self, part: _Part) -> Role:
        """Builds a role of the videos whose features are sound."""
        shapes = {v.id: self._sequences[part.store, v.id].shape for v in part.videos}
        return Role(
            name=part.name,
            videos=tuple(v for v in part.videos if shapes[v.id] is not None),
            store=part.store,
            time_model=part.time_model,
            classes=part.classes,
            clips={video: shape[0] for video, shape in shapes.items() if shape},
            fps=part.fps,
            trimmed=part.trimmed,
            covered=part.covered or None,
        )


@dataclasses.dataclass
class _Part:
    """A role while it is loaded."""

    name: str
    file: str
    subset: str | None
    classes: tuple[str, ...]
    channels: int | None
    store: FeatureStore
    time_model: TimeModel
    trimmed: bool
    features: dict[str, Any]
    length: int | None
    covered_durations: dict[str, float] | None
    videos: list[Video] = dataclasses.field(default_factory=list)
    fps: dict[str, float | None] = dataclasses.field(default_factory=dict)
    covered: dict[str, float] = dataclasses.field(default_factory=dict)
