"""Learns the segment classifier of new classes beside that of known ones.

The columns of the known classes stay. Those of the new classes are learnt by the
softmax cross-entropy over all of them, on the new classes' moments and on a few of the
known classes that were kept: without these, nothing would keep a new class from
outscoring the known ones everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

#: Weight of the squared distance of a new column from the mean of the known ones. The
#: fewer the moments, the nearer to it the column stays.
DECAY = 0.05
STEPS, RATE = 200, 0.05
#: Examples in a step; fewer examples are taken all at once.
_BATCH = 2048
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


def learn_columns(
    pooled: np.ndarray,
    labels: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    new_classes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Learns the columns of new classes at one level.

    Every class counts alike, however many examples it has.

    Args:
        pooled: `[examples, channels]`, maps averaged over time, of all classes.
        labels: `[examples]` int; the new classes come after the known ones.
        kernel: `[channels, known classes]`, of the known classes' segment classifier.
        bias: `[known classes]`.
        new_classes: How many there are.

    Returns:
        Kernel `[channels, new classes]` and bias `[new classes]`, float32.
    """
    known = kernel.shape[1]
    centre = kernel.mean(axis=1, keepdims=True)
    columns = np.repeat(np.vstack([centre, bias.mean()]), new_classes, axis=1)
    ones = np.ones((len(pooled), 1), np.float32)
    inputs = np.hstack([pooled, ones]).astype(np.float32)
    known_logits = inputs @ np.vstack([kernel, bias])
    share = 1 / np.bincount(labels, minlength=known + new_classes)[labels]
    share = (share / share.sum()).astype(np.float32)
    columns = columns.astype(np.float32)
    first, second = np.zeros_like(columns), np.zeros_like(columns)
    for step, rows in enumerate(_batches(len(labels)), 1):
        own = inputs[rows]
        logits = np.hstack([known_logits[rows], own @ columns])
        error = _softmax(logits)
        error[np.arange(len(rows)), labels[rows]] -= 1
        error *= share[rows, np.newaxis] * (len(labels) / len(rows))
        gradient = own.T @ error[:, known:]
        gradient[:-1] += 2 * DECAY / new_classes * (columns[:-1] - centre)
        first += (1 - _BETA_1) * (gradient - first)
        second += (1 - _BETA_2) * (np.square(gradient) - second)
        rate = RATE * np.sqrt(1 - _BETA_2**step) / (1 - _BETA_1**step)
        columns -= rate * first / (np.sqrt(second) + _EPSILON)
    return columns[:-1], columns[-1]


def _batches(examples: int) -> Iterator[np.ndarray]:
    """Yields the rows of each step, the same in every run."""
    order = np.random.default_rng(0).permutation(examples)
    size = min(examples, _BATCH)
    for step in range(STEPS):
        yield order[np.arange(step * size, (step + 1) * size) % examples]


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
