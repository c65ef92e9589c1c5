"""Parts the training part of a data set once more, to choose settings on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

import numpy as np

from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.class_splits import (
    ClassSplit,
    split_at_random,
    split_by_list,
)
from ahernet_tf.data.dataset import Dataset, Role
from ahernet_tf.spelling import canonical_video_id


def play_targets(
    dataset: Dataset, played: int | Collection[str] | None, seed: int
) -> ClassSplit:
    """Parts the source classes into those that stay and those that play target.

    Args:
        dataset: Any data set; its target classes are not looked at.
        played: The classes that play target, or how many, drawn at random; None: half
            of them, rounded down.
        seed: Of the draw.

    Raises:
        ValueError: No class would be left on one side, or a listed one is unknown.
    """
    classes = dataset.source_classes
    if isinstance(played, Collection):
        split = split_by_list(classes, played, f"{dataset.name}: listed classes")
    else:
        count = len(classes) // 2 if played is None else played
        if not 0 < count < len(classes):
            raise ValueError(
                f"{dataset.name}: cannot let {count} of {len(classes)} source classes "
                "play target classes; both kinds are needed"
            )
        split = split_at_random(classes, count, seed)
    return ClassSplit(split.target, split.source, split.origin)


def training_and_held_out(
    dataset: Dataset, split: ClassSplit, held_out: float, seed: int
) -> tuple[Role, Role]:
    """Holds out whole groups of the untrimmed videos; see `Dataset.hold_out`.

    Videos that are test videos, too, are in neither part.

    Args:
        dataset: Any data set.
        split: Parts its source classes.
        held_out: Groups to hold out: a fraction below 1, or how many.
        seed: Decides which.

    Returns:
        The untrimmed videos to train on, and those of the held-out groups.

    Raises:
        ValueError: Groups cannot be held out so; a class has no video to train on; or
            no held-out video has a class that plays target.
    """
    classes = (*dataset.source_classes, *dataset.target_classes)
    tests = (dataset.test(), dataset.test(classes))
    tested = {
        canonical_video_id(v.id)
        for role in tests
        if role is not None
        for v in role.videos
    }
    untrimmed = dataset.roles["untrimmed"]
    fresh = [canonical_video_id(v.id) not in tested for v in untrimmed.videos]
    untrimmed = untrimmed.select(np.flatnonzero(fresh))
    if held_out >= 1:
        groups = len({dataset.group(video) for video in untrimmed.videos})
        if held_out % 1 or held_out >= groups:
            raise ValueError(
                f"{dataset.name}: cannot hold out {held_out:g} of {groups} groups"
            )
        held_out /= groups
    alone = dataclasses.replace(dataset, roles={"untrimmed": untrimmed})
    rest, held = alone.hold_out(held_out, seed)
    training = rest.roles["untrimmed"]
    missing = sorted({*split.source, *split.target} - labels_of(training.videos))
    if missing:
        raise ValueError(
            f"{dataset.name}: only held-out groups have videos of {missing}; hold out "
            "fewer, or take another seed"
        )
    if not labels_of(held.videos) & set(split.target):
        raise ValueError(
            f"{dataset.name}: no held-out video has one of {list(split.target)}, which "
            "play target; hold out more, or take another seed"
        )
    return training, held


def labels_of(videos: Iterable[Video]) -> set[str]:
    """Returns the classes of some videos' actions."""
    return {instance.label for video in videos for instance in video.instances}
