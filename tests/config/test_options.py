"""Ranges and kinds of options, as a dataclass declares them."""

import dataclasses
import math
from typing import Annotated, Literal

import pytest

from ahernet_tf.config.options import Count, Fraction, Options, Range, convert


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (Range(1), (1, 5), (0, 0.99, math.inf, math.nan)),
        (Range(0, 1), (0, 0.5, 1), (-0.1, 1.1)),
        (Range(0, 1, open_low=True), (0.1, 1), (0,)),
        (Range(0, 1, open_high=True), (0, 0.9), (1,)),
    ],
)
def test_numbers_in_and_out_of_a_range(allowed, inside, outside):
    assert all(value in allowed for value in inside)
    assert not any(value in allowed for value in outside)


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (Range(1), "at least 1"),
        (Range(0, 1, open_low=True), "above 0 and at most 1"),
        (Range(0, 0.5, open_high=True), "at least 0 and below 0.5"),
    ],
)
def test_a_range_says_what_it_allows(allowed, words):
    assert str(allowed) == words


@dataclasses.dataclass(frozen=True)
class MadeUpConfig(Options):
    """Options of a part called `madeup`."""

    share: Fraction = 0.5
    sizes: tuple[Count, ...] = (1,)
    limit: Count | None = None
    kind: Literal["a", "b"] = "a"


def test_values_are_converted_whatever_they_come_from():
    assert MadeUpConfig("1", "4, 5", "none") == MadeUpConfig(1.0, [4, 5])
    assert MadeUpConfig(limit="3").limit == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"share": 2},
            r"^madeup\.share: expected at least 0 and at most 1, received 2",
        ),
        ({"sizes": (3, 0)}, r"^madeup\.sizes: expected at least 1, received 0"),
        ({"limit": -1}, r"^madeup\.limit: expected at least 1, received -1"),
        ({"kind": "c"}, r"^madeup\.kind: expected one of"),
        ({"share": "half"}, r"^madeup\.share: expected float, received half"),
    ],
)
def test_a_value_out_of_range_names_its_option(values, message):
    with pytest.raises(ValueError, match=message):
        MadeUpConfig(**values)


def test_whole_numbers_beyond_floating_point_are_refused():
    with pytest.raises(ValueError, match=r"x: expected int, received inf"):
        convert(math.inf, Annotated[int, Range(0)], "x")
