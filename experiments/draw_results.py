r"""Draws timelines of detections from a results file, beside the annotations.

    python -m experiments.draw_results --predictions results.json --out pictures \
        --ground_truth annotations.json --subset validation

OUT gets a VIDEO.png per video. Without ground truth detections alone are drawn.
"""

from __future__ import annotations

import pathlib

from absl import flags

from ahernet_tf import evaluation, files, program
from ahernet_tf.visualization.result_timelines import draw_results


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "predictions", None, "Results file, .json or .json.gz.", required=True
    )
    flags.DEFINE_string("out", None, "Directory of the pictures.", required=True)
    flags.DEFINE_string(
        "ground_truth",
        None,
        "Ground truth in ActivityNet JSON; default: none.",
    )
    flags.DEFINE_string("subset", None, "Subset of the ground truth; default: all.")
    flags.DEFINE_list("videos", [], "Videos to draw; default: all.")
    flags.DEFINE_float("min_score", 0.0, "Leave out detections that score less.")
    flags.DEFINE_integer(
        "top", 20, "Draw so many detections per video, the best; 0: all.", lower_bound=0
    )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    out = pathlib.Path(values.out)
    files.check_directory(out)
    found = evaluation.load_predictions(values.predictions)
    truth, durations = None, {}
    if values.ground_truth:
        truth = evaluation.load_ground_truth(values.ground_truth, values.subset)
        known = truth.dropna(subset="duration_sec")
        durations = dict(zip(known["video"].astype(str), known["duration_sec"]))
    videos = [evaluation.canonical_video_id(video) for video in values.videos] or None
    everywhere = {*found["video"].astype(str)}
    everywhere |= set() if truth is None else {*truth["video"].astype(str)}
    unknown = [video for video in videos or () if video not in everywhere]
    if unknown:
        raise ValueError(f"--videos: {unknown[0]!r} is in none of the files.")
    pictures = draw_results(
        out, found, durations, truth, values.top, values.min_score, videos
    )
    print(f"{len(pictures)} pictures are in {out}.")


if __name__ == "__main__":
    program.start(define_flags, main, needs=["matplotlib"])
