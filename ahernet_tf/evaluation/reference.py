"""The same scores by plain loops: short to read, slow to run.

The definition that the fast code is tested and timed against.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def overlap_of(a: Sequence[float], b: Sequence[float]) -> float:
    """Computes the tIoU of two segments [start, end]."""
    overlap = max(min(a[1], b[1]) - max(a[0], b[0]), 0.0)
    union = (a[1] - a[0]) + (b[1] - b[0]) - overlap
    return overlap / union if union > 0 else 0.0


def loop_average_precision(
    ground_truth: pd.DataFrame, predictions: pd.DataFrame, threshold: float
) -> dict[str, float]:
    """Computes each class's AP at one tIoU threshold, a prediction at a time."""
    instances: dict[str, dict[str, list[list[float]]]] = {}
    rows = ground_truth[["video", "start_sec", "end_sec", "label"]]
    for video, start, end, label in rows.itertuples(index=False):
        videos = instances.setdefault(str(label), {})
        videos.setdefault(str(video), []).append([start, end])
    evaluated = {video for videos in instances.values() for video in videos}
    ranked: dict[str, list[tuple[float, str, list[float]]]] = {
        label: [] for label in instances
    }
    rows = predictions[["video", "start_sec", "end_sec", "label", "score"]]
    for video, start, end, label, score in rows.itertuples(index=False):
        if str(video) in evaluated and str(label) in ranked:
            ranked[str(label)].append((score, str(video), [start, end]))
    result = {}
    for label, videos in instances.items():
        taken = {video: [False] * len(segments) for video, segments in videos.items()}
        hits = []
        for _, video, segment in sorted(ranked[label], key=lambda row: -row[0]):
            tious = [overlap_of(segment, other) for other in videos.get(video, [])]
            hit = False
            for i in sorted(range(len(tious)), key=lambda i: -tious[i]):
                if tious[i] >= threshold and not taken[video][i]:
                    taken[video][i] = hit = True
                    break
            hits.append(hit)
        positives = sum(len(segments) for segments in videos.values())
        result[label] = interpolated_average_precision(hits, positives)
    return result


def interpolated_average_precision(hits: Sequence[bool], positives: int) -> float:
    """Computes the VOC 2011 area under one ranked list's precision-recall curve."""
    precisions, found = [], 0
    for rank, hit in enumerate(hits, start=1):
        found += hit
        precisions.append(found / rank)
    area, best = 0.0, 0.0
    for precision, hit in zip(reversed(precisions), reversed(hits)):
        best = max(best, precision)
        area += best / positives if hit else 0.0
    return area


def loop_recall(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    thresholds: Sequence[float],
    max_average_number: int = 100,
) -> np.ndarray:
    """Computes recall `[thresholds, 100]` at 1%..100% of the proposals kept."""
    truth: dict[str, list[list[float]]] = {}
    rows = ground_truth[["video", "start_sec", "end_sec"]]
    for video, start, end in rows.itertuples(index=False):
        truth.setdefault(str(video), []).append([start, end])
    proposals: dict[str, list[tuple[float, list[float]]]] = {v: [] for v in truth}
    rows = predictions[["video", "start_sec", "end_sec", "score"]]
    for video, start, end, score in rows.itertuples(index=False):
        if str(video) in proposals:
            proposals[str(video)].append((score, [start, end]))
    ratio = max_average_number * float(len(truth)) / max(len(predictions), 1)
    kept = {}
    for video, rows in proposals.items():
        rows = sorted(rows, key=lambda row: -row[0])
        kept[video] = [segment for _, segment in rows][: int(len(rows) * ratio)]
    total = sum(len(segments) for segments in kept.values())
    recall = np.zeros((len(thresholds), 100))
    for j in range(100):
        share = (j + 1) / 100.0 * (max_average_number * float(len(truth)) / total)
        for i, threshold in enumerate(thresholds):
            for video, segments in truth.items():
                first = kept[video][: int(len(kept[video]) * share)]
                for segment in segments:
                    recall[i, j] += any(
                        overlap_of(segment, other) >= threshold for other in first
                    )
    return recall / len(ground_truth)
