"""Predictions beside ground truth as arrays, and the greedy matching of the two."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

PREDICTIONS_PER_BLOCK = 1 << 17
"""Predictions whose overlaps are computed at once: bounds the memory."""


def temporal_iou(start_a, end_a, start_b, end_b) -> np.ndarray:
    """Computes tIoU = |a and b| / |a or b| of segments, arrays of any one shape.

    Two segments of zero length have tIoU 0 wherever they lie.
    """
    overlap = np.maximum(np.minimum(end_a, end_b) - np.maximum(start_a, start_b), 0.0)
    union = (end_a - start_a) + (end_b - start_b) - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def check_thresholds(tiou_thresholds: Sequence[float]) -> np.ndarray:
    """Returns the thresholds `[thresholds]`; ValueError unless all are in (0, 1].

    Evenly spaced ones are spaced as `numpy.linspace` spaces them, like the official
    evaluators': a segment may reach 0.8999999999999999 and not 0.9.
    """
    thresholds = np.asarray(tiou_thresholds, dtype=np.float64)
    if thresholds.ndim != 1 or not thresholds.size:
        raise ValueError(f"Expected tIoU thresholds, received {tiou_thresholds!r}.")
    if not ((thresholds > 0) & (thresholds <= 1)).all():
        raise ValueError(
            f"Expected tIoU thresholds in (0, 1], received {thresholds.tolist()}."
        )
    spaced = np.linspace(thresholds[0], thresholds[-1], len(thresholds))
    return spaced if np.allclose(spaced, thresholds, rtol=0, atol=1e-9) else thresholds


def check_frame(frame: pd.DataFrame, what: str, columns: Sequence[str]) -> None:
    """Raises a ValueError unless the columns exist and their numbers are sound."""
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ValueError(
            f"Expected {what} with the columns {list(columns)}; {missing} are missing."
        )
    numbers = [c for c in columns if c in ("start_sec", "end_sec", "score")]
    values = frame[numbers].to_numpy(dtype=np.float64)
    faulty = ~np.isfinite(values).all(axis=1) | (values[:, 0] > values[:, 1])
    if faulty.any():
        row = frame.iloc[int(np.argmax(faulty))]
        raise ValueError(
            f"{what}: video {row['video']!r}: expected finite numbers and a start not "
            f"after the end, received {row[numbers].to_dict()}."
        )


def codes_of(column: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Returns each value's position in `names`, -1 where it is not among them."""
    index = pd.Index(names, dtype=object)
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories.astype(str).astype(object)
        lookup = np.append(index.get_indexer(categories), -1)
        return lookup[column.cat.codes.to_numpy()]
    return index.get_indexer(column.astype(str).astype(object))


@dataclasses.dataclass(frozen=True)
class DetectionTable:
    """Ground truth and the predictions that can match it, as arrays.

    Predictions are sorted by label, then descending score; equal scores keep the
    order of the frame. Those of unknown videos or labels are not here.

    Attributes:
        videos: The videos evaluated.
        labels: The labels evaluated, in the ground truth's order.
        gt_video, gt_label, gt_start, gt_end: `[instances]`, codes and seconds.
        video, label, start, end, score: `[predictions]`, codes and seconds.
        row: `[predictions]`, their rows in the frame.
        counts: How many of each were given, used and dropped.
    """

    videos: list[str]
    labels: list[str]
    gt_video: np.ndarray
    gt_label: np.ndarray
    gt_start: np.ndarray
    gt_end: np.ndarray
    video: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    score: np.ndarray
    row: np.ndarray
    counts: dict[str, int]


def build_table(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    background_videos: Sequence[str] = (),
) -> DetectionTable:
    """Lines predictions up with ground truth, counting what is dropped.

    Args:
        ground_truth: Columns `video`, `start_sec`, `end_sec`, `label`.
        predictions: The same and `score`.
        background_videos: Videos without an instance that are evaluated all the same:
            each detection there is a false positive. A prediction of any video that
            is neither here nor in the ground truth is dropped.

    Raises:
        ValueError: A column is missing, a number is not finite, a segment starts
            after its end, or the ground truth is empty.
    """
    columns = ["start_sec", "end_sec", "video", "label"]
    check_frame(ground_truth, "ground truth", columns)
    check_frame(predictions, "predictions", [*columns, "score"])
    if ground_truth.empty:
        raise ValueError("Expected ground truth with an instance, received none.")
    annotated = [str(video) for video in ground_truth["video"].unique()]
    videos = list(dict.fromkeys([*annotated, *map(str, background_videos)]))
    labels = [str(label) for label in ground_truth["label"].unique()]
    video = codes_of(predictions["video"], videos)
    label = codes_of(predictions["label"], labels)
    known = video >= 0
    used = np.flatnonzero(known & (label >= 0))
    scores = predictions["score"].to_numpy(dtype=np.float64)
    row = used[np.lexsort((-scores[used], label[used]))]  # a stable sort
    counts = {
        "ground_truth_videos": len(videos),
        "ground_truth_instances": len(ground_truth),
        "classes": len(labels),
        "predictions": len(predictions),
        "predictions_used": len(row),
        "predictions_of_unknown_videos": int((~known).sum()),
        "unknown_videos": int(predictions.loc[~known, "video"].nunique()),
        "predictions_of_unknown_labels": int((known & (label < 0)).sum()),
        "unknown_labels": int(predictions.loc[known & (label < 0), "label"].nunique()),
        "videos_without_predictions": len(videos) - np.unique(video[known]).size,
        "classes_without_predictions": len(labels) - np.unique(label[used]).size,
    }
    return DetectionTable(
        videos=videos,
        labels=labels,
        gt_video=codes_of(ground_truth["video"], videos),
        gt_label=codes_of(ground_truth["label"], labels),
        gt_start=ground_truth["start_sec"].to_numpy(dtype=np.float64),
        gt_end=ground_truth["end_sec"].to_numpy(dtype=np.float64),
        video=video[row],
        label=label[row],
        start=predictions["start_sec"].to_numpy(dtype=np.float64)[row],
        end=predictions["end_sec"].to_numpy(dtype=np.float64)[row],
        score=scores[row],
        row=row,
        counts=counts,
    )


