"""Times the evaluation at ActivityNet's size, beside a plain loop on a small part.

Example:
  python -m experiments.benchmarks.evaluation --json evaluation_speed.json

Makes 945,600 predictions on 4,728 videos of 200 classes, writes them as a results file,
and times reading it, the detection score and the proposal score. In the same run a
per-prediction loop and the fast code both score a stated small part of it; their
numbers must agree to 1e-9. Loop times are of that part: nothing is extrapolated.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from absl import flags

from ahernet_tf import evaluation, files, program
from ahernet_tf.evaluation.reference import loop_average_precision, loop_recall

TOLERANCE = 1e-9


def make_data(
    videos: int, per_video: int, classes: int, seed: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Makes up ground truth and predictions of ActivityNet's statistics.

    Videos last 20 to 235 s and hold 1 to 3 instances of one class. Half of the
    predictions lie around an instance, the others anywhere; two of three have the
    video's class.

    Returns:
        Ground truth as ActivityNet JSON content, and a frame of predictions.
    """
    generator = np.random.default_rng(seed)
    database, frames = {}, []
    for index in range(videos):
        video = f"video_{index:05d}"
        duration = generator.uniform(20.0, 235.0)
        label = index % classes
        count = int(generator.integers(1, 4))
        segments = np.sort(generator.uniform(0, duration, (count, 2)), axis=1)
        annotations = [
            {"segment": segment.tolist(), "label": f"class {label:03d}"}
            for segment in segments
        ]
        database[video] = {
            "duration": duration,
            "subset": "validation",
            "annotations": annotations,
        }
        around = segments[generator.integers(count, size=per_video)]
        around = around + generator.normal(0, 0.08 * duration, (per_video, 2))
        anywhere = generator.uniform(0, duration, (per_video, 2))
        near = generator.random(per_video) < 0.5
        times = np.sort(np.where(near[:, None], around, anywhere).clip(0, duration))
        other = generator.integers(classes, size=per_video)
        labels = np.where(generator.random(per_video) < 2 / 3, label, other)
        frames.append(
            pd.DataFrame(
                {
                    "video": video,
                    "start_sec": times[:, 0],
                    "end_sec": times[:, 1],
                    "label": [f"class {value:03d}" for value in labels],
                    "score": generator.random(per_video),
                }
            )
        )
    return {"database": database}, pd.concat(frames, ignore_index=True)


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """Returns a function's value and the wall-clock seconds it took."""
    start = time.perf_counter()
    value = function()
    return value, time.perf_counter() - start


def run(
    videos: int, per_video: int, classes: int, loop_videos: int, seed: int
) -> dict[str, Any]:
    """Times everything; see the module's docstring.

    Raises:
        ValueError: Fast code and loop disagree.
    """
    content, predictions = make_data(videos, per_video, classes, seed)
    thresholds = evaluation.PROTOCOLS["anet_v1.3"].tiou_thresholds
    with tempfile.TemporaryDirectory() as directory:
        truth_path = os.path.join(directory, "ground_truth.json")
        results_path = os.path.join(directory, "results.json")
        files.write_json(truth_path, content)
        evaluation.write_results(results_path, predictions)
        megabytes = os.path.getsize(results_path) / 1e6
        truth, truth_sec = timed(
            lambda: evaluation.load_ground_truth(truth_path, "validation")
        )
        found, load_sec = timed(lambda: evaluation.load_predictions(results_path))
    detection, detection_sec = timed(
        lambda: evaluation.evaluate_detections(truth, found, thresholds)
    )
    proposal, proposal_sec = timed(
        lambda: evaluation.evaluate_proposals(truth, found, thresholds)
    )
    return {
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
        "whole": {
            "videos": videos,
            "predictions": len(found),
            "classes": classes,
            "results_file_megabytes": megabytes,
            "load_ground_truth_sec": truth_sec,
            "load_predictions_sec": load_sec,
            "detection_sec": detection_sec,
            "proposal_sec": proposal_sec,
            "average_mAP": detection.average_map,
            "AUC": proposal.auc,
        },
        "part": compare(truth, found, thresholds, loop_videos),
    }


def compare(
    truth: pd.DataFrame,
    found: pd.DataFrame,
    thresholds: Sequence[float],
    loop_videos: int,
) -> dict[str, Any]:
    """Times fast code and plain loop on the first videos, and compares the numbers."""
    names = list(truth["video"].unique()[:loop_videos])
    truth = truth[truth["video"].isin(names)]
    found = found[found["video"].isin(names)]
    detection, fast_detection_sec = timed(
        lambda: evaluation.evaluate_detections(truth, found, thresholds)
    )
    proposal, fast_proposal_sec = timed(
        lambda: evaluation.evaluate_proposals(truth, found, thresholds)
    )
    loop_ap, loop_detection_sec = timed(
        lambda: [loop_average_precision(truth, found, value) for value in thresholds]
    )
    recall, loop_proposal_sec = timed(lambda: loop_recall(truth, found, thresholds))
    differences = [
        abs(detection.ap_per_class[label][i] - value)
        for i, values in enumerate(loop_ap)
        for label, value in values.items()
    ]
    worst = max(*differences, float(np.abs(recall - proposal.recall).max()))
    if worst > TOLERANCE:
        raise ValueError(f"Fast code and plain loop differ by {worst}.")
    return {
        "videos": len(names),
        "predictions": len(found),
        "fast_detection_sec": fast_detection_sec,
        "loop_detection_sec": loop_detection_sec,
        "fast_proposal_sec": fast_proposal_sec,
        "loop_proposal_sec": loop_proposal_sec,
        "largest_difference": worst,
    }


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("json", None, "Where to write the times, as JSON.")
    flags.DEFINE_integer("videos", 4728, "How many videos.", lower_bound=1)
    flags.DEFINE_integer(
        "predictions_per_video", 200, "How many predictions a video.", lower_bound=1
    )
    flags.DEFINE_integer("classes", 200, "How many classes.", lower_bound=1)
    flags.DEFINE_integer(
        "loop_videos", 50, "How many videos the plain loop scores.", lower_bound=1
    )
    flags.DEFINE_integer("seed", 0, "Seed of the made-up data.")


def main(values: flags.FlagValues) -> None:
    """Reads the flags, measures, prints and writes."""
    report = run(
        values.videos,
        values.predictions_per_video,
        values.classes,
        values.loop_videos,
        values.seed,
    )
    whole, part = report["whole"], report["part"]
    print(
        f"{whole['predictions']} predictions, {whole['videos']} videos, "
        f"{whole['classes']} classes, {whole['results_file_megabytes']:.0f} MB\n"
        f"  load ground truth {whole['load_ground_truth_sec']:8.2f} s\n"
        f"  load predictions  {whole['load_predictions_sec']:8.2f} s\n"
        f"  detection         {whole['detection_sec']:8.2f} s\n"
        f"  proposal          {whole['proposal_sec']:8.2f} s\n"
        f"part: {part['predictions']} predictions, {part['videos']} videos "
        f"(largest difference {part['largest_difference']:.1e})\n"
        f"  detection  fast {part['fast_detection_sec']:8.3f} s, "
        f"plain loop {part['loop_detection_sec']:8.3f} s\n"
        f"  proposal   fast {part['fast_proposal_sec']:8.3f} s, "
        f"plain loop {part['loop_proposal_sec']:8.3f} s"
    )
    if values.json:
        files.write_json(values.json, report)


if __name__ == "__main__":
    program.start(define_flags, main)
