import pytest

from ahernet_tf.forecast import Forecast, size_text, time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(40, "40 s"), (89, "89 s"), (120, "2 min"), (9000, "2 h"), (200_000, "2 days")],
)
def test_durations_are_said_in_words(seconds, text):
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(10, "less than 1 kB"), (2500, "2.5 kB"), (59e6, "59 MB"), (123.4e9, "123 GB")],
)
def test_sizes_are_said_in_words(size, text):
    assert size_text(size) == text


def test_a_dry_run_says_what_how_long_and_how_much(tmp_path):
    place = tmp_path / "not" / "there"
    lines = Forecast(("pack 3 videos",), 130.0, 2e6, place).lines()
    assert lines[:3] == [
        "Dry run; this would be done:",
        "  pack 3 videos",
        "time:  about 2 min on this machine",
    ]
    assert lines[3].startswith(f"space: about 2.0 MB in {place}, where ")
    assert not place.parent.exists()


def test_a_dry_run_says_when_nothing_is_left():
    assert Forecast((), 0.0, 0.0, ".").lines() == ["Dry run; nothing is left to do."]
