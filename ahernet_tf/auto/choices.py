"""What a rule sees besides the facts, and what it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

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
