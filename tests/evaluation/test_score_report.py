import pytest

from ahernet_tf.evaluation import (
    bootstrap_interval,
    evaluate_detections,
    evaluate_proposals,
    proposal_report,
)
from ahernet_tf.evaluation.score_report import (
    detection_lines,
    detection_report,
    error_lines,
    interval_report,
    report_lines,
)
from tests.evaluation.frames import found, truth


def test_table_shows_first_middle_last_threshold_and_average():
    result = evaluate_detections(
        truth(("v", 0, 10, "Long jump")),
        found(("v", 0, 6, "Long jump", 0.9)),
        [0.5, 0.7],
    )
    lines = detection_lines(detection_report(result), [0.5, 0.7])
    assert "@0.50  @0.70  average" in lines[-2]
    assert lines[-1].split() == ["Long", "jump", "1", "100.00", "0.00", "50.00"]


def test_proposal_report_names_the_average_numbers():
    result = evaluate_proposals(
        truth(("v", 0, 10, "x")), found(("v", 0, 10, "x", 0.9)), [0.5]
    )
    report = proposal_report(result)
    assert [report[f"AR@{n}"] for n in (1, 5, 10, 100)] == [1.0] * 4
    assert report["AUC"] == pytest.approx(99.0)


def test_error_lines_add_up():
    errors = {
        "tiou_threshold": 0.5,
        "predictions": 4,
        "true_positives": 1,
        "false_positives": {"duplicate": 3},
        "confusions": [("x", "x", 1), ("x", None, 1), ("x", "y", 2)],
        "misses": {"XS": (1, 2)},
        "misses_by_length": {"up to 3 s": (1, 4)},
    }
    lines = error_lines(errors)
    assert any(line.split() == ["duplicate", "3", "75.0%"] for line in lines)
    assert any(line.split() == ["XS", "1", "of", "2", "50.0%"] for line in lines)
    assert any(line.split()[:3] == ["up", "to", "3"] for line in lines)
    confused = lines.index("most confused (found as, annotated as)")
    assert [line.split() for line in lines[confused + 1 : confused + 3]] == [
        ["2", "x,", "y"],
        [],
    ]


TEXT = """
protocol        custom: the annotated videos
subset          validation
videos          3 listed -> 2 annotated
classes         every label, of 2 given
tIoU            0.50 0.60 0.70

mAP (percent)
  @0.50   100.000
  @0.60   100.000
  @0.70     0.000
  average  66.667

AP per class (percent)             instances  @0.50  @0.60  @0.70  average
  Long jump                                1 100.00 100.00   0.00    66.67

proposals (percent)
  AR@1     66.667
  AR@5     66.667
  AR@10    66.667
  AR@100   66.667
  AUC      66.000

1 best-scored predictions at tIoU 0.5
  true positive           1  100.0%
  duplicate               0    0.0%

most confused (found as, annotated as)
         3 x, y

missed instances by coverage (fraction of the video)
  XS                   1 of      2   50.0%

missed instances by length
  all                  0 of      0    0.0%

average mAP 66.667, 95% interval 60.000 to 70.000 (20 resamples of the videos)

difference 1.000, 90% interval 0.000 to 2.000 (50 resamples of the videos)

counts
  unknown videos                     none
  labels left out                    a, b
  predictions used                   1
"""


def test_a_report_in_full():
    thresholds = [0.5, 0.6, 0.7]
    instances = truth(("v", 0, 10, "Long jump"))
    predictions = found(("v", 0, 6, "Long jump", 0.9))
    detection = evaluate_detections(instances, predictions, thresholds)
    interval = {"estimate": 2 / 3, "confidence": 0.95, "low": 0.6, "high": 0.7}
    difference = {"estimate": 0.01, "confidence": 0.9, "low": 0.0, "high": 0.02}
    report = {
        "protocol": {
            "name": "custom",
            "description": "the annotated videos",
            "class_rule": "every label",
        },
        "subset": "validation",
        "classes": ["a", "b"],
        "tiou_thresholds": thresholds,
        "detection": detection_report(detection),
        "proposal": proposal_report(
            evaluate_proposals(instances, predictions, thresholds)
        ),
        "errors": {
            "tiou_threshold": 0.5,
            "predictions": 1,
            "true_positives": 1,
            "false_positives": {"duplicate": 0},
            "confusions": [("x", "x", 1), ("x", "y", 3)],
            "misses": {"XS": (1, 2)},
            "misses_by_length": {"all": (0, 0)},
        },
        "bootstrap": {**interval, "samples": 20},
        "comparison": {**difference, "samples": 50},
        "counts": {
            "video_steps": [("listed", 3), ("annotated", 2)],
            "unknown_videos": [],
            "labels_left_out": ["a", "b"],
            "predictions_used": 1,
        },
    }
    assert "\n".join(report_lines(report)) == TEXT.strip()
    alone = {
        "protocol": report["protocol"],
        "subset": None,
        "classes": None,
        "tiou_thresholds": [0.5],
        "counts": {"video_steps": [("listed", 3)], "predictions_used": 1},
    }
    assert report_lines(alone)[1:] == [
        "subset          (every video)",
        "videos          3 listed",
        "classes         every label",
        "tIoU            0.50",
        "",
        "counts",
        "  predictions used                   1",
    ]


def test_reports_hold_what_was_measured():
    instances = truth(("v", 0, 10, "x"), ("w", 0, 10, "y"))
    predictions = found(("v", 0, 10, "x", 0.9), ("v", 0, 3, "z", 0.8))
    result = evaluate_detections(instances, predictions, [0.5])
    assert detection_report(result) == {
        "n_ground_truth": 2,
        "n_predictions_used": 1,
        "n_classes": 2,
        "mAP": [0.5],
        "average_mAP": 0.5,
        "AP_per_class": {"x": [1.0], "y": [0.0]},
        "instances_per_class": {"x": 1, "y": 1},
    }
    report = proposal_report(evaluate_proposals(instances, predictions, [0.5]))
    assert report["n_proposals_in_file"] == 2
    assert report["average_recall"][-1] == report["recall"][0][-1] == 0.5
    assert len(report["average_recall"]) == len(report["proposals_per_video"]) == 100
    interval = bootstrap_interval(instances, predictions, [0.5], samples=7)
    report = interval_report(interval)
    assert report["samples"] == 7
    assert report["estimate"] == 0.5
    assert "resampled" not in report
