"""Times non-maximum suppression beside a plain loop, in one run.

    python -m experiments.benchmarks.nms --json nms.json

Both suppress the candidates of the same made-up videos, in turn; they must keep the
same ones. The loop is what one would write: over the candidates, best first, each
compared with all that are kept.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from absl import flags

from ahernet_tf import program
from ahernet_tf.config import InferenceConfig

from . import preset_flags


def plain_suppress(
    segments: np.ndarray, rank: np.ndarray, config: InferenceConfig, keep: int
) -> np.ndarray:
    """Does what `suppress` does, one pair of segments after the other."""
    kept: list[int] = []
    for index in np.argsort(-rank, kind="stable")[: config.candidates]:
        start, end = segments[index]
        for other in kept:
            other_start, other_end = segments[other]
            shared = max(min(end, other_end) - max(start, other_start), 0.0)
            union = (end - start) + (other_end - other_start) - shared
            if union > 0 and shared / union > config.nms_tiou:
                break
        else:
            kept.append(int(index))
        if len(kept) == keep:
            break
    return np.array(kept, np.int64)


def make_videos(
    videos: int, candidates: int, instances: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Makes up candidates that crowd around the instances of each video."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(videos):
        bounds = np.sort(random.uniform(0, 512, (instances, 2)))
        around = bounds[random.integers(instances, size=candidates)]
        around = around + random.normal(0, 4, (candidates, 2))
        anywhere = random.uniform(0, 512, (candidates, 2))
        near = random.random(candidates) < 0.7
        segments = np.where(near[:, np.newaxis], around, anywhere)
        segments = np.sort(segments).clip(0, 512).astype(np.float32)
        made.append((segments, random.random(candidates).astype(np.float32)))
    return made


def measure(
    config: InferenceConfig, videos: int, instances: int, rounds: int
) -> dict[str, Any]:
    """Times both ways on the same videos.

    Args:
        config: Candidates, threshold and number of detections.
        videos: Number of videos.
        instances: Of a video.
        rounds: How often both are timed; medians count.

    Returns:
        Milliseconds a video of each way.

    Raises:
        RuntimeError: They do not keep the same candidates.
    """
    from ahernet_tf.inference.suppression import suppress

    from . import rates

    made = make_videos(videos, config.candidates, instances)
    keep = config.detections
    taken: dict[str, list[float]] = {"ours": [], "loop": []}
    kept: dict[str, list[np.ndarray]] = {}

    def run(name: str, function) -> None:
        kept[name] = [function(*video, config, keep) for video in made]

    run("ours", suppress)
    for _ in range(rounds):
        for name, function in (("ours", suppress), ("loop", plain_suppress)):
            seconds = rates.clocked(lambda n=name, f=function: run(n, f))
            taken[name].append(seconds.wall)
    for number, (ours, loop) in enumerate(zip(kept["ours"], kept["loop"])):
        if not np.array_equal(ours, loop):
            raise RuntimeError(f"Video {number}: not the same candidates are kept.")
    each = {
        name: 1e3 * statistics.median(times) / videos for name, times in taken.items()
    }
    return {
        "videos": videos,
        "candidates": config.candidates,
        "nms_tiou": config.nms_tiou,
        "kept_per_video": float(np.mean([len(part) for part in kept["ours"]])),
        "ours_ms_per_video": each["ours"],
        "loop_ms_per_video": each["loop"],
        "times_faster": each["loop"] / each["ours"],
        "machine": rates.machine(),
    }


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    config = preset_flags.chosen_config(values).inference
    report = measure(config, values.videos, values.instances, values.rounds)
    preset_flags.finish(
        values,
        report,
        f"{report['candidates']} candidates, {report['kept_per_video']:.0f} kept: "
        f"{report['ours_ms_per_video']:.2f} ms a video, plain loop "
        f"{report['loop_ms_per_video']:.1f} ms: {report['times_faster']:.0f} times",
    )


def define_flags() -> None:
    """Defines the program's flags."""
    preset_flags.define_flags()
    flags.DEFINE_integer("videos", 50, "Number of videos.", 1)
    flags.DEFINE_integer("instances", 5, "Instances of a video.", 1)
    flags.DEFINE_integer("rounds", 3, "How often both are timed.", 1)


if __name__ == "__main__":
    program.start(define_flags, main)
