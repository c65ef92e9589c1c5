import numpy as np
import pandas as pd
import pytest

from ahernet_tf.evaluation.detection_matching import (
    build_table,
    check_thresholds,
    codes_of,
    match,
    overlapping_pairs,
    temporal_iou,
)
from tests.evaluation.frames import found, truth


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 10), (0, 10), 1.0),
        ((0, 10), (10, 20), 0.0),  # touching
        ((0, 10), (12, 20), 0.0),  # apart
        ((0, 10), (5, 15), 5 / 15),
        ((0, 10), (2, 7), 5 / 10),  # inside
        ((3, 3), (0, 10), 0.0),  # zero length
        ((3, 3), (3, 3), 0.0),
    ],
)
def test_tiou_of_two_segments(a, b, expected):
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    assert temporal_iou(a[0], a[1], b[0], b[1]) == expected
    assert temporal_iou(b[0], b[1], a[0], a[1]) == expected


@pytest.mark.parametrize("thresholds", [[], [0.0], [1.1], [0.5, np.nan], [[0.5]], 0.5])
def test_thresholds_outside_zero_to_one_are_refused(thresholds):
    with pytest.raises(ValueError, match="tIoU thresholds"):
        check_thresholds(thresholds)


def test_evenly_spaced_thresholds_are_spaced_as_linspace():
    written = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    spaced = np.linspace(0.5, 0.95, 10)
    assert not np.array_equal(written, spaced)
    np.testing.assert_array_equal(check_thresholds(written), spaced)
    np.testing.assert_array_equal(check_thresholds([0.3, 0.5, 0.95]), [0.3, 0.5, 0.95])


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_codes_are_positions_in_the_names_whatever_the_column_type(kind):
    column = pd.Series(["b", "a", "unknown", "b"], dtype=kind)
    assert codes_of(column, ["a", "b"]).tolist() == [1, 0, -1, 1]


def test_predictions_are_sorted_by_label_then_score_then_file_order():
    table = build_table(
        truth(("v", 0, 1, "x"), ("v", 0, 1, "y")),
        found(
            ("v", 0, 1, "y", 0.5),
            ("v", 0, 2, "x", 0.3),
            ("v", 0, 3, "y", 0.5),
            ("v", 0, 4, "x", 0.9),
            ("v", 0, 5, "y", 0.5),
        ),
    )
    assert table.row.tolist() == [3, 1, 0, 2, 4]


def matched(ground_truth, predictions, *thresholds):
    """Returns {(row of the prediction, threshold): row of the instance}."""
    table = build_table(ground_truth, predictions)
    matches = match(table, np.array(thresholds))
    rows = table.row[matches.prediction].tolist()
    keys = zip(rows, matches.threshold.tolist())
    return dict(zip(keys, matches.instance.tolist()))


def test_second_match_of_same_ground_truth_is_false_positive():
    pairs = matched(
        truth(("v", 0, 10, "x")),
        found(("v", 0, 9, "x", 0.4), ("v", 0, 10, "x", 0.3), ("v", 0, 8, "x", 0.8)),
        0.5,
    )
    assert pairs == {(2, 0): 0}


def test_prediction_takes_the_next_instance_when_its_best_is_taken():
    ground_truth = truth(("v", 0, 10, "x"), ("v", 0, 8, "x"))
    predictions = found(("v", 0, 10, "x", 0.9), ("v", 0, 10, "x", 0.8))
    assert matched(ground_truth, predictions, 0.7) == {(0, 0): 0, (1, 0): 1}
    assert matched(ground_truth, predictions, 0.85) == {(0, 0): 0}


def test_each_threshold_is_matched_by_itself():
    # At 0.5 the first prediction takes the instance, at 0.9 only the second reaches it.
    pairs = matched(
        truth(("v", 0, 10, "x")),
        found(("v", 0, 6, "x", 0.9), ("v", 0, 10, "x", 0.8)),
        0.5,
        0.9,
    )
    assert pairs == {(0, 0): 0, (1, 1): 0}


