"""Timelines of whole results."""

import pytest

from ahernet_tf.visualization.result_timelines import draw_results, tracks_of
from tests.evaluation.frames import found, truth

FOUND = found(
    ("a", 0, 2, "run", 0.4),
    ("a", 1, 3, "sit", 0.9),
    ("a", 5, 6, "run", 0.6),
    ("b/1", 2, 4, "sit", 0.1),
)
TRUTH = truth(("a", 0, 2, "jump"), ("a", 5, 6, "run"), ("c", 3, 4, "run"))


def test_annotated_classes_come_first_then_the_best():
    own = FOUND[FOUND["video"] == "a"]
    tracks = tracks_of(own, TRUTH[TRUTH["video"] == "a"])
    assert [track.label for track in tracks] == ["jump", "run", "sit"]
    assert tracks[0].truth == [(0, 2)]
    assert tracks[1].segments == [(5, 6), (0, 2)]
    assert tracks[1].scores == [0.6, 0.4]
    assert tracks[2].truth == []
    assert [track.label for track in tracks_of(own)] == ["sit", "run"]
    assert tracks_of(own)[0].truth is None


def test_no_detection_is_said():
    assert [track.label for track in tracks_of(FOUND[:0])] == ["no detections"]


@pytest.mark.parametrize("truth", [None, TRUTH])
def test_every_video_gets_a_picture(tmp_path, truth):
    pictures = draw_results(tmp_path / "new", FOUND, {"a": 10.0}, truth)
    expected = ["a.png", "b_1.png"] + (["c.png"] if truth is not None else [])
    assert [path.name for path in pictures] == expected
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == expected


def test_few_and_good_detections_are_drawn(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "ahernet_tf.visualization.result_timelines.draw_timeline",
        lambda path, duration_sec, tracks, title: drawn.update(
            {title: [track.scores for track in tracks]}
        ),
    )
    draw_results(tmp_path, FOUND, {}, top=1)
    assert drawn == {"a": [[0.9]], "b/1": [[0.1]]}
    drawn.clear()
    draw_results(tmp_path, FOUND, {}, min_score=0.5, videos=["a", "b/1"])
    assert drawn == {"a": [[0.9], [0.6]], "b/1": [None]}


def test_pictures_of_odd_names_lie_beside_each_other(tmp_path):
    videos = ["..", ".a", "a", "A", "x/y", "x_y", "n" * 250, "a$b$", "-d"]
    rows = found(*((video, 0, 1, "$r", 0.5) for video in videos))
    pictures = draw_results(tmp_path, rows, {}, videos=videos)
    names = ["_", "a", "a (2)", "A (3)", "x_y", "x_y (2)", "n" * 230, "a$b$", "-d"]
    assert [path.stem for path in pictures] == names
    assert all(path.parent == tmp_path and path.is_file() for path in pictures)
