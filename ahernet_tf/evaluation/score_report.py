"""Scores laid out as JSON and as lines of text."""

import dataclasses
from typing import Any

import numpy as np

from ahernet_tf.evaluation.bootstrap import Interval
from ahernet_tf.evaluation.detection import DetectionResult
from ahernet_tf.evaluation.proposal import ProposalResult

AVERAGE_NUMBERS = (1, 5, 10, 100)
"""The average numbers of proposals whose recall is reported by name."""
CONFUSIONS = 5
"""Pairs of confused classes that are printed."""


def detection_report(result: DetectionResult) -> dict[str, Any]:
    """Lays a detection score out as JSON."""
    return {
        "n_ground_truth": result.counts["ground_truth_instances"],
        "n_predictions_used": result.counts["predictions_used"],
        "n_classes": result.counts["classes"],
        "mAP": result.map_at_tiou.tolist(),
        "average_mAP": result.average_map,
        "AP_per_class": {c: ap.tolist() for c, ap in result.ap_per_class.items()},
        "instances_per_class": result.instances_per_class,
    }


def proposal_report(result: ProposalResult) -> dict[str, Any]:
    """Lays a proposal score out as JSON."""
    return {
        "n_proposals_in_file": result.counts["proposals"],
        "AUC": result.auc,
        **{f"AR@{number}": result.ar_at(number) for number in AVERAGE_NUMBERS},
        "average_recall": result.ar_at_an.tolist(),
        "proposals_per_video": result.proposals_per_video.tolist(),
        "recall": result.recall.tolist(),
    }


def interval_report(interval: Interval) -> dict[str, Any]:
    """Lays an interval out as JSON, its resamples as their number."""
    report = dataclasses.asdict(interval)
    report["samples"] = len(report.pop("resampled"))
    return report


def report_lines(report: dict[str, Any]) -> list[str]:
    """Writes the report as lines of text."""
    protocol, counts = report["protocol"], report["counts"]
    steps = " -> ".join(f"{count} {what}" for what, count in counts["video_steps"])
    thresholds = report["tiou_thresholds"]
    lines = [
        f"protocol        {protocol['name']}: {protocol['description']}",
        f"subset          {report['subset'] or '(every video)'}",
        f"videos          {steps}",
        f"classes         {protocol['class_rule']}"
        + (f", of {len(report['classes'])} given" if report["classes"] else ""),
        f"tIoU            {' '.join(f'{value:.2f}' for value in thresholds)}",
    ]
    if "detection" in report:
        lines += detection_lines(report["detection"], thresholds)
    if "proposal" in report:
        proposal = report["proposal"]
        lines += ["", "proposals (percent)"]
        lines += [
            f"  AR@{number:<4d} {100 * proposal[f'AR@{number}']:7.3f}"
            for number in AVERAGE_NUMBERS
        ]
        lines.append(f"  AUC     {proposal['AUC']:7.3f}")
    if "errors" in report:
        lines += error_lines(report["errors"])
    for key, what in (("bootstrap", "average mAP"), ("comparison", "difference")):
        if key in report:
            value = report[key]
            lines += [
                "",
                f"{what} {100 * value['estimate']:.3f}, "
                f"{100 * value['confidence']:.0f}% interval "
                f"{100 * value['low']:.3f} to {100 * value['high']:.3f} "
                f"({value['samples']} resamples of the videos)",
            ]
    lines += ["", "counts"]
    lines += [
        f"  {key.replace('_', ' '):34s} "
        + (", ".join(value) or "none" if isinstance(value, list) else str(value))
        for key, value in counts.items()
        if key != "video_steps"
    ]
    return lines


def detection_lines(detection: dict[str, Any], thresholds: list[float]) -> list[str]:
    """Writes mAP per threshold, and AP per class at three of them and on average."""
    columns = sorted({0, len(thresholds) // 2, len(thresholds) - 1})
    heads = "".join(f"  @{thresholds[i]:.2f}" for i in columns)
    lines = ["", "mAP (percent)"]
    lines += [
        f"  @{threshold:.2f}   {100 * value:7.3f}"
        for threshold, value in zip(thresholds, detection["mAP"])
    ]
    lines += [f"  average {100 * detection['average_mAP']:7.3f}", ""]
    lines.append(f"AP per class (percent){'instances':>22s}{heads}  average")
    for label, values in detection["AP_per_class"].items():
        cells = "".join(f"{100 * values[i]:7.2f}" for i in columns)
        lines.append(
            f"  {label:32s}{detection['instances_per_class'][label]:10d}"
            f"{cells}{100 * float(np.mean(values)):9.2f}"
        )
    return lines


def error_lines(errors: dict[str, Any]) -> list[str]:
    """Writes the error analysis."""
    total = max(errors["predictions"], 1)
    kinds = {"true positive": errors["true_positives"], **errors["false_positives"]}
    threshold = errors["tiou_threshold"]
    lines = ["", f"{errors['predictions']} best-scored predictions at tIoU {threshold}"]
    lines += [f"  {k:17s}{v:8d} {100 * v / total:6.1f}%" for k, v in kinds.items()]
    confused = [c for c in errors["confusions"] if c[1] not in (None, c[0])]
    if confused:
        lines += ["", "most confused (found as, annotated as)"]
        lines += [f"  {n:8d} {f}, {a}" for f, a, n in confused[:CONFUSIONS]]
    for of, bins in (
        ("coverage (fraction of the video)", errors["misses"]),
        ("length", errors["misses_by_length"]),
    ):
        lines += ["", f"missed instances by {of}"]
        lines += [
            f"  {name:16s}{missed:6d} of {n:6d} {100 * missed / max(n, 1):6.1f}%"
            for name, (missed, n) in bins.items()
        ]
    return lines
