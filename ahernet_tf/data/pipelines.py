"""The training streams as `tf.data` pipelines (paper section 3.3, Algorithm 1).

Three infinite streams give one batch each an iteration: untrimmed videos, foreground
segments, action moments. Every batch is a pure function of (seed, stream, iteration);
see `sampling`. Random placement of synthetic moments is drawn here and travels in the
batch, so that all phases of an iteration see the same. A batch is made when it is asked
for; `stream.prefetch(1)` makes it beside the iteration before.
"""

from __future__ import annotations

import concurrent.futures
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.data import checks, sampling
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.packed.buffers import BufferPool
from ahernet_tf.data.roles import Role
from ahernet_tf.data.sampling import WHOLE, Shard
from ahernet_tf.data.sequences import ClipStatistics
from ahernet_tf.synthesis import draws as placements
from ahernet_tf.synthesis.draws import Signature

_PARALLEL_SAMPLES = 8
_ENDLESS = np.iinfo(np.int64).max

# What computes a sample by its number.
_Sample = Callable[[int], tuple]


def untrimmed_stream(
    dataset: Dataset,
    config: Config,
    seed: int,
    start_iteration: int = 0,
    role: str = "untrimmed",
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Streams whole untrimmed videos with their segments.

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
        max_segments, 2]` float32 in steps; `segment_mask [batch, max_segments]` bool;
        `segment_labels [batch, max_segments]` int32, 0 where masked; `chosen [batch]`
        int32, a random one of the segments; `video [batch]` string.

    Raises:
        ValueError: The data set has no such role.
    """
    videos = dataset.role(role)
    classes = _annotated_classes(dataset, role)
    label_of = {name: index for index, name in enumerate(classes)}
    steps, limit = config.network.untrimmed_steps, dataset.max_segments(config.data)
    order = sampling.EpochOrder(len(videos.videos), seed, role)
    spans = videos.whole_spans()
    videos.sequences.require(spans, steps, config.data)

    def sample(counter: int) -> tuple:
        index = order[counter]
        video = videos.videos[index]
        found, names = videos.segments(video, steps, limit)
        segments = np.zeros((limit, 2), np.float32)
        segments[: len(found)] = found
        labels = np.zeros(limit, np.int32)
        labels[: len(found)] = [label_of[name] for name in names]
        features = videos.sequences.sequence(spans[index], steps)
        mask = np.arange(limit) < len(found)
        random = sampling.generator(seed, role, "draw", counter)
        chosen = np.int32(random.integers(max(1, len(found))))
        return features, segments, mask, labels, chosen, video.id

    signature = {
        "features": (tf.float32, (steps, dataset.feature_channels)),
        "segments": (tf.float32, (limit, 2)),
        "segment_mask": (tf.bool, (limit,)),
        "segment_labels": (tf.int32, (limit,)),
        "chosen": (tf.int32, ()),
        "video": (tf.string, ()),
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
        shard: Likewise.

    Returns:
        Infinite batches: `features [batch, 512, channels]` float32; `label [batch]`
        int32, index into the role's classes; `video [batch]` string.

    Raises:
        ValueError: No instance has `data.minimum_foreground_clips` clips.

    Source: the 2020 release cuts the first instance of a video only; here all count.
    """
    videos = dataset.role(role)
    steps = config.network.untrimmed_steps
    spans = _instance_spans(videos, "minimum_foreground_clips", steps, config)
    labels = _labels(spans, _annotated_classes(dataset, role))
    order = sampling.EpochOrder(len(spans), seed, "foreground")

    def sample(counter: int) -> tuple:
        index = order[counter]
        features = videos.sequences.sequence(spans[index], steps)
        return features, labels[index], spans[index].video

    signature = {
        "features": (tf.float32, (steps, dataset.feature_channels)),
        "label": (tf.int32, ()),
        "video": (tf.string, ()),
    }
    return _stream(sample, signature, config, start_iteration, shard)


def moment_stream(
    dataset: Dataset,
    config: Config,
    seed: int,
    start_iteration: int = 0,
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Streams action moments with the random layout of their synthetic sequences.

    With `synthesis.mode="single"` rows are drawn one by one, each with its own length
    ratio and position (Eq. 2). With "tiled" rows come in runs of
    `synthesis.moments_per_class` of one class, and each row's synthetic sequence
    holds several moments of its run at their real length, in a sequence as long as
    a random untrimmed video (see `sampling.tile`). With
    "transplanted" they lie amid the background of a random untrimmed video (see
    `sampling.transplant`). With "whole" nothing is drawn.

    Args:
        dataset: The data set.
        config: The run's configuration.
        seed: Seed of the run.
        start_iteration: Iteration whose batch comes first.
        shard: Rows of each batch to read, where several replicas share it.

    Returns:
        Infinite batches: `features [batch, 256, channels]` float32; `label [batch]`
        int32, index into `target_classes`; `video [batch]` string; and for "single"
        `length_ratio [batch]` and `position [batch]` int32 in units of 0.05 and
        `inside_start [batch]` bool (the moment parts the start context, else the end
        context); for "tiled" `source_row [batch, max_segments]` int32 (row whose
        moment is laid there), `segments [batch, max_segments, 2]` float32 in whole
        steps, and `segment_mask [batch, max_segments]` bool; for "transplanted" also
        `context [batch, 512, channels]` float32, the video, and `context_step [batch,
        512]` int32, which of its steps each step shows, -1 where a moment lies.

    Raises:
        ValueError: No moment has `data.minimum_moment_clips` clips, or the rows of a
            batch are no multiple of `synthesis.moments_per_class`.

    Source: paper section 3.2, "Action Moment with Context"; "tiled" is not in the
        paper.
    """
    role = dataset.role("moments")
    steps = config.network.moment_steps
    spans = _instance_spans(role, "minimum_moment_clips", steps, config)
    labels = _labels(spans, dataset.target_classes)
    place = placements.BY_MODE[config.synthesis.mode]
    draw, drawn = place(dataset, config, spans, labels, seed, shard)

    def sample(counter: int) -> tuple:
        index, placement = draw(counter)
        features = role.sequences.sequence(spans[index], steps)
        return features, labels[index], spans[index].video, *placement

    signature = {
        "features": (tf.float32, (steps, dataset.feature_channels)),
        "label": (tf.int32, ()),
        "video": (tf.string, ()),
        **drawn,
    }
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
    role.sequences.require(spans, steps, config.data)

    def sample(number: int) -> tuple:
        video = role.videos[number]
        features = role.sequences.sequence(spans[number], steps)
        return features, video.id, video.duration_sec, role.covered_sec(video)

    signature = {
        "features": (tf.float32, (steps, role.sequences.channels)),
        "video": (tf.string, ()),
        "duration_sec": (tf.float64, ()),
        "covered_sec": (tf.float64, ()),
    }
    numbers = tf.data.Dataset.range(-(-len(role.videos) // batch_size))
    batches = _batches(numbers, sample, signature, batch_size, len(role.videos))
    return batches.prefetch(1)


def channel_statistics(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Computes mean and deviation of each channel over the training clips.

    All clips of the videos of `untrimmed` and `moments` count, each video once.

    Returns:
        Mean and standard deviation `[channels]`, float32; the deviation of a constant
        channel is 1.
    """
    roles = dataset.role("untrimmed"), dataset.role("moments")
    videos = {
        (role.sequences.key, video.id): role.sequences
        for role in roles
        for video in role.videos
    }

    def of_video(item: tuple) -> ClipStatistics:
        (_, video), sequences = item
        return sequences.statistics(video)

    count, mean, squares = 0, np.zeros(dataset.feature_channels), 0.0
    items = list(videos.items())
    for n, m, s in checks.in_parallel(of_video, items, "channel statistics"):
        difference = m - mean
        squares += s + np.square(difference) * (n * count / (n + count))
        count += n
        mean += difference * (n / count)
    deviation = np.sqrt(squares / count)
    deviation[deviation <= 1e-7 * np.abs(mean)] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)


def _annotated_classes(dataset: Dataset, role: str) -> tuple[str, ...]:
    """Returns the classes that the labels of an annotated role index."""
    return dataset.target_classes if role == "oracle" else dataset.source_classes


def _labels(spans: Sequence[ClipSpan], classes: Sequence[str]) -> np.ndarray:
    """Returns the index of the class of each span, `[spans]` int32."""
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[span.label] for span in spans], np.int32)


def _instance_spans(
    role: Role, option: str, steps: int, config: Config
) -> list[ClipSpan]:
    """Returns the samples of a role; there must be one, and readable as asked for."""
    minimum = getattr(config.data, option)
    spans = role.instance_spans(max(1, minimum))
    if not spans:
        longest = max((span.clips for span in role.instance_spans()), default=0)
        raise ValueError(
            f"No instance of role '{role.name}' has data.{option} = {minimum} clips; "
            f"the longest has {longest}."
        )
    role.sequences.require(spans, steps, config.data, option)
    return spans


def _stream(
    sample: _Sample,
    signature: Signature,
    config: Config,
    start_iteration: int,
    shard: Shard,
) -> tf.data.Dataset:
    """Batches the endless samples of a stream, beginning at an iteration."""
    size = shard.rows(config.training.batch_size)
    first = start_iteration * shard.count + shard.index
    numbers = tf.data.Dataset.range(first, _ENDLESS // size, shard.count)
    return _batches(numbers, sample, signature, size)


def _batches(
    numbers: tf.data.Dataset,
    sample: _Sample,
    signature: Signature,
    size: int,
    total: int | None = None,
) -> tf.data.Dataset:
    """Computes batches of samples, several samples at a time, in order.

    Args:
        numbers: Numbers of the batches.
        sample: Computes a sample by its number; its first part are the features.
        signature: What a sample holds.
        size: Samples in a batch.
        total: Number of all samples, where there is an end; the last batch may then
            be smaller.
    """
    batches = _Batches(sample, signature, size, total)
    # TensorFlow keeps what numpy_function is given until the process ends; the memory
    # and the data set go with the pipeline, which keeps `to_tensors`.
    reference = weakref.ref(batches)

    def compute(number: np.ndarray) -> list[np.ndarray]:
        alive = reference()
        if alive is None:
            raise RuntimeError(
                "The data set of these batches is gone. Keep it or an iterator over "
                "it, and make it outside of tf.function."
            )
        return alive.compute(int(number))

    def to_tensors(number: tf.Tensor) -> dict[str, tf.Tensor]:
        values = tf.numpy_function(compute, [number], batches.types, stateful=False)
        return {
            name: tf.ensure_shape(value, (size if total is None else None, *shape))
            for value, (name, (_, shape)) in zip(values, signature.items())
        }

    options = tf.data.Options()
    # There is nothing to tune, and the thread that tunes may keep an iterator that is
    # no longer used alive for seconds.
    options.autotune.enabled = False
    return numbers.map(to_tensors).with_options(options)


class _Batches:
    """Computes batches by their number, several samples at a time.

    Attributes:
        types: Of what a batch holds.
    """

    def __init__(
        self, sample: _Sample, signature: Signature, size: int, total: int | None
    ) -> None:
        """Starts the threads; for the arguments see `_batches`."""
        self.types = [kind for kind, _ in signature.values()]
        self._features_shape = signature["features"][1]
        self._sample, self._size, self._total = sample, size, total
        self._threads = concurrent.futures.ThreadPoolExecutor(_PARALLEL_SAMPLES)
        self._memory = BufferPool()

    def compute(self, number: int) -> list[np.ndarray]:
        """Returns the parts of a batch in the order of the signature."""
        first, count = number * self._size, self._size
        if self._total is not None:
            count = min(count, self._total - first)
        features = self._memory.array((count, *self._features_shape), np.float32)

        def fill(place: int) -> tuple:
            values, *others = self._sample(first + place)
            features[place] = values
            return others

        parts = zip(*self._threads.map(fill, range(count)))
        others = [
            np.array(part, kind.as_numpy_dtype)
            for part, kind in zip(parts, self.types[1:])
        ]
        return [features, *others]
