"""The evaluation protocols by name: thresholds, subset, classes, videos left out."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ahernet_tf import files
from ahernet_tf.evaluation.entries import PathLike
from ahernet_tf.evaluation.ground_truth import load_ground_truth


def tiou_range(start: float, step: float, stop: float) -> tuple[float, ...]:
    """Returns the thresholds start, start + step, ..., stop (inclusive).

    They are spaced as `numpy.linspace` spaces them, like the official evaluators'.

    Raises:
        ValueError: The range is empty or leaves (0, 1].
    """
    if not (0 < start <= stop <= 1 and step > 0):
        raise ValueError(
            "Expected 0 < start <= stop <= 1 and step > 0, received "
            f"{start}:{step}:{stop}."
        )
    count = int(np.floor((stop - start) / step + 1e-6)) + 1
    last = start + (count - 1) * step
    last = stop if abs(last - stop) < 1e-6 else last
    return tuple(np.linspace(start, last, count).tolist())


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a score was measured on; printed beside every score.

    Attributes:
        name: Its name on the command line.
        tiou_thresholds: The tIoU thresholds that are averaged over.
        subset: The ground truth's subset that is evaluated; None takes every video.
        class_rule: In words, which classes are averaged over.
        ignored_labels: Labels whose instances are dropped from the ground truth.
        excluded_videos: Videos left out of ground truth and predictions.
        description: In words, the videos evaluated.
    """

    name: str
    tiou_thresholds: tuple[float, ...]
    subset: str | None
    class_rule: str = "every label annotated in the videos evaluated"
    ignored_labels: tuple[str, ...] = ()
    excluded_videos: tuple[str, ...] = ()
    description: str = "the annotated videos of the subset"

    def load_ground_truth(
        self, path_or_dict: PathLike | Mapping, classes: list[str] | None = None
    ) -> pd.DataFrame:
        """Reads ground truth under this protocol; see `load_ground_truth`."""
        return load_ground_truth(
            path_or_dict,
            self.subset,
            classes,
            ignored_labels=self.ignored_labels,
            excluded_videos=self.excluded_videos,
        )


ANET_THRESHOLDS = tiou_range(0.5, 0.05, 0.95)

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="anet_v1.3",
            tiou_thresholds=ANET_THRESHOLDS,
            subset="validation",
            description="the annotated ActivityNet v1.3 validation videos, less those "
            "of a block list where one is given",
        ),
        Protocol(
            name="thumos14",
            tiou_thresholds=tiou_range(0.3, 0.1, 0.7),
            subset="test",
            ignored_labels=("Ambiguous",),
            excluded_videos=("video_test_0000270", "video_test_0001496"),
            description="the annotated THUMOS14 test videos without 'Ambiguous' "
            "instances and without two videos of faulty annotation",
        ),
        Protocol(
            name="k600",
            tiou_thresholds=ANET_THRESHOLDS,
            subset="validation",
            description="the annotated Kinetics-600 validation videos",
        ),
        Protocol(
            name="custom",
            tiou_thresholds=ANET_THRESHOLDS,
            subset=None,
            description="the annotated videos of the ground truth (of one subset "
            "where one is given)",
        ),
    )
}


def read_names(path: PathLike) -> list[str]:
    """Reads names (videos or classes): a JSON list, or plain text, one name a line.

    Blank lines are skipped. In a JSON object the keys are the names.

    Raises:
        ValueError: The file is unreadable or names nothing.
    """
    path = pathlib.Path(path)
    if path.suffix in (".json", ".gz"):
        content = files.read_json(path)
        if not isinstance(content, list | dict):
            raise ValueError(f"{path}: expected a JSON list of names.")
        names = [str(value) for value in content]
    else:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: cannot be read: {error}") from error
        names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise ValueError(f"{path}: names nothing.")
    return names
