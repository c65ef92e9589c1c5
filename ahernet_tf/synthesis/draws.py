"""Random placement of moments in synthetic sequences, one function a mode.

Each returns what draws sample n of the moment stream, the moment's index and what
travels beside it, and the names, types and shapes of the latter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.data import sampling
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role

#: Name, type and shape of each part of a sample.
Signature = dict[str, tuple[Any, tuple[int, ...]]]
#: From a sample's number to the index of its moment and its placement.
Draw = Callable[[int], tuple[int, tuple]]


def single(
    dataset: Dataset,
    config: Config,
    cuts: list[ClipSpan],
    labels: np.ndarray,
    seed: int,
    shard: sampling.Shard,
) -> tuple[Draw, Signature]:
    """Prepares the draws of one moment a synthetic sequence."""
    synthesis, batch_size = config.synthesis, config.training.batch_size
    order = sampling.EpochOrder(len(cuts), seed, "moments")

    def draw(counter: int) -> tuple[int, tuple]:
        random = sampling.generator(seed, "moments", "draw", counter)
        lengths = (synthesis.length_ratio_min, synthesis.length_ratio_max)
        positions = (synthesis.position_min, synthesis.position_max)
        ratio, position = (
            np.int32(random.integers(*limits, endpoint=True))
            for limits in (lengths, positions)
        )
        inside_start = bool(random.integers(2))
        if synthesis.legacy_synthetic_gt:
            inside_start = counter % batch_size % 2 == 0
        return order[counter], (ratio, position, inside_start)

    return draw, {
        "length_ratio": (tf.int32, ()),
        "position": (tf.int32, ()),
        "inside_start": (tf.bool, ()),
    }


def whole(
    dataset: Dataset,
    config: Config,
    cuts: list[ClipSpan],
    labels: np.ndarray,
    seed: int,
    shard: sampling.Shard,
) -> tuple[Draw, Signature]:
    """Prepares moments alone, in random order."""
    order = sampling.EpochOrder(len(cuts), seed, "moments")
    return lambda counter: (order[counter], ()), {}


def tiled(
    dataset: Dataset,
    config: Config,
    cuts: list[ClipSpan],
    labels: np.ndarray,
    seed: int,
    shard: sampling.Shard,
) -> tuple[Draw, Signature]:
    """Prepares the draws of several moments a synthetic sequence."""
    synthesis, limit = config.synthesis, dataset.max_segments(config.data)
    rows, run = _rows_and_run(config, shard)
    order = sampling.ClassRuns(labels, run, seed)
    untrimmed = dataset.role("untrimmed")
    lengths_sec = [untrimmed.covered_sec(video) for video in untrimmed.videos]
    gaps_sec = None
    if synthesis.context_length == "source":
        gaps_sec = gaps_between_instances(untrimmed)

    def draw(counter: int) -> tuple[int, tuple]:
        random = sampling.generator(seed, "moments", "draw", counter)
        number, place = divmod(counter, run)
        members = order[number]
        segments, mask, moments = sampling.tile(
            [cuts[member].duration_sec for member in members],
            lengths_sec[random.integers(len(lengths_sec))],
            synthesis,
            limit,
            config.network.untrimmed_steps,
            random,
            gaps_sec,
        )
        first_row = counter % rows - place
        return int(members[place]), (first_row + moments, segments, mask)

    return draw, {
        "source_row": (tf.int32, (limit,)),
        "segments": (tf.float32, (limit, 2)),
        "segment_mask": (tf.bool, (limit,)),
    }


def transplanted(
    dataset: Dataset,
    config: Config,
    cuts: list[ClipSpan],
    labels: np.ndarray,
    seed: int,
    shard: sampling.Shard,
) -> tuple[Draw, Signature]:
    """Prepares the draws of several moments amid the background of a real video."""
    steps, limit = config.network.untrimmed_steps, dataset.max_segments(config.data)
    rows, run = _rows_and_run(config, shard)
    order = sampling.ClassRuns(labels, run, seed)
    untrimmed = dataset.role("untrimmed")

    def draw(counter: int) -> tuple[int, tuple]:
        random = sampling.generator(seed, "moments", "draw", counter)
        number, place = divmod(counter, run)
        members = order[number]
        video = untrimmed.videos[int(random.integers(len(untrimmed.videos)))]
        scale = steps / untrimmed.covered_sec(video)
        rounds = np.tile(np.arange(run, dtype=np.int32), (-(-limit // run), 1))
        moments = random.permuted(rounds, axis=1).ravel()[:limit]
        seconds = np.array([cuts[member].duration_sec for member in members])
        lengths = np.clip(np.rint(seconds * scale), 1, steps - 2).astype(int)
        segments, mask, context_step = sampling.transplant(
            untrimmed.segments(video, steps)[0], lengths[moments], steps, limit, random
        )
        span = untrimmed.whole_span(video)
        context = untrimmed.sequences.sequence(span, steps)
        first_row = counter % rows - place
        return int(members[place]), (
            first_row + moments,
            segments,
            mask,
            context_step,
            context,
        )

    return draw, {
        "source_row": (tf.int32, (limit,)),
        "segments": (tf.float32, (limit, 2)),
        "segment_mask": (tf.bool, (limit,)),
        "context_step": (tf.int32, (steps,)),
        "context": (tf.float32, (steps, dataset.feature_channels)),
    }


def _rows_and_run(config: Config, shard: sampling.Shard) -> tuple[int, int]:
    """Returns the rows of a replica's batch, and how many in a row share a class.

    Raises:
        ValueError: The rows are no multiple of the run.
    """
    rows = shard.rows(config.training.batch_size)
    run = config.synthesis.moments_per_class
    if run < 1 or rows % run:
        each = "" if shard.count == 1 else f" / {shard.count} replicas"
        raise ValueError(
            f"Expected training.batch_size{each} to be a multiple of "
            f"synthesis.moments_per_class, received {rows} and {run}."
        )
    return rows, run


def gaps_between_instances(role: Role) -> np.ndarray:
    """Returns the lengths of the background between neighbouring instances, seconds.

    Args:
        role: Untrimmed videos; instances that touch or overlap leave a gap of 0.

    Raises:
        ValueError: No video has two instances.
    """
    gaps = []
    for video in role.videos:
        end = None
        for instance in sorted(video.instances, key=lambda i: i.start_sec):
            if end is not None:
                gaps.append(max(0.0, instance.start_sec - end))
            end = max(end or 0.0, instance.end_sec)
    if not gaps:
        raise ValueError(
            f"synthesis.context_length=source: no video of role '{role.name}' has two "
            "instances with background between them; choose uniform."
        )
    return np.array(gaps)


#: By `synthesis.mode`.
BY_MODE = {
    "single": single,
    "tiled": tiled,
    "transplanted": transplanted,
    "whole": whole,
}
