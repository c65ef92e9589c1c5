"""Length and frame rate of video files, from their headers."""

from __future__ import annotations

import pathlib

from ahernet_tf.data import checks
from ahernet_tf.data.annotation_repairs import VideoFacts

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
