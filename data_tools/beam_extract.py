r"""Extracts P3D features of video files on many machines, with Apache Beam.

    python -m data_tools.beam_extract --videos /shared/videos \
        --weights /shared/p3d_rgb_199.npz --out /shared/features \
        --beam=runner=FlinkRunner --beam=flink_master=head:8081 \
        --beam=environment_type=LOOPBACK

Writes what `data_tools.extract_features` writes, with the same flags. Videos, weights
and features lie where all machines see them under the same path (NFS, Lustre, a mounted
bucket); ahernet_tf is installed on each. A second run goes on where the first ended.
`--beam` passes an option to the pipeline; without any it runs on this machine. Needs
the extra `beam`.
"""

from __future__ import annotations

import functools
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from ahernet_tf import program
from ahernet_tf.data.packed.beam_work import run_parts

from . import extract_features

if TYPE_CHECKING:
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions
    from ahernet_tf.p3d.video_features import ExtractionReport

_WORK = "beam"  # directory of the parts, inside that of the features


def run(
    videos: str,
    weights: str,
    out: str | os.PathLike,
    options: ExtractionOptions | None = None,
    dtype: str = "float16",
    policy: str = "float32",
    jit: bool = False,
    keep_folders: bool = False,
    videos_per_part: int = 16,
    beam_options: Sequence[str] = (),
    progress: bool = True,
) -> ExtractionReport:
    """Extracts the features of all videos that are not complete yet.

    Args:
        videos: As for `extract_videos`, as the other arguments up to `keep_folders`.
        weights: See there.
        out: See there.
        options: See there; each worker decodes so many videos at a time.
        dtype: See there.
        policy: See there.
        jit: See there.
        keep_folders: See there.
        videos_per_part: Videos that a worker does one after another.
        beam_options: Options of the pipeline, such as "--runner=FlinkRunner".
        progress: Whether to show a bar over the parts.

    Raises:
        ValueError: As `extract_videos`, or Apache Beam is not installed.
    """
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions
    from ahernet_tf.p3d.feature_writer import FeatureWriter, describe_features
    from ahernet_tf.p3d.video_features import (
        ExtractionReport,
        extract_part,
        find_videos,
    )
    from ahernet_tf.p3d.video_files import passed_over
    from ahernet_tf.p3d.weights import read_p3d_metadata, weights_fingerprint

    options = options or ExtractionOptions()
    out, weights = pathlib.Path(out).absolute(), os.path.abspath(weights)
    found = find_videos(videos, options, keep_folders)
    paths = {name: os.path.abspath(path) for name, path in found.items()}
    description = describe_features(
        read_p3d_metadata(weights), options, weights_fingerprint(weights), dtype, policy
    )
    writer = FeatureWriter(out, description)
    skipped = sum(writer.is_complete(video) for video in paths)
    names = list(paths)
    parts = [
        {name: paths[name] for name in names[first : first + videos_per_part]}
        for first in range(0, len(names), videos_per_part)
    ]
    work = functools.partial(
        extract_part, os.fspath(out), description, weights, options, jit
    )
    try:
        for failures in run_parts(
            work, parts, out / _WORK, beam_options, "extracting", progress
        ):
            writer.failures |= failures
    finally:
        writer.close()
    extracted = len(paths) - skipped - len(writer.failures)
    return ExtractionReport(extracted, skipped, writer.failures, passed_over(videos))


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    report = run(
        values.videos,
        values.weights,
        values.out,
        extract_features.chosen_options(values),
        dtype=values.dtype,
        policy=values.policy,
        jit=values.jit,
        keep_folders=values.keep_folders,
        videos_per_part=values.videos_per_part,
        beam_options=[f"--{option}" for option in values.beam],
    )
    return extract_features.print_report(report)


def define_flags() -> None:
    """Defines the program's flags."""
    extract_features.define_extraction_flags()
    flags.DEFINE_integer(
        "videos_per_part", 16, "Videos that a worker is given at once.", lower_bound=1
    )
    flags.DEFINE_multi_string(
        "beam",
        [],
        "Option of the Beam pipeline without its dashes, such as runner=FlinkRunner. "
        "Repeatable.",
    )


if __name__ == "__main__":
    program.start(define_flags, main, needs=["apache_beam", "av"])
