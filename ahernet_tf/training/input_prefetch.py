"""Batches on their way from the data pipeline to the step of an iteration."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator, Mapping

import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.training.distribution import Batches

#: Parts of a batch that are large; the others go with the step that reads them.
_LARGE = ("features", "context")


def joined(streams: Mapping[str, tf.data.Dataset]) -> tf.data.Dataset:
    """Joins streams, a batch of each per iteration, made beside the iteration before.

    Args:
        streams: By name.
    """
    return tf.data.Dataset.zip(dict(streams)).prefetch(1)


def on_device(batches: Iterator[Batches]) -> Iterator[Batches]:
    """Copies each batch to the GPU, if there is one, while the one before is read.

    Those of several replicas, which TensorFlow places itself, pass as they are.
    """
    if not devices.has_gpu():
        yield from batches
        return

    def copied(name: str, part: tf.Tensor) -> tf.Tensor:
        if name not in _LARGE or not tf.is_tensor(part):
            return part
        with tf.device("/GPU:0"):
            return tf.identity(part)

    def load() -> Batches | None:
        batch = next(batches, None)
        return batch and {
            stream: {name: copied(name, part) for name, part in parts.items()}
            for stream, parts in batch.items()
        }

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        coming = thread.submit(load)
        while (batch := coming.result()) is not None:
            coming = thread.submit(load)
            yield batch
