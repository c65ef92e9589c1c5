"""Threads that decode videos into clips, each frame once, ahead of the network."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
import os
import queue
import threading
from collections.abc import Iterator, Mapping

import numpy as np

from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.clips import center_crop, sliding_clips
from ahernet_tf.p3d.video import VideoReader

_POLL_SEC = 0.1


@dataclasses.dataclass(frozen=True)
class ExtractionOptions:
    """How clips are cut and passed through the network.

    Attributes:
        stride_frames: Frames from one clip's start to the next.
        fps: Bring every video to this rate first; None keeps each video's own.
        batch_size: Clips in one pass of the network.
        decoders: Videos decoded at a time.
        threads_per_decoder: FFmpeg threads for each of them.
        min_decoded: Least share of the stated duration that must be decoded; a video
            with less counts as broken.
    """

    stride_frames: int = 8
    fps: float | None = None
    batch_size: int = 8
    decoders: int = 1
    threads_per_decoder: int = 1
    min_decoded: float = 0.9

    def __post_init__(self):
        for name in ("stride_frames", "batch_size", "decoders", "threads_per_decoder"):
            if getattr(self, name) < 1:
                raise ValueError(f"Expected {name} of at least 1: {self}.")
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"Expected a finite fps above 0: {self}.")
        if not 0 <= self.min_decoded <= 1:
            raise ValueError(f"Expected min_decoded from 0 to 1: {self}.")


@dataclasses.dataclass(frozen=True)
class VideoTiming:
    """What was read of a video.

    Attributes:
        fps: Frames per second of the frames that were read.
        frames: Their number.
        stated_sec: Duration the container states for the video stream, or None.
        corrupt_packets: Packets left out because they could not be decoded.
    """

    fps: float
    frames: int
    stated_sec: float | None = None
    corrupt_packets: int = 0

    @property
    def duration_sec(self) -> float:
        """Seconds that the frames last."""
        return self.frames / self.fps


@dataclasses.dataclass(frozen=True)
class Decoded:
    """One message of a decoder: a clip, or the end of a video, or why it failed."""

    video: str
    clip: np.ndarray | None = None
    timing: VideoTiming | None = None
    error: BaseException | None = None


def read_clips(
    path: str | os.PathLike, clip_format: ClipFormat, options: ExtractionOptions
) -> Iterator[np.ndarray | VideoTiming]:
    """Yields a video's clips and, last, its timing.

    Args:
        path: The video file.
        clip_format: Length and size of the clips.
        options: Stride, frame rate, threads, tolerance.

    Yields:
        uint8 [clip_frames, crop_size, crop_size, 3], RGB; then one `VideoTiming`.

    Raises:
        ValueError: No video, no frames, or fewer than `min_decoded` of them; or FFmpeg
            cannot read the file.
    """
    threads = options.threads_per_decoder
    with VideoReader(path, clip_format, options.fps, threads) as reader:
        frames = (
            np.ascontiguousarray(center_crop(image, clip_format))
            for image in reader.read()
        )
        yield from sliding_clips(frames, clip_format.clip_frames, options.stride_frames)
        timing = VideoTiming(
            reader.fps, reader.frames, reader.stated_sec, reader.corrupt_packets
        )
    stated_sec = timing.stated_sec or 0.0
    # One frame may always be missing: containers round their durations.
    if timing.duration_sec + 1 / timing.fps < options.min_decoded * stated_sec:
        raise ValueError(
            f"{path}: {timing.duration_sec:.2f} s could be decoded of the "
            f"{stated_sec:.2f} s that the file states."
        )
    yield timing


class Decoders:
    """Threads that turn videos into a bounded queue of clips."""

    def __init__(self, videos: Mapping[str, str], clip_format, options):
        self._waiting = collections.deque(videos.items())
        self._queue: queue.Queue[Decoded] = queue.Queue(2 * options.batch_size)
        self._stopped = threading.Event()
        self._left = len(videos)
        self._clip_format, self._options = clip_format, options
        self._threads = [
            threading.Thread(target=self._work, name=f"decoder-{i}", daemon=True)
            for i in range(min(options.decoders, len(videos)))
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def __iter__(self) -> Iterator[Decoded]:
        while self._left:
            item = self._queue.get()
            self._left -= item.clip is None
            yield item

    def _work(self):
        while not self._stopped.is_set():
            try:
                video, path = self._waiting.popleft()
            except IndexError:
                return
            try:
                for part in read_clips(path, self._clip_format, self._options):
                    ended = isinstance(part, VideoTiming)
                    field = {"timing": part} if ended else {"clip": part}
                    if not self._put(Decoded(video, **field)):
                        return
            except Exception as error:  # told apart by the thread that runs the network
                self._put(Decoded(video, error=error))

    def _put(self, item: Decoded) -> bool:
        """Queues an item; False when the extraction was stopped meanwhile."""
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_POLL_SEC)
                return True
        return False
