"""Batches on their way from the data pipeline to the GPU."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import tensorflow as tf

from ahernet_tf import devices
from ahernet_tf.training.workers import Batches

#: Parts of a batch that are large; the others go with the step that reads them.
_LARGE = ("features", "context")


def on_device_ahead(batches: Iterator[Batches]) -> Iterator[Batches]:
    """Copies each batch to the GPU while the iteration before it is computed.

    Args:
        batches: A batch of each stream an iteration. Those of several replicas, which
            TensorFlow places itself, pass as they are, and so do all without a GPU.

    Yields:
        The same batches.
    """
    if not devices.has_gpu():
        yield from batches
        return

    def on_device(name: str, part: tf.Tensor) -> tf.Tensor:
        if name not in _LARGE or not tf.is_tensor(part):
            return part
        with tf.device("/GPU:0"):
            return tf.identity(part)

    def load() -> Batches | None:
        batch = next(batches, None)
        return batch and {
            stream: {name: on_device(name, part) for name, part in parts.items()}
            for stream, parts in batch.items()
        }

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        coming = thread.submit(load)
        while (batch := coming.result()) is not None:
            coming = thread.submit(load)
            yield batch
