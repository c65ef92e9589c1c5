"""A data set: a directory with a dataset.json that names its parts."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ahernet_tf.config import Config, DataConfig
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.checks import DataError, DataReport
from ahernet_tf.data.description import DESCRIPTION
from ahernet_tf.data.features.extractors import (
    Extractor,
    common_extractor,
    extractor_of,
)
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.loading import load
from ahernet_tf.data.packed.packed_data import place_of
from ahernet_tf.data.roles import Role

__all__ = ["DataError", "Dataset", "Role"]


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
        extractor: The network the features came from, where they tell; see
            `extractors`.
    """

    name: str
    directory: pathlib.Path
    source_classes: tuple[str, ...]
    target_classes: tuple[str, ...]
    feature_channels: int
    roles: dict[str, Role] = dataclasses.field(repr=False)
    report: DataReport = dataclasses.field(repr=False)
    config: DataConfig = dataclasses.field(repr=False)
    cache: SequenceCache = dataclasses.field(repr=False)
    extractor: Extractor | None = dataclasses.field(default=None, repr=False)
    _test_pool: Role | None = dataclasses.field(default=None, repr=False)
    _groups: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        directory: str | pathlib.Path,
        config: DataConfig | Config,
        skip_bad: bool = False,
        check_features: str = "all",
        packed: str | pathlib.Path | bool = True,
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
            config: Options of the data; or a whole configuration, which has them.
            skip_bad: Leave out faulty videos instead of raising.
            check_features: "all" reads every sequence once to find NaN and infinity;
                "shape" looks at the sizes only. Packed features were checked when they
                were packed.
            packed: Where the packed form of the data set lies (see
                `data_tools.pack`). By default `packed` beside dataset.json, if it is
                there. It is then read instead of the features. False: never.

        Raises:
            TypeError: `config` is neither.
            DataError: One report of everything that is wrong; with `skip_bad` only
                where leaving out videos does not help. Or the packed form is damaged or
                does not belong to the data set any more.
        """
        directory = pathlib.Path(directory)
        config = config.data if isinstance(config, Config) else config
        if not isinstance(config, DataConfig):
            raise TypeError(f"Expected a Config or DataConfig, received {config!r:.80}")
        place = place_of(directory, packed)
        data = load(place.directory, config, skip_bad or place.skip_bad, check_features)
        data.report.counts.update(place.counts)
        entries = {n: role.features for n, role in data.description.roles.items()}
        return cls(
            name=data.description.name,
            directory=directory,
            source_classes=data.roles["untrimmed"].classes,
            target_classes=data.roles["moments"].classes,
            feature_channels=data.channels,
            roles=data.roles,
            report=data.report,
            config=config,
            cache=data.cache,
            extractor=common_extractor(
                entries, lambda path: extractor_of(place.directory / path)
            ),
            _test_pool=data.test_pool,
            _groups=data.groups,
        )

    @property
    def extraction(self) -> dict[str, Any]:
        """How the untrimmed videos' features were made, as far as it is known.

        `extractor`, `clip_frames` and `stride_frames`; `fps`, where videos were brought
        to one rate first.
        """
        time_model = self.roles["untrimmed"].time_model
        return {
            "extractor": self.extractor,
            "clip_frames": time_model.clip_frames,
            "stride_frames": time_model.stride_frames,
            "fps": time_model.fps if time_model.resampled else None,
        }

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
        role = self._test_pool.with_videos(videos)
        return dataclasses.replace(role, name="test", classes=tuple(classes))

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
                out = [self.group(video) in held for video in role.videos]
                if all(out):
                    raise DataError(f"{self.name}: all {name} are of held-out groups")
                roles[name] = role.select(np.flatnonzero(np.logical_not(out)))
        out = [self.group(video) in held for video in untrimmed.videos]
        validation = untrimmed.select(np.flatnonzero(out))
        validation = dataclasses.replace(validation, name="validation")
        return dataclasses.replace(self, roles=roles), validation

    def with_fraction(self, role: str, fraction: float, seed: int) -> Dataset:
        """Keeps a random part of a role's videos.

        The videos of a smaller part are among those of a larger one of the same seed.

        Args:
            role: Such as "oracle".
            fraction: Part to keep, above 0 and at most 1; at least one video stays.
            seed: Of the choice.

        Raises:
            DataError: The fraction is out of range, or there is no such role.
        """
        if not 0 < fraction <= 1:
            raise DataError(f"{self.name}: cannot keep {fraction} of the {role} videos")
        videos = self.role(role)
        count = len(videos.videos)
        order = np.random.Generator(np.random.Philox(seed)).permutation(count)
        kept = np.sort(order[: max(1, round(fraction * count))])
        return dataclasses.replace(self, roles=self.roles | {role: videos.select(kept)})

    def group(self, video: Video) -> str:
        """Returns the group of a video: its own, or that of the video it is from."""
        return group_of(video, self._groups)


def group_of(video: Video, groups: Mapping[str, str]) -> str:
    """Returns the group of a video: its own, or that of the video it is from.

    Args:
        video: Any video.
        groups: Groups of the annotated untrimmed videos, by id. A moment is from the
            one whose id its own begins with.
    """
    if video.group is not None:
        return f"group {video.group}"
    parts = video.id
    while parts:
        if parts in groups:
            return groups[parts]
        parts = _without_last_part(parts)
    return f"video {video.id}"


def _without_last_part(text: str) -> str:
    """Cuts an id before its last `_`, `-`, `.` or `:`; "" where it has none."""
    return text[: max(text.rfind(mark) for mark in "_-.:")] if text else ""
