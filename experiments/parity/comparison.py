"""One recorded array beside ours, and how far the two may be apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# What storing a weight in float32, several times over, does to it.
_WEIGHT_ROUNDING = 2e-7


class Tolerance(NamedTuple):
    """How far an array may be off; what is above 0 is allowed.

    Attributes:
        relative: Of the array's largest entry.
        absolute: Of any entry.
        change: Norm of the error against the norm of what training changed.
    """

    relative: float = 0.0
    absolute: float = 0.0
    change: float = 0.0


VALUE = Tolerance(relative=1e-5)
GRADIENT = Tolerance(relative=2e-5)
TRAJECTORY = Tolerance(relative=2e-5)
# Their gradients may cancel to rounding noise, which Adam then magnifies.
TRANSFER_BIAS = Tolerance(absolute=5e-4)
# Behind a max-pooling with a near tie in the synthetic sequence.
POOLED_GRADIENT = Tolerance(relative=3e-3)
# Adam divides by the size of a gradient, so the noise of small ones counts in full:
# weights are judged as a whole, by what training changed.
WEIGHT = Tolerance(change=2e-3)


def transfer_bias_gradient(cells: int) -> Tolerance:
    """Returns what the bias gradients of a level of so many cells may be off.

    A bias that shifts all classes alike changes no softmax: the sum over the level's
    cells, each of up to 2, cancels to rounding noise. That of the transferred weights
    does so too, wherever their ELU has the slope 1.
    """
    return Tolerance(relative=2e-5, absolute=max(3e-5, 1e-6 * cells))


class Comparison(NamedTuple):
    """One recorded array beside ours.

    Attributes:
        name: File and array.
        ours: What we compute.
        recorded: What the release computed.
        tolerance: How far they may be apart.
        start: For weights, the array before training.
    """

    name: str
    ours: np.ndarray
    recorded: np.ndarray
    tolerance: Tolerance
    start: np.ndarray | None = None

    def errors(self) -> tuple[float, float]:
        """Returns the worst absolute and the worst relative difference."""
        if self.ours.shape != self.recorded.shape:
            return np.inf, np.inf
        ours, recorded = self.ours.astype(np.float64), self.recorded.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinities subtract to NaN, which fails
            absolute = float(np.max(np.abs(ours - recorded), initial=0.0))
        scale = float(np.max(np.abs(recorded), initial=0.0))
        return absolute, absolute / scale if scale else absolute

    def passes(self) -> bool:
        """Tells whether the difference is within the tolerance; NaN never is."""
        absolute, relative = self.errors()
        if not np.isfinite(absolute):
            return False
        if self.tolerance.change:
            changed = np.linalg.norm(self.recorded - self.start)
            allowed = self.tolerance.change * changed
            allowed += _WEIGHT_ROUNDING * np.linalg.norm(self.recorded)
            return bool(np.linalg.norm(self.ours - self.recorded) <= allowed)
        return (
            absolute <= self.tolerance.absolute or relative <= self.tolerance.relative
        )

    def line(self) -> str:
        """Returns the printed line."""
        absolute, relative = self.errors()
        allowed = ", ".join(
            f"{kind} {limit:.0e}"
            for kind, limit in self.tolerance._asdict().items()
            if limit
        )
        verdict = "pass" if self.passes() else "FAIL"
        return f"{verdict}  {absolute:9.2e}  {relative:9.2e}  {allowed:32}  {self.name}"
