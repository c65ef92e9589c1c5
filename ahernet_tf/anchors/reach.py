"""Which segments the anchors can reach."""

from __future__ import annotations

import numpy as np

from ahernet_tf.anchors import grid as anchors
from ahernet_tf.config import NetworkConfig


def best_anchor_tiou(segments: np.ndarray, network: NetworkConfig) -> np.ndarray:
    """Computes the best tIoU that any anchor has with each segment.

    Args:
        segments: `[segments, 2]`, start and end in steps.
        network: Sizes of the pyramid. As in training, anchors end at the last step.

    Returns:
        `[segments]`, 0 to 1.
    """
    grid = anchor_grid(network).astype(np.float64)
    last = network.untrimmed_steps - 1
    ends = np.clip(grid[:, :1] + grid[:, 1:] * [-0.5, 0.5], 0, last)
    best = np.zeros(len(segments))
    for first in range(0, len(segments), 4096):
        part = segments[first : first + 4096, np.newaxis].astype(np.float64)
        overlap = np.minimum(part[..., 1], ends[:, 1]) - np.maximum(
            part[..., 0], ends[:, 0]
        )
        overlap = np.maximum(overlap, 0.0)
        union = (part[..., 1] - part[..., 0]) + (ends[:, 1] - ends[:, 0]) - overlap
        best[first : first + 4096] = (overlap / union).max(axis=1)
    return best


def anchor_grid(network: NetworkConfig) -> np.ndarray:
    """Returns centre and length `[anchors, 2]` of all anchors, in steps."""
    return anchors.grid(
        network.untrimmed_steps, len(network.level_channels), network.anchor_ratios
    )
