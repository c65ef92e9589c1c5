"""Detections in seconds, as tables and files."""

import numpy as np

from ahernet_tf.inference.detections import (
    Detection,
    Detections,
    as_results,
    to_frame,
)


def test_steps_become_seconds():
    found = Detections(
        np.array([[2, 4], [1, 8]]), np.array([0.9, 0.1]), np.array([1, 0])
    )
    assert found.in_seconds(0.5, ("run", "sit")) == [
        Detection(1.0, 2.0, "sit", 0.9),
        Detection(0.5, 4.0, "run", 0.1),
    ]


def test_detections_end_with_their_video():
    assert Detection(3, 9, "a", 0.5).inside(7.0) == Detection(3, 7.0, "a", 0.5)
    assert Detection(8, 9, "a", 0.5).inside(7.0) == Detection(7.0, 7.0, "a", 0.5)


def test_tables_and_files_list_them_in_order():
    found = {"v": [Detection(1, 2, "a", 0.9), Detection(0, 3, "b", 0.4)], "w": []}
    assert to_frame(found).to_numpy().tolist() == [
        ["v", 1, 2, "a", 0.9],
        ["v", 0, 3, "b", 0.4],
    ]
    assert list(to_frame({})) == ["video", "start_sec", "end_sec", "label", "score"]
    results = as_results(found)
    assert results["w"] == []
    assert results["v"][1] == {"score": 0.4, "segment": [0, 3], "label": "b"}
