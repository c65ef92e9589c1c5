"""What extraction and training would take, from the network's arithmetic."""

from __future__ import annotations

import os
import pathlib

from ahernet_tf.auto.cost import measure_gflops
from ahernet_tf.forecast import START_SEC, Forecast
from ahernet_tf.p3d.clip_decoding import ExtractionOptions
from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.clips import count_clips
from ahernet_tf.p3d.multiply_adds import count_multiply_adds
from ahernet_tf.p3d.residual_network import P3D
from ahernet_tf.p3d.video import VideoReader
from ahernet_tf.p3d.video_features import find_videos
from ahernet_tf.p3d.video_files import list_frames
from ahernet_tf.p3d.weights import load_p3d, read_p3d_metadata

#: Share of the rate of large products that the network reaches (docs/PERFORMANCE.md).
FORWARD, TRAINING = 0.65, 0.5


def forecast_extraction(
    videos: str,
    weights: str,
    out: str,
    options: ExtractionOptions,
    dtype: str = "float16",
    shard: tuple[int, int] = (0, 1),
    keep_folders: bool = False,
) -> Forecast:
    """Says what `extract_videos` would do, from the headers of the videos.

    Arguments are those of `extract_videos`; it raises what that raises at once.
    """
    index, count = shard
    paths = find_videos(videos, options, keep_folders)
    waiting = [
        path
        for name, path in list(paths.items())[index::count]
        if not pathlib.Path(out, f"{name}.npy").exists()
    ]
    metadata = read_p3d_metadata(weights)
    clips = sum(
        count_clips(
            stated_frames(path, options.fps),
            metadata.clip_format.clip_frames,
            options.stride_frames,
        )
        for path in waiting
    )
    gflop = gflop_per_clip(load_p3d(weights), metadata.clip_format)
    return Forecast(
        (f"extract {clips} clips of {len(waiting)} videos",) if waiting else (),
        START_SEC + clips * gflop / (FORWARD * measure_gflops()) if waiting else 0.0,
        clips * metadata.feature_dim * (2 if dtype == "float16" else 4),
        out,
    )


def forecast_training(
    network: P3D,
    clip_format: ClipFormat,
    clips: int,
    epochs: int,
    slots: int,
    workdir: str | os.PathLike,
) -> Forecast:
    """Says what training a network would take.

    Args:
        network: To be trained.
        clip_format: Of its clips.
        clips: To train on.
        epochs: Passes over them.
        slots: Numbers that the optimizer keeps per weight.
        workdir: Gets two files of weights and two checkpoints.
    """
    gflop = 3 * gflop_per_clip(network, clip_format)
    return Forecast(
        (f"train {epochs} epochs on {clips} clips",),
        START_SEC + epochs * clips * gflop / (TRAINING * measure_gflops()),
        4 * network.count_params() * (2 + 2 * (1 + slots)),
        workdir,
    )


def gflop_per_clip(network: P3D, clip_format: ClipFormat) -> float:
    """Counts the arithmetic of one clip forward, in GFLOP."""
    size = clip_format.crop_size
    shape = (clip_format.clip_frames, size, size, network.in_channels)
    return 2e-9 * count_multiply_adds(network, shape)


def stated_frames(path: str, fps: float | None = None) -> int:
    """Returns how many frames a video states to have; 0 where it cannot be opened."""
    if os.path.isdir(path):
        return len(list_frames(path))
    try:
        with VideoReader(path, fps=fps) as reader:
            return round((reader.stated_sec or 0) * reader.fps)
    except (ValueError, OSError):
        return 0