def test_instance_equally_overlapped_goes_in_ground_truth_order():
    ground_truth = truth(("v", 10, 20, "x"), ("v", 0, 10, "x"))
    assert matched(ground_truth, found(("v", 0, 20, "x", 0.9)), 0.5) == {(0, 0): 0}


def test_threshold_is_inclusive():
    pairs = matched(truth(("v", 0, 10, "x")), found(("v", 0, 5, "x", 0.9)), 0.5)
    assert pairs == {(0, 0): 0}


def test_same_segment_in_another_video_or_label_is_no_match():
    ground_truth = truth(("v", 0, 10, "x"), ("w", 20, 30, "x"), ("w", 0, 10, "y"))
    predictions = found(("w", 0, 10, "x", 0.9), ("v", 20, 30, "x", 0.8))
    assert matched(ground_truth, predictions, 0.5) == {}


def test_pairs_regardless_of_label_span_labels_but_not_videos():
    table = build_table(
        truth(("v", 0, 10, "x"), ("w", 0, 10, "y")), found(("v", 0, 10, "y", 0.9))
    )
    assert len(overlapping_pairs(table, 0.5).tiou) == 0
    pairs = overlapping_pairs(table, 0.5, same_label=False)
    assert pairs.instance.tolist() == [0]
    assert pairs.tiou.tolist() == [1.0]


def test_pairs_do_not_depend_on_the_block_size(monkeypatch):
    generator = np.random.default_rng(0)
    times = np.sort(generator.integers(0, 30, (60, 2)), axis=1)
    ground_truth = truth(*((f"v{i % 3}", *times[i], "x") for i in range(20)))
    predictions = found(*((f"v{i % 3}", *times[i], "x", i) for i in range(20, 60)))
    table = build_table(ground_truth, predictions)
    whole = overlapping_pairs(table, 0.2)
    monkeypatch.setattr(
        "ahernet_tf.evaluation.detection_matching.PREDICTIONS_PER_BLOCK", 7
    )
    for array, other in zip(whole, overlapping_pairs(table, 0.2)):
        np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize(
    "row", [("v", 3, 2, "x", 0.1), ("v", 0, np.inf, "x", 0.1), ("v", 0, 1, "x", np.nan)]
)
def test_unsound_rows_are_named(row):
    with pytest.raises(ValueError, match="predictions: video 'v'"):
        build_table(truth(("v", 0, 1, "x")), found(row))
    build_table(truth(("v", 1, 1, "x")), found(("v", 2, 2, "x", 0.1)))  # sound


def test_missing_column_and_empty_ground_truth_are_refused():
    predictions = found(("v", 0, 1, "x", 0.5))
    with pytest.raises(ValueError, match=r"\['score'\] are missing"):
        build_table(truth(("v", 0, 1, "x")), predictions.drop(columns="score"))
    with pytest.raises(ValueError, match="received none"):
        build_table(truth(), predictions)


def test_what_is_known_is_not_counted_as_unknown():
    ground_truth = truth(("v", 0, 1, "x"), ("w", 0, 1, "y"))
    rows = [("v", 0, 1, "x", 0.9), ("v", 0, 1, "y", 0.8), ("w", 0, 1, "z", 0.7)]
    counts = build_table(ground_truth, found(*rows, ("u", 0, 1, "x", 0.6))).counts
    assert counts["predictions_used"] == 2
    assert counts["predictions_of_unknown_labels"] == 1
    assert counts["unknown_labels"] == 1
    assert counts["predictions_of_unknown_videos"] == 1
    assert counts["videos_without_predictions"] == 0
    assert counts["classes_without_predictions"] == 0
    assert counts["unknown_videos"] == 1
    counts = build_table(ground_truth, found(*rows[:1])).counts
    assert counts["classes_without_predictions"] == 1
    assert counts["videos_without_predictions"] == 1


def test_nothing_to_match_matches_nothing():
    table = build_table(truth(("v", 0, 1, "x")), found(("v", 5, 6, "x", 0.5)))
    assert all(len(part) == 0 for part in match(table, np.array([0.5])))
    pairs = overlapping_pairs(build_table(truth(("v", 0, 1, "x")), found()), 0.5)
    assert all(len(part) == 0 for part in pairs)
