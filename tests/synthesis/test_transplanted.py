import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ahernet_tf.synthesis.transplanted import transplant


@given(st.integers(0, 10_000))
def test_transplanted_moments_lie_between_the_stretches_of_background(seed):
    random = np.random.default_rng(seed)
    bounds = np.sort(random.uniform(0, 64, 2 * random.integers(0, 5))).reshape(-1, 2)
    lengths = random.integers(1, 20, 8)
    segments, mask, shown = transplant(bounds, lengths, 64, 8, random)
    laid = segments[mask]
    np.testing.assert_array_equal(laid[:, 1] - laid[:, 0], lengths[: len(laid)])
    inside = np.zeros(64, bool)
    for start, end in laid.astype(int):
        assert 0 < start < end <= 64
        assert not inside[start - 1 : end].any()  # background before each
        inside[start:end] = True
    np.testing.assert_array_equal(shown < 0, inside)
    for step in shown[~inside]:
        assert not any(start < step + 1 and step < end for start, end in bounds)
