"""Cuts moments out of a video file, frame by frame, as files of their own."""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

import av
import numpy as np

from ahernet_tf import files
from ahernet_tf.inference import Detection
from ahernet_tf.p3d.video import VideoReader

_ROUNDING = 1e-3  # of a frame: times of detections are float32
# Encoder and its options, best first. The short look-ahead bounds what is held.
_ENCODERS = (
    ("libx264", {"preset": "veryfast", "crf": "18", "rc-lookahead": "8"}),
    ("libopenh264", {}),
    ("mpeg4", {"q": "3"}),
)


def frames_of(start_sec: float, end_sec: float, fps: float) -> tuple[int, int]:
    """Returns (first, behind the last) of the frames that a moment shows; at least one.

    Frame k is shown from k / fps to (k + 1) / fps seconds.

    Raises:
        ValueError: The moment begins before 0 or ends before it begins.
    """
    if not 0 <= start_sec <= end_sec < math.inf:
        raise ValueError(f"Expected a moment in seconds, got {start_sec} to {end_sec}.")
    first = math.floor(start_sec * fps + _ROUNDING)
    return first, max(first + 1, math.ceil(end_sec * fps - _ROUNDING))


def cut_moments(
    source: str | os.PathLike,
    moments: Mapping[str | os.PathLike, tuple[float, float]],
    fps: float | None = None,
    threads: int = 1,
) -> None:
    """Writes moments of a video as files, each whole or not at all.

    The video is decoded once, up to the end of the last moment, with the same clock
    that features are extracted with. Frames keep their size (made even), shape of
    pixels and upright position, and are encoded anew; there is no sound.

    Args:
        source: The video.
        moments: Path of an `.mp4` file -> (start, end) in seconds after the first
            frame. Directories are made.
        fps: Frames per second of the clock; None for the video's own average rate.
        threads: Decoding threads.

    Raises:
        ValueError: A moment makes no sense or begins after the last frame.
        av.error.FFmpegError, OSError: FFmpeg cannot read the video or write a file.
    """
    with _FullSizeReader(source, fps=fps, threads=threads) as reader:
        waiting = sorted(
            (
                (*frames_of(start, end, reader.fps), os.fspath(path))
                for path, (start, end) in moments.items()
            ),
            reverse=True,
        )
        shape = reader.pixel_shape()
        with contextlib.ExitStack() as stack:
            open_clips: list[tuple[int, _Clip]] = []
            for number, frame in enumerate(reader.read()):
                while waiting and waiting[-1][0] <= number:
                    _, end, path = waiting.pop()
                    clip = stack.enter_context(_Clip(path, reader.fps, shape))
                    open_clips.append((end, clip))
                for _, clip in open_clips:
                    clip.write(frame)
                for item in [item for item in open_clips if item[0] == number + 1]:
                    item[1].complete()
                    open_clips.remove(item)
                if not waiting and not open_clips:
                    return
            for _, clip in open_clips:  # the video ends within the moment
                clip.complete()
    if waiting:
        first, _, path = waiting[-1]
        raise ValueError(
            f"{path}: begins at frame {first}, but {source} has {reader.frames}."
        )


def cut_detections(
    source: str | os.PathLike,
    folder: pathlib.Path,
    found: Sequence[Detection],
    fps: float | None = None,
) -> tuple[int, dict[str, str]]:
    """Cuts the detections of one video out, in place of those of an earlier run.

    Args:
        source: The video.
        folder: Where the files go; they are named by rank, class and times.
        found: Detections, best first.
        fps: As for `cut_moments`.

    Returns:
        How many files were written, and file -> why for those that could not be.
    """
    for earlier in folder.glob("[0-9][0-9][0-9]_*.mp4"):
        earlier.unlink()
    moments = {}
    for rank, item in enumerate(found, 1):
        label = re.sub(r"[^\w-]+", "-", item.label).strip("-")[:60]
        name = f"{rank:03d}_{label}_{item.start_sec:.2f}-{item.end_sec:.2f}.mp4"
        moments[folder / name] = (item.start_sec, item.end_sec)
    failures = {}
    try:
        cut_moments(source, moments, fps)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        failures = {os.fspath(path): why for path in moments if not path.exists()}
    return len(moments) - len(failures), failures


class _FullSizeReader(VideoReader):
    """Gives decoded frames as they are."""

    def _convert(self, frame):
        return frame

    def pixel_shape(self) -> Fraction:
        """Returns width over height of a pixel."""
        return self._stream.sample_aspect_ratio or Fraction(1)


class _Clip:
    """A video file that is being written; it appears on `complete`.

    Args:
        path: The file.
        fps: Frames per second.
        pixel_shape: Width over height of a pixel.
    """

    def __init__(self, path: str, fps: float, pixel_shape: Fraction):
        self._path, self._pixel_shape = pathlib.Path(path), pixel_shape
        self._rate = Fraction(fps).limit_denominator(1001)
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._frames = 0

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        temporary = self._stack.enter_context(files.whole_file(self._path))
        self._container = av.open(str(temporary), "w", format="mp4")
        self._stack.push(self._end_container)
        return self

    def __exit__(self, *error):
        """Drops the file, unless it is complete."""
        if error[0] is None:
            error = (_UnfinishedError, _UnfinishedError(), None)
        with contextlib.suppress(_UnfinishedError):
            self._stack.__exit__(*error)

    def _end_container(self, kind, *_):
        if kind is None:
            self._container.close()
            return
        with contextlib.suppress(av.error.FFmpegError, OSError):
            self._container.close()

    def write(self, frame: av.VideoFrame) -> None:
        """Encodes the next frame."""
        frame, turned = _upright(frame)
        if not self._frames:
            self._add_stream(frame, turned)
        # It may stay the decoder's own frame, whose time has been read by now.
        frame = self._reformatter.reformat(
            frame, self._stream.width, self._stream.height, format="yuv420p"
        )
        frame.pict_type = av.video.frame.PictureType.NONE  # the encoder's own choice
        frame.pts, frame.time_base = self._frames, 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self._frames += 1

    def complete(self) -> None:
        """Ends the file and lets it appear."""
        self._container.mux(self._stream.encode(None))
        self._stack.close()

    def _add_stream(self, frame: av.VideoFrame, turned: bool) -> None:
        name, options = next(e for e in _ENCODERS if e[0] in av.codecs_available)
        self._stream = self._container.add_stream(name, rate=self._rate)
        self._stream.width = max(2, frame.width // 2 * 2)
        self._stream.height = max(2, frame.height // 2 * 2)
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = options
        self._stream.codec_context.sample_aspect_ratio = (
            1 / self._pixel_shape if turned else self._pixel_shape
        )


def _upright(frame: av.VideoFrame) -> tuple[av.VideoFrame, bool]:
    """Returns a frame as players show it, and whether that exchanged its sides."""
    quarter_turns = round(frame.rotation / 90) % 4
    if not quarter_turns:
        return frame, False
    turned = np.rot90(frame.to_ndarray(format="rgb24"), quarter_turns)
    image = av.VideoFrame.from_ndarray(np.ascontiguousarray(turned), format="rgb24")
    return image, bool(quarter_turns % 2)


class _UnfinishedError(Exception):
    """Unwinds a clip without letting its file appear."""
