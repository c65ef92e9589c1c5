"""What long work would do, how long it would take and how much it would write.

A program with the flag --dry_run prints this in place of working. Times come from the
work's arithmetic and the rate of large products that this machine shows at the moment;
they are right within a factor of two where nothing else runs.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil

#: Importing TensorFlow, reading, compiling.
START_SEC = 40.0
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_TIMES = (("days", 86400.0), ("h", 3600.0), ("min", 60.0))


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What work would do.

    Attributes:
        does: What it would do, a line each; empty: nothing is left to do.
        seconds: How long it would take on this machine.
        size: Bytes that it would write.
        place: Where it would write them.
    """

    does: tuple[str, ...]
    seconds: float
    size: float
    place: str | os.PathLike

    def lines(self) -> list[str]:
        """Returns what a dry run prints."""
        if not self.does:
            return ["Dry run; nothing is left to do."]
        place = pathlib.Path(self.place).absolute()
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free
        return [
            "Dry run; this would be done:",
            *(f"  {line}" for line in self.does),
            f"time:  about {time_text(self.seconds)} on this machine",
            f"space: about {size_text(self.size)} in {self.place}, where "
            f"{size_text(free)} are free",
        ]


def size_text(size: float) -> str:
    """Returns a number of bytes in words."""
    for unit, bytes_of_unit in _UNITS:
        if size >= bytes_of_unit:
            number = size / bytes_of_unit
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return "less than 1 kB"


def time_text(seconds: float) -> str:
    """Returns a duration in words."""
    for unit, length in _TIMES:
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
