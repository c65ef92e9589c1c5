r"""Scores detections and proposals as the ActivityNet evaluation does.

Example:
  python -m experiments.evaluate --ground_truth anno.json \
      --predictions results.json.gz --protocol anet_v1.3 --json scores.json

Prints the protocol, mAP at each tIoU threshold and its average, AP per class, the
average recall at 1, 5, 10 and 100 proposals per video and the area under its curve, and
what was dropped. All of it goes to the --json file too. Equal scores are ranked in the
order of the predictions file.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import evaluation, files, program

from . import ground_truth_flags

if TYPE_CHECKING:
    import pandas as pd


def run(
    ground_truth: str | Mapping,
    predictions_path: str,
    protocol: evaluation.Protocol,
    classes: list[str] | None = None,
    metrics: Sequence[str] = ("detection", "proposal"),
    background: bool = False,
    errors: bool = False,
    compare_with: str | None = None,
    bootstrap: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Computes everything that the program prints and writes.

    Returns:
        A JSON-ready report: `protocol`, `ground_truth`, `predictions`, `subset`,
        `tiou_thresholds`, `mismatches`, `counts`, and what was asked of `detection`,
        `proposal`, `errors`, `bootstrap`, `comparison`.
    """
    detecting = "detection" in metrics
    if not detecting and (errors or bootstrap or compare_with):
        raise ValueError("errors, bootstrap and comparison need --metrics detection.")
    truth = protocol.load_ground_truth(ground_truth, classes)
    found = evaluation.load_predictions(
        predictions_path,
        with_labels=detecting,
        excluded_videos=protocol.excluded_videos,
    )
    info = truth.attrs["info"]
    background_videos = info["background_videos"] if background else []
    thresholds = protocol.tiou_thresholds
    report: dict[str, Any] = {
        "protocol": dataclasses.asdict(protocol),
        "ground_truth": info["source"],
        "predictions": predictions_path,
        "subset": protocol.subset,
        "classes": classes,
        "tiou_thresholds": list(thresholds),
        "mismatches": evaluation.mismatches(truth, found, background_videos),
        "counts": _counts(info)
        | {
            "background_videos_scored": len(background_videos),
            "predictions_of_excluded_videos": found.attrs["info"]["excluded"],
        },
    }
    if detecting:
        result = evaluation.evaluate_detections(
            truth, found, thresholds, background_videos
        )
        report["detection"] = evaluation.detection_report(result)
        report["counts"].update(result.counts)
    if "proposal" in metrics:
        result = evaluation.evaluate_proposals(truth, found, thresholds)
        report["proposal"] = evaluation.proposal_report(result)
        for key, value in result.counts.items():
            report["counts"].setdefault(key, value)
    if errors:
        report["errors"] = dataclasses.asdict(evaluation.analyse_errors(truth, found))
    resampled = functools.partial(
        _resampled, truth, found, protocol, background_videos, seed
    )
    if compare_with:
        interval = resampled(bootstrap or 1000, compare_with)
        report["comparison"] = {"with": compare_with, **interval}
    elif bootstrap:
        report["bootstrap"] = resampled(bootstrap)
    return report


def _resampled(
    truth: pd.DataFrame,
    found: pd.DataFrame,
    protocol: evaluation.Protocol,
    background_videos: Sequence[str],
    seed: int,
    samples: int,
    compare_with: str | None = None,
) -> dict[str, Any]:
    """Returns the interval of the average mAP, or of its difference to another's."""
    from tqdm import tqdm  # after --quiet is read

    thresholds = protocol.tiou_thresholds
    options = {
        "seed": seed,
        "background_videos": background_videos,
        "progress": functools.partial(tqdm, desc="bootstrap", leave=False),
    }
    if compare_with is None:
        interval = evaluation.bootstrap_interval(
            truth, found, thresholds, samples, **options
        )
    else:
        other = evaluation.load_predictions(
            compare_with, excluded_videos=protocol.excluded_videos
        )
        interval = evaluation.paired_bootstrap(
            truth, found, other, thresholds, samples, **options
        )
    return evaluation.interval_report(interval)


def _counts(info: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what was counted while the ground truth was read."""
    return {
        "video_steps": [list(step) for step in info["steps"]],
        "background_videos": len(info["background_videos"]),
        "classes_absent": info["classes_absent"],
        "zero_length_instances": info["zero_length"],
        "repeated_instances": info["repeated"],
        "instances_past_duration": info["past_duration"],
    }


def define_flags() -> None:
    """Defines the program's flags."""
    ground_truth_flags.define_flags()
    flags.DEFINE_string(
        "predictions",
        None,
        "Results file in ActivityNet JSON (.json or .json.gz).",
        required=True,
    )
    flags.DEFINE_bool(
        "background_videos",
        False,
        "Score detections in videos of the subset without any annotation too (each is "
        "a false positive). By default such videos are left out.",
    )
    flags.DEFINE_multi_enum(
        "metrics",
        ["detection", "proposal"],
        ["detection", "proposal"],
        "Which scores; files of proposals without labels take --metrics proposal.",
    )
    flags.DEFINE_bool(
        "errors", False, "Print the kinds of false positives and the lengths of misses."
    )
    flags.DEFINE_string(
        "compare_with",
        None,
        "A second results file: prints the difference of the two average mAPs with its "
        "confidence interval.",
    )
    flags.DEFINE_integer(
        "bootstrap",
        0,
        "Resamples of the videos for a 95% interval of the average mAP (0: none; with "
        "--compare_with 1000).",
        lower_bound=0,
    )
    flags.DEFINE_integer("seed", 0, "Seed of the resampling.")
    flags.DEFINE_string("json", None, "Where to write every number, as JSON.")


def main(values: flags.FlagValues) -> None:
    """Reads the flags, scores, prints and writes."""
    warnings.showwarning = lambda message, *_, **__: program.warn(message)
    if values.json:
        files.check_output(values.json)
    asked = ground_truth_flags.read(values)
    if asked is None:
        raise ValueError("Expected either --ground_truth or --data.")
    report = run(
        asked.source,
        values.predictions,
        asked.protocol,
        asked.classes,
        values.metrics,
        values.background_videos,
        values.errors,
        values.compare_with,
        values.bootstrap,
        values.seed,
    )
    report["ground_truth"] = values.data or values.ground_truth
    for line in report["mismatches"]:
        program.warn(line)
    if report["mismatches"] and not values.data:
        print(
            "warning: --subset, --classes and --block_list score a part; --data DIR "
            "scores what training scored.",
            file=sys.stderr,
        )
    print("\n".join(evaluation.report_lines(report)))
    if values.json:
        files.write_json(values.json, report)


if __name__ == "__main__":
    program.start(define_flags, main)
