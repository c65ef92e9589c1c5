"""Reads video files as evenly spaced, resized frames and cuts them into clips.

Everything FFmpeg knows is read, through PyAV. Frames are placed on an even grid by
their timestamps, so that frame k is what the video shows at k / fps seconds even where
its frame rate varies; with a constant rate that is every frame, once.
"""

from __future__ import annotations

import collections
import contextlib
import math
import os
from collections.abc import Iterable, Iterator

import av
import numpy as np

from ahernet_tf.p3d.formats import ClipFormat

VIDEO_SUFFIXES = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)
LONGEST_STILL_SEC = 60.0
# Bilinear; without the other two FFmpeg darkens resized frames by about 1.5 of 255.
# PyAV offers them from version 18 on (Python 3.11); before, bilinear has to do.
_SCALING = sum(
    int(getattr(av.video.reformatter.Interpolation, flag, 0))
    for flag in ("BILINEAR", "FULL_CHR_H_INT", "ACCURATE_RND")
)
_TOLERANCE = 0.25  # of a frame
_PLAUSIBLE_FPS = (1.0, 240.0)


def even_frames(timed_frames: Iterable, fps: float) -> Iterator:
    """Yields as frame k what is shown k / fps seconds after the first frame.

    A frame is repeated until a newer one comes, and left out where one comes before it
    would be due. It may come a quarter of a frame late, as the rounded times of many
    containers have it. A frame without a time follows its predecessor. Where time runs
    backwards, or forwards by more than a minute, the recording is taken as spliced and
    goes on without a gap.

    Args:
        timed_frames: (time in seconds or None, frame) in order of presentation.
        fps: frames per second of the grid.
    """
    held, held_at, is_due, emitted, origin_sec = None, -1, False, 0, None
    for time_sec, frame in timed_frames:
        begin = place = held_at + 1
        if time_sec is not None:
            if origin_sec is None:
                origin_sec = time_sec - place / fps
            begin = (time_sec - origin_sec) * fps
            place = max(0, math.ceil(begin - _TOLERANCE))
            if not held_at <= place <= held_at + 1 + LONGEST_STILL_SEC * fps:
                begin = place = held_at + 1
                origin_sec = time_sec - place / fps
        while held is not None and emitted < place:
            yield held
            emitted += 1
        held, held_at = frame, place
        is_due = begin >= place - _TOLERANCE
    if held is not None and (is_due or not emitted):  # else it may end before its place
        yield held


class VideoReader:
    """Reads the frames of one video file in a single pass.

    Args:
        path: the file.
        clip_format: the size frames are brought to, whatever their shape.
        fps: frames per second to give; None for the video's own average rate.
        threads: decoding threads.

    Attributes:
        fps: frames per second that are given.
        stated_sec: duration of the video stream as the container states it, or None.
        frames: frames given so far; after the last, the length of the video.
        corrupt_packets: packets that could not be decoded and were left out.

    Raises:
        ValueError: the file has no video, or states no frame rate and `fps` is None.
        av.error.FFmpegError, OSError: FFmpeg cannot open it.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        clip_format: ClipFormat | None = None,
        fps: float | None = None,
        threads: int = 1,
    ):
        self.path = str(path)
        self.clip_format = clip_format or ClipFormat()
        self.frames = 0
        self.corrupt_packets = 0
        self._container = av.open(self.path)
        try:
            self._stream = _video_stream(self._container, self.path)
            self.fps = _frame_rate(self._stream, self.path) if fps is None else fps
            self.stated_sec = _stated_duration(self._container, self._stream)
        except BaseException:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        self._reformatter = av.video.reformatter.VideoReformatter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._container.close()

    def read(self, start: int = 0) -> Iterator[np.ndarray]:
        """Yields frames from number `start` on, once, as RGB.

        Args:
            start: frames before it are decoded but not converted.

        Yields:
            uint8 [resize_height, resize_width, 3].

        Raises:
            ValueError: not one frame can be decoded.
        """
        last, image = None, None
        for frame in even_frames(self._decode(), self.fps):
            self.frames += 1
            if self.frames <= start:
                continue
            if frame is not last:
                last, image = frame, self._convert(frame)
            yield image
        if not self.frames:
            raise ValueError(f"{self.path}: not one frame could be decoded.")

    def _decode(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Yields (time in seconds, frame), leaving out what cannot be decoded."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                frames = [] if packet is None else packet.decode()
            except av.error.InvalidDataError:
                self.corrupt_packets += 1
                continue  # a reader that broke off is exhausted and gives None next
            if packet is None:
                break
            for frame in frames:
                yield frame.time, frame
        if self.corrupt_packets:  # the reader broke off before it flushed the decoder
            with contextlib.suppress(av.error.EOFError, av.error.InvalidDataError):
                for frame in self._stream.decode(None):
                    yield frame.time, frame

    def _convert(self, frame: av.VideoFrame) -> np.ndarray:
        """Returns the frame upright, resized, as RGB."""
        height, width = self.clip_format.resize_height, self.clip_format.resize_width
        quarter_turns = round(frame.rotation / 90) % 4
        if quarter_turns % 2:
            height, width = width, height
        resized = self._reformatter.reformat(
            frame, width, height, format="rgb24", interpolation=_SCALING
        )
        return np.ascontiguousarray(np.rot90(resized.to_ndarray(), quarter_turns))


def _video_stream(container, path: str):
    """Returns the first moving-picture stream."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise ValueError(f"{path}: holds no video stream.")


