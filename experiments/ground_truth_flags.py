"""The flags that say what is scored against: a file or a data set, and a protocol."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
from absl import flags

from ahernet_tf import evaluation

if TYPE_CHECKING:
    from ahernet_tf.data.roles import Role


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """What is scored against.

    Attributes:
        source: A file in ActivityNet JSON, or its content.
        protocol: What of it counts.
        classes: The classes that are scored; None: every annotated one.
    """

    source: str | Mapping
    protocol: evaluation.Protocol
    classes: list[str] | None = None

    def load(self) -> pd.DataFrame:
        """Returns one row an instance; see `evaluation.load_ground_truth`."""
        return self.protocol.load_ground_truth(self.source, self.classes)


def define_flags() -> None:
    """Defines the flags."""
    flags.DEFINE_string(
        "ground_truth",
        None,
        "Ground truth in ActivityNet JSON (.json or .json.gz).",
    )
    flags.DEFINE_string(
        "data",
        None,
        "Data set directory in place of --ground_truth: scores its test videos exactly "
        "as training does. --classes is then target (the default) or source.",
    )
    flags.DEFINE_enum(
        "protocol",
        "anet_v1.3",
        list(evaluation.PROTOCOLS),
        "What is scored: "
        + "; ".join(
            f"{p.name}: {p.description}, subset {p.subset or '(all)'}, tIoU "
            f"{p.tiou_thresholds[0]:.2f} to {p.tiou_thresholds[-1]:.2f}"
            for p in evaluation.PROTOCOLS.values()
        )
        + ".",
    )
    flags.DEFINE_string(
        "subset",
        None,
        "Subset of the ground truth to score, instead of the protocol's.",
    )
    flags.DEFINE_string(
        "classes",
        None,
        "Classes to score: a file (one a line, or a JSON list) or a comma-separated "
        "list. Videos without an instance of them are left out. Default: every "
        "annotated class.",
    )
    flags.DEFINE_string(
        "tiou",
        None,
        "tIoU thresholds, start:step:stop or a comma-separated list; with --protocol "
        "custom only.",
    )
    flags.DEFINE_string(
        "block_list",
        None,
        "File of videos to leave out (one id a line, or a JSON list), such as those no "
        "longer online; on top of the protocol's own.",
    )


def read(values: flags.FlagValues) -> GroundTruth | None:
    """Returns what the flags ask for; None where they name no ground truth.

    Raises:
        ValueError: They contradict each other, or the data set is faulty.
    """
    if values.data is not None and values.ground_truth is not None:
        raise ValueError("Expected either --ground_truth or --data.")
    changes = (values.subset, values.tiou, values.block_list)
    if values.data is not None:
        return of_data(values.data, values.classes or "target", *changes)
    if values.ground_truth is None:
        return None
    return GroundTruth(
        values.ground_truth,
        protocol_of(values.protocol, *changes),
        parse_classes(values.classes) if values.classes else None,
    )


def parse_thresholds(text: str) -> tuple[float, ...]:
    """Reads `0.5:0.05:0.95` or `0.3,0.5,0.7`; ValueError if it is neither."""
    try:
        if ":" in text:
            return evaluation.tiou_range(*(float(part) for part in text.split(":")))
        return tuple(float(part) for part in text.split(","))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"--tiou: expected start:step:stop or a list, received {text!r}: {error}"
        ) from error


def parse_classes(text: str) -> list[str]:
    """Reads a file of classes if there is one of that name, else a comma list."""
    if os.path.exists(text) or text.endswith((".json", ".txt", ".gz")):
        return evaluation.read_names(text)
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError(f"--classes: no class in {text!r}.")
    return names


def protocol_of(
    name: str,
    subset: str | None = None,
    tiou: str | None = None,
    block_list: str | None = None,
) -> evaluation.Protocol:
    """Returns the named protocol with what the command line changes in it."""
    protocol = evaluation.PROTOCOLS[name]
    if subset:
        protocol = dataclasses.replace(protocol, subset=subset)
    if tiou:
        if name != "custom":
            raise ValueError(f"--tiou goes with --protocol custom, not {name}.")
        protocol = dataclasses.replace(protocol, tiou_thresholds=parse_thresholds(tiou))
    if block_list:
        excluded = (*protocol.excluded_videos, *evaluation.read_names(block_list))
        protocol = dataclasses.replace(protocol, excluded_videos=excluded)
    return protocol


def of_data(
    directory: str, classes: str = "target", *changes: str | None
) -> GroundTruth:
    """Returns a data set's test videos, as training scores them.

    Args:
        directory: Where dataset.json lies.
        classes: `target` or `source`.
        *changes: Of the protocol; see `protocol_of`.

    Raises:
        ValueError: The data set is faulty, or has no such videos.
    """
    from ahernet_tf.config import DataConfig
    from ahernet_tf.data.dataset import Dataset

    if classes not in ("target", "source"):
        raise ValueError(
            f"--classes: expected target or source with --data, received {classes!r}."
        )
    # Whatever was wrong with the data was reported when it was trained on.
    dataset = Dataset.load(directory, DataConfig(), True, "shape")
    role = dataset.test(None if classes == "target" else dataset.source_classes)
    if role is None:
        raise ValueError(f"{directory}: no test videos of {classes} classes.")
    return of_role(role, *changes)


def of_role(role: Role, *changes: str | None) -> GroundTruth:
    """Returns the videos of a role; `changes` as for `of_data`."""
    videos = {
        video.id: {
            "duration": video.duration_sec,
            "annotations": [
                {"segment": [item.start_sec, item.end_sec], "label": item.label}
                for item in video.instances
            ],
        }
        for video in role.videos
    }
    return GroundTruth({"database": videos}, protocol_of("custom", *changes))
