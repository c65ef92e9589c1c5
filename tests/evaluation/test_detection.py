import warnings

import numpy as np
import pytest

from ahernet_tf.evaluation import evaluate_detections
from ahernet_tf.evaluation.detection import average_precision, rank_matches
from ahernet_tf.evaluation.detection_matching import build_table, match
from tests.evaluation.frames import copies, found, made_up, truth

INSTANCES = truth(("v", 0, 10, "x"), ("v", 20, 30, "x"), ("w", 0, 10, "y"))


def test_perfect_predictions_score_one():
    predictions = found(
        ("v", 0, 10, "x", 0.2), ("v", 20, 30, "x", 0.3), ("w", 0, 10, "y", 0.1)
    )
    result = evaluate_detections(INSTANCES, predictions, [0.5, 0.75, 1.0])
    assert result.average_map == 1.0
    assert result.map_at_tiou.tolist() == [1.0, 1.0, 1.0]


def test_average_precision_of_hit_miss_hit():
    predictions = found(
        ("v", 0, 10, "x", 0.9), ("v", 50, 60, "x", 0.8), ("v", 20, 30, "x", 0.7)
    )
    result = evaluate_detections(INSTANCES, predictions, [0.5])
    # Recall 1/2 at precision 1, recall 1 at precision 2/3.
    assert result.ap_per_class["x"][0] == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


def test_precision_is_interpolated_from_the_right():
    predictions = found(
        ("v", 50, 60, "x", 0.9), ("v", 0, 10, "x", 0.8), ("v", 20, 30, "x", 0.7)
    )
    result = evaluate_detections(INSTANCES, predictions, [0.5])
    # Precision 1/2 at the first hit is lifted to the 2/3 of the second.
    assert result.ap_per_class["x"][0] == pytest.approx(2 / 3)


def test_class_without_predictions_counts_zero():
    predictions = found(("v", 0, 10, "x", 0.9), ("v", 20, 30, "x", 0.8))
    result = evaluate_detections(INSTANCES, predictions, [0.5])
    assert result.ap_per_class["y"].tolist() == [0.0]
    assert result.average_map == pytest.approx(0.5)
    assert result.counts["classes_without_predictions"] == 1
    assert result.counts["videos_without_predictions"] == 1


def test_equal_scores_are_ranked_in_file_order():
    hit, miss = ("w", 0, 10, "y", 0.5), ("w", 50, 60, "y", 0.5)
    first = evaluate_detections(INSTANCES, found(hit, miss), [0.5])
    second = evaluate_detections(INSTANCES, found(miss, hit), [0.5])
    assert first.ap_per_class["y"][0] == 1.0
    assert second.ap_per_class["y"][0] == 0.5


def test_order_of_ties_survives_many_predictions():
    misses = [("w", 50 + i, 60 + i, "y", 0.5) for i in range(99)]
    rows = [*misses, ("w", 0, 10, "y", 0.5)]
    result = evaluate_detections(INSTANCES, found(*rows), [0.5])
    assert result.ap_per_class["y"][0] == pytest.approx(1 / 100)


def test_unknown_videos_and_labels_are_dropped_and_counted():
    known = ("w", 0, 10, "y", 0.5)
    predictions = found(
        ("u", 0, 10, "y", 0.9),
        ("u", 0, 10, "z", 0.9),
        ("t", 0, 10, "y", 0.9),
        ("v", 0, 10, "z", 0.9),
        known,
    )
    result = evaluate_detections(INSTANCES, predictions, [0.5])
    assert result.ap_per_class["y"][0] == 1.0
    assert result.counts == {
        "ground_truth_videos": 2,
        "ground_truth_instances": 3,
        "classes": 2,
        "predictions": 5,
        "predictions_used": 1,
        "predictions_of_unknown_videos": 3,
        "unknown_videos": 2,
        "predictions_of_unknown_labels": 1,
        "unknown_labels": 1,
        "videos_without_predictions": 0,
        "classes_without_predictions": 1,
    }


