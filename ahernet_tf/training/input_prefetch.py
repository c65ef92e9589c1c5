"""Batches on their way from the data pipeline to the step of an iteration."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterator, Mapping

import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.training.distribution import Batches

#: Parts of a batch that are large; the others go with the step that reads them.
_LARGE = ("features", "context")

#: Share of an iteration that making its batch may take without being made ahead.
_SHORT = 0.01


def zipped(streams: Mapping[str, tf.data.Dataset], ahead: bool) -> tf.data.Dataset:
    """Joins streams: a batch of each an iteration.

    Args:
        streams: By name.
        ahead: Whether batches are made beside the iteration before them.
    """
    if ahead:
        streams = {name: stream.prefetch(1) for name, stream in streams.items()}
    return tf.data.Dataset.zip(dict(streams))


def fed(
    make: Callable[[int, bool], Iterator[Batches]], count: int
) -> Iterator[Batches]:
    """Yields batches, made ahead where an iteration would wait for them.

    A batch that lies ready takes memory: 0.17 GB at the paper's size, where making one
    is a small part of an iteration on a processor. So each is made when it is asked
    for, until an iteration has waited for more than a hundredth of its time; from then
    on each is made beside the iteration before it. With a GPU all are.

    Args:
        make: Returns the batches from a number on, to the last one; its second argument
            says whether they are made ahead.
        count: Number of batches.

    Yields:
        The batches. None is held here.
    """
    if devices.has_gpu():
        yield from _on_device_ahead(make(0, True))
        return
    batches = make(0, False)
    for number in range(count):
        begin = time.monotonic()
        made = [next(batches)]
        waited = time.monotonic() - begin
        yield made.pop()
        if waited > _SHORT * (time.monotonic() - begin):
            del batches
            yield from make(number + 1, True)
            return


def _on_device_ahead(batches: Iterator[Batches]) -> Iterator[Batches]:
    """Copies each batch to the GPU while the iteration before it is computed.

    Those of several replicas, which TensorFlow places itself, pass as they are.
    """

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
