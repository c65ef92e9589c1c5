"""Makes the files of a data set of one's own annotations and features."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import parse_annotations, write_annotations
from ahernet_tf.data.annotations.class_folders import read_class_folders
from ahernet_tf.data.annotations.forms import read_form
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.video_facts import FactsOfFeatures, read_video_files
from ahernet_tf.data.features.feature_entries import entry_at, with_paths
from ahernet_tf.data.features.feature_sets import expand
from ahernet_tf.data.features.feature_store import read_descriptions
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel

TRAINING, TEST = "training", "test"
TIMING = ("clip_frames", "stride_frames", "fps")
_QUESTIONS = {
    "clip_frames": "How many frames does a clip see? ",
    "stride_frames": "How many frames is it from one clip to the next? ",
    "fps": "How many frames a second did the features see? ",
}


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What the data set is made of.

    Attributes:
        segments: Table of the untrimmed videos' actions.
        features: Features of these videos.
        moments: Directory with a folder a class.
        source: Another data set, whose untrimmed videos are taken.
        videos: Directory of the video files, for their durations and frame rates.
        target_classes: Classes of the table to be learnt from moments.
        layout: Fields of a `features` entry of dataset.json, such as `preset`,
            `template`, `clip_frames`, `stride_frames`, `fps`.
    """

    segments: pathlib.Path | None = None
    features: pathlib.Path | None = None
    moments: pathlib.Path | None = None
    source: pathlib.Path | None = None
    videos: pathlib.Path | None = None
    target_classes: tuple[str, ...] = ()
    layout: dict[str, Any] = dataclasses.field(default_factory=dict)


def check_inputs(inputs: Inputs) -> None:
    """Refuses inputs that do not make a data set.

    Raises:
        ValueError: Says what to give.
    """
    if (inputs.segments is None) != (inputs.features is None):
        raise ValueError("--segments and --features go together")
    if inputs.segments is None and inputs.target_classes:
        raise ValueError("--target_classes are classes of --segments, give those, too")
    if inputs.segments is None and inputs.source is None:
        raise ValueError(
            "a data set needs untrimmed videos with annotations: give --segments and "
            "--features, or another data set as --source"
        )
    if inputs.moments is None and not inputs.target_classes:
        raise ValueError(
            "a data set needs classes to learn from moments: give --moments, a folder "
            "a class, or --target_classes"
        )
    if inputs.moments is not None and inputs.target_classes:
        raise ValueError("--moments and --target_classes exclude one another")
    for path in (inputs.segments, inputs.features, inputs.moments, inputs.videos):
        if path is not None and not path.exists():
            raise ValueError(f"{path}: does not exist")