class Pairs(NamedTuple):
    """Overlapping pairs: prediction and instance (positions) and tIoU, `[pairs]`."""

    prediction: np.ndarray
    instance: np.ndarray
    tiou: np.ndarray


def overlapping_pairs(
    table: DetectionTable, minimum: float, same_label: bool = True
) -> Pairs:
    """Finds the pairs of one video (and label) whose tIoU is at least `minimum`."""
    scale = len(table.labels) if same_label else 1
    gt_key = table.gt_video * scale + (table.gt_label if same_label else 0)
    key = table.video * scale + (table.label if same_label else 0)
    gt_order = np.argsort(gt_key, kind="stable")
    gt_sorted = gt_key[gt_order]
    found = []
    for begin in range(0, len(key), PREDICTIONS_PER_BLOCK):
        block = key[begin : begin + PREDICTIONS_PER_BLOCK]
        first = np.searchsorted(gt_sorted, block, side="left")
        count = np.searchsorted(gt_sorted, block, side="right") - first
        prediction = np.repeat(np.arange(begin, begin + len(block)), count)
        within = np.arange(len(prediction)) - np.repeat(np.cumsum(count) - count, count)
        instance = gt_order[np.repeat(first, count) + within]
        tiou = temporal_iou(
            table.start[prediction],
            table.end[prediction],
            table.gt_start[instance],
            table.gt_end[instance],
        )
        keep = tiou >= minimum
        found.append(Pairs(prediction[keep], instance[keep], tiou[keep]))
    if not found:
        return Pairs(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    return Pairs(*(np.concatenate(arrays) for arrays in zip(*found)))


class Matches(NamedTuple):
    """The true positives, `[matches]` each: positions in table and thresholds."""

    prediction: np.ndarray
    threshold: np.ndarray
    instance: np.ndarray


def match(table: DetectionTable, thresholds: np.ndarray) -> Matches:
    """Matches predictions to instances greedily, at every threshold by itself.

    By descending score, each prediction tries the instances of its video and label by
    descending tIoU (ties: in the ground truth's order) and takes the first that no
    other has taken and whose tIoU reaches the threshold. One without such an instance
    is a false positive.

    Only the order within one video and label matters, so the k-th candidates of all
    videos and labels are matched together, k = 0, 1, ...
    """
    pairs = overlapping_pairs(table, float(thresholds.min()))
    group = table.video * len(table.labels) + table.label
    candidates = np.unique(pairs.prediction)
    by_group = candidates[np.argsort(group[candidates], kind="stable")]
    starts = np.flatnonzero(np.diff(group[by_group], prepend=-1))
    position = np.arange(len(by_group))
    within = position - np.repeat(starts, np.diff(np.append(starts, len(by_group))))
    turn = np.zeros(len(table.video), dtype=np.int64)
    turn[by_group] = within

    order = np.lexsort(
        (pairs.instance, -pairs.tiou, pairs.prediction, turn[pairs.prediction])
    )
    prediction, instance, tiou = (array[order] for array in pairs)
    turns = turn[prediction]
    bounds = np.flatnonzero(np.diff(turns, prepend=-1, append=-1))
    taken = np.zeros((len(table.gt_video), len(thresholds)), dtype=bool)
    found = []
    for begin, end in itertools.pairwise(bounds):
        tried = instance[begin:end]
        free = (tiou[begin:end, None] >= thresholds) & ~taken[tried]
        first_pair = np.flatnonzero(np.diff(prediction[begin:end], prepend=-1))
        place = np.where(free, np.arange(end - begin)[:, None], end - begin)
        best = np.minimum.reduceat(place, first_pair, axis=0)  # [predictions, tious]
        which, threshold = np.nonzero(best < end - begin)
        best = best[which, threshold]
        taken[tried[best], threshold] = True
        found.append((prediction[begin:end][best], threshold, tried[best]))
    if not found:
        return Matches(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    return Matches(*(np.concatenate(arrays) for arrays in zip(*found)))
