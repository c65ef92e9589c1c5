"""Features of anchors: foreground, generated and real background, level by level."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors.target_matching import Targets
from ahernet_tf.config import Config
from ahernet_tf.data import pipelines
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.models import AherNet
from ahernet_tf.training.losses_of_steps import ForwardPass

FOREGROUND = "foreground"
SYNTHETIC = "synthetic background"
REAL = "real background"
KINDS = (FOREGROUND, SYNTHETIC, REAL)


@dataclasses.dataclass(frozen=True)
class Sample:
    """Cells of one kind and level.

    Attributes:
        features: `[cells, channels]`.
        groups: `[cells]`; cells of one group come from the same moments or video.
    """

    features: np.ndarray
    groups: np.ndarray


#: By level (from 0), then by kind.
Samples = list[dict[str, Sample]]


def collect(
    model: AherNet, config: Config, dataset: Dataset, moments: int, seed: int
) -> Samples:
    """Computes the features of all cells of both kinds of sequences.

    The feature of an anchor is that of its cell: the level's map at its position. A
    cell is foreground where one of its anchors is, background where all of them are.

    Args:
        model: A trained network.
        config: Its configuration.
        dataset: What it was trained on.
        moments: Number of moments that are surrounded by generated context: gives
            foreground and synthetic background. As many test videos at most give real
            background.
        seed: Of the choice of moments and videos.
    """
    parts: list[dict[str, list[tuple[np.ndarray, np.ndarray]]]] = [
        {kind: [] for kind in KINDS} for _ in config.network.level_channels
    ]
    ratios = len(config.network.anchor_ratios)

    def add(
        maps: Sequence[tf.Tensor],
        targets: Targets,
        groups: np.ndarray,
        kinds: dict[str, str],
    ) -> None:
        masks = {
            FOREGROUND: _cells(targets.foreground, ratios).any(axis=-1),
            "background": _cells(targets.background, ratios).all(axis=-1),
        }
        first = 0
        for level, level_map in zip(parts, maps):
            values = tf.cast(level_map, tf.float32).numpy()
            last = first + values.shape[1]
            for mask, kind in kinds.items():
                row, cell = np.nonzero(masks[mask][:, first:last])
                level[kind].append((values[row, cell], groups[row]))
            first = last

    forward_pass = functools.partial(
        ForwardPass, model, model.target_classifier, config.loss
    )
    for batch, groups in _moment_batches(dataset, config, moments, seed):
        forward = forward_pass(moments=batch)
        add(
            forward.synthetic_maps,
            forward.synthetic_targets,
            groups,
            {FOREGROUND: FOREGROUND, "background": SYNTHETIC},
        )
    for batch, groups in _video_batches(dataset, config, moments, seed):
        forward = forward_pass(untrimmed=batch)
        add(
            forward.untrimmed_maps,
            forward.untrimmed_targets,
            groups,
            {"background": REAL},
        )
    return [
        {
            kind: Sample(*(np.concatenate(arrays) for arrays in zip(*found)))
            for kind, found in level.items()
        }
        for level in parts
    ]


def _cells(anchors: tf.Tensor, ratios: int) -> np.ndarray:
    """Returns a mask of anchors as `[batch, cells, ratios]`."""
    values = anchors.numpy()
    return values.reshape(len(values), -1, ratios)


def _moment_batches(
    dataset: Dataset, config: Config, moments: int, seed: int
) -> Iterator[tuple[dict[str, tf.Tensor], np.ndarray]]:
    """Yields batches of moments; rows that share moments share a group."""
    size = config.training.batch_size
    tiled = config.synthesis.mode == "tiled"
    run = config.synthesis.moments_per_class if tiled else 1
    stream = pipelines.moment_stream(dataset, config, seed)
    for number, batch in enumerate(stream.take(-(-moments // size)).prefetch(1)):
        yield batch, (number * size + np.arange(size)) // run


def _video_batches(
    dataset: Dataset, config: Config, videos: int, seed: int
) -> Iterator[tuple[dict[str, tf.Tensor], np.ndarray]]:
    """Yields batches of test videos with all their known instances."""
    role = _annotated_test(dataset)
    order = np.random.default_rng(seed).permutation(len(role.videos))[:videos]
    role = role.select(np.sort(order))
    limit = max(len(video.instances) for video in role.videos)
    place = {video.id: number for number, video in enumerate(role.videos)}
    steps = config.network.untrimmed_steps
    for batch in pipelines.evaluation_batches(role, config, 8):
        names = [name.decode() for name in batch["video"].numpy()]
        segments = np.zeros((len(names), limit, 2), np.float32)
        mask = np.zeros((len(names), limit), bool)
        for row, name in enumerate(names):
            found, _ = role.segments(role.videos[place[name]], steps)
            segments[row, : len(found)] = found
            mask[row, : len(found)] = True
        yield (
            {
                "features": batch["features"],
                "segments": tf.constant(segments),
                "segment_mask": tf.constant(mask),
                "segment_labels": tf.zeros(mask.shape, tf.int32),
            },
            np.array([place[name] for name in names]),
        )


def _annotated_test(dataset: Dataset) -> Role:
    """Returns the test videos of target classes, source instances in them included."""
    wanted = {video.id for video in dataset.test().videos}
    role = dataset.test((*dataset.source_classes, *dataset.target_classes))
    return role.with_videos(video for video in role.videos if video.id in wanted)
