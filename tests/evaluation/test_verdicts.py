import numpy as np
import pytest

from ahernet_tf.evaluation import KINDS, evaluate_detections, judge
from tests.evaluation.frames import found, truth

INSTANCES = truth(("v", 0, 10, "x"), ("v", 20, 40, "y"), ("w", 0, 50, "x"))
FOUND = found(
    ("v", 0, 9, "x", 0.9),
    ("v", 0, 10, "x", 0.8),
    ("v", 20, 40, "x", 0.7),
    ("v", 20, 40, "y", 0.6),
    ("w", 60, 70, "x", 0.5),
    ("w", 0, 50, "x", 0.4),
)


def by_row(verdicts):
    """Returns kinds and reached instances by row of the frame."""
    order = np.argsort(verdicts.table.row)
    kinds = [KINDS[kind] for kind in verdicts.kind[order]]
    return kinds, verdicts.reached[order].tolist()


def test_every_prediction_and_instance_is_judged():
    verdicts = judge(INSTANCES, FOUND)
    kinds, reached = by_row(verdicts)
    assert kinds == [
        "true positive",
        "duplicate",
        "wrong label",
        "true positive",
        "background",
        "true positive",
    ]
    assert reached == [0, 0, 1, 1, -1, 2]
    assert by_row(judge(INSTANCES, found(("v", 9.04, 10, "x", 1)))) == (
        ["background"],
        [-1],
    )
    rows = verdicts.table.row[verdicts.matched_by]
    assert rows.tolist() == [0, 3, 5]


def test_a_verdict_stays_when_lower_scores_are_left_out():
    kinds, _ = by_row(judge(INSTANCES, FOUND))
    for kept in range(1, len(FOUND)):
        assert by_row(judge(INSTANCES, FOUND[:kept]))[0] == kinds[:kept]


def test_an_instance_of_the_own_label_comes_before_one_of_larger_overlap():
    instances = truth(("v", 0, 10, "x"), ("v", 0, 8, "y"))
    verdicts = judge(instances, found(("v", 0, 8, "x", 0.9)))
    assert verdicts.reached.tolist() == [0]
    assert verdicts.kind.tolist() == [0]


def test_without_predictions_everything_is_missed():
    verdicts = judge(INSTANCES, FOUND[:0])
    assert verdicts.matched_by.tolist() == [-1, -1, -1]
    assert verdicts.video_average_precision().tolist() == [0.0, 0.0]


def test_average_precision_of_a_video_ranks_all_its_predictions():
    ap = judge(INSTANCES, FOUND).video_average_precision()
    assert ap == pytest.approx([(1 + 2 / 4) / 2, 1 / 2])


def test_average_precision_of_a_video_of_one_class_is_that_of_the_class():
    instances = INSTANCES[INSTANCES["video"] == "w"]
    predictions = FOUND[FOUND["video"] == "w"]
    [ap] = judge(instances, predictions).video_average_precision()
    result = evaluate_detections(instances, predictions, [0.5])
    assert ap == result.ap_per_class["x"][0]


def test_thresholds_decide_as_they_are_stated():
    instances = truth(("v", 0, 10, "x"), ("v", 100, 110, "y"))
    rows = [
        ("v", 0, 5, "x", 0.9),  # tIoU 0.5
        ("v", 0, 4.9, "y", 0.8),
        ("v", 0, 5, "y", 0.7),
        ("v", 0, 1, "y", 0.6),  # 0.1
        ("v", 0, 0.9, "y", 0.5),
    ]
    verdicts = judge(instances, found(*rows))
    kinds, reached = by_row(verdicts)
    assert kinds == [
        "true positive",
        "bad localisation",
        "wrong label",
        "bad localisation",
        "background",
    ]
    assert reached == [0, -1, 0, -1, -1]
    assert verdicts.tiou_threshold == 0.5
    stricter = judge(instances, found(*rows), 0.6, 0.2)
    assert by_row(stricter)[0] == ["bad localisation"] * 3 + ["background"] * 2
    assert stricter.tiou_threshold == 0.6


def test_average_precision_of_videos_and_labels_in_another_order():
    """Two videos of two classes each; the first video is not the first label's."""
    instances = truth(
        *(("a", 0, 10, "y"), ("b", 0, 10, "x")),
        *(("b", 20, 30, "y"), ("a", 40, 50, "x"), ("c", 0, 9, "y")),
    )
    predictions = found(
        ("a", 0, 10, "y", 0.9),
        ("b", 50, 60, "x", 0.8),
        ("a", 40, 50, "x", 0.7),
        ("b", 0, 10, "x", 0.6),
        ("b", 20, 30, "y", 0.5),
    )
    ap = judge(instances, predictions).video_average_precision()
    assert ap == pytest.approx([1.0, 2 / 3, 0.0])
