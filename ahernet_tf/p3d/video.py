"""Reads video files as evenly spaced, resized frames.

Everything FFmpeg knows is read, through PyAV. Frames are placed on an even grid by
their timestamps, so that frame k is what the video shows at k / fps seconds even where
its frame rate varies; with a constant rate that is every frame, once.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Iterator

import av
import numpy as np

from ahernet_tf.data.video_headers import (
    measured_rate,
    stated_duration,
    stated_rate,
    video_stream,
)
from ahernet_tf.files import naming
from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.video_files import list_frames

LONGEST_STILL_SEC = 60.0  # where nothing states that the video lasts as long
_LONGEST_STATED_STILL_SEC = 6 * 3600.0
_SHORTEST_END_SEC = 1.0  # a last frame that states to last longer is a still
_SPLICED = av.format.Flags.ts_discont.value  # formats whose times may jump
_MOST_PIXELS = 1 << 27
# Bilinear; without the other two FFmpeg darkens resized frames by about 1.5 of 255.
# PyAV offers them from version 18 on (Python 3.11); before, bilinear has to do.
_SCALING = sum(
    int(getattr(av.video.reformatter.Interpolation, flag, 0))
    for flag in ("BILINEAR", "FULL_CHR_H_INT", "ACCURATE_RND")
)
_TOLERANCE = 0.25  # of a frame


def even_frames(
    timed_frames: Iterable, fps: float, end_sec: float | None = None
) -> Iterator:
    """Yields as frame k what is shown k / fps seconds after the first frame.

    A frame is repeated until a newer one comes, and left out where one comes before it
    would be due. It may come a quarter of a frame late, as the rounded times of many
    containers have it. A frame without a time follows its predecessor. Where time runs
    backwards, or forwards by more than a minute and past `end_sec`, the recording is
    taken as spliced and goes on without a gap.

    Args:
        timed_frames: (time in seconds or None, frame) in order of presentation. A
            frame None marks the time at which the last one ends.
        fps: Frames per second of the grid.
        end_sec: Where the video states to end, in the same time; longer stills before
            it are true.
    """
    held, held_at, is_due, emitted, origin_sec = None, -1, False, 0, None
    for time_sec, frame in timed_frames:
        begin = place = held_at + 1
        if time_sec is not None:
            if origin_sec is None:
                origin_sec = time_sec - place / fps
            begin = (time_sec - origin_sec) * fps
            place = max(0, math.ceil(begin - _TOLERANCE))
            known = end_sec is not None and time_sec <= end_sec
            longest = _LONGEST_STATED_STILL_SEC if known else LONGEST_STILL_SEC
            if not held_at <= place <= held_at + 1 + longest * fps:
                begin = place = held_at + 1
                origin_sec = time_sec - place / fps
        while held is not None and emitted < place:
            yield held
            emitted += 1
        if frame is None:
            return
        held, held_at = frame, place
        is_due = begin >= place - _TOLERANCE
    if held is not None and (is_due or not emitted):  # else it may end before its place
        yield held


class VideoReader:
    """Reads the frames of one video file, or folder of frames, in a single pass.

    Args:
        path: The file, or a folder of images, in the order of the numbers in their
            names.
        clip_format: The size frames are brought to, whatever their shape.
        fps: Frames per second to give; None for the video's own average rate. A
            folder of frames has the rate that is given.
        threads: Decoding threads.

    Attributes:
        fps: Frames per second that are given.
        stated_sec: Duration of the video stream as the container states it, or None.
        frames: Frames given so far; after the last, the length of the video.
        corrupt_packets: Packets that could not be decoded and were left out.

    Raises:
        ValueError: FFmpeg cannot open the file, it has no video, or it states no
            frame rate and `fps` is None.
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
        self.stated_sec = None
        self._end_sec = None
        self._closing = contextlib.ExitStack()
        self._reformatter = av.video.reformatter.VideoReformatter()
        with naming(self.path), contextlib.ExitStack() as closing:
            if os.path.isdir(self.path):
                if fps is None:
                    raise ValueError("a folder of frames has no rate: give fps (--fps)")
                self.fps = fps
            else:
                _require_file(self.path)
                self._container = closing.enter_context(av.open(self.path))
                self._open_stream(fps, threads)
            self._closing = closing.pop_all()

    def _open_stream(self, fps: float | None, threads: int) -> None:
        """Reads what the container states of its video."""
        self._stream = stream = video_stream(self._container)
        context = stream.codec_context
        if context.width * context.height > _MOST_PIXELS:
            raise ValueError(f"states frames of {context.width}x{context.height}")
        self.fps = fps or stated_rate(stream) or _measured_rate(self.path)
        self.stated_sec = stated_duration(self._container, stream)
        spliced = int(self._container.format.flags) & _SPLICED
        if self.stated_sec is not None and not spliced:
            begin = stream.start_time or 0
            self._end_sec = float(begin * stream.time_base) + self.stated_sec + 1.0
        stream.thread_type = "AUTO"
        context.thread_count = threads
        context.options = {"max_pixels": str(_MOST_PIXELS)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closing.close()

    def read(self, start: int = 0) -> Iterator[np.ndarray]:
        """Yields frames from number `start` on, once, as RGB.

        Args:
            start: Frames before it are decoded but not converted.

        Yields:
            uint8 [resize_height, resize_width, 3].

        Raises:
            ValueError: Not one frame can be decoded, or what cannot be left out is
                damaged.
        """
        last, image = None, None
        with naming(self.path):
            decoded = self._images() if os.path.isdir(self.path) else self._decode()
            for frame in even_frames(decoded, self.fps, self._end_sec):
                self.frames += 1
                if self.frames <= start:
                    continue
                if frame is not last:
                    last, image = frame, self._convert(frame)
                yield image
            if not self.frames:
                raise ValueError("not one frame could be decoded.")

    def _decode(self) -> Iterator[tuple[float | None, av.VideoFrame | None]]:
        """Yields (time in seconds, frame), leaving out what cannot be decoded.

        Where the last frame states to last long, its end is yielded with None.
        """
        packets = self._container.demux(self._stream)
        end_sec, last_sec = 0.0, math.inf
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
                if frame.time is not None:
                    last_sec, end_sec = frame.time, _end_of(frame)
                yield frame.time, frame
        if self.corrupt_packets:  # the reader broke off before it flushed the decoder
            with contextlib.suppress(av.error.EOFError, av.error.InvalidDataError):
                for frame in self._stream.decode(None):
                    yield frame.time, frame
        elif end_sec > last_sec + _SHORTEST_END_SEC:
            yield end_sec, None

    def _images(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yields (time in seconds, frame) of a folder, leaving out damaged images."""
        for number, path in enumerate(list_frames(self.path)):
            try:
                with av.open(path) as container:
                    frame = next(container.decode(video=0))
            except (av.error.FFmpegError, StopIteration, IndexError):
                self.corrupt_packets += 1
                continue
            yield number / self.fps, frame

    def _convert(self, frame: av.VideoFrame) -> np.ndarray:
        """Returns the frame as it is to be shown, resized, as RGB."""
        height, width = self.clip_format.resize_height, self.clip_format.resize_width
        turned, upside_down, mirrored = _orientation(frame)
        if turned:
            height, width = width, height
        resized = self._reformatter.reformat(
            frame, width, height, format="rgb24", interpolation=_SCALING
        )
        image = resized.to_ndarray()
        image = image.transpose(1, 0, 2) if turned else image
        step = slice(None, None, -1)
        image = image[step] if upside_down else image
        image = image[:, step] if mirrored else image
        return np.ascontiguousarray(image)


def _orientation(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """Tells how a frame is to be shown: rows for columns, then upside down, mirrored.

    Telephones state it as a matrix that maps a point (x, y) of the frame to
    (a x + c y, b x + d y) on the screen.
    """
    matrix = frame.side_data.get(av.sidedata.sidedata.Type.DISPLAYMATRIX)
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, d < 0, a < 0
    return True, b < 0, c < 0


def _end_of(frame: av.VideoFrame) -> float:
    """Returns when a frame with a time ends, as far as it is stated."""
    duration = getattr(frame, "duration", 0) or 0
    return frame.time + float(duration * frame.time_base)


def _measured_rate(path: str) -> float:
    """Returns the rate of a video's first frames.

    Raises:
        ValueError: They have no times.
    """
    with av.open(path) as container:
        stream = video_stream(container)
        rate = measured_rate(container, stream)
        if rate is None:
            rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
            raise ValueError(
                f"states no plausible frame rate (received {rates}); give one with "
                "the option fps."
            )
        return rate


def _require_file(path: str) -> None:
    """Refuses what is no regular file; reading a pipe would block.

    Raises:
        ValueError: It is none.
    """
    if not os.path.isfile(path):
        dead = os.path.islink(path) and not os.path.exists(path)
        where = f", a link to {os.readlink(path)}" if dead else ""
        kind = "no regular file" if os.path.exists(path) else "does not exist"
        raise ValueError(f"{kind}{where}")
