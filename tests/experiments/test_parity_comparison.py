"""One array beside another: what passes and what fails."""

import numpy as np
import pytest

from experiments.parity import comparison
from experiments.parity.comparison import Comparison, Tolerance


@pytest.mark.parametrize(
    ("ours", "recorded", "tolerance", "passes"),
    [
        ([1.0, 2.0], [1.0, 2.0], comparison.VALUE, True),
        ([1.0, 2.0], [1.0, 2.00001], comparison.VALUE, True),
        ([1.0, 2.0], [1.0, 2.0001], comparison.VALUE, False),
        ([0.0, 2.0], [1e-5, 2.0], comparison.VALUE, True),
        ([0.0], [1e-9], comparison.VALUE, False),
        ([0.0], [1e-9], Tolerance(absolute=1e-8), True),
        ([np.nan], [np.nan], comparison.VALUE, False),
        ([np.inf], [np.inf], comparison.VALUE, False),
        ([1.0], [[1.0]], comparison.VALUE, False),
        ([1, 2], [1, 2], comparison.VALUE, True),
        ([True, False], [True, True], comparison.VALUE, False),
    ],
)
def test_verdict_of_a_comparison(ours, recorded, tolerance, passes):
    found = Comparison("x", np.array(ours), np.array(recorded), tolerance)
    assert found.passes() == passes
    assert found.line().startswith("pass" if passes else "FAIL")


def test_weights_are_judged_by_what_training_changed():
    start, recorded = np.zeros(4), np.full(4, 1e-3)
    for error, passes in ((1e-6, True), (1e-5, False), (np.nan, False)):
        found = Comparison("x", recorded + error, recorded, comparison.WEIGHT, start)
        assert found.passes() == passes
