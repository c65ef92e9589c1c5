r"""Extracts P3D features of video files.

    python -m data_tools.extract_features --videos videos --weights p3d_rgb_199.npz \
        --out features

Writes one `.npy` [clips, dim] a video and `features.json`, which says when each row is.
A video appears whole or not at all; running the command again goes on where it ended,
and tries broken videos once more. Many machines share the work with --shard 0/4,
--shard 1/4 and so on, into one directory or into several that are copied together
afterwards (a last run without --shard then rewrites features.json).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from absl import flags

from ahernet_tf import program

if TYPE_CHECKING:
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions
    from ahernet_tf.p3d.video_features import ExtractionReport

DTYPES = ("float16", "float32")
POLICIES = ("float32", "mixed_bfloat16")


def parse_shard(text: str) -> tuple[int, int]:
    """Returns (index, count) of a shard such as "0/4".

    Raises:
        ValueError: It is not of that form, or the index is not below the count.
    """
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise ValueError(
            f"--shard: expected i/n with i from 0 to n - 1, received {text!r}."
        )
    return int(index), int(count)


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    from ahernet_tf.p3d.video_features import extract_videos

    what = (values.videos, values.weights, values.out, chosen_options(values))
    how = {
        "dtype": values.dtype,
        "shard": parse_shard(values.shard),
        "keep_folders": values.keep_folders,
    }
    if values.dry_run:
        from ahernet_tf.p3d.forecasts import forecast_extraction

        print("\n".join(forecast_extraction(*what, **how).lines()))
        return 0
    report = extract_videos(*what, **how, policy=values.policy, jit=values.jit)
    return print_report(report)


def print_report(report: ExtractionReport) -> int:
    """Prints what a run did; returns the exit status, 1 where nothing could be read."""
    print(
        f"{report.extracted} videos extracted, {report.skipped} were complete, "
        f"{len(report.failures)} broken."
    )
    for name, why in report.failures.items():
        program.warn(f"{name}: {why}")
    if report.passed_over:
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in report.passed_over.items())
        program.note(f"Files passed over, hidden ones and what is no video: {kinds}.")
    return int(bool(report.failures) and not report.extracted and not report.skipped)


def chosen_options(values: flags.FlagValues) -> ExtractionOptions:
    """Builds the options that the flags describe."""
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions

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
    program.define_dry_run()
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
        "name without suffix, or folder/name where two would be called the same.",
    )
    flags.DEFINE_bool(
        "keep_folders",
        False,
        "Call all videos folder/name, and write a folder of features for each folder "
        "of videos, such as one per class.",
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
        0.01,
    )
    flags.DEFINE_integer(
        "decoders",
        0,
        "Videos decoded at a time (0: half the processors, at most 8).",
        0,
    )
    flags.DEFINE_float(
        "min_decoded",
        0.9,
        "A video counts as broken when less than this share of its stated duration "
        "can be decoded.",
        0.0,
        1.0,
    )
    flags.DEFINE_bool("jit", False, "Compile the network with XLA (for GPUs).")
    flags.mark_flags_as_required(["videos", "weights", "out"])


if __name__ == "__main__":
    program.start(define_flags, main, needs=["av"])
