"""Length and frame rate of videos, from video files or from clip features."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ahernet_tf import spelling
from ahernet_tf.data import checks
from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.annotations.text_tables import video_name
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.video_headers import (
    VIDEO_SUFFIXES,
    measured_rate,
    stated_duration,
    stated_rate,
    video_stream,
)
from ahernet_tf.files import naming

_LOOKED_AT = 20  # videos, for how sequences are called
_MANY = 5  # sequences of a video, which are its clips then


def read_video_files(directory: pathlib.Path) -> dict[str, VideoFacts]:
    """Reads the headers of all video files in a directory and below, in parallel.

    Returns:
        Duration and average frame rate by file name without its ending; after
        `folder/` where several folders have a file of that name.

    Raises:
        ValueError: There is no video, one cannot be read, or PyAV is not installed.
    """
    files = sorted(
        path
        for path in directory.rglob("*")
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    )
    if not files:
        raise ValueError(f"{directory}: holds no video ({' '.join(VIDEO_SUFFIXES)})")
    facts = checks.in_parallel(_facts, files, "reading video headers")
    stems = collections.Counter(path.stem for path in files)
    names = [
        path.stem if stems[path.stem] == 1 else f"{path.parent.name}/{path.stem}"
        for path in files
    ]
    return dict(zip(names, facts))


class FactsOfFeatures(Mapping[str, VideoFacts]):
    """What a feature store says of videos, else the duration that their clips cover.

    A video is looked at when it is asked for: what nobody annotated is never read.

    Args:
        store: Features of the videos.
        model: Their time model.
        beside: What is known of videos beside the features, such as their rates.

    Attributes:
        faults: Why nothing is known of videos whose features are not there, or cannot
            be read, by id.
        shapes: `(clips, channels)` of the videos that clips were counted of, by id.
        found: How often a video that was asked for has features.
        frames_covered: Videos of no known rate; the frames that their clips cover are
            given in place of a duration.
    """

    def __init__(
        self,
        store: FeatureStore,
        model: TimeModel,
        beside: Mapping[str, VideoFacts] | None = None,
    ) -> None:
        self._store, self._model, self._beside = store, model, beside or {}
        self.frames_covered: set[str] = set()
        self.faults: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, int]] = {}
        self.found = 0

    def __getitem__(self, video: str) -> VideoFacts:
        """Returns the facts of a video; those from beside go first.

        Raises:
            KeyError: Nothing is known of it.
        """
        beside = self._beside.get(video)
        facts = self._of_features(video, beside.fps if beside else None)
        if facts is None and beside is None:
            raise KeyError(video)
        known = facts.known() if facts else {}
        if beside is not None and beside.duration_sec:
            known.pop("covered", None)
        return VideoFacts.of(known | (beside.known() if beside else {}))

    def _of_features(self, video: str, fps: float | None) -> VideoFacts | None:
        """Returns what the features of a video say; why nothing goes to `faults`."""
        found = self._store.find(video)
        if found is None:
            if video.removeprefix("v_") not in self.faults:
                missing = self._store.missing(video)
                self.faults[video.removeprefix("v_")] = missing
            return None
        self.found += 1
        try:
            info = self._store.info(video)
            if info is not None and info.duration_sec:
                return VideoFacts(info.duration_sec, info.frames, info.fps)
            if self._model.covers != "clips":
                return None
            self.shapes[found] = self._store.shape(found)
            clips = self.shapes[found][0]
            if not clips:
                raise ValueError("the sequence is empty")
        except (OSError, ValueError) as error:
            where = f"{self._store.where(found)}: "
            self.faults[found] = str(error).removeprefix(where)
            return None
        rate = self._model.fps or (info and info.fps) or fps
        if rate:
            return VideoFacts(self._model.covered_sec(clips, rate), covered=True)
        self.frames_covered.add(video)
        return VideoFacts(frames=round(self._model.covered_sec(clips, 1.0)))

    def nothing_found(self) -> str:
        """Says that no video has features of its name, and what names there are."""
        asked, ids = list(self.faults), self._store.ids()
        near = [(a, n) for a in asked for n in self._store.near(a)[:1]]
        hint = "a template such as '{video}_rgb' or '{video}.mp4' says how features "
        hint += "are called"
        if templates := _templates(asked, ids):
            near = [(a, templates[0].replace("{video}", a)) for a in asked]
            hint = f"say --template '{templates[0]}'"
        if 1 < len(templates) < _MANY:
            hint += f", or --parts {','.join(templates)}"
        elif templates[1:]:
            hint = "save the clips of a video as one array, with np.stack"
        if near and all(a.startswith(f"{name}.") for a, name in near):
            hint = "leave the endings out of the table, or call its column video_file"
        elif not near:
            near = [(a, n) for a in asked for n in self._store.near(video_name(a))[:1]]
            if near:
                hint = "call the column video_file: then names of files are the videos"
        said = spelling.said_of_pairs(
            near or list(zip(asked, ids)), "in the table", "among the features"
        )
        return (
            f"none of the {len(asked)} videos has features of its name: {said} ({hint})"
        )

    def __iter__(self) -> Iterator[str]:
        """Yields the ids of the store."""
        return iter(self._store.ids())

    def __len__(self) -> int:
        """Returns the number of sequences in the store."""
        return len(self._store)


def _templates(asked: Sequence[str], ids: Iterable[str]) -> list[str]:
    """Returns how sequences are called that hold the names of at least half the videos.

    Of many names the first few are looked at.
    """
    asked = asked[:_LOOKED_AT]
    found = collections.Counter(
        name.replace(video, "{video}", 1)
        for video in asked
        for name in ids
        if video in name and video != name
    )
    return sorted(name for name, count in found.items() if 2 * count >= len(asked))


def _facts(path: pathlib.Path) -> VideoFacts:
    """Reads the header of a file.

    Raises:
        ValueError: It cannot be read, or PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ValueError(
            f"{path}: reading videos needs PyAV: pip install av"
        ) from error
    with naming(path):
        if not path.is_file():
            raise ValueError("is no regular file")
        with av.open(str(path)) as container:
            stream = video_stream(container)
            seconds = stated_duration(container, stream)
            if seconds is None and container.duration:
                seconds = container.duration / av.time_base
            rate = stated_rate(stream) or measured_rate(container, stream)
            return VideoFacts(duration_sec=seconds, fps=rate)
