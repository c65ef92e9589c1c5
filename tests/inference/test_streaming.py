"""Detections of clips as they come, beside those of the whole video."""

import itertools

import numpy as np
import pytest

from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.streaming import StreamWindows
from ahernet_tf.inference.windows import windows
from tests.inference.test_localizer import clips_of, localizer_of
from tests.models import tiny

TIMES = TimeModel(clip_frames=16, stride_frames=8, fps=25.0)
WINDOW = {"time_model": TIMES, "window_sec": 20.0}  # 62 clips, the next 31 later


def rounded(found):
    return {
        (round(d.start_sec, 2), round(d.end_sec, 2), d.label): d.score for d in found
    }


@pytest.mark.parametrize("clips", [5, 62, 62 + 31, 62 + 2 * 31])
def test_a_stream_finds_what_the_whole_video_shows(clips):
    localizer = localizer_of(nms_tiou=0.4)
    found = rounded(localizer.stream(clips_of(clips), **WINDOW))
    whole = rounded(localizer.localize(clips_of(clips), **WINDOW))
    assert found.keys() == whole.keys()
    np.testing.assert_allclose(
        [found[key] for key in whole], list(whole.values()), atol=1e-5
    )


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_what_hangs_together_over_windows_can_differ_a_little(sigma):
    localizer = localizer_of(soft_nms_sigma=sigma, nms_tiou=0.5)
    options = {**WINDOW, "max_detections": 10_000}
    found = rounded(localizer.stream(clips_of(500), **options))
    whole = rounded(localizer.localize(clips_of(500), **options))
    equal = [key for key in whole if abs(found.get(key, 0) - whole[key]) < 1e-5]
    assert len(equal) > 0.9 * len(whole)
    assert len(found) < 1.05 * len(whole)


def test_a_detection_comes_a_window_after_its_end_at_the_latest():
    come_sec = []

    def camera():
        for number, clip in enumerate(clips_of(400)):
            come_sec.append(TIMES.covered_sec(number + 1))
            yield clip

    delays = [
        come_sec[-1] - found.end_sec
        for found in localizer_of(nms_tiou=0.5).stream(camera(), **WINDOW)
        if len(come_sec) < 400
    ]
    assert len(delays) > 50
    assert 9 < min(delays) < max(delays) < 21


def test_clips_may_come_in_any_portions():
    localizer, clips = localizer_of(nms_tiou=0.5), clips_of(200)
    one_by_one = list(localizer.stream(clips, **WINDOW))
    portions = np.split(clips, [3, 90, 91])
    assert list(localizer.stream(portions, **WINDOW)) == one_by_one


def test_a_stream_without_end_takes_no_more_memory():
    """What is kept is bounded, and so is what one window gives."""
    localizer = localizer_of(nms_tiou=0.9)
    forever = (clips_of(1, seed)[0] for seed in itertools.count())
    found = localizer.stream(forever, **WINDOW, max_detections=4)
    ends = [next(found).end_sec for _ in range(40)]
    per_window = [sum(a < end <= a + 20 for end in ends) for a in (10, 30, 50, 70)]
    assert max(per_window) <= 5


def test_low_scores_are_left_out():
    localizer = localizer_of(nms_tiou=0.5)
    everything = list(localizer.stream(clips_of(200), **WINDOW))
    middle = np.median([found.score for found in everything])
    above = list(localizer.stream(clips_of(200), **WINDOW, min_score=middle))
    assert above == [found for found in everything if found.score >= middle]


def test_an_empty_stream_shows_nothing():
    assert list(localizer_of().stream([], **WINDOW)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_sec": None}, "A stream needs window_sec above 0"),
        (
            {"time_model": TimeModel(covers="duration")},
            "a time model that covers clips",
        ),
        ({"window_sec": -3.0}, "window above 0 s"),
        ({"window_overlap": 1.0}, "overlap in"),
        ({"max_detections": 0}, "max_detections of at least 1"),
        ({"fps": "25"}, "Expected fps above 0"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        localizer_of().stream([], **{**WINDOW, **options})


def test_clips_that_do_not_fit_are_refused_as_they_come():
    found = localizer_of().stream([np.zeros(5)], **WINDOW)
    with pytest.raises(ValueError, match=r"Expected features \[clips, 6\]"):
        next(found)


@pytest.mark.parametrize("clips", [1, 61, 62, 63, 64, 93, 100, 155, 156])
@pytest.mark.parametrize("times", [TIMES, TimeModel(4, 10, 25.0)])
def test_windows_of_a_stream_are_those_of_the_video(times, clips):
    values = clips_of(clips)
    found = list(StreamWindows(times, None, 20.0, 0.5).cut(values, tiny.CHANNELS))
    expected = windows(clips, times, None, None, 20.0)
    assert len(found) == len(expected)
    for (features, cut), own in zip(found, expected):
        np.testing.assert_array_equal(features, values[own.first_clip : own.end_clip])
        assert cut.offset_sec == pytest.approx(own.offset_sec)
        assert cut.covered_sec == pytest.approx(own.covered_sec)
