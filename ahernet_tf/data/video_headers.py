"""What video files state of themselves: rate and length of their pictures.

Needs PyAV for the objects that are handed in, and imports nothing of it.
"""

from __future__ import annotations

import itertools
import statistics
from typing import Any

VIDEO_SUFFIXES = (
    *(".264", ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif"),
    *(".h264", ".h265", ".hevc", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mkv", ".mov"),
    *(".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".qt", ".rm"),
    *(".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
)
PLAUSIBLE_FPS = (0.1, 500.0)  # stated; a rate that was measured may be any
_MEASURED_PACKETS = 100
_LONGEST_SEC = 7 * 24 * 3600.0  # what states more is damaged
_COVER = 0x400  # FFmpeg's mark of a picture that belongs to music
_MICROSECONDS = 1_000_000  # of a container's times


def video_stream(container: Any) -> Any:
    """Returns the first moving-picture stream of an opened container.

    Raises:
        ValueError: There is none.
    """
    for stream in container.streams.video:
        if not int(stream.disposition) & _COVER:
            return stream
    raise ValueError("holds no video stream.")


def stated_rate(stream: Any) -> float | None:
    """Returns the first plausible rate that a stream states, in frames per second."""
    least, most = PLAUSIBLE_FPS
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    plausible = (float(rate) for rate in rates if rate and least <= rate <= most)
    return next(plausible, None)


def measured_rate(container: Any, stream: Any) -> float | None:
    """Returns the rate of a stream's first pictures; reads the container so far."""
    packets = itertools.islice(container.demux(stream), _MEASURED_PACKETS)
    times = sorted({packet.pts for packet in packets if packet.pts is not None})
    if len(times) < 2:
        return None
    step = statistics.median(b - a for a, b in itertools.pairwise(times))
    return float(1 / (step * stream.time_base))


def stated_duration(container: Any, stream: Any) -> float | None:
    """Returns the length of a video stream in seconds, as far as it is stated.

    Matroska states where the last picture ends instead. Its clock may begin late.
    """
    matroska = "matroska" in container.format.name
    begin = float(stream.start_time * stream.time_base) if stream.start_time else 0.0
    seconds = _clock_time(stream.metadata.get("DURATION", ""))
    if stream.duration and stream.time_base:
        matroska, seconds = False, float(stream.duration * stream.time_base)
    elif seconds is None and container.duration and len(container.streams) == 1:
        seconds = container.duration / _MICROSECONDS
    if seconds is not None and matroska:
        seconds -= max(begin, 0.0)
    return seconds if seconds is not None and 0 < seconds <= _LONGEST_SEC else None


def _clock_time(text: str) -> float | None:
    """Returns the seconds of a text such as 01:02:03.5, or None."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
