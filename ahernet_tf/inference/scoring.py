"""Localises a whole part of a data set, and scores what was found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import tqdm

from ahernet_tf import evaluation
from ahernet_tf.data.pipelines import evaluation_batches
from ahernet_tf.data.roles import Role
from ahernet_tf.inference.detections import Detection, to_frame
from ahernet_tf.inference.localizer import Localizer

#: Thresholds of the paper: 0.5, 0.55, ..., 0.95.
TIOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)


def localize_role(
    localizer: Localizer,
    role: Role,
    *,
    batch_size: int = 8,
    window_sec: float | None = None,
    window_overlap: float = 0.5,
    progress: bool = False,
) -> dict[str, list[Detection]]:
    """Localises actions in every video of a role.

    Args:
        localizer: The network.
        role: Such as `dataset.test()`.
        batch_size: Sequences computed at once.
        window_sec: Videos longer than this are cut into windows; by default
            `data.window_sec`; 0: none is.
        window_overlap: Part of a window that the next one repeats.
        progress: Whether to show a bar.

    Returns:
        Detections by video, best first; times inside the video.
    """
    found: dict[str, list[Detection]] = {}
    bar = tqdm.tqdm(
        total=len(role.videos), unit="video", desc="localising", disable=not progress
    )
    long = []
    if window_sec is None:
        window_sec = localizer.config.data.window_sec
    if window_sec:
        long = [v for v in role.videos if role.covered_sec(v) > window_sec]
    for video in long:
        items = localizer.localize(
            role.sequences.clips(role.whole_span(video)),
            time_model=role.time_model,
            fps=role.fps(video),
            duration_sec=video.duration_sec,
            window_sec=window_sec,
            window_overlap=window_overlap,
            batch_size=batch_size,
        )
        found[video.id] = [item.inside(video.duration_sec) for item in items]
        bar.update()
    names = {video.id for video in long}
    whole = role.with_videos(v for v in role.videos if v.id not in names)
    for name, items in _in_batches(localizer, whole, batch_size):
        found[name] = items
        bar.update()
    bar.close()
    return {video.id: found[video.id] for video in role.videos}


def _in_batches(
    localizer: Localizer, role: Role, batch_size: int
) -> Iterator[tuple[str, list[Detection]]]:
    """Yields each video and its detections; none is cut into windows."""
    if not role.videos:
        return
    legacy = localizer.config.inference.legacy_decode_duration
    for batch in evaluation_batches(role, localizer.config, batch_size):
        covered_sec, duration_sec = (
            batch[name].numpy() for name in ("covered_sec", "duration_sec")
        )
        results = localizer.detect(batch["features"], covered_sec)
        scale = (duration_sec if legacy else covered_sec) / localizer.steps
        for video, result, step_sec, duration in zip(
            batch["video"].numpy(), results, scale, duration_sec
        ):
            items = result.in_seconds(step_sec, localizer.class_names)
            yield video.decode(), [item.inside(float(duration)) for item in items]


def ground_truth(role: Role) -> pd.DataFrame:
    """Lists the instances of a role: video, start_sec, end_sec, label."""
    return role.instances()


def score(role: Role, found: dict[str, list[Detection]]) -> dict[str, Any]:
    """Computes mAP and AUC of the detections of a role.

    Args:
        role: What was localised.
        found: Detections by video.

    Returns:
        `average_map`, `map_at_tiou` (by threshold), `ap_per_class` (averaged over
        thresholds), `ar_at_an` (fractions), `auc` (percent), `videos`, `instances`.
    """
    truth, predictions = ground_truth(role), to_frame(found)
    detection = evaluation.evaluate_detections(truth, predictions, TIOU_THRESHOLDS)
    proposal = evaluation.evaluate_proposals(truth, predictions, TIOU_THRESHOLDS)
    return {
        "average_map": detection.average_map,
        "map_at_tiou": {
            f"{tiou:.2f}": float(value)
            for tiou, value in zip(detection.tiou_thresholds, detection.map_at_tiou)
        },
        "ap_per_class": {
            label: float(ap.mean()) for label, ap in detection.ap_per_class.items()
        },
        "auc": proposal.auc,
        "ar_at_an": {str(n): proposal.ar_at(n) for n in (1, 5, 10, 50, 100)},
        "videos": len(role.videos),
        "instances": len(truth),
    }
