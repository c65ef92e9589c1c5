"""From the network's predictions to candidates for detections (paper section 3.4)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors import offset_coding
from ahernet_tf.anchors import segments as segment_ops
from ahernet_tf.config import InferenceConfig
from ahernet_tf.layers import SegmentClassifier
from ahernet_tf.models import AherNet, Predictions


class Candidates(NamedTuple):
    """Labelled segments before suppression, of one video or of a batch.

    Attributes:
        segments: `[..., candidates, 2]`, `[start, end]` in steps, inside the sequence.
        rank: `[..., candidates]`, what non-maximum suppression orders by.
        score: `[..., candidates]`, score of the detection that results.
        label: `[..., candidates]` int, index into the classes.
        proposal: `[..., candidates]`, score whatever the class; for a second look.
        probability: `[..., candidates, classes]`, of the classes; for a second look.
    """

    segments: np.ndarray | tf.Tensor
    rank: np.ndarray | tf.Tensor
    score: np.ndarray | tf.Tensor
    label: np.ndarray | tf.Tensor
    proposal: np.ndarray | tf.Tensor | None = None
    probability: np.ndarray | tf.Tensor | None = None

    def best(self, count: int) -> Candidates:
        """Returns the `count` candidates of the highest rank, best first."""
        order = np.argsort(-self.rank, kind="stable")[:count]
        return Candidates(*(None if part is None else part[order] for part in self))

    def at(self, segments: np.ndarray) -> Candidates:
        """Returns the candidates at other places.

        A proposal counts there as much as what it overlaps: the highest score of all
        proposals, each times the tIoU with it.

        Args:
            segments: `[candidates, 2]`, one per candidate.
        """
        tiou = segment_ops.pairwise_tiou(segments, self.segments).numpy()
        confirmed = (tiou * self.proposal).max(axis=1)
        return self._replace(segments=segments, proposal=confirmed)

    def joined(self, evidence: np.ndarray) -> np.ndarray:
        """Joins what the network says with what the steps say: the mean of both.

        Args:
            evidence: `[candidates, classes]`, tIoU with what the steps show.

        Returns:
            `[candidates, classes]`.
        """
        return (self.proposal[:, np.newaxis] * self.probability + evidence) / 2

    def labelled(self, scores: np.ndarray) -> Candidates:
        """Returns the candidates with the class of the best score, and that score.

        Args:
            scores: `[candidates, classes]`.
        """
        score, label = scores.max(axis=1), scores.argmax(axis=1).astype(np.int32)
        return self._replace(rank=score, score=score, label=label)

    def scaled(self, factor: np.ndarray) -> Candidates:
        """Returns the candidates with rank and score times a factor each."""
        return self._replace(rank=self.rank * factor, score=self.score * factor)


def proposal_score(predictions: Predictions, kind: str) -> tf.Tensor:
    """Scores each anchor whatever its class, `[batch, anchors]`.

    Args:
        predictions: Of the network.
        kind: `overlap` (predicted tIoU), `action` (probability of an action) or
            `product` of both.
    """
    if kind == "overlap":
        return predictions.overlap
    action = tf.nn.softmax(predictions.proposal_logits)[..., 1]
    return action if kind == "action" else action * predictions.overlap


def rank_anchors(
    predictions: Predictions, anchors: tf.Tensor, steps: int, config: InferenceConfig
) -> Candidates:
    """Decodes and scores all anchors.

    With `ranking="anchor"` an anchor bears the likeliest class of its cell and scores
    that probability times its proposal score. With `"video"` the class probabilities
    are averaged over all cells of the video: one label for all its anchors.

    Args:
        predictions: Of the network.
        anchors: `[anchors, 2]`, `[centre, length]`, steps.
        steps: Length of the sequence; segments are clamped to it.
        config: Uses `ranking`, `proposal_score` and `second_look`.

    Returns:
        Every anchor as a candidate, `[batch, anchors]`.
    """
    segments = segment_ops.to_start_end(
        offset_coding.decode(predictions.offsets, anchors)
    )
    proposal = proposal_score(predictions, config.proposal_score)
    probability = tf.nn.softmax(predictions.class_logits)  # [batch, cells, classes]
    if config.ranking == "video":
        probability = tf.reduce_mean(probability, axis=1, keepdims=True)
    ratios = tf.shape(proposal)[1] // tf.shape(probability)[1]
    best = tf.repeat(tf.reduce_max(probability, axis=-1), ratios, axis=1)
    label = tf.argmax(probability, axis=-1, output_type=tf.int32)
    score = proposal * best
    found = Candidates(
        segments=segment_ops.clip(segments, 0.0, float(steps)),
        rank=score if config.ranking == "anchor" else proposal,
        score=score,
        label=tf.repeat(label, ratios, axis=1),
    )
    if config.second_look:
        probability = tf.repeat(probability, ratios, axis=1)
        found = found._replace(proposal=proposal, probability=probability)
    return found


class AnchorCandidates:
    """Finds candidates with anchors that the transferred classifier labels.

    Called on resampled sequences `[batch, steps, channels]`, float32, it returns the
    `Candidates` of each. The transferred classifier is computed once.

    Args:
        model: A trained network.
        classifier: The segment classifier of the classes, one of the network's.
        config: Uses `ranking`, `proposal_score` and `second_look`.
    """

    def __init__(
        self, model: AherNet, classifier: SegmentClassifier, config: InferenceConfig
    ):
        self.model = model
        self.classifier = classifier
        self.config = config
        self.steps = model.network.untrimmed_steps
        self.anchors = tf.constant(model.anchors())
        self._anchor_classifier = self._classifier_of_anchors()
        self._batch = tf.function(self.rank, autograph=False, reduce_retracing=True)

    def __call__(self, sequences: np.ndarray | tf.Tensor) -> list[Candidates]:
        """Finds the candidates of every sequence."""
        batch = self._batch(tf.convert_to_tensor(sequences))
        parts = [part.numpy() for part in batch if part is not None]
        return [Candidates(*own) for own in zip(*parts)]

    def with_constants(self) -> AnchorCandidates:
        """Returns one like it whose tensors are arrays: constants of any graph."""
        other = copy.copy(self)
        other.anchors = self.anchors.numpy()
        if self._anchor_classifier is not None:
            other._anchor_classifier = tf.nest.map_structure(
                np.asarray, self._anchor_classifier
            )
        return other

    def _classifier_of_anchors(self):
        """Returns what `AherNet.predict_anchors` classifies with; None: nothing."""
        return self.model.anchor_classifier(self.classifier)

    def rank(self, sequences: tf.Tensor) -> Candidates:
        """Ranks all anchors of sequences, `[batch, anchors]`; for graphs."""
        maps = self.model.backbone(self.model.standardization(sequences))
        predictions = self.model.predict_anchors(maps, self._anchor_classifier)
        if predictions.class_logits is None:
            logits = self._class_logits(maps, predictions)
            predictions = predictions._replace(class_logits=logits)
        return rank_anchors(predictions, self.anchors, self.steps, self.config)

    def _class_logits(
        self, maps: Sequence[tf.Tensor], predictions: Predictions
    ) -> tf.Tensor:
        """Classifies proposals in place of the anchor classifier."""
        raise NotImplementedError
