import pytest

from ahernet_tf.evaluation import (
    evaluate_detections,
    evaluate_proposals,
    proposal_report,
)
from ahernet_tf.evaluation.score_report import (
    detection_lines,
    detection_report,
    error_lines,
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
