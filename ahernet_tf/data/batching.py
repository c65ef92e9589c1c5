"""Endless and finite batches of samples as a `tf.data` pipeline, in order."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

# More threads than processors hinder each other: twice the time per sample with eight
# on two. Two at least, so that one computes while the other waits for the disk.
_THREADS = max(2, min(8, os.cpu_count() or 1))
_ALIGNMENT = 64  # TensorFlow takes arrays that begin there without copying them
_ENDLESS = np.iinfo(np.int64).max

#: Computes a sample by its number: arrays by name, or functions that write to `out`.
Sample = Callable[[int], Mapping[str, Any]]
#: Type and shape of each part of a sample.
Signature = Mapping[str, tf.TensorSpec]


def endless_batches(
    sample: Sample, signature: Signature, size: int, first: int = 0, stride: int = 1
) -> tf.data.Dataset:
    """Streams the batches number `first`, `first + stride`, ...

    Args:
        sample: Batch n holds the samples n * size to (n + 1) * size.
        signature: What a sample holds.
        size: Samples in a batch.
        first: Number of the batch that comes first.
        stride: From the number of one batch to that of the next.

    Returns:
        A batch is made when it is asked for, several samples at a time.
    """
    numbers = tf.data.Dataset.range(first, _ENDLESS // size, stride)
    return _batches(numbers, sample, signature, size, None)


def finite_batches(
    sample: Sample, signature: Signature, size: int, total: int
) -> tf.data.Dataset:
    """Reads `total` samples once, in order; the last batch may be smaller.

    Args:
        sample: As in `endless_batches`.
        signature: What a sample holds.
        size: Samples in a batch.
        total: Number of samples.
    """
    numbers = tf.data.Dataset.range(-(-total // size))
    return _batches(numbers, sample, signature, size, total)


def _batches(
    numbers: tf.data.Dataset,
    sample: Sample,
    signature: Signature,
    size: int,
    total: int | None,
) -> tf.data.Dataset:
    batches = _Batches(sample, signature, size, total)
    # TensorFlow keeps what numpy_function is given until the process ends; the data
    # set goes with the pipeline, which keeps `to_tensors`.
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
        types = [spec.dtype for spec in batches.signature.values()]
        values = tf.numpy_function(compute, [number], types, stateful=False)
        rows = size if total is None else None
        return {
            name: tf.ensure_shape(value, (rows, *spec.shape))
            for value, (name, spec) in zip(values, signature.items())
        }

    options = tf.data.Options()
    # There is nothing to tune, and the thread that tunes may keep an iterator that is
    # no longer used alive for seconds.
    options.autotune.enabled = False
    return numbers.map(to_tensors).with_options(options)


class _Batches:
    """Computes batches by their number, several samples at a time."""

    def __init__(
        self, sample: Sample, signature: Signature, size: int, total: int | None
    ) -> None:
        self.signature = signature
        self._sample, self._size, self._total = sample, size, total
        self._threads = concurrent.futures.ThreadPoolExecutor(_THREADS)
        self._memory = _Memory()

    def compute(self, number: int) -> list[np.ndarray]:
        """Returns the parts of a batch in the order of the signature."""
        first, end = number * self._size, (number + 1) * self._size
        if self._total is not None:
            end = min(end, self._total)
        parts = [
            self._memory.empty((end - first, *spec.shape), spec.dtype.as_numpy_dtype)
            for spec in self.signature.values()
        ]

        def fill(row: int) -> None:
            sample = self._sample(first + row)
            for part, name in zip(parts, self.signature):
                value = sample[name]
                if callable(value):
                    value(out=part[row])
                else:
                    part[row] = value

        list(self._threads.map(fill, range(end - first)))
        return parts


class _Memory:
    """Memory of batches, which serves again when no array or tensor uses it any more.

    The system fills fresh memory with zeros; that takes as long as half of the samples.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, list[np.ndarray]] = {}

    def empty(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """Returns an array with arbitrary content that TensorFlow need not copy."""
        if np.dtype(dtype).hasobject:
            return np.empty(shape, dtype)
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        blocks = self._blocks.setdefault(size, [])
        for memory in blocks:
            if sys.getrefcount(memory) <= 3:  # the list, this loop, and the question
                break
        else:
            memory = np.empty(size + _ALIGNMENT, np.uint8)
            blocks.append(memory)
        begin = -memory.ctypes.data % _ALIGNMENT
        return memory[begin : begin + size].view(dtype).reshape(shape)
