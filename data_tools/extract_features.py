"""Extracts P3D features of video files.

    python -m data_tools.extract_features --videos videos --weights p3d_rgb_199.npz \
        --out features

Writes one `.npy` [clips, dim] a video and `features.json`, which says when each row is.
A video appears whole or not at all; running the command again goes on where it ended,
and tries broken videos once more. Many machines share the work with --shard 0/4,
--shard 1/4 and so on, into one directory or into several that are copied together
afterwards (a last run without --shard then rewrites features.json).
"""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
import time
from collections.abc import Mapping

import tqdm
from absl import flags, logging

from ahernet_tf import program
from ahernet_tf.p3d.extraction import ExtractionOptions, extract, feature_function
from ahernet_tf.p3d.feature_writer import FeatureWriter, describe_features
from ahernet_tf.p3d.video_files import list_videos, passed_over
from ahernet_tf.p3d.weights import load_p3d, read_p3d_metadata, weights_fingerprint

DTYPES = ("float16", "float32")
POLICIES = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class ExtractionReport:
    """What a run did.

    Attributes:
        extracted: videos whose features were written.
        skipped: videos that were complete before.
        failures: broken video -> why.
        passed_over: suffix -> number of files that are no videos.
    """

    extracted: int
    skipped: int
    failures: dict[str, str]
    passed_over: dict[str, int]


def parse_shard(text: str) -> tuple[int, int]:
    """Returns (index, count) of a shard such as "0/4".

    Raises:
        ValueError: it is not of that form, or the index is not below the count.
    """
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise ValueError(
            f"--shard: expected i/n with i from 0 to n - 1, received {text!r}."
        )
    return int(index), int(count)


def run(
    videos: str,
    weights: str,
    out: str,
    options: ExtractionOptions | None = None,
    dtype: str = "float16",
    policy: str = "float32",
    shard: str = "0/1",
    jit: bool = False,
) -> ExtractionReport:
    """Extracts the features of all videos that are not complete yet.

    Args:
        videos: a folder, a list file or one video; see `list_videos`.
        weights: a file of `convert_p3d` or `save_p3d`.
        out: directory of the features.
        options: how clips are cut and batched.
        dtype: "float16" or "float32", type of the files.
        policy: Keras dtype policy of the network.
        shard: "i/n", the share of the videos to do.
        jit: compile the network with XLA.

    Raises:
        ValueError: nothing to read, unusable weights, or an unfitting directory.
    """
    options = options or ExtractionOptions()
    index, count = parse_shard(shard)
    paths = find_videos(videos, options)
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


def find_videos(videos: str, options: ExtractionOptions) -> dict[str, str]:
    """Lists the videos to extract, name -> path.

    Raises:
        ValueError: There are none, or folders of frames among them without a rate.
    """
    paths = list_videos(videos)
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
        writer: where they go; its description says which network they come from.
        videos: name -> path.
        weights: the weight file.
        options: how clips are cut and batched.
        jit: compile the network with XLA.
    """
    if not videos:
        return
    extractor = writer.description["extractor"]
    fingerprint, policy = extractor["weights_sha256"], extractor["policy"]
    with _LOADING:
        compute = _feature_function(weights, fingerprint, policy, jit)
    clip_format = read_p3d_metadata(weights).clip_format
    extract(compute, videos, writer, clip_format, options)


_LOADING = threading.Lock()


@functools.lru_cache(maxsize=1)
def _feature_function(weights: str, fingerprint: str, policy: str, jit: bool):
    """Loads a network; the fingerprint tells a file from another at its path."""
    network = load_p3d(weights, dtype=policy)
    return feature_function(network, read_p3d_metadata(weights).clip_format, jit)


class _Progress:
    """A bar over videos that shows videos an hour and how much faster than playing."""

    def __enter__(self):
        self._bar = None
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def start(self, waiting: int, done: int) -> None:
        """Begins the clock."""
        if done:
            logging.info("%d videos are complete already.", done)
        self._videos, self._played_sec, self._begin = 0, 0.0, time.monotonic()
        self._bar = tqdm.tqdm(total=waiting, unit="video", dynamic_ncols=True)

    def video(self, name: str, timing, message: str | None) -> None:
        """Counts a video."""
        if message:
            kind = "broken, skipped" if timing is None else "incomplete"
            self._bar.write(f"{name}: {kind}: {message}")
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


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    report = run(
        values.videos,
        values.weights,
        values.out,
        chosen_options(values),
        dtype=values.dtype,
        policy=values.policy,
        shard=values.shard,
        jit=values.jit,
    )
    return print_report(report)


def print_report(report: ExtractionReport) -> int:
    """Prints what a run did; returns the exit status, 1 where nothing could be read."""
    print(
        f"{report.extracted} videos extracted, {report.skipped} were complete, "
        f"{len(report.failures)} broken."
    )
    for name, why in report.failures.items():
        print(f"  {name}: {why}")
    if report.passed_over:
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in report.passed_over.items())
        print(f"Files passed over, hidden ones and what is no video: {kinds}.")
    return int(bool(report.failures) and not report.extracted and not report.skipped)


def chosen_options(values: flags.FlagValues) -> ExtractionOptions:
    """Builds the options that the flags describe."""
    processors = os.cpu_count() or 1
    decoders = values.decoders or max(1, min(8, processors // 2))
    return ExtractionOptions(
        stride_frames=values.stride,
        fps=values.fps,
        batch_size=values.batch_size,
        decoders=decoders,
        threads_per_decoder=max(1, processors // decoders),
        min_decoded=values.min_decoded,
    )


def define_flags() -> None:
    """Defines the program's flags."""
    define_extraction_flags()
    flags.DEFINE_string(
        "shard", "0/1", "Do the i-th of n shares of the videos, counted from 0: i/n."
    )


def define_extraction_flags() -> None:
    """Defines the flags of extraction, on one machine or many."""
    flags.DEFINE_string(
        "videos",
        None,
        "Folder of videos or of folders of frames (searched with its subfolders), or a "
        "text file with one path per line, or one video. A video is called by its file "
        "name without suffix.",
    )
    flags.DEFINE_string("weights", None, "Weights written by data_tools.convert_p3d.")
    flags.DEFINE_string("out", None, "Directory of the features.")
    flags.DEFINE_enum("dtype", "float16", DTYPES, "Type of the written numbers.")
    flags.DEFINE_enum("policy", "float32", POLICIES, "Arithmetic of the network.")
    flags.DEFINE_integer("batch_size", 8, "Clips in one pass.", lower_bound=1)
    flags.DEFINE_integer("stride", 8, "Frames between clips' starts.", lower_bound=1)
    flags.DEFINE_float(
        "fps",
        None,
        "Bring every video to this rate first (default: its own); the rate of folders "
        "of frames.",
    )
    flags.DEFINE_integer(
        "decoders", 0, "Videos decoded at a time (0: half the processors, at most 8)."
    )
    flags.DEFINE_float(
        "min_decoded",
        0.9,
        "A video counts as broken when less than this share of its stated duration "
        "can be decoded.",
    )
    flags.DEFINE_bool("jit", False, "Compile the network with XLA (for GPUs).")
    flags.mark_flags_as_required(["videos", "weights", "out"])


if __name__ == "__main__":
    program.start(define_flags, main, needs=["av"])
