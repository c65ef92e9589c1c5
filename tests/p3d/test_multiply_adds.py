"""Arithmetic counted from the operations that run."""

import math

from ahernet_tf.p3d import (
    count_multiply_adds,
)
from tests.p3d.test_residual_network import network


def test_multiply_adds_by_hand():
    model, _ = network(depths=(1, 1, 1, 1), classes=7)
    # (cells, kernel taps, in, out), for clips of 16x32x32
    convolutions = [
        (16 * 16 * 16, 49, 3, 4),
        *[(8 * 8 * 8, taps, i, o) for taps, i, o in
          [(1, 4, 4), (9, 4, 4), (3, 4, 4), (1, 4, 16), (1, 4, 16)]],
        *[(4 * 4 * 4, taps, i, o) for taps, i, o in
          [(1, 16, 8), (9, 8, 8), (3, 8, 8), (1, 8, 32), (1, 16, 32)]],
        *[(2 * 2 * 2, taps, i, o) for taps, i, o in
          [(1, 32, 16), (9, 16, 16), (3, 16, 16), (1, 16, 64), (1, 32, 64)]],
        *[(1, taps, i, o) for taps, i, o in
          [(1, 64, 32), (9, 32, 32), (1, 32, 128), (1, 64, 128)]],
        (1, 1, 128, 7),
    ]  # fmt: skip
    expected = sum(math.prod(c) for c in convolutions)
    assert count_multiply_adds(model, (16, 32, 32, 3)) == expected
