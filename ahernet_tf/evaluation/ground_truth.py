"""Ground truth of an evaluation: ActivityNet JSON -> one row an instance."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ahernet_tf.evaluation.entries import (
    PathLike,
    check_item,
    content_of,
)
from ahernet_tf.spelling import canonical_video_id, subset_name

MAX_NAMED_EXCLUSIONS = 5
_CONVERTED = "convert-annotations makes such a file of annotations in other forms."


def load_ground_truth(
    path_or_dict: PathLike | Mapping,
    subset: str | None = None,
    classes: Sequence[str] | None = None,
    *,
    ignored_labels: Collection[str] = (),
    excluded_videos: Collection[str] = (),
) -> pd.DataFrame:
    """Reads ActivityNet ground truth, one row an instance, in the order of the file.

    Videos of other subsets are ignored. Ids lose any leading `v_`; segments may be
    strings. An instance of zero length, one that repeats another, and one that ends
    after its video are kept, as the official evaluator keeps them, and counted.

    Args:
        path_or_dict: A `.json` or `.json.gz` file, or its content:
            `{database: {video: {subset, duration, annotations: [{segment, label}]}}}`.
        subset: The subset to keep, however it is spelt (`val`, `Validation`); None
            keeps every video.
        classes: The labels to keep; None keeps every label. A video with instances
            of other labels alone is left out.
        ignored_labels: Labels whose instances are dropped, as THUMOS14's "Ambiguous".
        excluded_videos: Videos to leave out, such as a block list.

    Returns:
        A frame with the columns `video`, `start_sec`, `end_sec`, `label` and
        `duration_sec` (NaN where the file has none). `frame.attrs["info"]` counts
        what was kept: `source`, `subset`, `steps` (list of (what, videos left)),
        `zero_length`, `repeated`, `past_duration` instances, `classes_absent`
        (asked for, never annotated) and `background_videos` (in the subset, not
        excluded, without any annotation).

    Raises:
        ValueError: The file is unreadable, lacks a key, or holds a segment that is
            not two finite numbers in order; two ids name the same video; or no
            instance is left.
    """
    try:
        name, content = content_of(path_or_dict)
    except ValueError as error:
        hint = f"; {_CONVERTED}" if "is not JSON" in str(error) else ""
        raise ValueError(f"{error}{hint}") from error
    chosen = _videos_of_subset(name, content, subset)
    excluded = {canonical_video_id(video) for video in excluded_videos}
    annotated = {video: items for video, (items, _) in chosen.items() if items}
    steps = [("listed", len(chosen)), ("annotated", len(annotated))]

    kept = annotated
    for label in sorted(set(ignored_labels)):
        kept = _with_labels(kept, lambda found, label=label: found != label)
        if len(kept) != steps[-1][1]:
            steps.append((f"without {label!r}", len(kept)))
    present = [video for video in kept if video in excluded]
    if len(present) <= MAX_NAMED_EXCLUSIONS:
        left = range(len(kept) - 1, -1, -1)
        steps += [(f"without {video}", count) for video, count in zip(present, left)]
    else:
        count = len(kept) - len(present)
        steps.append((f"without {len(present)} excluded videos", count))
    kept = {video: items for video, items in kept.items() if video not in excluded}
    if classes is not None:
        wanted = {str(label) for label in classes}
        kept = _with_labels(kept, wanted.__contains__)
        steps.append((f"with one of {len(wanted)} classes", len(kept)))
    if not kept:
        raise ValueError(f"{name}: no ground truth is left: {_chain(steps)}.")

    frame = _frame(kept, {video: duration for video, (_, duration) in chosen.items()})
    background = [v for v in chosen if v not in annotated and v not in excluded]
    absent = set() if classes is None else wanted - set(frame["label"])
    frame.attrs["info"] = {
        "source": name,
        "subset": subset,
        "steps": steps,
        "background_videos": background,
        "classes_absent": sorted(absent),
        **_odd_instances(frame),
    }
    return frame


def _odd_instances(frame: pd.DataFrame) -> dict[str, int]:
    """Counts the instances that are kept though something is odd about them."""
    return {
        "zero_length": int((frame["end_sec"] == frame["start_sec"]).sum()),
        "repeated": int(frame.duplicated().sum()),
        "past_duration": int((frame["end_sec"] > frame["duration_sec"]).sum()),
    }


def _videos_of_subset(
    name: str, content: Any, subset: str | None
) -> dict[str, tuple[list[Any], float]]:
    """Returns `{canonical video: (checked annotations, duration in seconds)}`."""
    database = content.get("database") if isinstance(content, Mapping) else None
    if not isinstance(database, Mapping):
        raise ValueError(
            f"{name}: the key 'database' (an object) is missing; {_CONVERTED}"
        )
    chosen: dict[str, tuple[list[Any], float]] = {}
    seen: Counter[str] = Counter()
    wanted = None if subset is None else subset_name(subset).casefold()
    for video, record in database.items():
        if not isinstance(record, Mapping):
            raise ValueError(f"{name}: video {video!r}: expected an object.")
        if subset is not None:
            if "subset" not in record:
                raise ValueError(f"{name}: video {video!r}: 'subset' is missing.")
            seen[str(record["subset"])] += 1
            if subset_name(record["subset"]).casefold() != wanted:
                continue
        items = record.get("annotations")
        if not isinstance(items, list):
            raise ValueError(f"{name}: video {video!r}: 'annotations' is missing.")
        for item in items:
            check_item(name, video, item, ("segment", "label"))
        canonical = canonical_video_id(video)
        if canonical in chosen:
            raise ValueError(
                f"{name}: video {video!r} is listed twice, with and without 'v_'."
            )
        chosen[canonical] = (items, _duration(name, video, record))
    if not chosen:
        raise ValueError(
            f"{name}: no video of subset {subset!r}; the file has {dict(seen)}."
        )
    return chosen


def _duration(name: str, video: str, record: Mapping) -> float:
    """Returns the duration in seconds, NaN where the record has none."""
    duration = record.get("duration")
    if duration is None:
        return float("nan")
    try:
        duration = float(duration)
    except (TypeError, ValueError):
        duration = 0.0
    if not np.isfinite(duration) or duration <= 0:
        raise ValueError(
            f"{name}: video {video!r}: expected a duration above 0 s, "
            f"received {record['duration']!r}; {_CONVERTED}"
        )
    return duration


def _with_labels(kept: dict[str, list[Any]], keep) -> dict[str, list[Any]]:
    """Keeps the annotations whose label passes, and the videos that still have one."""
    chosen = {
        video: [item for item in items if keep(str(item["label"]))]
        for video, items in kept.items()
    }
    return {video: items for video, items in chosen.items() if items}


def _frame(kept: dict[str, list[Any]], durations: dict[str, float]) -> pd.DataFrame:
    """Lays the annotations out as rows."""
    counts = [len(items) for items in kept.values()]
    items = [item for video_items in kept.values() for item in video_items]
    segments = np.array([item["segment"] for item in items], dtype=np.float64)
    rows = np.repeat(np.arange(len(kept)), counts)
    return pd.DataFrame(
        {
            "video": pd.Categorical.from_codes(rows, list(kept)),
            "start_sec": segments[:, 0],
            "end_sec": segments[:, 1],
            "label": pd.Categorical([str(item["label"]) for item in items]),
            "duration_sec": np.array([durations[video] for video in kept])[rows],
        }
    )


def _chain(steps: list[tuple[str, int]]) -> str:
    """Writes the steps as `210 annotated -> 209 without ...`."""
    return " -> ".join(f"{count} {what}" for what, count in steps)
