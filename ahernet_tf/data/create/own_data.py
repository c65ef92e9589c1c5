"""Reads annotations and features of one's own, and writes the files of a data set."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.class_folders import read_class_folders
from ahernet_tf.data.annotations.companion_files import read_video_facts
from ahernet_tf.data.annotations.forms import read_form
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.own_inputs import OwnInputs
from ahernet_tf.data.create.own_layout import complete_layout, layout_of_moments
from ahernet_tf.data.create.own_roles import (
    ANNOTATIONS,
    MOMENTS,
    TEST,
    TRAINING,
    OwnRoles,
)
from ahernet_tf.data.create.video_facts import FactsOfFeatures, read_video_files
from ahernet_tf.data.features.feature_entries import (
    entry_at,
    transposed_hint,
)
from ahernet_tf.data.features.feature_sets import expand
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel

_TEST_SUBSETS = ("validation", "test", "testing")


class Maker:
    """Reads the inputs and writes the annotation files of one data set.

    Args:
        directory: Where the files go.
        inputs: What the data set is made of.
        ask: Asks the user for a number that is not known; None: an error.

    Attributes:
        report: What the annotation files get wrong.

    Raises:
        ValueError: A number is not known, or video files cannot be read.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        inputs: OwnInputs,
        ask: Callable[[str], str] | None,
    ) -> None:
        self.report = checks.DataReport()
        self._directory = directory
        self._inputs = inputs
        self._facts: dict[str, VideoFacts] = {}
        for path in inputs.videos:
            self._facts |= read_video_files(path)
        for path in inputs.video_info:
            encoding = inputs.reading.get("encoding")
            self._facts |= read_video_facts(path, self.report, encoding)
        self._layout = complete_layout(
            inputs.layout,
            inputs.features,
            inputs.class_folders(),
            bool(self._facts) or _states_rates(inputs),
            ask,
        )

    def content(self, name: str) -> dict[str, Any] | None:
        """Writes the annotation files and returns what dataset.json holds.

        Returns:
            None where the annotations cannot be used; the report says why.

        Raises:
            ValueError: The classes do not make a data set.
        """
        videos, moments = self._untrimmed(), self._moments()
        clips = {moment.rpartition("/")[2] for moment in moments}
        both = sum(v.subset == TEST and v.id in clips for v in videos.values())
        if both:
            self.report.counts["test videos that clips of moments are called as"] += (
                both
            )
        roles = OwnRoles(
            self._inputs,
            self._layout,
            self._directory,
            videos.values(),
            moments.values(),
        )
        for fault in roles.faults() if self._inputs.segments else ():
            self.report.add(self._inputs.segments.name, None, fault, fatal=True)
        if any(problem.fatal for problem in self.report.problems):
            return None
        write_annotations(self._directory / ANNOTATIONS, videos)
        if moments:
            write_annotations(self._directory / MOMENTS, moments)
        return roles.content(name)

    def _untrimmed(self) -> dict[str, Video]:
        """Reads the annotations of the untrimmed videos."""
        path = self._inputs.segments
        if path is None:
            return {}
        known = self._facts_of_features()
        options = ReadOptions(
            facts=known,
            left_out=known.faults,
            subset=TRAINING,
            ignored_labels=(),
            fps=None if self._layout.get("resampled") else self._layout.get("fps"),
            strict=True,
        )
        options = dataclasses.replace(options, **self._inputs.reading)
        report = checks.DataReport()
        videos, form = read_form(path, report, options)
        if report.problems and (what := self._turned_fault(known)):
            self.report.add(self._inputs.features.name, None, what, fatal=True)
            return {}  # all times are wrong
        self.report.merge(report)
        if form != "csv":
            self.report.counts[f"{path.name}: videos read as {form}"] += len(videos)
        if known.faults and not known.found:
            what = known.nothing_found()
            self.report.add(self._inputs.features.name, None, what, fatal=True)
            return {}
        for video_id, fault in known.faults.items():
            self.report.add(self._inputs.features.name, video_id, fault)
            videos.pop(video_id, None)
        for video_id in known.frames_covered & set(videos):
            videos[video_id] = dataclasses.replace(videos[video_id], frames=None)
        return self._parted(videos)

    def _facts_of_features(self) -> FactsOfFeatures:
        """Takes what the features cover, or say of themselves, for each video."""
        path = self._inputs.features
        spec = expand(entry_at(path.name, self._layout))
        store = open_features(path.parent, spec)
        model = TimeModel.from_spec({**store.description, **spec})
        return FactsOfFeatures(store, model, self._facts)

    def _parted(self, videos: dict[str, Video]) -> dict[str, Video]:
        """Returns the videos as those to train and those to test on."""
        parted = {}
        for video_id, video in videos.items():
            if video.subset == TRAINING:
                parted[video_id] = video
            elif video.subset in _TEST_SUBSETS:
                parted[video_id] = dataclasses.replace(video, subset=TEST)
            else:
                what = f"subset '{video.subset}': expected {TRAINING}, or of a video "
                what += f"to test on {', '.join(_TEST_SUBSETS)}"
                self.report.add(self._inputs.segments.name, video_id, what)
        return parted

    def _moments(self) -> dict[str, Video]:
        """Reads the folders of the classes."""
        if self._inputs.moments is None:
            return {}
        model = TimeModel.from_spec(expand({"path": "", **self._layout}))
        if model.covers != "clips":
            raise ValueError(
                "--moments: how long a clip lasts follows from its features, which "
                "needs features that were not resized"
            )
        options = ReadOptions(facts=self._facts, subset=TRAINING, ignored_labels=())
        layout = self._layout_of_moments()
        path = self._inputs.moments
        return read_class_folders(path, self.report, options, model, layout)

    def _layout_of_moments(self) -> dict[str, Any]:
        """Returns the fields of the features of the moments."""
        folders = self._inputs.class_folders()
        turned = self._inputs.transposed_moments
        return layout_of_moments(self._layout, folders, turned)

    def _turned_fault(self, known: FactsOfFeatures) -> str | None:
        """Says that the features of the videos look transposed, or returns None."""
        shapes, folders = list(known.shapes.values()), self._inputs.class_folders()
        if not shapes:
            return None
        moment = shapes[0]
        if folders:
            entry = entry_at(folders[0].name, self._layout_of_moments())
            with contextlib.suppress(OSError, ValueError):  # said as they are read
                store = open_features(folders[0].parent, entry)
                moment = next(map(store.shape, sorted(store.ids())), moment)
        expected, turned = moment[1], bool(self._layout.get("transposed"))
        hint = transposed_hint(shapes, expected, turned)
        hint = hint or transposed_hint([*shapes, moment], expected, turned)
        widths = ", ".join(map(str, sorted({shape[1] for shape in shapes})[:3]))
        return hint and f"the videos have {widths} channels, expected {expected}{hint}"


def _states_rates(inputs: OwnInputs) -> bool:
    """Tells whether annotations state frame rates, and no clips need any."""
    if inputs.segments is None or inputs.moments is not None:
        return False
    if inputs.layout.get("fps") is not None:
        return False
    options = ReadOptions(keep_empty=True, **inputs.reading)
    videos, _ = read_form(inputs.segments, checks.DataReport(), options)
    return any(video.fps for video in videos.values())
