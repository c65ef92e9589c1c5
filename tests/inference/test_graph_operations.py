"""What a graph computes between the network's steps, against NumPy's."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import DataConfig, InferenceConfig
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import (
    graph_operations,
    segment_reader,
    step_reader,
    suppression,
)
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.duration_prior import DurationPrior
from ahernet_tf.inference.refinement import Refinement
from tests.inference.looks import second_look
from tests.inference.test_suppression import crowd

STEPS = 64


def in_graph(features, reach, interval_sec, config):
    return graph_operations.resample_windows(
        tf.constant(features),
        tf.constant([0]),
        tf.constant(len(features)),
        STEPS,
        reach,
        tf.constant(1e-4 / interval_sec, tf.float32),
        config,
    )[0].numpy()


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("edge", ["zero", "clamp"])
@pytest.mark.parametrize(
    "times",
    [
        TimeModel(16, 8, 25.0),
        TimeModel(16, 16, 30.0),
        TimeModel(16, 8, 25.0, legacy=True),
    ],
)
def test_sequences_are_resampled_as_by_numpy(times, pooling, edge):
    config = DataConfig(pooling=pooling, edge=edge)
    for clips in (1, 2, 3, 17, 31, 64, 100, 333, 2000):
        features = np.random.default_rng(clips).normal(size=(clips, 3))
        features = features.astype(np.float32)
        covered_sec = times.covered_sec(clips)
        centres = times.centres_sec(clips)
        expected = resample(features, centres, covered_sec, STEPS, pooling, edge)
        reach = 1.0 if times.legacy else times.clip_frames / times.stride_frames
        found = in_graph(features, reach, times.interval_sec(clips), config)
        np.testing.assert_allclose(found, expected, atol=2e-5, err_msg=str(clips))


def test_hour_long_videos_lose_no_exactness():
    """In float32 seconds, an hour is known to a quarter of a millisecond."""
    times = TimeModel(16, 8, 25.0)
    features = np.random.default_rng(0).normal(size=(40_000, 2)).astype(np.float32)
    expected = resample(
        features, times.centres_sec(40_000), times.covered_sec(40_000), STEPS
    )
    found = in_graph(features, 2.0, times.interval_sec(1), DataConfig())
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_windows_are_cut_out_of_the_clips():
    features = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    found = graph_operations.resample_windows(
        tf.constant(features),
        tf.constant([0, 11, 30]),
        tf.constant(20),
        STEPS,
        2.0,
        tf.constant(3e-4),
        DataConfig(),
    )
    for first, own in zip((0, 11, 30), found.numpy()):
        alone = in_graph(features[first : first + 20], 2.0, 1 / 3, DataConfig())
        np.testing.assert_allclose(own, alone, atol=1e-5)


def test_segments_are_described_as_by_numpy():
    random = np.random.default_rng(0)
    sequences = random.normal(3, 2, size=(2, STEPS, 5)).astype(np.float32)
    segments = np.sort(random.uniform(-2, STEPS + 2, (2, 30, 2))).astype(np.float32)
    segments[:, 0] = [7.25, 7.25]
    segments[:, 1] = [STEPS + 1, STEPS + 2]
    found = graph_operations.describe_segments(sequences, tf.constant(segments))
    for own, sequence, cut in zip(found.numpy(), sequences, segments):
        expected = segment_reader.describe_segments(sequence, cut)
        np.testing.assert_allclose(own[2:], expected[2:], atol=1e-4)
        np.testing.assert_allclose(own[:2], expected[:2], atol=0.05)


@pytest.mark.parametrize("keep", [5, 1000])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_candidates_are_suppressed_as_by_numpy(sigma, keep):
    segments, ranks = crowd()
    config = InferenceConfig(soft_nms_sigma=sigma, nms_tiou=0.4)
    kept, factor = graph_operations.suppress(tf.constant(segments), ranks, config, keep)
    if sigma:
        expected, factors = suppression.fade(segments, ranks, config, keep)
        slow, slow_factor = graph_operations.fade_in_loop(
            tf.constant(segments), tf.constant(ranks), sigma, keep
        )
        order = np.argsort(-(ranks[slow] * slow_factor.numpy()))
        assert slow.numpy()[order].tolist() == expected.tolist()
        np.testing.assert_allclose(slow_factor.numpy()[order], factors, rtol=1e-4)
    else:
        expected = suppression.suppress(segments, ranks, config, keep)
        factors = np.ones(len(expected))
    assert kept.numpy().tolist() == expected.tolist()
    np.testing.assert_allclose(factor, factors, rtol=1e-5)


def test_refused_ranks_stay_as_they_are():
    """Where a rank is 0, nothing can be said of what it was multiplied by."""
    segments, ranks = crowd()
    config = dataclasses.replace(InferenceConfig(), soft_nms_sigma=0.3)
    _, factor = graph_operations.suppress(
        tf.constant(segments), tf.zeros_like(ranks), config, 10
    )
    assert (factor.numpy() == 1).all()


def test_steps_are_described_and_segments_fit_them_as_by_numpy():
    random = np.random.default_rng(0)
    sequences = random.normal(3, 2, size=(2, 20, 5)).astype(np.float32)
    widths = np.array([0.0, 3.5, 9.0], np.float32)
    described = graph_operations.describe_steps(sequences, tf.constant(widths))
    shown = random.uniform(size=(2, 20, 3)).astype(np.float32)
    segments = np.sort(random.uniform(0, 20, (2, 30, 2))).astype(np.float32)
    segments[:, 0] = 7.25
    fits = graph_operations.evidence(shown, tf.constant(segments))
    for number in range(2):
        expected = step_reader.describe_steps(sequences[number], widths)
        np.testing.assert_allclose(described[number], expected, atol=1e-5)
        expected = step_reader.evidence(shown[number], segments[number])
        np.testing.assert_allclose(fits[number], expected, atol=1e-5)


def candidates(random):
    """Twelve candidates in each of two windows of 20 steps, of three classes."""
    segments = np.sort(random.uniform(0, 20, (2, 12, 2))).astype(np.float32)
    proposal = random.uniform(size=(2, 12)).astype(np.float32)
    probability = random.dirichlet([1, 1, 1], (2, 12)).astype(np.float32)
    score = proposal * probability.max(axis=-1)
    label = probability.argmax(axis=-1).astype(np.int32)
    return Candidates(segments, proposal, score, label, proposal, probability)


def test_candidates_are_refined_as_by_numpy():
    random = np.random.default_rng(0)
    prior = DurationPrior([1.0, 2.0, np.nan], [0.5, 0.4, np.nan])
    refinement = Refinement(3, second_look(4, 5, random), prior, 2.0)
    sequences = random.normal(size=(2, 20, 4)).astype(np.float32)
    given = candidates(random)
    found = graph_operations.refine(
        Candidates(*map(tf.constant, given)), sequences, tf.constant(0.4), refinement
    )
    each = [Candidates(*own) for own in zip(*given)]
    expected = refinement.apply_to_batch(each, sequences, [8.0, 8.0])
    assert set(found.label.numpy().ravel()) == {0, 1, 2}
    for number, own in enumerate(expected):
        np.testing.assert_array_equal(found.label[number], own.label)
        for name in ("segments", "rank", "score"):
            part = getattr(found, name)[number]
            np.testing.assert_allclose(part, getattr(own, name), atol=1e-4)


@pytest.mark.parametrize("count", [5, 100])
def test_the_best_of_each_window_come_first(count):
    given = candidates(np.random.default_rng(0))
    found = graph_operations.best_of_each(Candidates(*map(tf.constant, given)), count)
    for number, own in enumerate(Candidates(*parts) for parts in zip(*given)):
        for part, expected in zip(found, own.best(count)):
            np.testing.assert_array_equal(part[number], expected)
    plain = Candidates(*map(tf.constant, given[:4]))
    assert graph_operations.best_of_each(plain, count).proposal is None
