import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahernet_tf.data.annotations.times import (
    FRAMES,
    MILLISECONDS,
    TimePoint,
    to_duration,
    to_number,
    to_rate,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        (2, 2.0),
        ("00:00:01.200", 1.2),
        ("00:01:02,5", 62.5),
        ("1:02", 62.0),
        ("01:00:00", 3600.0),
        ("90:00", 5400.0),
        ("2.5 s", 2.5),
        ("300ms", 0.3),
    ],
)
def test_numbers_and_clock_times_are_seconds(text, seconds):
    assert TimePoint.of(text).seconds(None) == pytest.approx(seconds)


def test_frames_and_milliseconds_become_seconds():
    assert TimePoint.of("75", FRAMES).seconds(25.0) == 3.0
    assert TimePoint.of(1250, MILLISECONDS).seconds(None) == 1.25
    assert TimePoint.of("00:00:02:10", FRAMES).seconds(25.0) == 2.4
    assert TimePoint.of("00:00:02.5", FRAMES).seconds(None) == 2.5  # a clock stays one


@pytest.mark.parametrize("text", ["1:75", "00:61:00", "0:01:60", "00:61:00:10"])
def test_clock_times_that_cannot_be_are_no_times(text):
    assert TimePoint.of(text) is None


@pytest.mark.parametrize("text", ["", "one", "1:2:3:4:5", "nan", "inf", None, True, []])
def test_anything_else_is_no_time(text):
    assert TimePoint.of(text) is None


@pytest.mark.parametrize("value", ["1e999", 10**400, math.inf, math.nan, {}, True])
def test_what_is_not_finite_is_no_number(value):
    assert to_number(value) is None


@given(st.integers(0, 10**7))
def test_a_clock_says_what_its_parts_are(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
    assert TimePoint.of(text).seconds(None) == pytest.approx(milliseconds / 1000)


def test_durations_are_clock_times_and_rates_fractions():
    assert to_duration("0:01:30.5") == 90.5
    assert to_duration("0:01:30:05") is to_duration("long") is None
    assert to_rate("30000/1001") == pytest.approx(29.97, abs=1e-3)
    assert [to_rate(text) for text in ("30/0", "1/2/3", "a/b", "30", None)] == [
        None
    ] * 5
