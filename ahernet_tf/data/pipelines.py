"""The training streams as `tf.data` pipelines (paper section 3.3, Algorithm 1).

Three infinite streams give one batch each per iteration: untrimmed videos, foreground
segments, action moments. Every batch is a pure function of (seed, stream, iteration);
see `sampling`. Random placement of synthetic moments is drawn here and travels in the
batch, so that all steps of an iteration see the same. A batch is made when it is asked
for; `stream.prefetch(1)` makes it beside the iteration before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.data import sampling
from ahernet_tf.data.batching import (
    Sample,
    Signature,
    endless_batches,
    finite_batches,
)
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.crops import Crops
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.roles import Role
from ahernet_tf.data.sampling import WHOLE, Shard
from ahernet_tf.synthesis import MODES, DrawInputs


def untrimmed_stream(
    dataset: Dataset,
    config: Config,
    seed: int,
    start_iteration: int = 0,
    role: str = "untrimmed",
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Streams untrimmed videos, or stretches of them, with their segments.

    Which stretch a sample shows is drawn by `crops.Crops`; by default the whole video.

    Args:
        dataset: The data set.
        config: The run's configuration; its batch size and data options count.
        seed: Seed of the run.
        start_iteration: Iteration whose batch comes first.
        role: "untrimmed" (labels index `source_classes`) or "oracle" (labels index
            `target_classes`).
        shard: Rows of each batch to read, where several replicas share it.

    Returns:
        Infinite batches: `features [batch, 512, channels]` float32; `segments [batch,
        max_segments, 2]` float32 in steps, in the order of time; `segment_mask [batch,
        max_segments]` bool; `segment_labels [batch, max_segments]` int32, 0 where
        masked; `chosen [batch]` int32, a random one of the segments; `video [batch]`
        string.

    Raises:
        ValueError: The data set has no such role.
    """
    videos = dataset.role(role)
    index_of = _index_of_class(dataset, role)
    steps = config.network.untrimmed_steps
    limit = config.data.max_segments or videos.most_instances()
    crops = Crops(videos, config)
    order = sampling.EpochOrder(len(crops), seed, role)
    videos.sequences.require(config.data)

    def sample(counter: int) -> dict[str, Any]:
        random = sampling.generator(seed, role, "draw", counter)
        stretch = crops.draw(order[counter], random)
        found, names = stretch.segments[:limit], stretch.labels[:limit]
        segments, labels = np.zeros((limit, 2), np.float32), np.zeros(limit, np.int32)
        segments[: len(found)] = found
        labels[: len(found)] = [index_of[name] for name in names]
        return {
            "features": partial(crops.features, *stretch[:3]),
            "segments": segments,
            "segment_mask": np.arange(limit) < len(found),
            "segment_labels": labels,
            "chosen": random.integers(max(1, len(found))),
            "video": videos.videos[stretch.video].id,
        }

    signature = {
        "features": tf.TensorSpec((steps, dataset.feature_channels), tf.float32),
        "segments": tf.TensorSpec((limit, 2), tf.float32),
        "segment_mask": tf.TensorSpec((limit,), tf.bool),
        "segment_labels": tf.TensorSpec((limit,), tf.int32),
        "chosen": tf.TensorSpec((), tf.int32),
        "video": tf.TensorSpec((), tf.string),
    }
    return _stream(sample, signature, config, start_iteration, shard)


