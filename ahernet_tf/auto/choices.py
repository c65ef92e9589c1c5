"""What a rule sees besides the facts, and what it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ahernet_tf.auto.facts import Facts
from ahernet_tf.config import Config


class Choice(NamedTuple):
    """What a rule chose.

    Attributes:
        option: Such as `loss.foreground_tiou`.
        value: As the configuration holds it.
        reason: Why, in words.
    """

    option: str
    value: Any
    reason: str

    def line(self) -> str:
        """Returns the printed line."""
        value = self.value
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        elif isinstance(value, float):
            value = f"{value:g}"
        elif isinstance(value, bool):
            value = str(value).lower()
        return f"{self.option} {value}: {self.reason}"


def number(value: float, digits: int = 3) -> str:
    """Writes a number for a reason: 640, 0.0021, never 6.4e+02."""
    return np.format_float_positional(
        float(f"{value:.{digits}g}"), precision=10, trim="-"
    )


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a run may take.

    Attributes:
        minutes: For all of it.
        gflops: What the machine computes per second, in large products (GFLOP/s).
    """

    minutes: float
    gflops: float


#: From facts, budget and what the rules before it chose to its own choices.
Rule = Callable[[Facts, Budget, Config], Iterator[Choice]]
