"""The kind and the range of an option, declared beside it and checked in one place.

    @dataclasses.dataclass(frozen=True)
    class LossConfig(Options):
        foreground_tiou: Fraction = 0.8

A value may come from Python, JSON or a command line: `"0.5"`, `"none"`, `"1,2,3"`.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Annotated, Any, Literal


@dataclasses.dataclass(frozen=True)
class Range:
    """What a number may be.

    Attributes:
        low: The least.
        high: The largest.
        open_low: Whether the number must be above `low`.
        open_high: Whether the number must be below `high`.
    """

    low: float = 0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        """Tells whether a number is in the range; NaN and infinity never are."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        """Says the range in words."""
        low = f"{'above' if self.open_low else 'at least'} {self.low:g}"
        if math.isinf(self.high):
            return low
        return f"{low} and {'below' if self.open_high else 'at most'} {self.high:g}"


Count = Annotated[int, Range(1)]
CountOrNone = Annotated[int, Range(0)]
Amount = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, open_low=True)]
Fraction = Annotated[float, Range(0, 1)]
BelowOne = Annotated[float, Range(0, 1, open_high=True)]


class Options:
    """A frozen dataclass whose fields are converted and checked by their hints."""

    def __post_init__(self) -> None:
        """Converts and checks every value.

        Raises:
            ValueError: Names the option, what was expected and what was received.
        """
        part = type(self).__name__.removesuffix("Config").lower()
        hints = typing.get_type_hints(type(self), include_extras=True)
        for name, hint in hints.items():
            value = convert(getattr(self, name), hint, f"{part}.{name}")
            object.__setattr__(self, name, value)


_WORDS = {"true": True, "false": False, "1": True, "0": False}


def convert(value: Any, hint: Any, where: str) -> Any:
    """Converts a value to the kind of an option and checks its range.

    Args:
        value: Of Python, JSON or a command line.
        hint: Type hint of the option.
        where: The option's name.

    Raises:
        ValueError: The value is of another kind or out of range.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        kind, allowed = arguments
        converted = convert(value, kind, where)
        if converted not in allowed:
            raise ValueError(f"{where}: expected {allowed}, received {value}.")
        return converted
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where}: expected one of {arguments}, received {value}.")
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None or value == "none":
            return None
        return convert(value, arguments[0], where)
    if origin is tuple:
        items = value.strip("()[] ").split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"{where}: expected a list, received {value}.")
        return tuple(convert(item, arguments[0], where) for item in items)
    if hint is bool:
        word = str(value).lower()
        if word not in _WORDS:
            raise ValueError(f"{where}: expected true or false, received {value}.")
        return _WORDS[word]
    try:
        converted = hint(value)
        exact = hint is not int or float(value) == converted
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact:
        raise ValueError(f"{where}: expected {hint.__name__}, received {value}.")
    return converted
