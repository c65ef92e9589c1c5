"""Candidates of the systems that have no anchor classifier (paper section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors import offset_coding
from ahernet_tf.anchors import segments as segment_ops
from ahernet_tf.inference.candidates import AnchorCandidates, Candidates
from ahernet_tf.models import Predictions

#: Levels at which the scores of snippets are cut.
THRESHOLDS = tuple(np.arange(1, 10) / 10)


class ProposalCandidates(AnchorCandidates):
    """Finds candidates with proposals that the segment classifier labels: AherNet-.

    A proposal's class scores are those of the average of its level's map over the
    cells that it covers. Arguments are those of `AnchorCandidates`.
    """

    def _classifier_of_anchors(self) -> None:
        return None

    def _class_logits(
        self, maps: Sequence[tf.Tensor], predictions: Predictions
    ) -> tf.Tensor:
        segments = segment_ops.to_start_end(
            offset_coding.decode(predictions.offsets, self.anchors)
        )
        weights = self.classifier.weights_by_level()
        return proposal_logits(maps, segments, weights, self.steps)


def proposal_logits(
    maps: Sequence[tf.Tensor],
    segments: tf.Tensor,
    classifier: tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]],
    steps: int,
) -> tf.Tensor:
    """Classifies proposals by the average of the features they cover.

    Args:
        maps: One map `[batch, cells, channels]` per level.
        segments: `[batch, anchors, 2]`, `[start, end]`, steps; a proposal per anchor.
        classifier: Kernels V `[channels, classes]` and biases, one per level.
        steps: Length of the sequence.

    Returns:
        `[batch, anchors, classes]`.
    """
    cells = [level_map.shape[1] for level_map in maps]
    ratios = segments.shape[1] // sum(cells)
    of_levels = tf.split(segments, [count * ratios for count in cells], axis=1)
    logits = []
    for level_map, kernel, bias, own in zip(maps, *classifier, of_levels):
        count = level_map.shape[1]
        scores = tf.matmul(tf.cast(level_map, tf.float32), kernel) + bias
        sums = tf.pad(tf.cumsum(scores, axis=1), [[0, 0], [1, 0], [0, 0]])
        bounds = own * (count / steps)
        first = tf.cast(tf.floor(bounds[..., 0]), tf.int32)
        first = tf.clip_by_value(first, 0, count - 1)
        last = tf.cast(tf.math.ceil(tf.minimum(bounds[..., 1], count)), tf.int32)
        last = tf.maximum(last, first + 1)
        covered = tf.gather(sums, last, batch_dims=1)
        covered -= tf.gather(sums, first, batch_dims=1)
        logits.append(covered / tf.cast(last - first, tf.float32)[..., tf.newaxis])
    return tf.concat(logits, axis=1)


class SnippetCandidates(AnchorCandidates):
    """Groups snippets that score alike: AherNet0.

    A snippet is a cell of the finest map, classified by its segment classifier. Runs
    of snippets above a threshold become segments, scored by their mean probability.
    Arguments are those of `AnchorCandidates`.
    """

    def __call__(self, sequences: np.ndarray | tf.Tensor) -> list[Candidates]:
        """Finds the candidates of every sequence."""
        scores = self._batch(tf.convert_to_tensor(sequences)).numpy()
        return [self._group(own) for own in scores]

    def _classifier_of_anchors(self) -> None:
        return None

    def rank(self, sequences: tf.Tensor) -> tf.Tensor:
        """Scores the snippets in a graph, `[batch, snippets, classes]`."""
        finest = self.model.backbone(self.model.standardization(sequences))[0]
        kernels, biases = self.classifier.weights_by_level()
        logits = tf.matmul(tf.cast(finest, tf.float32), kernels[0]) + biases[0]
        return tf.nn.softmax(logits)

    def _group(self, scores: np.ndarray) -> Candidates:
        runs = [runs_above(scores, threshold) for threshold in THRESHOLDS]
        bounds, label, score = (np.concatenate(parts) for parts in zip(*runs))
        segments = bounds * np.float32(self.steps / len(scores))
        found = Candidates(segments, score, score, label)
        if self.config.second_look:
            own = np.arange(scores.shape[1]) == label[:, np.newaxis]
            found = found._replace(
                proposal=np.ones_like(score), probability=own * score[:, np.newaxis]
            )
        return found


def runs_above(
    scores: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds the runs of snippets whose score for a class is above a threshold.

    Args:
        scores: `[snippets, classes]`.
        threshold: Strictly to be exceeded.

    Returns:
        Bounds `[runs, 2]` (first snippet, snippet after the last; float32), class
        `[runs]`, and mean score `[runs]`.
    """
    above = np.pad(np.greater(scores.T, threshold), [(0, 0), (1, 1)]).astype(np.int8)
    changes = np.diff(above, axis=1)
    label, first = np.nonzero(changes == 1)
    _, last = np.nonzero(changes == -1)
    sums = np.pad(np.cumsum(scores, axis=0, dtype=np.float64), [(1, 0), (0, 0)])
    mean = (sums[last, label] - sums[first, label]) / (last - first)
    return np.stack([first, last], axis=1).astype(np.float32), label, mean