def foreground_stream(
    dataset: Dataset,
    config: Config,
    seed: int,
    start_iteration: int = 0,
    role: str = "untrimmed",
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Streams foreground segments, uniformly over the instances long enough.

    Args:
        dataset: The data set.
        config: The run's configuration.
        seed: Seed of the run.
        start_iteration: Iteration whose batch comes first.
        role: As in `untrimmed_stream`.
        shard: Rows of each batch to read, where several replicas share it.

    Returns:
        Infinite batches: `features [batch, 512, channels]` float32; `label [batch]`
        int32, index into the role's classes; `video [batch]` string.

    Raises:
        ValueError: No instance has `data.minimum_foreground_clips` clips.

    Source: the 2020 release cuts the first instance of a video only; here all count.
    """
    videos = dataset.role(role)
    steps = config.network.untrimmed_steps
    spans = _instance_spans(videos, "minimum_foreground_clips", config)
    order = sampling.EpochOrder(len(spans), seed, "foreground")
    index_of = _index_of_class(dataset, role)

    def sample(counter: int) -> dict[str, Any]:
        return _labelled(videos, spans[order[counter]], steps, index_of)

    signature = _labelled_signature(dataset, steps)
    return _stream(sample, signature, config, start_iteration, shard)


def moment_stream(
    dataset: Dataset,
    config: Config,
    seed: int,
    start_iteration: int = 0,
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Streams action moments with the random layout of their synthetic sequences.

    Rows are drawn one by one, or, where the mode of the synthesis says so, in runs of
    `synthesis.moments_per_class` of one class.

    Args:
        dataset: The data set.
        config: The run's configuration.
        seed: Seed of the run.
        start_iteration: Iteration whose batch comes first.
        shard: Rows of each batch to read, where several replicas share it.

    Returns:
        Infinite batches: `features [batch, 256, channels]` float32; `label [batch]`
        int32, index into `target_classes`; `video [batch]` string; and what the mode
        draws (see the files of `synthesis`): `source_row` as rows of the batch, and
        for an untrimmed video that it draws `context [batch, 512, channels]`.

    Raises:
        ValueError: No moment has `data.minimum_moment_clips` clips, or the rows of a
            batch are no multiple of `synthesis.moments_per_class`.

    Source: paper section 3.2, "Action Moment with Context"; only "single" is the
        paper's.
    """
    role, crops = dataset.role("moments"), Crops(dataset.role("untrimmed"), config)
    mode = MODES[config.synthesis.mode]
    steps = config.network.moment_steps
    spans = _instance_spans(role, "minimum_moment_clips", config)
    index_of = {name: index for index, name in enumerate(dataset.target_classes)}
    rows = shard.rows(config.training.batch_size)
    run = _run(config, rows, shard) if mode.shares_class else 1
    if mode.shares_class:
        order = sampling.ClassRuns([index_of[s.label] for s in spans], run, seed)
    else:
        order = sampling.EpochOrder(len(spans), seed, "moments")
    inputs = _draw_inputs(dataset, config, crops)

    def draw(counter: int, members: Sequence[int]) -> dict[str, Any]:
        random = sampling.generator(seed, "moments", "draw", counter)
        row = counter % config.training.batch_size
        durations = [spans[member].duration_sec for member in members]
        return mode.draw(inputs, random, row, durations)

    def sample(counter: int) -> dict[str, Any]:
        number, place = divmod(counter, run)
        members = np.atleast_1d(order[number])
        drawn = draw(counter, members)
        if mode.shares_class:
            drawn["source_row"] = drawn["source_row"] + (counter % rows - place)
        if mode.real_context:
            drawn["context"] = partial(crops.features, *drawn.pop("context_span"))
        return _labelled(role, spans[members[place]], steps, index_of) | drawn

    signature = _labelled_signature(dataset, steps)
    for name, value in draw(0, np.zeros(run, int)).items():
        signature[name] = tf.TensorSpec(np.shape(value), value.dtype)
    if signature.pop("context_span", None):
        shape = (inputs.steps, dataset.feature_channels)
        signature["context"] = tf.TensorSpec(shape, tf.float32)
    return _stream(sample, signature, config, start_iteration, shard)


def evaluation_batches(role: Role, config: Config, batch_size: int) -> tf.data.Dataset:
    """Reads every video of a role once, in order.

    Args:
        role: Such as `dataset.test()`.
        config: The run's configuration.
        batch_size: Videos in a batch; the last may have fewer.

    Returns:
        Batches: `features [batch, 512, channels]` float32, `video [batch]` string,
        `duration_sec [batch]` and `covered_sec [batch]` float64. The steps divide the
        covered duration.

    Raises:
        ValueError: The role has no video.
    """
    if not role.videos:
        raise ValueError(f"Role '{role.name}' has no video.")
    steps = config.network.untrimmed_steps
    spans = role.whole_spans()
    role.sequences.require(config.data)

    def sample(number: int) -> dict[str, Any]:
        video = role.videos[number]
        return {
            "features": partial(role.sequences.sequence, spans[number], steps),
            "video": video.id,
            "duration_sec": video.duration_sec,
            "covered_sec": role.covered_sec(video),
        }

    signature = {
        "features": tf.TensorSpec((steps, role.sequences.channels), tf.float32),
        "video": tf.TensorSpec((), tf.string),
        "duration_sec": tf.TensorSpec((), tf.float64),
        "covered_sec": tf.TensorSpec((), tf.float64),
    }
    return finite_batches(sample, signature, batch_size, len(spans)).prefetch(1)


def _index_of_class(dataset: Dataset, role: str) -> dict[str, int]:
    """Returns the indices of the classes of an annotated role, by name."""
    oracle = role == "oracle"
    classes = dataset.target_classes if oracle else dataset.source_classes
    return {name: index for index, name in enumerate(classes)}


def _instance_spans(role: Role, option: str, config: Config) -> list[ClipSpan]:
    """Returns the samples of a role; there must be one, and read as asked for."""
    minimum = getattr(config.data, option)
    spans = role.instance_spans(max(1, minimum))
    if not spans:
        longest = max((span.clips for span in role.instance_spans()), default=0)
        raise ValueError(
            f"No instance of role '{role.name}' has data.{option} = {minimum} clips; "
            f"the longest has {longest}."
        )
    role.sequences.require(config.data)
    return spans


def _labelled(
    role: Role, span: ClipSpan, steps: int, index_of: Mapping[str, int]
) -> dict[str, Any]:
    """Reads a span with its class."""
    return {
        "features": partial(role.sequences.sequence, span, steps),
        "label": index_of[span.label],
        "video": span.video,
    }


def _labelled_signature(dataset: Dataset, steps: int) -> dict[str, tf.TensorSpec]:
    return {
        "features": tf.TensorSpec((steps, dataset.feature_channels), tf.float32),
        "label": tf.TensorSpec((), tf.int32),
        "video": tf.TensorSpec((), tf.string),
    }


def _draw_inputs(dataset: Dataset, config: Config, crops: Crops) -> DrawInputs:
    """Gathers what the draws of the synthesis may look at."""
    untrimmed = dataset.role("untrimmed")
    return DrawInputs(
        config=config.synthesis,
        steps=config.network.untrimmed_steps,
        max_segments=config.data.max_segments or untrimmed.most_instances(),
        instances_sec=[
            np.array([(i.start_sec, i.end_sec) for i in video.instances]).reshape(-1, 2)
            for video in untrimmed.videos
        ],
        stretch=lambda random: crops.draw(int(random.integers(len(crops))), random),
    )


def _run(config: Config, rows: int, shard: Shard) -> int:
    """Returns how many rows of a batch in succession share a class.

    Raises:
        ValueError: The rows of a replica's batch are no multiple of that.
    """
    run = config.synthesis.moments_per_class
    if run < 1 or rows % run:
        each = "" if shard.count == 1 else f" / {shard.count} replicas"
        raise ValueError(
            f"Expected training.batch_size{each} to be a multiple of "
            f"synthesis.moments_per_class, received {rows} and {run}."
        )
    return run


def _stream(
    sample: Sample,
    signature: Signature,
    config: Config,
    start_iteration: int,
    shard: Shard,
) -> tf.data.Dataset:
    """Batches the endless samples of a stream, beginning at an iteration."""
    rows = shard.rows(config.training.batch_size)
    first = start_iteration * shard.count + shard.index
    return endless_batches(sample, signature, rows, first, shard.count)