def test_known_video_without_the_class_gives_false_positives():
    predictions = found(("v", 0, 10, "y", 0.9), ("w", 0, 10, "y", 0.5))
    result = evaluate_detections(INSTANCES, predictions, [0.5])
    assert result.ap_per_class["y"][0] == 0.5


def test_background_video_gives_false_positives_when_asked():
    predictions = found(("u", 0, 10, "y", 0.9), ("w", 0, 10, "y", 0.5))
    without = evaluate_detections(INSTANCES, predictions, [0.5])
    within = evaluate_detections(INSTANCES, predictions, [0.5], ["u"])
    assert without.ap_per_class["y"][0] == 1.0
    assert within.ap_per_class["y"][0] == 0.5
    assert within.counts["ground_truth_videos"] == 3


def test_no_predictions_give_zero_and_a_warning():
    with pytest.warns(UserWarning, match="every AP is 0"):
        result = evaluate_detections(INSTANCES, found(), [0.5, 0.75])
    assert result.map_at_tiou.tolist() == [0.0, 0.0]
    assert result.average_map == 0.0
    assert result.counts["videos_without_predictions"] == 2


def test_zero_length_instance_is_a_miss_not_a_crash():
    instances = truth(("v", 0, 10, "x"), ("v", 5, 5, "x"))
    predictions = found(("v", 5, 5, "x", 0.9), ("v", 0, 10, "x", 0.8))
    result = evaluate_detections(instances, predictions, [0.5])
    assert result.ap_per_class["x"][0] == pytest.approx(1 / 2 * 1 / 2)


def test_labels_keep_the_order_of_the_ground_truth():
    instances = truth(("v", 0, 1, "zebra"), ("v", 0, 1, "ant"), ("w", 0, 1, "zebra"))
    result = evaluate_detections(instances, found(("v", 0, 1, "ant", 1.0)), [0.5])
    assert list(result.ap_per_class) == ["zebra", "ant"]
    assert result.instances_per_class == {"zebra": 2, "ant": 1}


def test_average_is_the_mean_over_thresholds():
    predictions = found(("w", 0, 6, "y", 0.5))
    result = evaluate_detections(INSTANCES[2:], predictions, [0.5, 0.55, 0.6, 0.65])
    np.testing.assert_allclose(result.map_at_tiou, [1, 1, 1, 0])
    assert result.average_map == pytest.approx(0.75)


def test_weighted_average_precision_equals_copied_videos():
    instances, predictions = made_up(0)
    thresholds = [0.5, 0.75]
    table = build_table(instances, predictions)
    ranked = rank_matches(table, match(table, np.array(thresholds)), 2)
    weights = np.random.default_rng(1).integers(0, 4, len(table.videos))
    weighted = average_precision(ranked, weights)
    named = dict(zip(table.videos, weights))
    copied = evaluate_detections(
        copies(instances, named), copies(predictions, named), thresholds
    )
    for label, ap in zip(table.labels, weighted):
        np.testing.assert_allclose(ap, copied.ap_per_class[label], rtol=0, atol=1e-12)


def test_label_that_no_drawn_video_holds_is_not_a_number():
    instances = truth(("v", 0, 1, "x"), ("w", 0, 1, "y"))
    table = build_table(instances, found(("v", 0, 1, "x", 1.0)))
    ranked = rank_matches(table, match(table, np.array([0.5])), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ap = average_precision(ranked, np.array([2, 0]))
    assert ap[0] == 1.0
    assert np.isnan(ap[1])


def test_first_hit_may_be_in_a_video_that_is_not_drawn():
    instances = truth(("v", 0, 1, "x"), ("w", 0, 1, "x"))
    rows = [("v", 0, 1, "x", 0.9), ("w", 0, 1, "x", 0.8)]
    table = build_table(instances, found(*rows))
    ranked = rank_matches(table, match(table, np.array([0.5])), 1)
    assert average_precision(ranked, np.array([0, 1])).tolist() == [[1.0]]
