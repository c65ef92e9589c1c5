"""Files that belong together only in part."""

import pandas as pd
import pytest

from ahernet_tf.evaluation import mismatches
from tests.evaluation.frames import found, truth

TRUTH = truth(*((f"v{i}", 0, 1, "run" if i % 2 else "sit") for i in range(20)))


def predictions(videos, label="run"):
    return found(*((video, 0, 1, label, 0.5) for video in videos))


def both_labels(videos):
    return found(*((v, 0, 1, label, 0.5) for v in videos for label in ("run", "sit")))


def test_files_that_fit_are_passed_over():
    assert mismatches(TRUTH, both_labels(f"v{i}" for i in range(20))) == []
    assert mismatches(TRUTH, both_labels(f"v{i}" for i in range(18))) == []


def test_videos_without_predictions_are_named():
    (said,) = mismatches(TRUTH, both_labels(f"v{i}" for i in range(17)))
    assert said == (
        "3 of 20 annotated videos have no prediction and count as missed, such as "
        "'v17', 'v18', 'v19'."
    )
    said = mismatches(
        TRUTH, both_labels(f"v{i}" for i in range(20)), ["b1", "b2", "b3"]
    )
    assert "3 of 23 annotated videos" in said[0]


@pytest.mark.parametrize("name", ["v3.mp4", "V3", "v_v3", " v3 "])
def test_unknown_videos_are_named_beside_what_they_may_be(name):
    said = mismatches(TRUTH, both_labels([*(f"v{i}" for i in range(18)), *[name] * 5]))
    (said,) = said
    assert said.startswith("10 of 46 predictions are of 1 videos that the ground truth")
    assert f"'{name}' (it has 'v3')" in said


def test_labels_are_compared_too():
    said = mismatches(TRUTH, predictions((f"v{i}" for i in range(20)), "Run "))
    assert len(said) == 2
    assert "2 of 2 annotated labels have no prediction" in said[0]
    assert "20 of 20 predictions are of 1 labels" in said[1]
    assert "'Run ' (it has 'run')" in said[1]


def test_classes_that_were_asked_for_in_vain_are_named():
    asked = TRUTH.copy()
    asked.attrs["info"] = {"classes_absent": ["Sit"]}
    said = mismatches(asked, both_labels(f"v{i}" for i in range(20)))
    assert "1 of the classes asked for have no annotation, such as 'Sit'" in said[0]


def test_proposals_have_no_labels():
    found_videos = predictions(f"v{i}" for i in range(20)).drop(columns="label")
    assert mismatches(TRUTH, found_videos) == []


def test_no_prediction_at_all_is_said():
    said = mismatches(TRUTH, predictions([]))
    assert "20 of 20 annotated videos" in said[0]


def test_three_examples_are_enough_and_a_tenth_is_no_large_share():
    said = mismatches(TRUTH, both_labels(f"v{i}" for i in range(16)))
    assert said[0].endswith("such as 'v16', 'v17', 'v18'.")
    known = both_labels(f"v{i}" for i in range(18))  # 36
    assert mismatches(TRUTH, pd.concat([known, predictions(["u"] * 4)])) == []
    said = mismatches(TRUTH, pd.concat([known, predictions(["u"] * 5)]))
    assert said[0].startswith("5 of 41 predictions are of 1 videos")


def test_times_that_are_no_seconds_are_asked_about():
    known = truth(*((f"v{i}", 0, 1, "run") for i in range(9)))
    known["duration_sec"] = 20.0
    frames = found(*((f"v{i}", 30, 25 * (i + 1), "run", 0.5) for i in range(9)))
    (said,) = mismatches(known, frames)
    assert said == (
        "9 of 9 predictions end after their videos, as one of 'v0' at 25 s: are "
        "their times seconds?"
    )
    rounded = found(*((f"v{i}", 0, 1.1 * 20, "run", 0.5) for i in range(9)))
    assert mismatches(known, rounded) == []
    known["duration_sec"] = float("nan")
    assert mismatches(known, frames) == []


def test_names_that_look_alike_show_their_code_points():
    videos = truth(("caf\u00e9", 0, 1, "run"))
    said = mismatches(videos, predictions(["cafe\u0301"]))[1]
    assert r"'cafe\u0301' (it has 'caf\xe9')" in said
