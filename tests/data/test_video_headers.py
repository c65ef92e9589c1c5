"""What containers state of their videos, told by made-up containers."""

import types
from fractions import Fraction

import pytest

from ahernet_tf.data.video_headers import (
    measured_rate,
    stated_duration,
    stated_rate,
    video_stream,
)


def stream(**changes):
    values = {
        "average_rate": Fraction(25),
        "guessed_rate": Fraction(30),
        "base_rate": None,
        "start_time": 5000,
        "time_base": Fraction(1, 1000),
        "duration": None,
        "metadata": {},
        "disposition": 0,
    }
    return types.SimpleNamespace(**{**values, **changes})


def container(*streams, name="mov,mp4", duration=None, times=()):
    packets = [types.SimpleNamespace(pts=time) for time in times]
    return types.SimpleNamespace(
        format=types.SimpleNamespace(name=name),
        duration=duration,
        streams=type("Streams", (list,), {"video": property(list)})(streams),
        demux=lambda _: iter(packets),
    )


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((25, 30, None), 25),
        ((None, 30, 1000), 30),
        ((0, 500, None), 500),
        ((Fraction(1, 3), None, None), 1 / 3),
        ((1000, 1000, 90000), None),
        ((None, None, None), None),
    ],
)
def test_the_first_plausible_rate_counts(rates, expected):
    names = ("average_rate", "guessed_rate", "base_rate")
    assert stated_rate(stream(**dict(zip(names, rates)))) == expected


@pytest.mark.parametrize(
    ("name", "changes", "seconds", "expected"),
    [
        ("mov,mp4", {"duration": 30_000}, None, 30.0),
        ("matroska,webm", {"metadata": {"DURATION": "00:00:35.000"}}, None, 30.0),
        ("matroska,webm", {"metadata": {"DURATION": "nonsense"}}, 35.0, 30.0),
        ("matroska,webm", {"start_time": 0}, 35.0, 35.0),
        ("flv", {}, 30.0, 30.0),
        ("matroska,webm", {}, 4.0, None),
        ("mov,mp4", {"duration": 1 << 62}, None, None),
        ("mov,mp4", {}, None, None),
    ],
)
def test_matroska_states_the_end_and_others_the_length(
    name, changes, seconds, expected
):
    one = stream(**changes)
    opened = container(one, name=name, duration=seconds and int(seconds * 1e6))
    assert stated_duration(opened, one) == expected


def test_a_rate_is_measured_by_the_usual_step():
    times = [0, 33, 66, 100, 133, 400, 433, 466, None]
    one = stream()
    assert measured_rate(container(one, times=times), one) == pytest.approx(30.3, 0.01)
    assert measured_rate(container(one, times=[None, 0]), one) is None


def test_the_cover_of_music_is_no_video():
    cover, film = stream(disposition=0x400), stream()
    assert video_stream(container(cover, film)) is film
    with pytest.raises(ValueError, match="no video stream"):
        video_stream(container(cover))
