import pytest

from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.video_collector import VideoCollector
from ahernet_tf.data.checks import DataReport


@pytest.fixture
def collector():
    return VideoCollector("f.csv", DataReport(), ReadOptions())


def test_what_is_known_of_a_video_is_gathered_row_by_row(collector):
    collector.add_video("a", duration="9", subset="Train")
    collector.add_video("a", "9.0", frames=225, fps="25/1", group="p1")
    collector.add_segment("b", 1, 2, " run ")
    assert collector.facts() == {
        "a": VideoFacts(9.0, 225.0, 25.0, "training", "p1"),
        "b": VideoFacts(),
    }
    assert [action.label for action in collector.actions["b"]] == ["run"]
    assert collector.report.problems == []


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"duration": "-1"}, "expected a duration above 0, received '-1'"),
        ({"fps": "nan"}, "expected a fps above 0, received 'nan'"),
        ({"frames": 1.5}, "expected a whole number of frames, received 1.5"),
        ({"frames": "x"}, "expected a number of frames above 0, received 'x'"),
        ({"duration": True}, "expected a duration above 0, received True"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_fault(collector, values, what):
    collector.add_video("a", **values)
    assert [str(p) for p in collector.report.problems] == [f"f.csv: video 'a': {what}"]
    assert collector.faulty == {"a"}
    assert collector.facts() == {}


def test_a_fault_of_no_video_is_fatal(collector):
    assert collector.is_empty()
    collector.fault(None, "is none")
    assert [p.fatal for p in collector.report.problems] == [True]
    assert not collector.is_empty()


def test_counts_are_of_the_file_and_never_zero(collector):
    collector.count("odd", 0)
    collector.count("even", 2)
    collector.count("even")
    assert collector.report.counts == {"f.csv: even": 3}


def test_a_label_that_means_nothing_is_no_action_but_ends_one(collector):
    collector.add_segment("a", 1, None, "crack \xa0egg\n")
    collector.add_segment("a", 3, None, "Background")
    (action,) = collector.actions["a"]
    assert action.label == "crack egg"
    assert [stop.whole_sec for stop in collector.stops["a"]] == [3]
    counts = {"f.csv: segments of 'Background', which is no action, dropped": 1}
    assert dict(collector.report.counts) == counts
    collector.add_segment("a", 4, 5, float("nan"))
    assert "the segment [4, 5] has no label" in str(collector.report.problems[0])
