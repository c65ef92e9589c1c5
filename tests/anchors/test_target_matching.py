"""Ground truth to targets, in hand-computed cases and against a plain loop."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.anchors import target_matching as matching

quick = hypothesis.settings(max_examples=15, deadline=None)
STEPS = 32
GRID = anchor_grid.grid(STEPS, 3, (1.0, 1.5))


def match(anchors, segments, mask=None, labels=None, steps=STEPS, **thresholds):
    """Matches one video's segments (or a batch of them)."""
    segments = np.asarray(segments, np.float32)
    segments = segments[None] if segments.ndim == 2 else segments
    shape = segments.shape[:2]
    mask = np.ones(shape, bool) if mask is None else np.reshape(mask, shape)
    labels = np.arange(shape[1]) if labels is None else np.asarray(labels)
    return matching.match(
        tf.constant(np.asarray(anchors, np.float32)),
        tf.constant(segments),
        tf.constant(mask),
        tf.constant(np.broadcast_to(labels, shape).astype(np.int32)),
        steps=steps,
        **{"foreground_tiou": 0.8, "background_tiou": 0.3} | thresholds,
    )


@pytest.mark.parametrize(
    ("segment", "tiou", "kind"),
    [
        pytest.param([12, 20], 1, "foreground", id="identical"),
        pytest.param([12, 19], 7 / 8, "foreground", id="slightly shorter"),
        pytest.param([8, 24], 8 / 16, "ignored", id="twice as long"),
        pytest.param([14, 16], 2 / 8, "background", id="inside"),
        pytest.param([0, 32], 8 / 32, "background", id="around"),
        pytest.param([20, 28], 0, "background", id="touching"),
        pytest.param([24, 30], 0, "background", id="outside"),
        pytest.param([16, 16], 0, "background", id="zero length"),
        pytest.param([20, 12], 0, "background", id="reversed"),
    ],
)
def test_kind_of_an_anchor(segment, tiou, kind):
    targets = match([[16, 8]], [segment])
    assert targets.tiou.numpy() == pytest.approx(tiou, abs=1e-7)
    assert targets.matched.numpy() == (tiou > 0)
    assert targets.foreground.numpy() == (kind == "foreground")
    assert targets.background.numpy() == (kind == "background")


def test_thresholds_are_strict():
    targets = match([[16, 8]], [[14, 18]], foreground_tiou=0.5, background_tiou=0.5)
    assert targets.tiou.numpy() == 0.5
    assert not targets.foreground.numpy()
    assert not targets.background.numpy()


def test_best_segment_gives_offsets_segment_and_label():
    targets = match([[16, 8]], [[0, 14], [13, 23], [20, 32]], labels=[7, 8, 9])
    assert targets.tiou.numpy() == pytest.approx(7 / 11)
    assert targets.labels.numpy() == 8
    np.testing.assert_allclose(targets.segments, [[[18, 10]]])
    expected = [[[(18 - 16) / 8 / 0.1, np.log(10 / 8) / 0.1]]]
    np.testing.assert_allclose(targets.offsets, expected, rtol=1e-6)


def test_first_of_equal_overlaps_wins():
    targets = match([[16, 8]], [[8, 16], [16, 24], [8, 16]], labels=[3, 4, 5])
    assert targets.labels.numpy() == 3
    assert match([[16, 8]], [[16, 24], [8, 16]], labels=[4, 3]).labels.numpy() == 4


def test_masked_segment_never_matches():
    targets = match([[16, 8]], [[12, 20], [12, 18]], mask=[False, True], labels=[1, 2])
    assert targets.labels.numpy() == 2
    assert targets.tiou.numpy() == pytest.approx(6 / 8)


def test_video_without_segments_is_all_background():
    targets = match(GRID, np.zeros([2, 5, 2]), mask=np.zeros([2, 5], bool))
    assert targets.background.numpy().all()
    for name in ("tiou", "offsets", "labels", "matched", "foreground"):
        assert not getattr(targets, name).numpy().any(), name
    np.testing.assert_array_equal(
        targets.segments, np.broadcast_to(GRID, (2, *GRID.shape))
    )


