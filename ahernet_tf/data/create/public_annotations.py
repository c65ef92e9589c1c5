"""Recognises the public annotation files of the paper's data sets, and reads them.

People keep these files under many names. A file is known by what is in it: JSON with
a `database`, BSN's JSON, tables of segments, of clips or of videos, THUMOS14's
directory of text files, the 2020 release's list of Kinetics-600 validation, and lists
of class names. Which data set it annotates follows from its labels.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import pathlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import tqdm

from ahernet_tf import files
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.activitynet_classes import SOURCE_87, TARGET_113
from ahernet_tf.data.annotations.collected_videos import UNKNOWN_DURATION
from ahernet_tf.data.annotations.companion_files import read_classes, read_video_facts
from ahernet_tf.data.annotations.forms import read_form
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.table_forms import THUMOS14_CLASSES
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.public_files import (
    FORMS_OF_ANNOTATIONS,
    LISTED_CLASSES,
    public_files,
    public_form,
)
from ahernet_tf.settings import ACTIVITYNET, KINETICS600, THUMOS14, TITLES, Count

_SUBSETS_OF_IDS = {"video_validation_": "validation", "video_test_": "test"}  # THUMOS14


@dataclasses.dataclass(frozen=True)
class AnnotatedSubset:
    """What a file holds of a subset.

    Attributes:
        path: The file.
        videos: Sound videos that have an action, by id.
        report: What was mended or left out while this subset was read.
        dropped: Instances that were left out.
        unusable: Videos that were left out, as no action of theirs was left.
        taxonomy: Of the classes, where the file has one.
        others: Further files that hold videos of the subset, not used.
    """

    path: pathlib.Path
    videos: dict[str, Video]
    report: checks.DataReport
    dropped: int
    unusable: int
    taxonomy: Any
    others: tuple[pathlib.Path, ...] = ()

    def lacks_durations(self) -> bool:
        """Tells whether it is not known of some videos how long they are."""
        return any(what.endswith(UNKNOWN_DURATION) for what in self.report.counts)


class PublicAnnotations:
    """The annotation files that a user has; other files beside them do not matter."""

    def __init__(self, paths: Iterable[str | pathlib.Path]) -> None:
        """Looks at files, and at what lies in directories.

        Raises:
            ValueError: A path does not exist, or a table of videos is faulty.
        """
        self._forms: dict[pathlib.Path, str] = {}
        self._tables: dict[pathlib.Path, dict[str, VideoFacts]] = {}
        self._classes: tuple[str, ...] = ()
        for path in public_files(paths):
            form = public_form(path)
            if form == "facts":
                report = checks.DataReport()
                self._tables[path] = read_video_facts(path, report)
                report.require_clean()
            elif form == "classes" and not self._classes:
                self._classes = read_classes(path)
            elif form in FORMS_OF_ANNOTATIONS:
                self._forms[path] = form

    def subset(
        self, count: Count, more_facts: Mapping[str, VideoFacts] | None = None
    ) -> AnnotatedSubset:
        """Reads the videos of a subset from the file that holds most of them.

        Args:
            count: Which subset.
            more_facts: What is known of videos beside the files' own tables.

        Raises:
            ValueError: No file holds it, or the file is faulty.
        """
        found = {}
        bar = tqdm.tqdm(self._forms, "reading annotations", leave=False, delay=1.0)
        for path in bar:
            reading = self._reading(path)
            ids = {i for i in reading.videos if _is_of(reading, i, count)}
            if ids:
                found[path] = ids
        if not found:
            raise ValueError(self._absence(count))
        path = max(found, key=lambda file: len(found[file]))
        whole = self._reading(path)
        exclude = frozenset(set(whole.videos) - found[path])
        reading = whole
        if exclude or more_facts:
            facts = {**(more_facts or {}), **whole.facts}
            reading = self._read(path, exclude, facts)
        reading.report.require_clean(skip_bad=True)
        videos = {i: v for i, v in reading.videos.items() if i in found[path]}
        if any(v.subset != count.subset for v in videos.values()):
            videos = {i: _with_subset(v, count.subset) for i, v in videos.items()}
        kept = {i: v for i, v in videos.items() if v.instances}
        return AnnotatedSubset(
            path=path,
            videos=kept,
            report=reading.report,
            dropped=_dropped(reading.report),
            unusable=len(videos) - len(kept),
            taxonomy=whole.taxonomy,
            others=tuple(other for other in found if other != path),
        )

    def _respelt(self, video: Video) -> Video:
        """Returns a video with its labels as Kinetics-600's list spells them."""
        labels = [self._spelling(i.label) for i in video.instances]
        if labels == [i.label for i in video.instances]:
            return video
        instances = tuple(
            dataclasses.replace(i, label=label)
            for i, label in zip(video.instances, labels)
        )
        return dataclasses.replace(video, instances=instances)

    @functools.cache  # noqa: B019 (as long as the program runs)
    def _spelling(self, label: str) -> str:
        return self._spellings.get(_plain(label), label)

    @functools.cached_property
    def _spellings(self) -> dict[str, str]:
        return {_plain(name): name for name in self._classes}

    @functools.cache  # noqa: B019 (as long as the program runs)
    def _reading(self, path: pathlib.Path) -> _Reading:
        """Reads all of a file."""
        alone = self._read(path, frozenset(), {})
        facts = self._facts_of(alone.videos)
        if not facts:
            return alone
        return dataclasses.replace(self._read(path, frozenset(), facts), facts=facts)

    def _read(
        self,
        path: pathlib.Path,
        exclude: frozenset[str],
        facts: Mapping[str, VideoFacts],
    ) -> _Reading:
        """Reads a file less some videos."""
        report, form = checks.DataReport(), self._forms[path]
        options = ReadOptions(
            facts=facts,
            classes=self._classes if form == "k600_validation" else (),
            exclude=exclude,
            keep_repeats=True,
            keep_empty=True,
        )
        videos, _ = read_form(path, report, options, form)
        taxonomy = None
        if form == "activitynet":
            taxonomy = files.read_json(path, lambda *_: None).get("taxonomy")
        dataset = self._dataset_of(videos.values())
        if dataset == KINETICS600:
            videos = {i: self._respelt(v) for i, v in videos.items()}
        trimmed = form == "kinetics" or (
            form != "k600_validation" and all(map(_is_moment, videos.values()))
        )
        return _Reading(videos, report, dataset, trimmed, taxonomy, {})

    def _facts_of(self, videos: Collection[str]) -> dict[str, VideoFacts]:
        """Returns the tables that are of some videos; data sets share a few ids."""
        facts: dict[str, VideoFacts] = {}
        for table in self._tables.values():
            known = sum(i in table or f"v_{i}" in table for i in videos)
            if 2 * known >= min(len(videos), len(table)):
                facts |= table
        return facts

    def _dataset_of(self, videos: Iterable[Video]) -> str | None:
        """Finds the data set whose classes most labels are of."""
        labels = {i.label for v in videos for i in v.instances}
        shares = {
            ACTIVITYNET: len(labels & {*SOURCE_87, *TARGET_113}),
            THUMOS14: len(labels & set(THUMOS14_CLASSES)),
            KINETICS600: sum(_plain(label) in self._spellings for label in labels),
        }
        best = max(shares, key=lambda name: shares[name])
        return best if 2 * shares[best] > len(labels) else None

    def _absence(self, count: Count) -> str:
        """Says that no file holds a subset, and what would."""
        expected = {
            (ACTIVITYNET, False): "the official JSON, or BSN's JSON with "
            "video_info_new.csv",
            (THUMOS14, False): "the directory of text files, a table "
            "video,type,start,end or JSON, with a table video,fps,count",
            (KINETICS600, True): "the CSV label,youtube_id,time_start,time_end,split, "
            "or JSON of data_tools.convert_annotations --from class_folders",
            (KINETICS600, False): "the 2020 release's list of id, start, end, class "
            "index",
        }[count.dataset, count.trimmed]
        if count.dataset == KINETICS600 and not self._classes:
            expected += f"; and the list of the {LISTED_CLASSES} classes, one a line"
        read = ", ".join(path.name for path in self._forms) or "none"
        return (
            f"--annotations: no file holds {TITLES[count.dataset]} {count.subset}"
            f"{' clips' if count.trimmed else ''}; expected {expected}. Annotation "
            f"files found: {read}."
        )


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What one file holds, and the tables say of it."""

    videos: dict[str, Video]
    report: checks.DataReport
    dataset: str | None
    trimmed: bool
    taxonomy: Any
    facts: Mapping[str, VideoFacts]


def _is_of(reading: _Reading, video: str, count: Count) -> bool:
    """Tells whether a video of a file is of a subset; without a subset any is."""
    if reading.dataset != count.dataset or reading.trimmed != count.trimmed:
        return False
    named = reading.videos[video].subset
    for prefix, subset in _SUBSETS_OF_IDS.items():
        if count.dataset == THUMOS14 and video.startswith(prefix):
            named = subset
    return named in (count.subset, "")


def _is_moment(video: Video) -> bool:
    """Tells whether a video is one action as a whole."""
    ends = [(i.start_sec, i.end_sec) for i in video.instances]
    return ends == [(0.0, video.duration_sec)]


def _with_subset(video: Video, subset: str) -> Video:
    return dataclasses.replace(video, subset=subset)


def _dropped(report: checks.DataReport) -> int:
    """Counts the instances of the data set's classes that reading left out."""
    return sum(
        number
        for what, number in report.counts.items()
        if "segments" in what and what.endswith("dropped") and "of label" not in what
    )


def _plain(label: str) -> str:
    """Spells a label without what its spellings differ in."""
    return "_".join(re.findall(r"[a-z0-9']+", label.lower()))


def labels_of(videos: Iterable[Video]) -> collections.Counter[str]:
    """Counts the instances of each class."""
    return collections.Counter(i.label for v in videos for i in v.instances)
