import numpy as np
import pandas as pd
import pytest

from ahernet_tf.evaluation import (
    bootstrap_detections,
    bootstrap_interval,
    bootstrap_proposals,
    evaluate_detections,
    evaluate_proposals,
    paired_bootstrap,
    tiou_range,
)
from tests.evaluation.frames import copies, found, made_up, truth

THRESHOLDS = tiou_range(0.5, 0.25, 0.75)


def test_estimate_is_the_score_and_lies_in_the_interval():
    instances, predictions = made_up(2)
    interval = bootstrap_interval(instances, predictions, THRESHOLDS, samples=100)
    score = evaluate_detections(instances, predictions, THRESHOLDS).average_map
    assert interval.estimate == pytest.approx(score, rel=0, abs=1e-12)
    assert interval.low < score < interval.high
    assert interval.resampled.shape == (100,)
    assert interval.bias == pytest.approx(interval.resampled.mean() - score)
    low, high = np.quantile(interval.resampled - interval.bias, [0.025, 0.975])
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert abs(interval.bias) > 1e-3


def test_same_seed_gives_the_same_interval_and_another_does_not():
    instances, predictions = made_up(3)
    first, again, other = (
        bootstrap_interval(instances, predictions, THRESHOLDS, samples=50, seed=seed)
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.resampled, again.resampled)
    assert (first.low, first.high) == (again.low, again.high)
    assert (first.low, first.high) != (other.low, other.high)


