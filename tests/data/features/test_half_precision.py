import re

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data.features.half_precision import (
    WIDENED,
    fault_of_values,
    to_float16,
    to_float32,
    widen,
)

FINITE = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
FINITE = FINITE[np.isfinite(FINITE)]
EXPECTED = FINITE.astype(np.float32)
EXPECTED[np.abs(EXPECTED) < 2.0**-14] = 0.0


def test_every_float16_is_read_exactly_and_the_tiny_ones_are_zero():
    half = to_float16(np.stack([FINITE] * 40))
    np.testing.assert_array_equal(to_float32(half), np.stack([EXPECTED] * 40))
    wide = np.empty(len(FINITE), np.float32)
    widen(wide, half[0])
    np.testing.assert_array_equal(wide.astype(np.float64) * WIDENED, EXPECTED)


def test_reading_is_exact_where_tensorflow_runs_python_code():
    # There, numbers below the smallest normal float32 count as 0.
    half = to_float16(np.stack([FINITE] * 3))
    result = tf.data.Dataset.range(1).map(
        lambda i: tf.numpy_function(lambda _: to_float32(half), [i], tf.float32)
    )
    found = next(result.as_numpy_iterator())
    np.testing.assert_array_equal(found, np.stack([EXPECTED] * 3))


@pytest.mark.parametrize(
    ("value", "dtype", "fault"),
    [
        (np.nan, "float32", r"nan in the features \(1 values, first at clip 1, chan"),
        (-np.inf, "float16", "-inf in the features"),
        (7e4, "float16", "70000.0 does not fit float16; pack as float32"),
        (7e4, "float32", None),
        (1e39, "float32", r"1e\+39 does not fit float32$"),
        (-65504.0, "float16", None),
    ],
)
def test_numbers_that_do_not_fit_are_named(value, dtype, fault):
    values = np.ones((3, 4), np.float64)
    values[1, 2] = value
    found = fault_of_values(values, dtype)
    if fault is None:
        assert found is None
    else:
        assert re.search(fault, found)


def test_features_of_a_tiny_scale_are_not_for_float16():
    values = np.full((3, 4), 1e-5, np.float32)
    assert "too small for float16" in fault_of_values(values, "float16")
    assert fault_of_values(values, "float32") is None
    assert fault_of_values(np.zeros((3, 4), np.float32), "float16") is None
