"""Mean and deviation of each feature channel over the training clips."""

from __future__ import annotations

import numpy as np

from ahernet_tf.data import checks
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.sequences import ClipStatistics


def channel_statistics(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Computes mean and deviation of each channel over the training clips.

    All clips of the videos of `untrimmed` and `moments` count, each video once.

    Returns:
        Mean and standard deviation `[channels]`, float32; the deviation of a constant
        channel is 1.
    """
    videos = {
        (role.sequences.key, video.id): role.sequences
        for role in (dataset.role("untrimmed"), dataset.role("moments"))
        for video in role.videos
    }

    def of_video(item: tuple) -> ClipStatistics:
        (_, video), sequences = item
        return sequences.statistics(video)

    count, mean, squares = 0, np.zeros(dataset.feature_channels), 0.0
    items = list(videos.items())
    for n, m, s in checks.in_parallel(of_video, items, "channel statistics"):
        difference = m - mean
        squares += s + np.square(difference) * (n * count / (n + count))
        count += n
        mean += difference * (n / count)
    deviation = np.sqrt(squares / count)
    deviation[deviation <= 1e-7 * np.abs(mean)] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)
