"""Extracts the features of many videos: whole, in any number of runs and shares."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
import threading
import time
from collections.abc import Mapping

import tqdm

from ahernet_tf.files import check_directory
from ahernet_tf.p3d.clip_decoding import ExtractionOptions
from ahernet_tf.p3d.extraction import extract, feature_function
from ahernet_tf.p3d.feature_writer import FeatureWriter, describe_features
from ahernet_tf.p3d.video_files import list_videos, passed_over
from ahernet_tf.p3d.weights import load_p3d, read_p3d_metadata, weights_fingerprint


@dataclasses.dataclass(frozen=True)
class ExtractionReport:
    """What a run did.

    Attributes:
        extracted: Videos whose features were written.
        skipped: Videos that were complete before.
        failures: Broken video -> why.
        passed_over: Suffix -> number of files that are no videos.
    """

    extracted: int
    skipped: int
    failures: dict[str, str]
    passed_over: dict[str, int]


def extract_videos(
    videos: str,
    weights: str,
    out: str,
    options: ExtractionOptions | None = None,
    dtype: str = "float16",
    policy: str = "float32",
    shard: tuple[int, int] = (0, 1),
    jit: bool = False,
    keep_folders: bool = False,
) -> ExtractionReport:
    """Extracts the features of all videos that are not complete yet.

    Args:
        videos: A folder, a list file or one video; see `list_videos`.
        weights: A file of `convert_p3d` or `save_p3d`.
        out: Directory of the features.
        options: How clips are cut and batched.
        dtype: "float16" or "float32", type of the files.
        policy: Keras dtype policy of the network.
        shard: (i, n): the share of the videos to do, counted from 0.
        jit: Compile the network with XLA.
        keep_folders: As for `list_videos`.

    Raises:
        ValueError: Nothing to read, unusable weights, or an unfitting directory.
    """
    check_directory(out)
    options = options or ExtractionOptions()
    index, count = shard
    paths = find_videos(videos, options, keep_folders)
    paths = dict(list(paths.items())[index::count])
    description = describe_features(
        read_p3d_metadata(weights), options, weights_fingerprint(weights), dtype, policy
    )
    failures_file = (
        f"failures-{index}-of-{count}.json" if count > 1 else "failures.json"
    )
    with _Progress() as progress:
        writer = FeatureWriter(out, description, failures_file, progress.video)
        waiting = {v: path for v, path in paths.items() if not writer.is_complete(v)}
        progress.start(len(waiting), len(paths) - len(waiting))
        try:
            extract_into(writer, waiting, weights, options, jit)
        finally:
            writer.close()
    failures = writer.failures
    return ExtractionReport(
        len(waiting) - len(failures),
        len(paths) - len(waiting),
        failures,
        passed_over(videos),
    )


def find_videos(
    videos: str, options: ExtractionOptions, keep_folders: bool = False
) -> dict[str, str]:
    """Lists the videos to extract, name -> path.

    Raises:
        ValueError: There are none, or folders of frames among them without a rate.
    """
    paths = list_videos(videos, keep_folders)
    folders = [path for path in paths.values() if os.path.isdir(path)]
    if folders and options.fps is None:
        raise ValueError(
            f"{folders[0]}: a folder of frames has no rate; say with --fps how many "
            "frames there are per second"
        )
    return paths


def extract_into(
    writer: FeatureWriter,
    videos: Mapping[str, str],
    weights: str,
    options: ExtractionOptions,
    jit: bool = False,
) -> None:
    """Extracts the features of some videos; the network is kept for the next call.

    Args:
        writer: Where they go; its description says which network they come from.
        videos: Name -> path.
        weights: The weight file.
        options: How clips are cut and batched.
        jit: Compile the network with XLA.
    """
    if not videos:
        return
    extractor = writer.description["extractor"]
    fingerprint, policy = extractor["weights_sha256"], extractor["policy"]
    with _LOADING:
        compute = _feature_function(weights, fingerprint, policy, jit)
    clip_format = read_p3d_metadata(weights).clip_format
    extract(compute, videos, writer, clip_format, options)


def extract_part(
    out: str,
    description: dict,
    weights: str,
    options: ExtractionOptions,
    jit: bool,
    part: dict[str, str],
) -> dict[str, str]:
    """Extracts the features of some videos.

    Args:
        out: Directory of the features.
        description: What `describe_features` returned.
        weights: The weight file.
        options: How clips are cut and batched.
        jit: Compile the network with XLA.
        part: Name -> path of each video.

    Returns:
        Broken video -> why.
    """
    writer = FeatureWriter(out, description, failures_file=None)
    waiting = {name: p for name, p in part.items() if not writer.is_complete(name)}
    try:
        extract_into(writer, waiting, weights, options, jit)
    finally:
        writer.drop_unfinished()
    return writer.failures


_LOADING = threading.Lock()


@functools.lru_cache(maxsize=1)
def _feature_function(weights: str, fingerprint: str, policy: str, jit: bool):
    """Loads a network; the fingerprint tells a file from another at its path."""
    network = load_p3d(weights, dtype=policy)
    return feature_function(network, read_p3d_metadata(weights).clip_format, jit)


class _Progress:
    """A bar over videos that shows videos per hour and how much faster than playing."""

    def __enter__(self):
        self._bar = None
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def start(self, waiting: int, done: int) -> None:
        """Begins the clock."""
        self._videos, self._played_sec, self._begin = 0, 0.0, time.monotonic()
        self._bar = tqdm.tqdm(total=waiting, unit="video", dynamic_ncols=True)
        if done and not self._bar.disable:
            self._bar.write(f"{done} videos are complete already.", file=sys.stderr)

    def video(self, name: str, timing, message: str | None) -> None:
        """Counts a video."""
        if message:
            kind = "broken, skipped" if timing is None else "incomplete"
            self._bar.write(f"{name}: {kind}: {message}", file=sys.stderr)
        if timing is not None:
            self._videos += 1
            self._played_sec += timing.duration_sec
        spent_sec = max(time.monotonic() - self._begin, 1e-9)
        self._bar.set_postfix_str(
            f"{3600 * self._videos / spent_sec:.0f} videos/hour, "
            f"{self._played_sec / spent_sec:.2f}x playing time",
            refresh=False,
        )
        self._bar.update()
