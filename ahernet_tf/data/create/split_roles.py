"""Makes the dataset.json of a class split: which files and videos play which role."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from ahernet_tf.data.annotations.activitynet import parse_annotations
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.checks import DataReport, overshoot_tolerance_sec
from ahernet_tf.data.create.class_splits import ClassSplit
from ahernet_tf.data.features.feature_sets import expand
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.spelling import subset_name

PARTS = ("untrimmed", "moments", "test")


@dataclasses.dataclass(frozen=True)
class RoleFiles:
    """Files of each role, as seen from the working directory.

    Attributes:
        annotations: Annotation JSON by part, one of `PARTS`; a part without one has
            that of the part before it.
        features: Path of the features by part, likewise.
        layout: Further fields of their `features` entries, such as `preset` or
            `clip_frames`.
        training_subset: Subset of untrimmed videos, moments and oracle.
        test_subset: Subset of the test videos; empty: there is no test.
    """

    annotations: Mapping[str, pathlib.Path]
    features: Mapping[str, str] = dataclasses.field(default_factory=dict)
    layout: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    training_subset: str = "training"
    test_subset: str = "validation"

    def annotations_of(self, part: str) -> pathlib.Path:
        """Returns the annotation file of a part."""
        return self._of(self.annotations, part)

    def features_of(self, part: str, directory: pathlib.Path) -> dict[str, Any]:
        """Returns the `features` entry of a part for a dataset.json in `directory`."""
        entry = {
            **self.layout,
            "path": relative(self._of(self.features, part), directory),
        }
        if "covered_durations" in entry:
            entry["covered_durations"] = relative(entry["covered_durations"], directory)
        return entry

    def read(
        self, skip_bad: bool
    ) -> tuple[dict[pathlib.Path, dict[str, Video]], list[DataReport]]:
        """Reads all annotation files.

        Args:
            skip_bad: Leave out faulty videos instead of raising.

        Returns:
            The videos by file, and the report of each file.

        Raises:
            DataError: A file is faulty.
            ValueError: A file spells a subset otherwise.
        """
        videos, reports = {}, []
        for path in dict.fromkeys(self.annotations.values()):
            videos[path], report = parse_annotations(path)
            report.require_clean(skip_bad)
            reports.append(report)
        for part in PARTS:
            flag = "test" if part == "test" else "training"
            subset = self.test_subset if part == "test" else self.training_subset
            path = self.annotations_of(part)
            there = {video.subset for video in videos[path].values()}
            near = [s for s in there if subset_name(s) == subset_name(subset)]
            if subset and near and subset not in there:
                raise ValueError(
                    f"{path}: no video is of the subset '{subset}', but of "
                    f"'{min(near)}': give --{flag}_subset {min(near)}"
                )
        return videos, reports

    def check(self) -> None:
        """Looks for the features and at their layout.

        Raises:
            ValueError: A path does not exist, or the time model makes no sense.
        """
        for path in self.features.values():
            if not pathlib.Path(path).exists():
                raise ValueError(f"{path}: does not exist.")
        TimeModel.from_spec(expand({**self.layout, "path": ""}))

    @staticmethod
    def _of(files: Mapping[str, Any], part: str) -> Any:
        parts = PARTS[: PARTS.index(part) + 1]
        return next(files[name] for name in reversed(parts) if name in files)


def dataset_json(
    split: ClassSplit,
    files: RoleFiles,
    videos: Mapping[pathlib.Path, Mapping[str, Video]],
    directory: pathlib.Path,
) -> dict[str, Any]:
    """Returns what dataset.json holds.

    Args:
        split: Source and target classes.
        files: What plays which role.
        videos: Videos of each annotation file, by id.
        directory: Where dataset.json will lie.

    Raises:
        ValueError: A role has no video, or `RoleFiles.check` raises.
    """
    files.check()

    def role(part: str, subset: str, classes: Collection[str]) -> dict[str, Any]:
        path = files.annotations_of(part)
        of_subset = [v for v in videos[path].values() if v.subset == subset]
        if not any(i.label in set(classes) for v in of_subset for i in v.instances):
            subsets = sorted({v.subset for v in videos[path].values()})
            raise ValueError(
                f"{path}: no video of subset '{subset}' has a class of role '{part}'; "
                f"the subsets are {subsets}."
            )
        return {
            "annotations": relative(path, directory),
            "subset": subset,
            "classes": list(classes),
            "features": files.features_of(part, directory),
        }

    training = files.training_subset
    content: dict[str, Any] = {
        "name": directory.resolve().name,
        "ignored_classes": ignored_classes(split, videos),
        "untrimmed": role("untrimmed", training, split.source),
    }
    moments = role("moments", training, split.target)
    one_file = files.annotations_of("moments") == files.annotations_of("untrimmed")
    trimmed = not one_file and are_trimmed(
        videos[files.annotations_of("moments")].values(), training
    )
    if trimmed:
        content["moments"] = moments
    else:
        content["oracle"] = moments
        content["moments"] = {"from": "untrimmed annotations", **moments}
        if one_file:  # what is not said is taken over from untrimmed
            content["moments"] = {
                name: content["moments"][name] for name in ("from", "classes")
            }
    if files.test_subset:
        content["test"] = role("test", files.test_subset, split.target)
    return content


def are_trimmed(videos: Collection[Video], subset: str) -> bool:
    """Tells whether each video of a subset is one action from its start to its end."""
    return all(
        len(video.instances) == 1
        and max(
            video.instances[0].start_sec,
            video.duration_sec - video.instances[0].end_sec,
        )
        <= overshoot_tolerance_sec(video.duration_sec)
        for video in videos
        if video.subset == subset
    )


def ignored_classes(
    split: ClassSplit, videos: Mapping[pathlib.Path, Mapping[str, Video]]
) -> list[str]:
    """Returns the classes that files annotate, but the split does not have."""
    labels = {
        i.label for of in videos.values() for v in of.values() for i in v.instances
    }
    return sorted(labels - set(split.source) - set(split.target))


def relative(path: str | pathlib.Path, directory: pathlib.Path) -> str:
    """Returns a path as seen from a directory."""
    return os.path.relpath(pathlib.Path(path).resolve(), directory.resolve())
