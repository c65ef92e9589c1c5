import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ahernet_tf.evaluation import evaluate_detections, evaluate_proposals
from ahernet_tf.evaluation.detection_matching import check_thresholds
from ahernet_tf.evaluation.reference import loop_average_precision, loop_recall
from tests.evaluation.frames import found, truth

THRESHOLDS = check_thresholds([0.3, 0.5, 0.7, 0.9])
# Whole seconds and few scores, so that tIoUs and scores tie often.
TIME = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
INSTANCE = st.tuples(st.sampled_from("uvw"), TIME, st.sampled_from("xyz"))
PREDICTION = st.tuples(
    st.sampled_from("uvwt"), TIME, st.sampled_from("xyzq"), st.integers(0, 4)
)


@settings(max_examples=80, deadline=None)
@given(st.lists(INSTANCE, min_size=1, max_size=15), st.lists(PREDICTION, max_size=40))
@example(  # the first prediction takes the better of two instances
    [("u", [0, 6], "x"), ("u", [3, 9], "x")],
    [("u", [2, 8], "x", 4), ("u", [3, 9], "x", 3)],
)
def test_detection_equals_plain_loop(instances, predictions):
    ground_truth = truth(*((video, *time, label) for video, time, label in instances))
    rows = found(*((v, *time, label, score) for v, time, label, score in predictions))
    used = rows["video"].isin(ground_truth["video"])
    assume((used & rows["label"].isin(ground_truth["label"])).any())
    result = evaluate_detections(ground_truth, rows, THRESHOLDS)
    for i, threshold in enumerate(THRESHOLDS):
        expected = loop_average_precision(ground_truth, rows, threshold)
        actual = {label: ap[i] for label, ap in result.ap_per_class.items()}
        assert list(actual) == list(expected)
        np.testing.assert_allclose(
            list(actual.values()), list(expected.values()), rtol=0, atol=1e-12
        )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(INSTANCE, min_size=1, max_size=8),
    st.lists(PREDICTION, min_size=1, max_size=30),
    st.sampled_from([1, 3, 100]),
)
def test_proposal_recall_equals_plain_loop(instances, predictions, number):
    ground_truth = truth(*((video, *time, label) for video, time, label in instances))
    rows = found(*((v, *time, label, score) for v, time, label, score in predictions))
    videos = ground_truth["video"].unique()
    ratio = number * float(len(videos)) / len(rows)
    per_video = rows[rows["video"].isin(videos)].groupby("video").size()
    assume((np.minimum(per_video * ratio, per_video) >= 1).any())
    result = evaluate_proposals(ground_truth, rows, THRESHOLDS, number)
    expected = loop_recall(ground_truth, rows, THRESHOLDS, number)
    np.testing.assert_allclose(result.recall, expected, rtol=0, atol=1e-12)
