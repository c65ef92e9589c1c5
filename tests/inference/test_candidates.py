"""Candidates: decoded, ranked, labelled anew."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import InferenceConfig
from ahernet_tf.inference.candidates import Candidates, proposal_score, rank_anchors
from ahernet_tf.models import Predictions

#: Two cells of two anchors each, `[centre, length]`.
ANCHORS = tf.constant([[2.0, 4], [2, 8], [6, 4], [6, 8]])
PREDICTIONS = Predictions(
    proposal_logits=tf.constant([[[0.0, 0], [0, 1], [1, 0], [0, 0]]]),
    offsets=tf.zeros([1, 4, 2]),
    overlap=tf.constant([[0.9, 0.5, 0.2, 0.4]]),
    class_logits=tf.math.log(tf.constant([[[0.6, 0.3, 0.1], [0.3, 0.1, 0.6]]])),
)


def test_anchors_bear_the_class_of_their_cell():
    found = rank_anchors(PREDICTIONS, ANCHORS, 8, InferenceConfig())
    assert found.label.numpy().tolist() == [[0, 0, 2, 2]]
    np.testing.assert_allclose(found.score[0], [0.54, 0.3, 0.12, 0.24], rtol=1e-5)
    np.testing.assert_array_equal(found.rank, found.score)
    assert found.segments.numpy().tolist() == [[[0, 4], [0, 6], [4, 8], [2, 8]]]
    assert found.probability is None


def test_a_video_has_one_label():
    found = rank_anchors(PREDICTIONS, ANCHORS, 8, InferenceConfig(ranking="video"))
    assert found.label.numpy().tolist() == [[0] * 4]
    np.testing.assert_allclose(found.rank, PREDICTIONS.overlap)
    np.testing.assert_allclose(found.score, PREDICTIONS.overlap * 0.45, rtol=1e-5)


def test_second_look_gets_what_the_score_is_made_of():
    found = rank_anchors(PREDICTIONS, ANCHORS, 8, InferenceConfig(second_look=True))
    np.testing.assert_allclose(
        found.score, found.proposal * tf.reduce_max(found.probability, axis=-1)
    )
    assert found.probability.shape == (1, 4, 3)


@pytest.mark.parametrize("kind", ["overlap", "action", "product"])
def test_proposal_scores(kind):
    action = np.array([0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0.5])
    overlap = PREDICTIONS.overlap[0].numpy()
    expected = {"overlap": overlap, "action": action, "product": action * overlap}
    found = proposal_score(PREDICTIONS, kind)[0]
    np.testing.assert_allclose(found, expected[kind], rtol=1e-5)


def test_best_and_scaled_keep_parts_together():
    rank = np.array([0.2, 0.9, 0.5])
    found = Candidates(np.arange(6).reshape(3, 2), rank, rank / 2, np.arange(3))
    best = found.best(2)
    assert best.label.tolist() == [1, 2]
    assert best.segments.tolist() == [[2, 3], [4, 5]]
    assert best.proposal is None
    scaled = best.scaled(np.array([0.5, 1]))
    np.testing.assert_allclose(scaled.rank, [0.45, 0.5])
    np.testing.assert_allclose(scaled.score, [0.225, 0.25])


def test_a_proposal_elsewhere_counts_as_much_as_what_it_overlaps():
    found = Candidates(
        np.array([[0.0, 4.0], [0.0, 2.0], [6.0, 8.0]], np.float32),
        *(np.array([0.45, 0.1, 0.1]),) * 2,
        np.array([0, 0, 0]),
        proposal=np.array([0.9, 0.2, 0.3]),
        probability=np.array([[0.5, 0.4, 0.1]] * 3),
    )
    here = found.at(found.segments)
    # The second overlaps with the first by a half, which is surer than itself.
    np.testing.assert_allclose(here.proposal, [0.9, 0.45, 0.3], rtol=1e-6)
    there = found.at(np.array([[4.0, 6.0], [0.0, 4.0], [7.0, 8.0]], np.float32))
    np.testing.assert_allclose(there.proposal, [0, 0.9, 0.15], rtol=1e-6)
    joined = here.joined(np.array([[0.9, 0.8, 0.1]] * 3))
    np.testing.assert_allclose(joined[1], [0.5625, 0.49, 0.0725], rtol=1e-6)
    labelled = here.labelled(joined * [0.2, 0.6, 0.2])
    assert labelled.label.tolist() == [1, 1, 1]
    np.testing.assert_allclose(labelled.score, 0.6 * joined[:, 1])
    np.testing.assert_array_equal(labelled.rank, labelled.score)
