"""Small frames for the evaluation tests."""

import numpy as np
import pandas as pd


def truth(*rows) -> pd.DataFrame:
    """Ground truth from (video, start, end, label)."""
    return pd.DataFrame(rows, columns=["video", "start_sec", "end_sec", "label"])


def found(*rows) -> pd.DataFrame:
    """Predictions from (video, start, end, label, score)."""
    columns = ["video", "start_sec", "end_sec", "label", "score"]
    return pd.DataFrame(rows, columns=columns)


def made_up(seed, videos=12, noise=1.0):
    """Returns ground truth, and predictions whose boundaries are off by `noise`."""
    generator = np.random.default_rng(seed)
    instances, predictions = [], []
    for index in range(videos):
        video, label = f"v{index}", "xyz"[index % 3]
        for start in (0, 30, 60):
            end = start + generator.uniform(8, 20)
            instances.append((video, start, end, label))
            shift = noise * generator.normal(0, 2, 2)
            times = np.sort([start + shift[0], end + shift[1]])
            predictions.append((video, *times, label, generator.uniform(0.4, 1)))
        for _ in range(4):
            start, other = generator.uniform(0, 80), "xyz"[generator.integers(3)]
            predictions.append((video, start, start + 9, other, generator.random()))
    return truth(*instances), found(*predictions)


def copies(frame, weights):
    """Repeats each video as often as its weight says, under new names."""
    parts = [
        frame[frame["video"] == video].assign(video=f"{video} copy {i}")
        for video, weight in weights.items()
        for i in range(weight)
    ]
    return pd.concat(parts, ignore_index=True)
