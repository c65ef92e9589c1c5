import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import SynthesisConfig
from ahernet_tf.layers.generators import SyntheticMoments
from ahernet_tf.synthesis import MODES, DrawInputs, Stretch, SynthesisMode, whole
from ahernet_tf.synthesis.layouts import Layout
from ahernet_tf.synthesis.mode import take_turns


def inputs(*videos, **options):
    """Returns what draws may look at: videos of 100 s with instances at some times."""
    instances = [np.array(times, float).reshape(-1, 2) for times in videos]
    return DrawInputs(
        config=SynthesisConfig(**options),
        steps=50,
        max_segments=6,
        instances_sec=instances,
        stretch=lambda random: stretch(random.integers(len(videos)), instances),
    )


def stretch(video, instances):
    return Stretch(int(video), 0, 99, 100.0, instances[video] / 2, ())


def test_gaps_lie_between_neighbouring_instances():
    found = inputs([(2, 5), (9, 12), (20, 30)], [(0, 50), (10, 20), (55, 57)])
    np.testing.assert_allclose(found.gaps_sec, [4, 8, 0, 5])


def test_videos_of_one_instance_give_no_gap():
    with pytest.raises(ValueError, match="no untrimmed video has two instances"):
        inputs([(1, 2)], []).gaps_sec  # noqa: B018


def test_all_moments_take_turns():
    moments = take_turns(4, 15, np.random.default_rng(0))
    assert [sorted(moments[n : n + 4]) for n in (0, 4, 8)] == [[0, 1, 2, 3]] * 3
    assert (len(moments), moments.dtype) == (15, np.int32)


@pytest.mark.parametrize("name", MODES)
def test_draws_follow_the_generator_and_the_arrays_alone(name):
    given = inputs([(10, 20), (40, 60)], [(30, 50)], mode=name)
    draws = [
        MODES[name].draw(given, np.random.default_rng(seed), 0, [4.0, 6.0])
        for seed in (0, 0, *range(1, 9))
    ]
    for one, other in zip(draws[0].values(), draws[1].values()):
        np.testing.assert_array_equal(one, other)
    differ = any(
        np.any(draw[part] != draws[0][part]) for draw in draws[2:] for part in draw
    )
    assert differ == bool(draws[0])
    assert ("source_row" in draws[0]) == MODES[name].shares_class
    assert ("context_span" in draws[0]) == MODES[name].real_context


def test_made_up_mode_is_a_draw_and_a_layout(monkeypatch):
    def twice(draws, steps, legacy_synthetic_gt):
        once = whole.layout(draws, steps // 2)
        halves = {
            name: tf.tile(getattr(once, name), [1, 2])
            for name in ("row", "part", "offset", "length", "segment_mask")
        }
        segments = tf.concat([once.segments, once.segments + steps / 2], axis=1)
        return Layout(segments=segments, **halves)

    made_up = SynthesisMode(lambda *_: {}, twice, uses_generators=False)
    monkeypatch.setitem(MODES, "twice", made_up)
    surround = SyntheticMoments(steps=8, mode="twice")
    moments = tf.random.stateless_normal([2, 4, 3], seed=(0, 0))
    batch = {"label": tf.constant([1, 0])}
    found = surround(moments, batch)
    np.testing.assert_allclose(found, tf.tile(moments, [1, 2, 1]))
    segments = surround.layout(batch).segments
    np.testing.assert_array_equal(segments, [[[0, 4], [4, 8]]] * 2)
