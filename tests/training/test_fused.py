"""The fused schedule: all steps of an iteration from one point."""

import numpy as np
import pytest

from tests.models import tiny
from tests.models.test_systems import batches, made, weights


@pytest.mark.parametrize("split", ["per_loss", "joint"])
def test_fused_iteration_is_the_sum_of_its_steps_taken_alone(split):
    fused = made(schedule="fused", optimizer_split=split)
    start = weights(fused)
    named = tiny.iterate(fused, **batches())
    expected = {key: value.astype(np.float64) for key, value in start.items()}
    for step in fused.steps("train"):
        alone = made(optimizer_split=split)
        found = alone.minimize(step, alone.forward_pass(**batches()))
        for name, loss in found.items():
            np.testing.assert_allclose(named[f"{step}/{name}"], loss, rtol=1e-5)
        for key, value in weights(alone).items():
            expected[key] += value - start[key]
    for key, value in weights(fused).items():
        np.testing.assert_allclose(value, expected[key], atol=2e-5, err_msg=str(key))