class Maker:
    """Reads the inputs and writes the annotation files of one data set.

    Attributes:
        report: What the annotation files get wrong.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        inputs: Inputs,
        ask: Callable[[str], str] | None,
    ) -> None:
        """Works out the time model.

        Args:
            directory: Where the files go.
            inputs: What the data set is made of.
            ask: Asks the user for a number that is not known; None: an error.

        Raises:
            ValueError: A number is not known, or video files cannot be read.
        """
        self.report = checks.DataReport()
        self._directory = directory
        self._inputs = inputs
        self._facts: dict[str, VideoFacts] = {}
        if inputs.videos is not None:
            self._facts = read_video_files(inputs.videos)
        self._layout = self._complete_layout(ask)

    def content(self, name: str) -> dict[str, Any]:
        """Writes the annotation files and returns what dataset.json holds.

        Raises:
            ValueError: The classes do not make a data set.
        """
        videos, moments = self._untrimmed(), self._moments()
        in_training = _labels(v for v in videos.values() if v.subset == TRAINING)
        in_test = _labels(v for v in videos.values() if v.subset == TEST)
        target = _labels(moments.values()) or set(self._inputs.target_classes)
        content: dict[str, Any] = {"name": name, "ignored_classes": []}
        if self._inputs.source is not None:
            content |= self._from_source(target | in_training | in_test)
        else:
            content["untrimmed"] = self._role(TRAINING, in_training - target)
            if not content["untrimmed"]["classes"]:
                raise ValueError(
                    f"{self._inputs.segments}: every class of the training videos is "
                    "to be learnt from moments; none is left with annotations"
                )
        content["moments"] = self._moments_role(target, in_training)
        for role, subset, labels in (
            ("test", TEST, in_test),
            ("oracle", TRAINING, in_training),
        ):
            if labels & target:
                content[role] = self._role(subset, labels & target)
        source = set(content["untrimmed"]["classes"])
        content["ignored_classes"] += sorted((in_training | in_test) - target - source)
        return content

    def _role(self, subset: str, classes: set[str]) -> dict[str, Any]:
        """Returns a role of the videos of the table."""
        return {
            "annotations": "annotations.json",
            "subset": subset,
            "classes": sorted(classes),
            "features": entry_at(
                _relative(self._inputs.features, self._directory), self._layout
            ),
        }

    def _moments_role(self, target: set[str], in_training: set[str]) -> dict[str, Any]:
        """Returns the role of the moments."""
        if self._inputs.moments is None:
            missing = sorted(target - in_training)
            if missing:
                raise ValueError(
                    f"{self._inputs.segments}: no training video has an action of "
                    f"{missing}, to be learnt from moments"
                )
            role = self._role(TRAINING, target)
            if self._inputs.source is not None:  # else they are those of untrimmed
                return {"from": "untrimmed annotations", **role}
            return {"from": "untrimmed annotations", "classes": role["classes"]}
        folders = _folders(self._inputs.moments)
        paths = [_relative(folder, self._directory) for folder in folders]
        return {
            "annotations": "moments.json",
            "subset": TRAINING,
            "classes": sorted(target),
            "features": entry_at(paths, self._layout_of_moments(folders)),
        }

    def _layout_of_moments(self, folders: list[pathlib.Path]) -> dict[str, Any]:
        """Returns what of the features' layout holds for the moments, too.

        Parts do where the first class has such parts; a template does not.
        """
        layout = expand({"path": "", **self._layout})
        names = [*TIMING, "resampled", "array", "transposed", "follow_links", "parts"]
        kept = {name: layout[name] for name in names if name in layout}
        if "parts" in kept:
            first = entry_at(folders[0].name, kept)
            with contextlib.suppress(ValueError):
                if len(open_features(folders[0].parent, first)):
                    return kept
            del kept["parts"]
        return kept

    def _untrimmed(self) -> dict[str, Video]:
        """Reads the table of segments and writes it as annotations.json."""
        if self._inputs.segments is None:
            return {}
        of_features = self._facts_of_features()
        options = ReadOptions(
            facts=collections.ChainMap(self._facts, of_features),
            subset=TRAINING,
            ignored_labels=(),
            strict=True,
        )
        videos, _ = read_form(self._inputs.segments, self.report, options)
        for name, fault in of_features.faults.items():
            self.report.add(self._inputs.features.name, name, fault)
        for name, video in videos.items():
            if video.subset != TRAINING:
                videos[name] = dataclasses.replace(video, subset=TEST)
        write_annotations(self._directory / "annotations.json", videos)
        return videos

    def _moments(self) -> dict[str, Video]:
        """Reads the folders of the classes and writes them as moments.json."""
        if self._inputs.moments is None:
            return {}
        model = TimeModel.from_spec(expand({"path": "", **self._layout}))
        if model.covers != "clips":
            raise ValueError(
                "--moments: how long a clip lasts follows from its features, which "
                "needs features that were not resized"
            )
        options = ReadOptions(subset=TRAINING)
        path = self._inputs.moments
        layout = self._layout_of_moments(_folders(path))
        videos = read_class_folders(path, self.report, options, model, layout)
        write_annotations(self._directory / "moments.json", videos)
        return videos

    def _complete_layout(self, ask: Callable[[str], str] | None) -> dict[str, Any]:
        """Finds out what the times of the features follow from, or asks for it."""
        layout = dict(self._inputs.layout)
        known = expand({"path": "", **layout})
        own = read_descriptions([self._inputs.features])
        of_moments = read_descriptions(_folders(self._inputs.moments))
        known = {**of_moments, **own, **known}
        if known.get("covers", "clips") == "duration":
            return layout
        for name in TIMING:
            value = known.get(name)
            by_video = name == "fps" and (self._facts or "videos" in own)
            if self._inputs.moments is not None:  # each of them needs a rate as well
                by_video = name == "fps" and "videos" in of_moments
            if value is None and by_video:
                continue
            if value is None and ask is not None:
                value = _number(ask(_QUESTIONS[name]), name)
            if value is None:
                more = ", or --videos" if name == "fps" else ""
                raise ValueError(f"{name} is not known: give --{name}{more}")
            layout[name] = value
        if known.get("resampled"):
            layout["resampled"] = True
        return layout

    def _facts_of_features(self) -> FactsOfFeatures:
        """Takes what the features cover, or say of themselves, for each video."""
        path = self._inputs.features
        spec = expand(entry_at(path.name, self._layout))
        store = open_features(path.parent, spec)
        model = TimeModel.from_spec({**store.description, **spec})
        return FactsOfFeatures(store, model)

    def _from_source(self, other: set[str]) -> dict[str, Any]:
        """Takes the untrimmed videos of another data set.

        Raises:
            ValueError: It has none, or a class of ours.
        """
        directory = self._inputs.source
        path = directory / "dataset.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            role = dict(content["untrimmed"])
            features, annotations = dict(role["features"]), role["annotations"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: has no role 'untrimmed' ({error})") from error
        both = sorted(set(role["classes"]) & other)
        if both:
            raise ValueError(f"{path}: has classes of yours as well: {both}")
        videos, _ = parse_annotations(directory / annotations)
        labels = {i.label for v in videos.values() for i in v.instances}
        features = with_paths(
            features, lambda name: _relative(directory / name, self._directory)
        )
        role["annotations"] = _relative(directory / annotations, self._directory)
        return {
            "untrimmed": {**role, "features": features},
            "ignored_classes": sorted(labels - set(role["classes"]) - other),
        }


def _folders(path: pathlib.Path | None) -> list[pathlib.Path]:
    """Returns the folders of the classes, or none."""
    return [] if path is None else sorted(p for p in path.iterdir() if p.is_dir())


def _labels(videos: Iterable[Video]) -> set[str]:
    """Returns the classes of some videos' actions."""
    return {instance.label for video in videos for instance in video.instances}


def _number(text: str, name: str) -> float | int:
    """Converts an answer.

    Raises:
        ValueError: It is no number.
    """
    try:
        return float(text) if name == "fps" else int(text)
    except ValueError as error:
        raise ValueError(f"{name}: expected a number, received {text!r}") from error


def _relative(path: pathlib.Path, directory: pathlib.Path) -> str:
    """Returns a path as seen from a directory."""
    return os.path.relpath(path.resolve(), directory.resolve())
