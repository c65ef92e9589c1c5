import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ahernet_tf.data.features.half_precision import to_float16
from ahernet_tf.data.features.resampling import resample
from tests.conftest import shared_path

TWO_CLIPS = np.array([[0.0, 4.0], [1.0, 0.0]])
CENTRES = np.array([1.0, 3.0])


def by_the_letter(features, centres, covered, steps, pooling="mean"):
    """The rule of the release, one step after the other."""
    rows = []
    for k in range(steps):
        a, b = (1 / steps * k) * covered, (1 / steps * (k + 1)) * covered
        low, high = max(a, centres[0] + 1e-4), min(b, centres[-1] - 1e-4)
        if len(features) == 1:
            rows.append(features[0])
        elif high < centres[0] or low > centres[-1]:
            rows.append(np.zeros(features.shape[1]))
        else:
            points = [
                [np.interp(t, centres, channel) for channel in features.T]
                for t in (low, (low + high) / 2, high)
            ]
            rows.append(np.mean(points, 0) if pooling == "mean" else np.max(points, 0))
    return np.array(rows)


def test_two_clips_in_four_steps_by_hand():
    # Steps 0 and 3 touch the outermost centres: kept, at 0.1 ms inside the span.
    expected = [2.5e-5, (0.00005 + 0.250025 + 0.5) / 3, 0.749975, 0.999975]
    values = resample(TWO_CLIPS, CENTRES, 4.0, 4)
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(values[:, 1], 4 - 4 * np.array(expected), rtol=1e-6)


def test_maximum_takes_the_larger_end_of_each_step():
    values = resample(TWO_CLIPS, CENTRES, 4.0, 4, pooling="max")
    np.testing.assert_allclose(values[:, 0], [5e-5, 0.5, 0.99995, 1.0], rtol=1e-6)


def test_steps_wholly_outside_the_span_are_zero_or_the_outermost_clip():
    zero = resample(TWO_CLIPS, CENTRES, 4.0, 8)
    clamp = resample(TWO_CLIPS, CENTRES, 4.0, 8, edge="clamp")
    np.testing.assert_array_equal(zero[[0, 7]], np.zeros((2, 2)))
    np.testing.assert_array_equal(clamp[[0, 7]], TWO_CLIPS)
    np.testing.assert_array_equal(zero[1:7], clamp[1:7])
    assert np.all(zero[2:6, 0] > 0.1)


@pytest.mark.parametrize("edge", ["zero", "clamp"])
def test_a_single_clip_is_repeated(edge):
    values = resample(np.array([[3.0, -1.0]]), np.array([0.5]), 1.0, 5, edge=edge)
    np.testing.assert_array_equal(values, [[3.0, -1.0]] * 5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_floating_type_gives_the_same_float32(dtype):
    features = np.arange(12).reshape(4, 3) / 8  # exact in float16
    centres = np.arange(4) + 0.5
    values = resample(features.astype(dtype), centres, 4.0, 7)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, resample(features, centres, 4.0, 7))


def test_the_input_is_left_as_it_was():
    features = np.random.default_rng(0).normal(size=(5, 2))
    before = features.copy()
    resample(features, np.arange(5.0), 5.0, 9)
    np.testing.assert_array_equal(features, before)


@settings(deadline=None, max_examples=60)
@given(
    clips=st.integers(1, 90),
    channels=st.sampled_from([1, 3, 700]),
    steps=st.integers(1, 130),
    stride=st.floats(1e-3, 3.0),
    shift=st.floats(0.0, 1.0),
    pooling=st.sampled_from(["mean", "max"]),
    seed=st.integers(0, 100),
)
def test_equals_the_rule_by_the_letter(
    clips, channels, steps, stride, shift, pooling, seed
):
    features = np.random.default_rng(seed).normal(size=(clips, channels))
    centres = (np.arange(clips) + shift) * stride
    covered = clips * stride
    expected = by_the_letter(features, centres, covered, steps, pooling)
    values = resample(features, centres, covered, steps, pooling)
    np.testing.assert_allclose(values, expected, rtol=2e-7, atol=1e-9)


def test_equals_the_recorded_release_to_the_last_bit_of_float32():
    with np.load(shared_path("golden/narrow/resample.npz")) as recorded:
        names = {key.split("/")[0] for key in recorded.files}
        for name in names:
            features = recorded[f"{name}/feature"]
            count = len(features)
            fps = recorded[f"{name}/frames"] / recorded[f"{name}/duration"]
            stride_sec = 8 / fps
            centres = (np.arange(count) + 0.5) * stride_sec
            for steps in (512, 256, 100):
                for pooling in ("mean", "max"):
                    np.testing.assert_array_equal(
                        resample(features, centres, 8 * count / fps, steps, pooling),
                        recorded[f"{name}/{steps}/{pooling}"],
                    )
    assert len(names) >= 6


@pytest.mark.parametrize(
    ("features", "centres", "options"),
    [
        (np.zeros((0, 3)), np.zeros(0), {}),
        (np.zeros((2, 3)), np.zeros(3), {}),
        (np.zeros(3), np.zeros(3), {}),
        (np.zeros((2, 3)), np.arange(2.0), {"pooling": "median"}),
        (np.zeros((2, 3)), np.arange(2.0), {"edge": "wrap"}),
    ],
)
def test_refuses_what_makes_no_sense(features, centres, options):
    with pytest.raises(ValueError, match="Expected"):
        resample(features, centres, 1.0, 4, **options)


@pytest.mark.parametrize("edge", ["zero", "clamp"])
@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("clips", [1, 2, 7, 90, 300])
def test_sums_in_float32_differ_by_rounding_only(clips, pooling, edge):
    half = to_float16(np.random.default_rng(clips).normal(size=(clips, 700)))
    centres, covered = np.arange(clips) + 0.5, float(clips)
    exact = resample(half, centres, covered, 64, pooling, edge)
    for features in (half, half.astype(np.float32)):
        found = resample(features, centres, covered, 64, pooling, edge, np.float32)
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=2e-6)


def test_long_sequences_are_added_up_block_by_block():
    """So wide that blocks are short, and so many clips that groups are."""
    features = np.random.default_rng(0).normal(size=(300, 2000))
    centres = np.arange(300) + 0.5
    expected = by_the_letter(features, centres, 300.0, 140)
    found = resample(features, centres, 300.0, 140)
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-9)
