"""Runs a P3D network over many videos and writes their features.

Threads decode videos into clips, each frame once; the caller's thread runs the network
on batches that may hold clips of several videos, and writes every video's features row
by row. What is held is bounded by the queue between them, whatever a video's length.

Source: section 4.1 of the paper: 16-frame clips, every 8 frames, the 2048 numbers
after P3D's global pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from ahernet_tf.p3d.clip_decoding import (
    Decoded,
    Decoders,
    ExtractionOptions,
    VideoTiming,
)
from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.preprocessing import ClipNormalization
from ahernet_tf.p3d.residual_network import P3D


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


def feature_function(network: P3D, clip_format: ClipFormat, jit: bool = False):
    """Returns the function from uint8 RGB clips to features.

    Args:
        network: A built network of three channels; batch normalisation is frozen.
        clip_format: The clips' size.
        jit: Compile with XLA.

    Returns:
        A function of [batch, clip_frames, crop_size, crop_size, 3] uint8 that gives
        [batch, dim] float32.

    Raises:
        ValueError: The network does not take images.
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
        compute: Uint8 clips [batch, time, height, width, 3] -> [batch, dim]; see
            `feature_function`.
        videos: Name -> path.
        sink: Takes the features, in order within each video.
        clip_format: Length and size of the clips.
        options: See `ExtractionOptions`.

    Raises:
        Exception: Whatever is no fault of a video, out of the sink or the network.
    """
    clip_format = clip_format or ClipFormat()
    options = options or ExtractionOptions()
    failed: set[str] = set()
    with Decoders(videos, clip_format, options) as items:
        for batch, features in _with_features(compute, items, options.batch_size):
            rows = iter(() if features is None else features.numpy())
            for item in batch:
                row = None if item.clip is None else next(rows)
                if item.video not in failed:
                    _deliver(item, row, sink, failed)


def _deliver(item: Decoded, row, sink: FeatureSink, failed: set[str]) -> None:
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


def _with_features(compute, items: Iterable[Decoded], batch_size: int):
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


def _batches(items: Iterable[Decoded], batch_size: int) -> Iterator[list[Decoded]]:
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
