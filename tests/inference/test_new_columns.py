"""Columns of new classes, learnt beside those of known ones."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.inference import new_columns
from ahernet_tf.inference.new_columns import learn_columns

CHANNELS = 5
KNOWN, NEW = 3, 2


def examples_of(count, classes=KNOWN + NEW, seed=0):
    """Examples around one corner per class."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), count)
    pooled = 3 * np.eye(CHANNELS)[labels] + random.normal(size=(len(labels), CHANNELS))
    return pooled.astype(np.float32), labels


def known_classifier():
    kernel = 2 * np.eye(CHANNELS)[:, :KNOWN].astype(np.float32)
    return kernel, np.zeros(KNOWN, np.float32)


def accuracy(columns, pooled, labels):
    kernel, bias = (np.concatenate(p, -1) for p in zip(known_classifier(), columns))
    right = (pooled @ kernel + bias).argmax(axis=1) == labels
    return right[labels < KNOWN].mean(), right[labels >= KNOWN].mean()


def test_new_classes_are_told_from_known_ones():
    columns = learn_columns(*examples_of(30), *known_classifier(), NEW)
    known, new = accuracy(columns, *examples_of(200, seed=1))
    before = accuracy(
        (np.zeros((CHANNELS, NEW)), np.full(NEW, -np.inf)), *examples_of(200, seed=1)
    )
    assert known > before[0] - 0.03
    assert new > 0.85


def test_few_examples_of_new_classes_outweigh_nothing():
    """One moment a class, beside thirty of each known one."""
    pooled, labels = examples_of(30)
    rows = np.concatenate([np.flatnonzero(labels < KNOWN), [100, 130]])
    columns = learn_columns(pooled[rows], labels[rows], *known_classifier(), NEW)
    known, new = accuracy(columns, *examples_of(200, seed=1))
    assert known > 0.85
    assert new > 0.6


def test_columns_stay_near_the_mean_of_the_known_ones():
    kernel, bias = known_classifier()
    pooled, labels = np.zeros((5, CHANNELS), np.float32), np.arange(5)
    found, _ = learn_columns(pooled, labels, kernel, bias, NEW)
    np.testing.assert_allclose(found, np.tile(kernel.mean(1)[:, None], NEW), atol=1e-6)


def test_batches_take_every_example_alike(monkeypatch):
    monkeypatch.setattr(new_columns, "_BATCH", 16)
    seen = np.concatenate(list(new_columns._batches(40)))
    counts = np.bincount(seen)
    assert len(counts) == 40
    assert counts.max() - counts.min() <= 1
    columns = learn_columns(*examples_of(30), *known_classifier(), NEW)
    known, new = accuracy(columns, *examples_of(200, seed=1))
    assert min(known, new) > 0.85


def test_same_examples_give_the_same_columns():
    one, other = (
        learn_columns(*examples_of(9), *known_classifier(), NEW) for _ in range(2)
    )
    np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.parametrize("level", [0.0, 50.0])
def test_large_inputs_stay_finite(level):
    pooled, labels = examples_of(5)
    columns = learn_columns(pooled + level, labels, *known_classifier(), NEW)
    assert all(np.isfinite(part).all() for part in columns)


def test_columns_are_learnt_as_by_keras(monkeypatch):
    monkeypatch.setattr(new_columns, "STEPS", 5)
    pooled, labels = examples_of(4)
    pooled, labels = pooled[3:], labels[3:]  # one example of the first class
    kernel, bias = known_classifier()[0], np.array([0.3, -0.2, 0.5], np.float32)
    found = learn_columns(pooled, labels, kernel, bias, NEW)

    centre = kernel.mean(axis=1, keepdims=True)
    columns = tf.Variable(np.repeat(np.vstack([centre, bias.mean()]), NEW, axis=1))
    optimizer = tf.keras.optimizers.Adam(new_columns.RATE, epsilon=1e-8)
    weight = 1 / np.bincount(labels)[labels] / (KNOWN + NEW)
    for _ in range(5):
        with tf.GradientTape() as tape:
            new = pooled @ columns[:-1] + columns[-1]
            logits = tf.concat([pooled @ kernel + bias, new], axis=1)
            wrong = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            far = tf.reduce_sum(tf.square(columns[:-1] - centre)) / NEW
            loss = tf.reduce_sum(wrong * weight) + new_columns.DECAY * far
        gradient = tape.gradient(loss, columns)
        optimizer.apply_gradients([(gradient, columns)])
    np.testing.assert_allclose(np.vstack(found), columns, rtol=1e-4, atol=1e-5)


def test_probabilities_of_a_row_are_its_own():
    found = new_columns._softmax(np.array([[0.0, 0.0], [1000.0, 1000.0]]))
    np.testing.assert_allclose(found, 0.5)
