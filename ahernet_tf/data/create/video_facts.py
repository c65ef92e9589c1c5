"""Length and frame rate of videos, from video files or from clip features."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

from ahernet_tf.data import checks
from ahernet_tf.data.annotations.repairs import VideoFacts
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


def facts_of_features(
    store: FeatureStore, model: TimeModel, videos: Iterable[str]
) -> dict[str, VideoFacts]:
    """Takes what a feature store says of videos, else the duration its clips cover.

    Args:
        store: Features of the videos.
        model: Their time model.
        videos: Ids that the store has.

    Returns:
        Facts by id; videos of which neither is known are left out.
    """
    facts = {}
    for video in videos:
        info = store.info(video)
        if info is not None and info.duration_sec:
            facts[video] = VideoFacts(info.duration_sec, info.frames, info.fps)
        elif model.covers == "clips" and model.fps is not None:
            facts[video] = VideoFacts(model.covered_sec(store.shape(video)[0]))
    return facts


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
