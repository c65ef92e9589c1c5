"""A localizer as a graph: the same as the localizer, whatever is configured."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import Localizer
from ahernet_tf.inference.duration_prior import DurationPrior
from ahernet_tf.inference.localizer_graph import GraphOptions, LocalizerGraph
from ahernet_tf.inference.refinement import Refinement
from tests.inference.looks import second_look
from tests.inference.test_localizer import NAMES, clips_of, localizer_of
from tests.inference.trained import config_of
from tests.models import tiny

TIMES = TimeModel(clip_frames=16, stride_frames=8)


def refined(**inference):
    """A localizer with a second look and a prior that knows nothing of one class."""
    look = second_look(tiny.CHANNELS, 8, np.random.default_rng(0))
    prior = DurationPrior([1.0, 2.0, np.nan, 1.5], [0.5, 0.4, np.nan, 0.6])
    config = config_of(second_look=True, **inference)
    refinement = Refinement(len(NAMES), look, prior, 2.0)
    return Localizer(tiny.network(), NAMES, config, refinement=refinement)


def assert_equal(found, expected):
    """Compares the outputs of a graph with detections of the localizer."""
    parts = {name: np.asarray(part) for name, part in found.items()}
    assert [NAMES[label] for label in parts["labels"]] == [d.label for d in expected]
    np.testing.assert_allclose(parts["scores"], [d.score for d in expected], atol=1e-5)
    np.testing.assert_allclose(
        parts["segments_sec"],
        [(d.start_sec, d.end_sec) for d in expected],
        rtol=1e-5,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("localizer", "window_sec"),
    [
        (localizer_of(nms_tiou=0.5), 0.0),
        (localizer_of(soft_nms_sigma=0.3), 20.0),
        (localizer_of("AherNet-", nms_tiou=0.5), 20.0),
        (localizer_of(ranking="video", detections=7), 20.0),
        (refined(soft_nms_sigma=0.3), 20.0),
    ],
    ids=["plain", "soft", "proposals", "video", "refined"],
)
def test_it_finds_what_the_localizer_finds(localizer, window_sec):
    graph = LocalizerGraph(localizer, GraphOptions(TIMES, window_sec))
    for clips, fps in ((1, 25.0), (40, 30.0), (62, 25.0), (150, 29.97)):
        features = clips_of(clips)
        expected = localizer.localize(
            features, time_model=TIMES, fps=fps, window_sec=window_sec
        )
        assert_equal(graph.localize(features, np.float32(fps)), expected)


def test_features_of_whole_videos_take_the_duration():
    localizer, times = localizer_of(nms_tiou=0.5), TimeModel(covers="duration")
    graph = LocalizerGraph(localizer, GraphOptions(times))
    assert graph.second_input == "duration_sec"
    expected = localizer.localize(clips_of(30), time_model=times, duration_sec=77.0)
    assert_equal(graph.localize(clips_of(30), np.float32(77.0)), expected)


def test_low_scores_and_the_rest_are_left_out():
    localizer = localizer_of(nms_tiou=0.5)
    options = {"min_score": 0.05, "max_detections": 5}
    graph = LocalizerGraph(localizer, GraphOptions(TIMES, **options))
    expected = localizer.localize(clips_of(40), time_model=TIMES, fps=25.0, **options)
    assert 0 < len(expected) <= 5
    assert_equal(graph.localize(clips_of(40), np.float32(25.0)), expected)


def test_windows_are_the_configurations_unless_asked_for():
    localizer = localizer_of()
    data = dataclasses.replace(localizer.config.data, window_sec=9.0)
    localizer.config = dataclasses.replace(localizer.config, data=data)
    assert LocalizerGraph(localizer, GraphOptions(TIMES)).window_sec == 9.0
    whole = LocalizerGraph(localizer, GraphOptions(TIMES, 0))
    assert whole.window_sec == 0
    clips, first = whole._windows(7, 0.32)
    assert (clips, first.numpy().tolist()) == (7, [0])


@pytest.mark.parametrize(
    "options", [{"window_sec": -1.0}, {"window_overlap": 1.0}, {"max_detections": 0}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="Expected"):
        GraphOptions(TIMES, **options)


def test_systems_without_anchors_are_refused():
    with pytest.raises(ValueError, match="AherNet0 groups snippets outside the graph"):
        LocalizerGraph(localizer_of("AherNet0"), GraphOptions(TIMES))


def test_a_window_holds_a_clip_where_the_rate_is_known():
    options = GraphOptions(TIMES, window_sec=1.0)
    localizer = localizer_of()
    assert LocalizerGraph(localizer, options).window_sec == 1.0
    localizer.extraction = {"fps": 8.0}
    with pytest.raises(ValueError, match="1 s is shorter than a clip, which lasts 2 s"):
        LocalizerGraph(localizer, options)
