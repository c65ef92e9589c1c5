"""What ground truth and predictions do not have in common, said before any score."""

from collections.abc import Sequence

import pandas as pd

from ahernet_tf.evaluation.detection_matching import codes_of
from ahernet_tf.spelling import plain, told_apart

FAR = 1.1  # times its duration
LARGE_SHARE = 0.1
"""Above this share of videos, labels or predictions, what is missing is said."""
_EXAMPLES = 3


def mismatches(
    ground_truth: pd.DataFrame,
    predictions: pd.DataFrame,
    background_videos: Sequence[str] = (),
) -> list[str]:
    """Says what a score would hide: files that belong together only in part.

    Args:
        ground_truth: Columns `video` and `label`.
        predictions: The same; without `label` only videos are compared. With an
            `end_sec`, and `duration_sec` of the ground truth, their times are, too.
        background_videos: Videos without an instance that are evaluated all the same.

    Returns:
        A sentence for each: annotated videos or labels without a prediction, and
        predictions of unknown videos or labels, where they are a large share.
    """
    videos = [*ground_truth["video"].astype(str).unique(), *map(str, background_videos)]
    kinds = [("video", "videos", list(dict.fromkeys(videos)))]
    if "label" in predictions:
        labels = ground_truth["label"].astype(str).unique().tolist()
        kinds.append(("label", "labels", labels))
    said = []
    if lacking := ground_truth.attrs.get("info", {}).get("classes_absent"):
        said.append(
            f"{len(lacking)} of the classes asked for have no annotation, such as "
            f"{_examples(lacking)}: they are not scored."
        )
    for column, plural, known in kinds:
        code = codes_of(predictions[column], known)
        found = set(code.tolist())
        absent = [name for number, name in enumerate(known) if number not in found]
        if len(absent) > LARGE_SHARE * len(known):
            said.append(
                f"{len(absent)} of {len(known)} annotated {plural} have no prediction "
                f"and count as missed, such as {_examples(absent)}."
            )
        strange = predictions.loc[code < 0, column].astype(str)
        if len(strange) > LARGE_SHARE * len(predictions):
            names = strange.unique().tolist()
            said.append(
                f"{len(strange)} of {len(predictions)} predictions are of {len(names)} "
                f"{plural} that the ground truth does not have, such as "
                f"{_examples(names, known)}."
            )
    if late := _past_the_end(ground_truth, predictions):
        said.append(late)
    return said


def _past_the_end(ground_truth: pd.DataFrame, predictions: pd.DataFrame) -> str | None:
    """Says that many predictions end after their videos, as those in frames do."""
    if not {"duration_sec"} <= set(ground_truth) or "end_sec" not in predictions:
        return None
    lengths = ground_truth.groupby("video", observed=True)["duration_sec"].first()
    code = codes_of(predictions["video"], list(map(str, lengths.index)))
    known = predictions[code >= 0]
    lasts = lengths.to_numpy()[code[code >= 0]]
    late = known[known["end_sec"].to_numpy() > FAR * lasts]
    if len(late) <= LARGE_SHARE * len(predictions):
        return None
    video, end = late.iloc[0][["video", "end_sec"]]
    return (
        f"{len(late)} of {len(predictions)} predictions end after their videos, as "
        f"one of {str(video)!r} at {end:g} s: are their times seconds?"
    )


def _examples(names: Sequence[str], known: Sequence[str] = ()) -> str:
    """Lists the first names, each with the known one that it is nearly equal to."""
    alike = {plain(name): name for name in known}
    shown = []
    for name in names[:_EXAMPLES]:
        near = alike.get(plain(name))
        quoted, other = told_apart(name, near or name)
        shown.append(f"{quoted} (it has {other})" if near else quoted)
    return ", ".join(shown)
