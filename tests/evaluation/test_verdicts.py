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
