import pytest

from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts


@pytest.mark.parametrize("video", ["a", "v_a"])
@pytest.mark.parametrize("key", ["a", "v_a"])
def test_facts_are_found_with_and_without_prefix(video, key):
    options = ReadOptions(facts={key: VideoFacts(duration_sec=9.0)})
    assert options.beside(video) == {"duration": 9.0}


def test_facts_of_a_video_go_before_those_for_all():
    facts = {"a": VideoFacts(fps=25.0, subset="test")}
    options = ReadOptions(facts=facts, fps=10.0, subset="Train")
    assert options.beside("a") == {"fps": 25.0, "subset": "test"}
    assert options.beside("b") == {"fps": 10.0, "subset": "training"}


def test_what_is_known_of_a_video_goes_there_and_back():
    facts = VideoFacts(9.0, 225, 25.0, "test", "p1")
    assert VideoFacts.of(facts.known()) == facts
    assert VideoFacts().known() == {}
