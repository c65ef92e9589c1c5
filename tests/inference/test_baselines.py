"""Candidates of AherNet0 and AherNet-."""

import dataclasses

import numpy as np
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.inference import baselines
from tests.models import tiny


def test_runs_above_by_hand():
    scores = np.array([[0.1, 0.9], [0.6, 0.4], [0.8, 0.2], [0.2, 0.8], [0.7, 0.3]])
    bounds, label, mean = baselines.runs_above(scores, 0.5)
    found = sorted(zip(map(tuple, bounds.tolist()), label.tolist(), mean.round(9)))
    assert found == [
        ((0.0, 1.0), 1, 0.9),
        ((1.0, 3.0), 0, 0.7),
        ((3.0, 4.0), 1, 0.8),
        ((4.0, 5.0), 0, 0.7),
    ]


def test_no_run_above_gives_no_detection():
    bounds, label, mean = baselines.runs_above(np.full((4, 3), 1 / 3), 0.5)
    assert bounds.shape == (0, 2)
    assert not len(label)
    assert not len(mean)


def test_proposals_are_classified_by_the_mean_over_their_cells():
    random = np.random.default_rng(0)
    maps = [random.normal(size=(2, cells, 3)).astype(np.float32) for cells in (8, 4)]
    kernels = [random.normal(size=(3, 5)).astype(np.float32) for _ in maps]
    biases = [random.normal(size=5).astype(np.float32) for _ in maps]
    start = random.uniform(0, 28, (2, 24)).astype(np.float32)
    length = random.uniform(0.1, 20, (2, 24)).astype(np.float32)
    segments = np.stack([start, start + length], axis=-1)
    found = baselines.proposal_logits(
        list(map(tf.constant, maps)), tf.constant(segments), (kernels, biases), 32
    ).numpy()
    for row in range(2):
        for anchor in range(24):
            level = 0 if anchor < 16 else 1
            unit = 32 / maps[level].shape[1]
            begin, end = segments[row, anchor]
            covered = [
                cell
                for cell in range(maps[level].shape[1])
                if cell * unit < end and (cell + 1) * unit > begin
            ]
            mean = maps[level][row, covered].mean(axis=0)
            expected = mean @ kernels[level] + biases[level]
            np.testing.assert_allclose(found[row, anchor], expected, atol=1e-4)


def test_snippets_are_scored_by_the_finest_segment_classifier():
    model = tiny.network()
    config = configuration.small().inference
    find = baselines.SnippetCandidates(model, model.target_classifier, config)
    features = tiny.features(1, tiny.STEPS, tiny.CHANNELS)
    finest = model.backbone(features)[0]
    kernel = model.target_classifier.kernels[0]
    bias = model.target_classifier.biases[0]
    scores = tf.nn.softmax(tf.matmul(finest, kernel) + bias)[0].numpy()
    best = scores.max()
    threshold = np.floor(best * 10) / 10
    bounds, label, mean = baselines.runs_above(scores, threshold)
    top = mean.argmax()
    unit = tiny.STEPS / len(scores)
    (found,) = find(features)
    first = found.score.argmax()
    np.testing.assert_allclose(found.score[first], mean[top], rtol=1e-5)
    np.testing.assert_allclose(found.segments[first], bounds[top] * unit)
    assert found.label[first] == label[top]


def test_proposal_without_length_is_of_the_cell_where_it_lies():
    cells = np.arange(8, dtype=np.float32).reshape(1, 8, 1)
    classifier = [np.eye(1, dtype=np.float32)], [np.zeros(1, np.float32)]
    times = np.array([8, 8.1, 0, 32, 31.9, 4, 20, 12], np.float32)
    segments = tf.constant(np.stack([times, times], axis=-1)[np.newaxis])
    found = baselines.proposal_logits([tf.constant(cells)], segments, classifier, 32)
    np.testing.assert_allclose(found[0, :, 0], [2, 2, 0, 7, 7, 1, 5, 3])


def test_snippets_are_given_a_second_look_with_their_own_class():
    model = tiny.network()
    inference = dataclasses.replace(configuration.small().inference, second_look=True)
    find = baselines.SnippetCandidates(model, model.target_classifier, inference)
    (found,) = find(tiny.features(1, tiny.STEPS, tiny.CHANNELS))
    assert len(found.score)
    np.testing.assert_array_equal(found.proposal, 1)
    expected = np.zeros_like(found.probability)
    expected[np.arange(len(found.label)), found.label] = found.score
    np.testing.assert_allclose(found.probability, expected)
