"""What a trained network should beat: chance, and its segment classifier alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.detections import Candidates, candidates
from ahernet_tf.inference.localizer import Detection, Localizer
from ahernet_tf.layers import classify_cells
from ahernet_tf.models import AherNet, Predictions


def chance(
    role: Role, class_names: Sequence[str], detections: int, seed: int
) -> dict[str, list[Detection]]:
    """Draws random segments with random labels and scores for every video.

    Args:
        role: Whose videos.
        class_names: Labels to draw from.
        detections: Segments a video.
        seed: Of the draw.
    """
    random = np.random.default_rng(seed)
    found = {}
    for video in role.videos:
        times = np.sort(random.uniform(0, video.duration_sec, (detections, 2)), axis=1)
        labels = random.integers(len(class_names), size=detections)
        scores = np.sort(random.uniform(size=detections))[::-1]
        found[video.id] = [
            Detection(float(start), float(end), class_names[label], float(score))
            for (start, end), label, score in zip(times, labels, scores)
        ]
    return found


class SegmentClassifierLocalizer(Localizer):
    """Scores plain anchors with the classifier learnt on trimmed sequences.

    No weight transfer, no proposals, no offsets: what the moments alone teach.
    """

    def __init__(self, model: AherNet, class_names: Sequence[str], config: Config):
        super().__init__(model, class_names, config)
        self._anchor_classifier = model.target_classifier.weights_by_level()

    def _candidates(self, sequences: tf.Tensor) -> Candidates:
        model = self.model
        maps = model.backbone(model.standardization(sequences))
        anchors = self._anchors.shape[0]
        batch = tf.shape(sequences)[0]
        predictions = Predictions(
            proposal_logits=tf.zeros([batch, anchors, 2]),
            offsets=tf.zeros([batch, anchors, 2]),
            overlap=tf.ones([batch, anchors]),
            class_logits=classify_cells(maps, *self._anchor_classifier),
        )
        return candidates(predictions, self._anchors, self.steps, self.config.inference)