def _frame_rate(stream, path: str) -> float:
    """Returns the first plausible rate the stream states, in frames per second."""
    least, most = _PLAUSIBLE_FPS
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    for rate in rates:
        if rate and least <= rate <= most:
            return float(rate)
    raise ValueError(
        f"{path}: states no plausible frame rate (received {rates}); give one with "
        "the option fps."
    )


def _stated_duration(container, stream) -> float | None:
    """Returns the length of the video stream in seconds, as far as it is stated."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION", "")
    if tag.count(":") == 2:
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def center_crop(image: np.ndarray, clip_format: ClipFormat) -> np.ndarray:
    """Returns the square in the middle, [crop_size, crop_size, 3], a view."""
    top, left = clip_format.crop_corner
    size = clip_format.crop_size
    return image[top : top + size, left : left + size]


def count_clips(frames: int, clip_frames: int, stride_frames: int) -> int:
    """Counts the clips of a video: those that fit, and at least one.

    Args:
        frames: frames of the video, at least 1.
        clip_frames: frames of a clip.
        stride_frames: frames from one clip's start to the next.
    """
    return max(0, math.floor((frames - clip_frames) / stride_frames)) + 1


def sliding_clips(
    frames: Iterable[np.ndarray], clip_frames: int = 16, stride_frames: int = 8
) -> Iterator[np.ndarray]:
    """Cuts frames into clips; clip i begins at frame i * stride_frames.

    A tail that fills no clip is left out. A video shorter than one clip gives one,
    its last frame repeated. No more than `clip_frames` frames are held.

    Args:
        frames: images of one shape.
        clip_frames: frames of a clip.
        stride_frames: frames from one clip's start to the next.

    Yields:
        [clip_frames, height, width, channels].
    """
    window = collections.deque(maxlen=clip_frames)
    seen = 0
    for frame in frames:
        window.append(frame)
        seen += 1
        if seen >= clip_frames and (seen - clip_frames) % stride_frames == 0:
            yield np.stack(window)
    if 0 < seen < clip_frames:
        yield np.stack([*window, *[window[-1]] * (clip_frames - seen)])


def list_videos(source: str | os.PathLike) -> dict[str, str]:
    """Finds the videos of a folder, a list or a single file.

    Args:
        source: a folder, searched with all below it for files with a video's suffix;
            or a video file; or a text file with one path a line (blank lines and lines
            that begin with # aside), relative to the list's folder or else to the
            working directory.

    Returns:
        Name -> path, sorted by name. A video's name is its file name without suffix.

    Raises:
        ValueError: nothing found, a listed file is missing, or a name occurs twice.
    """
    source = os.fspath(source)
    if os.path.isdir(source):
        paths = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(source)
            for name in names
            if _has_video_suffix(name)
        ]
    elif not os.path.isfile(source):
        raise ValueError(f"{source}: no such folder or file.")
    elif _has_video_suffix(source):
        paths = [source]
    else:
        paths = _read_list(source)
    videos: dict[str, str] = {}
    for path in sorted(paths):
        name = os.path.splitext(os.path.basename(path))[0]
        if not os.path.isfile(path):
            raise ValueError(f"{source}: video {path} does not exist.")
        if name in videos:
            raise ValueError(
                f"{source}: {videos[name]} and {path} would both be called {name!r}."
            )
        videos[name] = path
    if not videos:
        raise ValueError(
            f"{source}: no videos (looked for {' '.join(VIDEO_SUFFIXES)})."
        )
    return dict(sorted(videos.items()))


def _has_video_suffix(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in VIDEO_SUFFIXES


def _read_list(source: str) -> list[str]:
    """Returns the paths of a list file."""
    try:
        with open(source, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except UnicodeDecodeError:
        raise ValueError(
            f"{source}: neither a list of paths nor a video with a known suffix."
        ) from None
    folder = os.path.dirname(source)
    paths = []
    for line in lines:
        if line and not line.startswith("#"):
            beside = os.path.join(folder, line)
            paths.append(beside if os.path.exists(beside) else line)
    return paths