def test_anchor_is_clipped_one_step_before_the_end():
    # [0, 32] clipped to [0, 31] against the whole sequence.
    assert match([[16, 32]], [[0, 32]]).tiou.numpy() == pytest.approx(31 / 32)
    # An anchor that sticks out on both sides loses both ends.
    assert match([[16, 48]], [[0, 31]]).tiou.numpy() == pytest.approx(1.0)


def test_offsets_are_coded_against_the_unclipped_anchor():
    targets = match([[2, 8]], [[0, 6]])
    np.testing.assert_allclose(
        targets.offsets, [[[(3 - 2) / 8 / 0.1, np.log(6 / 8) / 0.1]]], rtol=1e-6
    )


def test_several_classes_in_one_video_label_each_anchor_by_its_own_match():
    targets = match([[4, 8], [28, 8]], [[24, 32], [0, 8]], labels=[5, 2])
    assert targets.labels.numpy().tolist() == [[2, 5]]


def test_rows_of_a_batch_do_not_see_each_other():
    rows = [[[12, 20], [0, 4]], [[0, 4], [28, 32]]]
    together = match(GRID, rows)
    for index, row in enumerate(rows):
        alone = match(GRID, row)
        for name, part in together._asdict().items():
            np.testing.assert_array_equal(part[index], getattr(alone, name)[0], name)


def test_no_gradient_flows_through_targets():
    segments = tf.constant([[[11.0, 21.0]]])
    with tf.GradientTape() as tape:
        tape.watch(segments)
        targets = matching.match(
            tf.constant(GRID),
            segments,
            tf.constant([[True]]),
            tf.constant([[0]]),
            steps=STEPS,
            foreground_tiou=0.8,
            background_tiou=0.3,
        )
        total = sum(
            tf.reduce_sum(part) for part in (targets.tiou, targets.offsets)
        ) + tf.reduce_sum(targets.segments)
    assert tape.gradient(total, segments) is None


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"\[batch, max_segments, 2\].*\(3, 2\)"):
        matching.match(
            tf.constant(GRID),
            tf.zeros([3, 2]),
            tf.ones([3], tf.bool),
            tf.zeros([3], tf.int32),
            steps=STEPS,
            foreground_tiou=0.8,
            background_tiou=0.3,
        )


@quick
@hypothesis.given(st.data())
def test_matching_follows_a_plain_loop(data):
    size = data.draw(st.integers(1, 4))
    bounds = st.integers(-8, 4 * STEPS + 8).map(lambda n: n / 4)
    segments = np.array([[data.draw(bounds), data.draw(bounds)] for _ in range(size)])
    mask = np.array([data.draw(st.booleans()) for _ in range(size)])
    labels = np.arange(size)[::-1] + 3
    targets = match(GRID, segments, mask, labels)
    for a, (centre, length) in enumerate(GRID.astype(float)):
        low, high = np.clip([centre - length / 2, centre + length / 2], 0, STEPS - 1)
        best, owner = 0.0, None
        for g, (start, end) in enumerate(segments):
            if not mask[g] or end <= start or high <= low:
                continue
            shared = max(0.0, min(high, end) - max(low, start))
            tiou = shared / (high - low + end - start - shared)
            if tiou > best + 1e-9:
                best, owner = tiou, g
        assert targets.tiou[0, a].numpy() == pytest.approx(best, abs=1e-6)
        assert targets.matched[0, a].numpy() == (owner is not None)
        if abs(best - 0.8) > 1e-6:
            assert targets.foreground[0, a].numpy() == (best > 0.8)
        if abs(best - 0.3) > 1e-6:
            assert targets.background[0, a].numpy() == (best < 0.3)
        if owner is not None:
            start, end = segments[owner]
            assert targets.labels[0, a].numpy() == labels[owner]
            middle = (start + end) / 2
            np.testing.assert_allclose(
                targets.offsets[0, a],
                [
                    (middle - centre) / length / 0.1,
                    np.log((end - start) / length) / 0.1,
                ],
                atol=1e-4,
            )
