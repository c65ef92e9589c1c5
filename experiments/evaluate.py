r"""Scores detections and proposals as the ActivityNet evaluation does.

Example:
  python -m experiments.evaluate --ground_truth anno.json \
      --predictions results.json.gz --protocol anet_v1.3 --json scores.json

Prints the protocol, mAP at each tIoU threshold and its average, AP per class, the
average recall at 1, 5, 10 and 100 proposals per video and the area under its curve, and
what was dropped. All of it goes to the --json file too. Equal scores are ranked in the
order of the predictions file.
"""

import dataclasses
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags
from tqdm import tqdm

from ahernet_tf import evaluation, files, program


def parse_thresholds(text: str) -> tuple[float, ...]:
    """Reads `0.5:0.05:0.95` or `0.3,0.5,0.7`; ValueError if it is neither."""
    try:
        if ":" in text:
            return evaluation.tiou_range(*(float(part) for part in text.split(":")))
        return tuple(float(part) for part in text.split(","))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"--tiou: expected start:step:stop or a list, received {text!r}: {error}"
        ) from error


def parse_classes(text: str) -> list[str]:
    """Reads a file of classes if there is one of that name, else a comma list."""
    if os.path.exists(text) or text.endswith((".json", ".txt", ".gz")):
        return evaluation.read_names(text)
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError(f"--classes: no class in {text!r}.")
    return names


def protocol_of(
    name: str,
    subset: str | None = None,
    tiou: str | None = None,
    block_list: str | None = None,
) -> evaluation.Protocol:
    """Returns the named protocol with what the command line changes in it."""
    protocol = evaluation.PROTOCOLS[name]
    if subset:
        protocol = dataclasses.replace(protocol, subset=subset)
    if tiou:
        if name != "custom":
            raise ValueError(f"--tiou goes with --protocol custom, not {name}.")
        protocol = dataclasses.replace(protocol, tiou_thresholds=parse_thresholds(tiou))
    if block_list:
        excluded = (*protocol.excluded_videos, *evaluation.read_names(block_list))
        protocol = dataclasses.replace(protocol, excluded_videos=excluded)
    return protocol


def truth_of_data(directory: str, classes: str = "target") -> dict[str, Any]:
    """Returns the ground truth of a data set's test videos, as training scores them.

    Args:
        directory: Where dataset.json lies.
        classes: `target` or `source`.

    Raises:
        ValueError: The data set is faulty, or has no such videos.
    """
    from ahernet_tf.config import DataConfig
    from ahernet_tf.data.dataset import Dataset

    if classes not in ("target", "source"):
        raise ValueError(
            f"--classes: expected target or source with --data, received {classes!r}."
        )
    # Whatever was wrong with the data was reported when it was trained on.
    dataset = Dataset.load(directory, DataConfig(), True, "shape")
    wanted = None if classes == "target" else dataset.source_classes
    role = dataset.test(wanted)
    if role is None:
        raise ValueError(f"{directory}: no test videos of {classes} classes.")
    return {
        "database": {
            video.id: {
                "duration": video.duration_sec,
                "annotations": [
                    {"segment": [item.start_sec, item.end_sec], "label": item.label}
                    for item in video.instances
                ],
            }
            for video in role.videos
        }
    }


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
        "ground_truth": truth.attrs["info"]["source"],
        "predictions": predictions_path,
        "subset": protocol.subset,
        "classes": classes,
        "tiou_thresholds": list(thresholds),
        "mismatches": evaluation.mismatches(truth, found, background_videos),
        "counts": {
            "video_steps": [list(step) for step in info["steps"]],
            "background_videos": len(info["background_videos"]),
            "background_videos_scored": len(background_videos),
            "classes_absent": info["classes_absent"],
            "zero_length_instances": info["zero_length"],
            "repeated_instances": info["repeated"],
            "instances_past_duration": info["past_duration"],
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
    options = {
        "seed": seed,
        "background_videos": background_videos,
        "progress": lambda loop: tqdm(loop, desc="bootstrap", leave=False),
    }
    if bootstrap and not compare_with:
        interval = evaluation.bootstrap_interval(
            truth, found, thresholds, bootstrap, **options
        )
        report["bootstrap"] = evaluation.interval_report(interval)
    if compare_with:
        other = evaluation.load_predictions(
            compare_with, excluded_videos=protocol.excluded_videos
        )
        paired = evaluation.paired_bootstrap(
            truth, found, other, thresholds, bootstrap or 1000, **options
        )
        report["comparison"] = {
            "with": compare_with,
            **evaluation.interval_report(paired),
        }
    return report


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "ground_truth",
        None,
        "Ground truth in ActivityNet JSON (.json or .json.gz).",
    )
    flags.DEFINE_string(
        "data",
        None,
        "Data set directory in place of --ground_truth: scores its test videos exactly "
        "as training does. --classes is then target (the default) or source.",
    )
    flags.DEFINE_string(
        "predictions",
        None,
        "Results file in ActivityNet JSON (.json or .json.gz).",
        required=True,
    )
    flags.DEFINE_enum(
        "protocol",
        "anet_v1.3",
        list(evaluation.PROTOCOLS),
        "What is scored: "
        + "; ".join(
            f"{p.name}: {p.description}, subset {p.subset or '(all)'}, tIoU "
            f"{p.tiou_thresholds[0]:.2f} to {p.tiou_thresholds[-1]:.2f}"
            for p in evaluation.PROTOCOLS.values()
        )
        + ".",
    )
    flags.DEFINE_string(
        "subset",
        None,
        "Subset of the ground truth to score, instead of the protocol's.",
    )
    flags.DEFINE_string(
        "classes",
        None,
        "Classes to score: a file (one a line, or a JSON list) or a comma-separated "
        "list. Videos without an instance of them are left out. Default: every "
        "annotated class.",
    )
    flags.DEFINE_string(
        "tiou",
        None,
        "tIoU thresholds, start:step:stop or a comma-separated list; with --protocol "
        "custom only.",
    )
    flags.DEFINE_string(
        "block_list",
        None,
        "File of videos to leave out (one id a line, or a JSON list), such as those no "
        "longer online; on top of the protocol's own.",
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
    warnings.showwarning = lambda message, *_, **__: print(
        f"warning: {message}", file=sys.stderr
    )
    if values.json:
        files.check_output(values.json)
    if (values.data is None) == (values.ground_truth is None):
        raise ValueError("Expected either --ground_truth or --data.")
    name, classes = values.protocol, values.classes
    if values.data is not None:
        truth, name = truth_of_data(values.data, classes or "target"), "custom"
        classes = None
    else:
        truth = values.ground_truth
    report = run(
        truth,
        values.predictions,
        protocol_of(name, values.subset, values.tiou, values.block_list),
        parse_classes(classes) if classes else None,
        values.metrics,
        values.background_videos,
        values.errors,
        values.compare_with,
        values.bootstrap,
        values.seed,
    )
    report["ground_truth"] = values.data or values.ground_truth
    for line in report["mismatches"]:
        print(f"warning: {line}", file=sys.stderr)
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
