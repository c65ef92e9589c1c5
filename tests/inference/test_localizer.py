"""The localizer: every system, several videos at once, windows, and what it refuses."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import Localizer
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.refinement import Refinement
from ahernet_tf.inference.segment_reader import PLACEMENT_TIOU
from ahernet_tf.models import checkpoint
from tests.inference.looks import second_look
from tests.inference.trained import config_of
from tests.models import tiny

NAMES = tuple("abcd")
TIMES = TimeModel(clip_frames=4, stride_frames=4, fps=2.0)


def without_rate():
    return dataclasses.replace(TIMES, fps=None)


def localizer_of(system="AherNet", **inference):
    return Localizer(tiny.network(), NAMES, config_of(system, **inference))


def clips_of(count, seed=0):
    return tiny.features(count, tiny.CHANNELS, seed=seed).numpy()


@pytest.mark.parametrize("system", ["AherNet0", "AherNet-", "AherNet", "AherNet*"])
def test_every_system_localizes(system):
    localizer = localizer_of(system)
    found = localizer.detect(tiny.features(2, tiny.STEPS, tiny.CHANNELS))
    assert len(found) == 2
    for part in found:
        assert len(part.score)
        assert (np.diff(part.score) <= 0).all()
        assert (part.segments >= 0).all()
        assert (part.segments <= tiny.STEPS).all()
        assert (part.segments[:, 0] < part.segments[:, 1]).all()
        assert set(part.label.tolist()) <= set(range(len(NAMES)))


@pytest.mark.parametrize("system", ["AherNet0", "AherNet-", "AherNet"])
def test_second_look_refines_every_system(system):
    """A second look that knows nothing leaves labels as they are."""
    features = tiny.features(1, tiny.STEPS, tiny.CHANNELS)
    config = config_of(system, second_look=True)
    plain = Localizer(tiny.network(), NAMES, config)
    refinement = Refinement(len(NAMES), second_look(tiny.CHANNELS, 8))
    refined = Localizer(tiny.network(), NAMES, config, refinement=refinement)
    (before,) = plain.candidates(features)
    (after,) = refined.candidates(features, [20.0])
    before = before.best(len(after.score))
    assert after.label.tolist() == before.label.tolist()
    assert (after.score <= PLACEMENT_TIOU.sum() / 64 + 1e-6).all()
    assert after.score.max() > 0


def test_systems_find_different_things():
    features = tiny.features(1, tiny.STEPS, tiny.CHANNELS)
    scores = {
        system: tuple(localizer_of(system).detect(features)[0].score[:5].tolist())
        for system in ("AherNet0", "AherNet-", "AherNet")
    }
    assert len(set(scores.values())) == 3


def test_videos_are_localized_together_as_alone():
    localizer = localizer_of()
    videos = [clips_of(count, count) for count in (9, 40, 3, 17)]
    rates = [2.0, 3.0, 4.0, 5.0]
    together = localizer.localize_videos(
        videos, time_model=without_rate(), fps=rates, window_sec=30.0, batch_size=3
    )
    for clips, fps, found in zip(videos, rates, together):
        alone = localizer.localize(
            clips, time_model=without_rate(), fps=fps, window_sec=30.0
        )
        assert len(found) == len(alone) > 0
        for one, other in zip(found, alone):
            assert one.label == other.label
            np.testing.assert_allclose(
                [one.start_sec, one.end_sec, one.score],
                [other.start_sec, other.end_sec, other.score],
                rtol=1e-4,
                atol=1e-4,
            )


def test_one_rate_counts_for_all_videos():
    localizer = localizer_of()
    videos = [clips_of(9), clips_of(12)]
    times = without_rate()
    one = localizer.localize_videos(videos, time_model=times, fps=3.0)
    each = localizer.localize_videos(videos, time_model=times, fps=[3.0, 3.0])
    assert one == each


def test_low_scores_and_the_rest_are_left_out():
    localizer = localizer_of()
    everything = localizer.localize(clips_of(40), time_model=TIMES)
    middle = everything[len(everything) // 2].score
    above = localizer.localize(clips_of(40), time_model=TIMES, min_score=middle)
    assert above == [item for item in everything if item.score >= middle]
    few = localizer.localize(clips_of(40), time_model=TIMES, max_detections=3)
    assert few == everything[:3]


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_windows_suppress_once(monkeypatch, sigma):
    """Two windows that find one action fade it as one window that finds it twice."""
    localizer = localizer_of(soft_nms_sigma=sigma)
    # 24 clips of 2 s; windows of 32 s from 0 and from 16 s, 1 s a step.
    seen = [
        Candidates(
            np.array([[20, 30], [2, 8]], np.float32),
            *(np.array([0.9, 0.5], np.float32),) * 2,
            np.array([1, 2]),
        ),
        Candidates(
            np.array([[4, 15]], np.float32),
            *(np.array([0.8], np.float32),) * 2,
            np.array([1]),
        ),
    ]
    monkeypatch.setattr(localizer, "find", lambda _: seen)
    found = localizer.localize(clips_of(24), time_model=TIMES, window_sec=32.0)
    overlap = 10 / 11  # of 20..30 and 20..31
    faded = 0.8 * np.exp(-(overlap**2) / (2 * sigma)) if sigma else None
    expected = [(20, 30, "b", 0.9), (2, 8, "c", 0.5)]
    if sigma:
        expected.append((20, 31, "b", faded))
    got = [(d.start_sec, d.end_sec, d.label, d.score) for d in found]
    assert [item[2] for item in got] == [item[2] for item in expected]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(
            (one[0], one[1], one[3]), (other[0], other[1], other[3]), rtol=1e-5
        )


@pytest.mark.parametrize(
    "fps", [0, -1.0, float("nan"), float("inf"), "25", True, [2.0], [2.0, None, 0.0]]
)
def test_rates_that_are_none_are_refused(fps):
    videos = [clips_of(5)] * 3
    with pytest.raises(ValueError, match="Expected fps"):
        localizer_of().localize_videos(videos, time_model=TIMES, fps=fps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 4.0}, "4 contradicts the 2 of the time model"),
        ({"duration_sec": -1.0}, "Expected duration_sec above 0, received -1"),
        ({"min_score": "0.1"}, "min_score, a number, received '0.1'"),
        ({"window_sec": "30"}, "window_sec, a number, received '30'"),
        ({"window_sec": 1.5}, "1.5 s is shorter than a clip, which lasts 2 s"),
        ({"window_sec": -4.0}, "window above 0 s"),
        ({"window_overlap": 1.0}, "overlap in"),
        ({"batch_size": 0}, "batch_size of at least 1"),
        ({"max_detections": 0}, "max_detections of at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        localizer_of().localize(clips_of(5), time_model=TIMES, **options)


def test_a_stream_has_the_windows_that_are_asked_for():
    localizer, timing = localizer_of(), {"time_model": TIMES, "fps": 2.0}
    assert list(localizer.stream(clips_of(9), window_sec=8.0, **timing))
    with pytest.raises(ValueError, match="needs window_sec above 0"):
        next(localizer.stream(clips_of(9), **timing))
    for wrong in ({"min_score": "0.1"}, {"max_detections": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            next(localizer.stream(clips_of(9), window_sec=8.0, **timing, **wrong))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((4, 5)), r"Expected features \[clips, 6\]"),
        (np.zeros((0, 6)), "at least one clip"),
        (np.full((3, 6), np.nan), "NaN or infinite"),
    ],
)
def test_features_that_do_not_fit_are_refused(features, message):
    with pytest.raises(ValueError, match=message):
        localizer_of().localize(features, time_model=TIMES)


def test_unknown_classes_and_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match="received 'all'"):
        Localizer(tiny.network(), NAMES, config_of(), "all")
    with pytest.raises(ValueError, match="received 'all'"):
        Localizer.load(tmp_path, classes="all")
    with pytest.raises(ValueError, match="Expected 4 class names, received 2"):
        Localizer(tiny.network(), NAMES[:2], config_of())


def test_loaded_localizer_finds_the_same(tmp_path):
    model, config = tiny.network(), config_of("AherNet0")
    description = checkpoint.Description(
        tiny.CHANNELS, tuple(map(str, range(tiny.SOURCE))), NAMES
    )
    checkpoint.save_description(tmp_path, description, config)
    checkpoint.save_weights(tmp_path, model)
    found = Localizer.load(tmp_path).localize(clips_of(20), time_model=TIMES)
    expected = Localizer(model, NAMES, config).localize(clips_of(20), time_model=TIMES)
    assert found == expected
    with pytest.raises(ValueError, match="localises the target classes only"):
        Localizer.load(tmp_path, classes="source")


def test_windows_are_the_configurations_unless_asked_for():
    localizer = localizer_of()
    clips = clips_of(60)
    plain, windowed = (
        localizer.localize(clips, time_model=TIMES, window_sec=sec) for sec in (0, 40.0)
    )
    data = dataclasses.replace(localizer.config.data, window_sec=40.0)
    localizer.config = dataclasses.replace(localizer.config, data=data)
    assert localizer.localize(clips, time_model=TIMES) == windowed != plain
    assert localizer.localize(clips, time_model=TIMES, window_sec=0) == plain


def test_a_localizer_warns_of_clips_timed_otherwise():
    localizer = localizer_of()
    localizer.extraction = {"stride_frames": 2 * TIMES.stride_frames}
    with pytest.warns(UserWarning, match="timed otherwise"):
        localizer.localize(clips_of(8), time_model=TIMES)
