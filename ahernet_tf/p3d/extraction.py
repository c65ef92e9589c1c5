"""Runs a P3D network over many videos and writes their features.

Threads decode videos into clips, each frame once; the caller's thread runs the network
on batches that may hold clips of several videos, and writes every video's features row
by row. What is held is bounded by the queue between them, whatever a video's length.

Source: section 4.1 of the paper: 16-frame clips, every 8 frames, the 2048 numbers
after P3D's global pooling.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.clips import center_crop, sliding_clips
from ahernet_tf.p3d.preprocessing import ClipNormalization
from ahernet_tf.p3d.residual_network import P3D
from ahernet_tf.p3d.video import VideoReader

_POLL_SEC = 0.1


@dataclasses.dataclass(frozen=True)
class ExtractionOptions:
    """How clips are cut and passed through the network.

    Attributes:
        stride_frames: frames from one clip's start to the next.
        fps: bring every video to this rate first; None keeps each video's own.
        batch_size: clips in one pass of the network.
        decoders: videos decoded at a time.
        threads_per_decoder: FFmpeg threads for each of them.
        min_decoded: least share of the stated duration that must be decoded; a video
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
        fps: frames per second of the frames that were read.
        frames: their number.
        stated_sec: duration the container states for the video stream, or None.
        corrupt_packets: packets left out because they could not be decoded.
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
class _Item:
    """One message of a decoder: a clip, or the end of a video, or why it failed."""

    video: str
    clip: np.ndarray | None = None
    timing: VideoTiming | None = None
    error: BaseException | None = None


class FeatureSink:
    """Takes the features of many videos; the base of what is done with them."""

    def write(self, video: str, row: np.ndarray) -> None:
        """Takes the next feature [dim] of a video, in order."""
        raise NotImplementedError

    def finish(self, video: str, timing: VideoTiming) -> None:
        """Learns that a video is complete."""
        raise NotImplementedError

    def fail(self, video: str, error: BaseException) -> None:
        """Learns that a video is broken; its features so far are void."""
        raise NotImplementedError


def read_clips(
    path: str | os.PathLike, clip_format: ClipFormat, options: ExtractionOptions
) -> Iterator[np.ndarray | VideoTiming]:
    """Yields a video's clips and, last, its timing.

    Args:
        path: the video file.
        clip_format: length and size of the clips.
        options: stride, frame rate, threads, tolerance.

    Yields:
        uint8 [clip_frames, crop_size, crop_size, 3], RGB; then one `VideoTiming`.

    Raises:
        ValueError: no video, no frames, or fewer than `min_decoded` of them; or FFmpeg
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


class _Decoders:
    """Threads that turn videos into a bounded queue of clips."""

    def __init__(self, videos: Mapping[str, str], clip_format, options):
        self._waiting = collections.deque(videos.items())
        self._queue: queue.Queue[_Item] = queue.Queue(2 * options.batch_size)
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

    def __iter__(self) -> Iterator[_Item]:
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
                    if not self._put(_Item(video, **field)):
                        return
            except Exception as error:  # told apart by the thread that runs the network
                self._put(_Item(video, error=error))

    def _put(self, item: _Item) -> bool:
        """Queues an item; False when the extraction was stopped meanwhile."""
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_POLL_SEC)
                return True
        return False


def feature_function(network: P3D, clip_format: ClipFormat, jit: bool = False):
    """Returns the function from uint8 RGB clips to features.

    Args:
        network: a built network of three channels; batch normalisation is frozen.
        clip_format: the clips' size.
        jit: compile with XLA.

    Returns:
        A function of [batch, clip_frames, crop_size, crop_size, 3] uint8 that gives
        [batch, dim] float32.

    Raises:
        ValueError: the network does not take images.
    """
    if network.in_channels != 3:
        raise ValueError(
            f"The network takes {network.in_channels} channels; only networks of RGB "
            "images can read video files. Optical flow must be computed elsewhere."
        )
    normalization = ClipNormalization(network.fusion, dtype=network.dtype_policy)
    size = clip_format.crop_size
    shape = (None, clip_format.clip_frames, size, size, 3)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)], jit_compile=jit)
    def compute(clips):
        return network(normalization(clips), training=False)["features"]

    return compute


def extract(
    compute: Callable,
    videos: Mapping[str, str],
    sink: FeatureSink,
    clip_format: ClipFormat | None = None,
    options: ExtractionOptions | None = None,
) -> None:
    """Passes every video's clips through the network, in batches across videos.

    While the network computes a batch the next one is assembled, and the decoders work
    on. A broken video goes to `sink.fail` and the others go on.

    Args:
        compute: uint8 clips [batch, time, height, width, 3] -> [batch, dim]; see
            `feature_function`.
        videos: name -> path.
        sink: takes the features, in order within each video.
        clip_format: length and size of the clips.
        options: see `ExtractionOptions`.

    Raises:
        Exception: whatever is no fault of a video, out of the sink or the network.
    """
    clip_format = clip_format or ClipFormat()
    options = options or ExtractionOptions()
    failed: set[str] = set()
    with _Decoders(videos, clip_format, options) as items:
        for batch, features in _with_features(compute, items, options.batch_size):
            rows = iter(() if features is None else features.numpy())
            for item in batch:
                row = None if item.clip is None else next(rows)
                if item.video not in failed:
                    _deliver(item, row, sink, failed)


def _deliver(item: _Item, row, sink: FeatureSink, failed: set[str]) -> None:
    """Hands one item to the sink."""
    error = item.error
    if error is not None and not isinstance(error, ValueError):
        raise error
    if error is None and row is not None:
        try:
            sink.write(item.video, row)
        except ValueError as refused:  # a feature that cannot be stored
            error = refused
    elif error is None:
        sink.finish(item.video, item.timing)
    if error is not None:
        failed.add(item.video)
        sink.fail(item.video, error)


def _with_features(compute, items: Iterable[_Item], batch_size: int):
    """Yields (items, features of their clips), one batch behind the computation."""
    previous = None
    for batch in _batches(items, batch_size):
        clips = [item.clip for item in batch if item.clip is not None]
        current = (batch, compute(_padded(clips, batch_size)) if clips else None)
        if previous is not None:
            yield previous
        previous = current
    if previous is not None:
        yield previous


def _batches(items: Iterable[_Item], batch_size: int) -> Iterator[list[_Item]]:
    """Groups items so that every group but the last holds `batch_size` clips."""
    batch, clips = [], 0
    for item in items:
        batch.append(item)
        clips += item.clip is not None
        if clips == batch_size:
            yield batch
            batch, clips = [], 0
    if batch:
        yield batch


def _padded(clips: list[np.ndarray], batch_size: int) -> np.ndarray:
    """Stacks clips and fills up with zeros, so that one program serves all batches."""
    batch = np.zeros((batch_size, *clips[0].shape), clips[0].dtype)
    for place, clip in zip(batch, clips):
        place[...] = clip
    return batch
