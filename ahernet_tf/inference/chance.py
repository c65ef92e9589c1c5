"""What any trained network should beat: chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ahernet_tf.data.roles import Role
from ahernet_tf.inference.detections import Detection


def chance(
    role: Role, class_names: Sequence[str], detections: int, seed: int
) -> dict[str, list[Detection]]:
    """Draws random segments with random labels and scores for every video.

    Args:
        role: Whose videos.
        class_names: Labels to draw from.
        detections: Segments per video.
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
