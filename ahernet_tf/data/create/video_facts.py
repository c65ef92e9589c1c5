"""Length and frame rate of videos, from video files or from clip features."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.time_model import TimeModel

_ENDINGS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".flv")


def read_video_files(directory: pathlib.Path) -> dict[str, VideoFacts]:
    """Reads the headers of all video files of a directory, in parallel.

    Returns:
        Duration and average frame rate by file name without its ending.

    Raises:
        ValueError: There is no video, one cannot be read, or PyAV is not installed.
    """
    files = sorted(p for p in directory.iterdir() if p.suffix.lower() in _ENDINGS)
    if not files:
        raise ValueError(f"{directory}: holds no video ({', '.join(_ENDINGS)})")
    facts = checks.in_parallel(_facts, files, "reading video headers")
    return {path.stem: fact for path, fact in zip(files, facts)}


class FactsOfFeatures(Mapping[str, VideoFacts]):
    """What a feature store says of videos, else the duration that their clips cover.

    A video is looked at when it is asked for: what nobody annotated is never read.

    Args:
        store: Features of the videos.
        model: Their time model.

    Attributes:
        faults: Why nothing is known of videos whose features are not there, or cannot
            be read, by id.
    """

    def __init__(self, store: FeatureStore, model: TimeModel) -> None:
        self._store, self._model = store, model
        self.faults: dict[str, str] = {}

    def __getitem__(self, video: str) -> VideoFacts:
        """Returns the facts of a video.

        Raises:
            KeyError: Neither is known of it.
        """
        found = self._store.find(video)
        if found is None:
            self.faults[video.removeprefix("v_")] = self._store.missing(video)
            raise KeyError(video)
        info = self._store.info(video)
        if info is not None and info.duration_sec:
            return VideoFacts(info.duration_sec, info.frames, info.fps)
        rate = self._model.fps or (info and info.fps)
        if self._model.covers != "clips" or not rate:
            raise KeyError(video)
        try:
            clips = self._store.shape(found)[0]
        except (OSError, ValueError) as error:
            where = f"{self._store.where(found)}: "
            self.faults[found] = str(error).removeprefix(where)
            raise KeyError(video) from error
        return VideoFacts(self._model.covered_sec(clips, rate))

    def __iter__(self) -> Iterator[str]:
        """Yields the ids of the store."""
        return iter(self._store.ids())

    def __len__(self) -> int:
        """Returns the number of sequences in the store."""
        return len(self._store)


def _facts(path: pathlib.Path) -> VideoFacts:
    """Reads the header of a file."""
    try:
        import av
    except ImportError as error:
        raise ValueError(
            f"{path}: reading videos needs PyAV: pip install av"
        ) from error
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError(f"{path}: has no video")
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.base_rate
            if stream.duration is not None:
                seconds = float(stream.duration * stream.time_base)
            elif container.duration is not None:
                seconds = container.duration / av.time_base
            else:
                seconds = None
    except av.FFmpegError as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    return VideoFacts(duration_sec=seconds, fps=float(rate) if rate else None)