def test_wider_confidence_gives_a_wider_interval():
    instances, predictions = made_up(3)
    narrow, wide = (
        bootstrap_interval(
            instances, predictions, THRESHOLDS, samples=200, confidence=confidence
        )
        for confidence in (0.5, 0.95)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_clearly_better_system_has_a_difference_above_zero():
    instances, good = made_up(4, noise=0.2)
    same_instances, poor = made_up(4, noise=3.0)
    pd.testing.assert_frame_equal(instances, same_instances)
    paired = paired_bootstrap(instances, good, poor, THRESHOLDS, samples=100)
    assert paired.low > 0
    assert paired.share_above_zero == 1.0
    assert paired.estimate == pytest.approx(paired.average_map_a - paired.average_map_b)
    swapped = paired_bootstrap(instances, poor, good, THRESHOLDS, samples=100)
    assert swapped.high == pytest.approx(-paired.low)


def test_system_against_itself_differs_by_nothing():
    instances, predictions = made_up(5)
    paired = paired_bootstrap(
        instances, predictions, predictions, THRESHOLDS, samples=20
    )
    assert (paired.low, paired.estimate, paired.high) == (0.0, 0.0, 0.0)
    assert paired.share_above_zero == 0.5


def test_pairing_is_narrower_than_two_separate_intervals():
    instances, first = made_up(6, noise=1.0)
    second = first.assign(end_sec=first["end_sec"] + 0.5)
    paired = paired_bootstrap(instances, first, second, THRESHOLDS, samples=200)
    alone = bootstrap_interval(instances, first, THRESHOLDS, samples=200)
    assert paired.high - paired.low < alone.high - alone.low


def test_background_videos_are_drawn_too():
    instances, predictions = made_up(7)
    background = [f"b{i}" for i in range(12)]
    extra = found(*((video, 0, 9, "x", 0.9) for video in background))
    predictions = pd.concat([predictions, extra], ignore_index=True)
    without, within = (
        bootstrap_interval(
            instances, predictions, THRESHOLDS, samples=20, background_videos=videos
        )
        for videos in ((), background)
    )
    assert within.estimate < without.estimate


@pytest.mark.parametrize("bad", [{"samples": 0}, {"confidence": 1.0}])
def test_unusable_options_are_refused(bad):
    instances, predictions = made_up(0)
    with pytest.raises(ValueError, match="at least 1 sample"):
        bootstrap_interval(instances, predictions, THRESHOLDS, **bad)


def test_parts_of_the_score_have_intervals_around_them():
    instances, predictions = made_up(2)
    parts = bootstrap_detections(instances, predictions, THRESHOLDS, samples=100)
    score = evaluate_detections(instances, predictions, THRESHOLDS)
    whole = bootstrap_interval(instances, predictions, THRESHOLDS, samples=100)
    assert (parts.average_map.low, parts.average_map.high) == (whole.low, whole.high)
    at_tiou = np.array([part.resampled for part in parts.map_at_tiou])
    np.testing.assert_allclose(at_tiou.mean(axis=0), whole.resampled)
    for value, part in zip(score.map_at_tiou, parts.map_at_tiou):
        assert part.low < value < part.high
        assert part.estimate == pytest.approx(value)
    assert list(parts.ap_per_class) == list(score.ap_per_class)
    for label, part in parts.ap_per_class.items():
        assert part.estimate == pytest.approx(score.ap_per_class[label].mean())
        assert part.low < part.estimate < part.high


def test_a_class_counts_in_the_resamples_that_hold_it():
    instances = truth(("v", 0, 1, "x"), ("w", 0, 1, "y"))
    predictions = found(("v", 0, 1, "x", 1.0))
    parts = bootstrap_detections(instances, predictions, [0.5], samples=50)
    drawn = parts.ap_per_class["x"].resampled
    assert 0 < np.isnan(drawn).sum() < 50
    assert np.nanmin(drawn) == 1.0
    assert (parts.ap_per_class["x"].low, parts.ap_per_class["x"].high) == (1.0, 1.0)


def test_recall_and_its_area_have_intervals():
    instances, predictions = made_up(2)
    result = evaluate_proposals(instances, predictions, THRESHOLDS)
    parts = bootstrap_proposals(result, samples=100)
    assert parts.auc.estimate == pytest.approx(result.auc)
    assert parts.auc.low < result.auc < parts.auc.high
    estimates = [part.estimate for part in parts.ar_at_an]
    np.testing.assert_allclose(estimates, result.ar_at_an)


def test_recall_of_resampled_videos_equals_that_of_copied_ones():
    instances, predictions = made_up(8)
    result = evaluate_proposals(instances, predictions, THRESHOLDS)
    videos = instances["video"].unique()
    weights = dict(zip(videos, np.random.default_rng(0).integers(0, 3, len(videos))))
    # Every video has as many proposals, so the share that is kept stays.
    copied = evaluate_proposals(
        copies(instances, weights), copies(predictions, weights), THRESHOLDS
    )
    drawn = np.array([weights[video] for video in videos])
    recall = drawn @ result.video_recall / (drawn @ result.video_instances)
    np.testing.assert_allclose(recall, copied.ar_at_an)
    assert result.area_under(recall) == pytest.approx(copied.auc)


def test_a_thousand_resamples_of_seed_0_unless_asked_otherwise():
    instances, predictions = made_up(8, videos=3)
    frames = (instances, predictions)
    alone = bootstrap_interval(*frames, THRESHOLDS)
    first = bootstrap_interval(*frames, THRESHOLDS, samples=20, seed=0)
    assert len(alone.resampled) == 1000
    assert alone.confidence == 0.95
    np.testing.assert_array_equal(alone.resampled[:20], first.resampled)
    others = (*frames, predictions.iloc[::2], THRESHOLDS)
    paired = paired_bootstrap(*others)
    assert len(paired.resampled) == 1000
    first = paired_bootstrap(*others, samples=20, seed=0)
    np.testing.assert_array_equal(paired.resampled[:20], first.resampled)
    every = bootstrap_detections(*frames, THRESHOLDS)
    np.testing.assert_array_equal(every.average_map.resampled, alone.resampled)
    proposals = bootstrap_proposals(evaluate_proposals(*frames, [0.5]))
    assert len(proposals.auc.resampled) == 1000
    first = bootstrap_proposals(evaluate_proposals(*frames, [0.5]), 20, 0)
    np.testing.assert_array_equal(proposals.auc.resampled[:20], first.auc.resampled)
    assert proposals.auc.confidence == every.average_map.confidence == 0.95
    assert paired.confidence == 0.95


def test_one_resample_is_enough():
    assert len(bootstrap_interval(*made_up(8), THRESHOLDS, 1).resampled) == 1
