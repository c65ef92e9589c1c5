"""The roles that videos of one's own play: which classes, which files."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ahernet_tf import spelling
from ahernet_tf.data.annotations.activitynet import parse_annotations
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.own_inputs import OwnInputs
from ahernet_tf.data.create.own_layout import layout_of_moments
from ahernet_tf.data.features.feature_entries import entry_at, with_paths
from ahernet_tf.files import read_json

TRAINING, TEST = "training", "test"
ANNOTATIONS, MOMENTS = "annotations.json", "moments.json"


class OwnRoles:
    """Parts the classes of videos and moments into roles.

    Args:
        inputs: What the data set is made of.
        layout: Fields of the `features` entries.
        directory: Where dataset.json will lie.
        videos: The untrimmed videos, of the subsets `TRAINING` and `TEST`.
        moments: The trimmed clips.
    """

    def __init__(
        self,
        inputs: OwnInputs,
        layout: Mapping[str, Any],
        directory: pathlib.Path,
        videos: Iterable[Video],
        moments: Iterable[Video],
    ) -> None:
        self._inputs, self._layout, self._directory = inputs, layout, directory
        self._ignored = set(inputs.ignored_classes)
        videos = list(videos)
        self._training = _labels(v for v in videos if v.subset == TRAINING)
        self._test = _labels(v for v in videos if v.subset == TEST)
        self._target = _labels(moments) or set(inputs.target_classes)

    def faults(self) -> Iterator[str]:
        """Yields what is wrong with the classes: near spellings, classes in no role."""
        labels = self._training | self._test
        inputs, table = self._inputs, "in the table"
        if inputs.moments is None:
            pairs = spelling.near_pairs(self._target, labels)
            said = spelling.said_of_pairs(pairs, "in --target_classes", table)
        else:
            pairs = spelling.near_pairs(labels - self._ignored, self._target)
            where = f"among the folders of {inputs.moments.name}"
            said = spelling.said_of_pairs(pairs, table, where)
        if pairs:
            yield f"classes are spelt differently: {said}"
        if unknown := sorted(self._ignored - labels):
            yield f"--ignored_classes: no action is of {unknown}"
        near = {label for label, _ in pairs}
        lost = sorted(self._test - self._training - self._target - self._ignored - near)
        if lost and inputs.source is None:
            yield (
                f"test videos have actions of {lost}, which no training video and no "
                "moment shows: name them as --ignored_classes if that is meant"
            )

    def content(self, name: str) -> dict[str, Any]:
        """Returns what dataset.json holds.

        Raises:
            ValueError: The classes do not make a data set.
        """
        target, ignored = self._target, set(self._ignored)
        training, test = self._training - ignored, self._test - ignored
        content: dict[str, Any] = {"name": name, "ignored_classes": []}
        if self._inputs.source is not None:
            content["untrimmed"], others = self._from_source(target | training | test)
            ignored |= others
        else:
            content["untrimmed"] = self._role(TRAINING, training - target)
            if not content["untrimmed"]["classes"]:
                raise ValueError(
                    f"{self._inputs.segments}: every class of the training videos is "
                    "to be learnt from moments; none is left with annotations"
                )
        content["moments"] = self._moments(training)
        for role, subset, labels in (
            ("test", TEST, test & target),
            ("oracle", TRAINING, training & target),
        ):
            if labels:
                content[role] = self._role(subset, labels)
        source = set(content["untrimmed"]["classes"])
        ignored |= (training | test) - target - source
        content["ignored_classes"] = sorted(ignored)
        return content

    def _role(self, subset: str, classes: set[str]) -> dict[str, Any]:
        """Returns a role of the videos of the table."""
        path = _relative(self._inputs.features, self._directory)
        return {
            "annotations": ANNOTATIONS,
            "subset": subset,
            "classes": sorted(classes),
            "features": entry_at(path, dict(self._layout)),
        }

    def _moments(self, training: set[str]) -> dict[str, Any]:
        """Returns the role of the moments."""
        if self._inputs.moments is None:
            missing = sorted(self._target - training)
            if missing:
                raise ValueError(
                    f"{self._inputs.segments}: no training video has an action of "
                    f"{missing}, to be learnt from moments"
                )
            role = self._role(TRAINING, self._target)
            if self._inputs.source is not None:  # else they are those of untrimmed
                return {"from": "untrimmed annotations", **role}
            return {"from": "untrimmed annotations", "classes": role["classes"]}
        folders = self._inputs.class_folders()
        turned = self._inputs.transposed_moments
        paths = [_relative(folder, self._directory) for folder in folders]
        return {
            "annotations": MOMENTS,
            "subset": TRAINING,
            "classes": sorted(self._target),
            "features": entry_at(
                paths, layout_of_moments(self._layout, folders, turned)
            ),
        }

    def _from_source(self, other: set[str]) -> tuple[dict[str, Any], set[str]]:
        """Takes the untrimmed videos of another data set.

        Returns:
            The role, and the classes that its videos have beside those of the role.

        Raises:
            ValueError: It has none, or a class of ours.
        """
        directory = self._inputs.source
        path = directory / "dataset.json"
        try:
            role = dict(read_json(path)["untrimmed"])
            features, annotations = dict(role["features"]), role["annotations"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: has no role 'untrimmed' ({error})") from error
        both = sorted(set(role["classes"]) & other)
        if both:
            raise ValueError(f"{path}: has classes of yours as well: {both}")
        if near := spelling.near_pairs(other, role["classes"]):
            said = spelling.said_of_pairs(near, "of yours", "of its own")
            raise ValueError(f"{path}: classes are spelt differently: {said}")
        videos, _ = parse_annotations(directory / annotations)
        role["annotations"] = _relative(directory / annotations, self._directory)
        role["features"] = with_paths(
            features, lambda name: _relative(directory / name, self._directory)
        )
        return role, _labels(videos.values()) - set(role["classes"]) - other


def _labels(videos: Iterable[Video]) -> set[str]:
    """Returns the classes of some videos' actions."""
    return {instance.label for video in videos for instance in video.instances}


def _relative(path: pathlib.Path, directory: pathlib.Path) -> str:
    """Returns a path as seen from a directory."""
    return os.path.relpath(path.resolve(), directory.resolve())
