"""Times as people write them: numbers of seconds, frames, milliseconds; clock times."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

SECONDS, FRAMES, MILLISECONDS = "seconds", "frames", "milliseconds"
UNITS = (SECONDS, FRAMES, MILLISECONDS)
# [hours:]minutes:seconds, with a decimal point or comma; or hours:minutes:seconds and
# frames
_CLOCK = re.compile(r"(-?)(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d+))?")
_NAMED = re.compile(r"([-+]?[\d.]+)\s*(ms|s|sec|secs|seconds)", re.IGNORECASE)
_UNIT_OF = {
    "ms": MILLISECONDS,
    **dict.fromkeys(("s", "sec", "secs", "seconds"), SECONDS),
}
_SIXTY = 60  # what stands after a colon is below it
_SMPTE = re.compile(r"(\d+):(\d{1,2}):(\d{1,2})[:;](\d{1,3})")


@dataclasses.dataclass(frozen=True, slots=True)
class TimePoint:
    """A point in time: so many seconds and so many frames from the start."""

    whole_sec: float
    frames: float = 0.0

    @classmethod
    def of(cls, value: Any, unit: str = SECONDS) -> TimePoint | None:
        """Reads a number, its text, or a clock time; None where it is none of them.

        A number may name its unit: `2.5 s`, `300ms`. `61:00` is a clock time; `1:75`
        and `0:61:00` are none.

        Args:
            value: What a file has.
            unit: Of numbers, one of `UNITS`.
        """
        if isinstance(value, str) and (named := _NAMED.fullmatch(value.strip())):
            value, unit = named.group(1), _UNIT_OF[named.group(2).lower()]
        number = to_number(value)
        if number is not None:
            if unit == FRAMES:
                return cls(0.0, number)
            return cls(number / 1000 if unit == MILLISECONDS else number)
        text = value.strip() if isinstance(value, str) else ""
        if found := _SMPTE.fullmatch(text):
            hours, minutes, seconds, frames = map(int, found.groups())
            if max(minutes, seconds) >= _SIXTY:
                return None
            return cls(3600.0 * hours + 60 * minutes + seconds, float(frames))
        if found := _CLOCK.fullmatch(text):
            sign, hours, minutes, seconds, fraction = found.groups()
            if int(seconds) >= _SIXTY or (hours and int(minutes) >= _SIXTY):
                return None
            whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
            total = float(f"{whole}.{fraction or 0}")
            return cls(-total if sign else total)
        return None

    def seconds(self, fps: float | None) -> float:
        """Returns the time in seconds; frames need their rate."""
        return self.whole_sec + (self.frames / fps if self.frames else 0.0)


def to_duration(value: Any) -> float | None:
    """Converts a clock time without frames to seconds; None for anything else."""
    point = TimePoint.of(value)
    return None if point is None or point.frames else point.whole_sec


def to_rate(value: Any) -> float | None:
    """Converts a fraction such as `30000/1001`; None for anything else."""
    parts = value.split("/") if isinstance(value, str) else []
    numbers = [to_number(part) for part in parts]
    if len(numbers) != 2 or None in numbers or not numbers[1]:
        return None
    return numbers[0] / numbers[1]


def to_number(value: Any) -> float | None:
    """Converts a number or its text; None for NaN, infinity and anything else."""
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
