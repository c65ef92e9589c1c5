import base64

import numpy as np
import pandas as pd
import pytest

from ahernet_tf.evaluation import judge
from ahernet_tf.visualization.page.browser_data import NOT_SCORED, BrowserData
from tests.evaluation.frames import found, truth

TRUTH = truth(("b", 0, 10, "x"), ("a", 5, 9, "y"), ("b", 20, 30, "y"))
FOUND = found(
    ("a", 5, 9, "y", 0.25),
    ("c", 0, 3, "x", 0.75),
    ("b", 0, 9, "x", 0.5),
    ("a", 1, 2, "z", 0.75),
    ("b", 0, 10, "x", 0.25),
    ("a", 5, 9, "y", 0.5),
)


def numbers(packed, form):
    return np.frombuffer(base64.b64decode(packed), form).tolist()


def part(frame=FOUND, instances=TRUTH, top=0, durations=None):
    """Returns the packed parts of all, of the truth and of a result."""
    data = BrowserData([frame], instances, durations or {})
    verdicts = None if instances is None else judge(instances, frame)
    of_truth = None if instances is None else data.truth_part(instances)
    return (
        data.video_part(),
        of_truth,
        data.result_part(frame, instances, verdicts, top),
    )


def test_detections_lie_video_after_video_best_first():
    videos, _, result = part()
    assert videos["videos"] == ["b", "a", "c"]
    assert videos["labels"] == ["x", "y", "z"]
    assert numbers(result["first"], "<u4") == [0, 2, 5, 6]
    assert numbers(result["score"], "<f4") == [0.5, 0.25, 0.75, 0.5, 0.25, 0.75]
    assert numbers(result["label"], "<u2") == [0, 0, 2, 1, 1, 0]
    assert numbers(result["start"], "<f4") == [0, 0, 1, 5, 5, 0]
    assert result["left_out"] == 0


def test_verdicts_follow_their_detections_and_instances():
    _, of_truth, result = part()
    unknown = NOT_SCORED  # a class and a video without annotation
    assert numbers(result["kind"], "u1") == [0, 1, unknown, 0, 1, unknown]
    assert numbers(of_truth["first"], "<u4") == [0, 2, 3, 3]
    assert numbers(of_truth["start"], "<f4") == [0, 20, 5]
    matched = numbers(result["matched"], "<f4")
    assert matched == pytest.approx([0.5, np.nan, 0.5], nan_ok=True)
    ap = numbers(result["video_ap"], "<f4")
    assert ap == pytest.approx([0.5, 1.0, np.nan], nan_ok=True)


def test_the_best_of_each_video_are_kept_and_the_rest_counted():
    _, _, result = part(top=1)
    assert numbers(result["first"], "<u4") == [0, 1, 2, 3]
    assert numbers(result["score"], "<f4") == [0.5, 0.75, 0.75]
    assert result["left_out"] == 3


def test_equal_scores_keep_the_order_of_the_frame():
    frame = found(*(("v", n, n + 1, "x", 0.5) for n in range(30)))
    _, _, result = part(frame, None)
    assert numbers(result["start"], "<f4") == list(range(30))
    assert "kind" not in result


def test_duration_is_the_annotated_the_given_or_the_last_end():
    instances = TRUTH.assign(duration_sec=[40.0, np.nan, 40.0])
    videos, _, _ = part(instances=instances, durations={"a": 15.0, "b": 1.0})
    assert numbers(videos["durations"], "<f4") == [40, 15, 3]
    videos, _, _ = part(instances=None)
    assert numbers(videos["durations"], "<f4") == [9, 3, 10]


def test_categories_and_texts_are_alike():
    texts = FOUND.astype({"video": str, "label": str})
    categories = FOUND.astype({"video": "category", "label": "category"})
    assert part(texts) == part(categories)


def test_a_video_that_ends_at_once_has_some_length():
    videos, _, _ = part(found(("v", 0, 0, "x", 0.5)), None)
    [duration] = numbers(videos["durations"], "<f4")
    assert duration > 0


def test_frames_stay_as_they_were():
    before = FOUND.copy()
    part()
    pd.testing.assert_frame_equal(FOUND, before)
