"""Memory for batches that is used again when nobody holds the batch any more.

A batch of the paper's size is 64 MiB. Fresh memory of that size costs the system more
than everything else in a batch: it has to clear and map 16,384 pages.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

_ALIGNMENT = 64  # TensorFlow takes arrays that begin there without copying them


class BufferPool:
    """Gives out arrays; takes their memory back when the last reference is gone.

    A tensor that was made of an array without copying holds a reference, too. Safe to
    use from several threads.
    """

    def __init__(self) -> None:
        """Starts without any memory."""
        self._buffers: list[np.ndarray] = [np.empty(_ALIGNMENT, np.uint8)]
        self._lock = threading.Lock()
        self._free_references = self._references(0)

    def __len__(self) -> int:
        """Returns the number of blocks of memory."""
        return len(self._buffers) - 1

    def array(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """Returns an array with arbitrary content.

        Args:
            shape: Its shape.
            dtype: Its type.
        """
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with self._lock:
            buffer = self._free_buffer(size + _ALIGNMENT)
            begin = -buffer.ctypes.data % _ALIGNMENT
            return buffer[begin : begin + size].view(dtype).reshape(shape)

    def _free_buffer(self, size: int) -> np.ndarray:
        """Returns a block that nobody holds, or a new one."""
        for number in range(1, len(self._buffers)):
            free = self._references(number) == self._free_references
            if free and self._buffers[number].nbytes >= size:
                return self._buffers[number]
        self._buffers.append(np.empty(size, np.uint8))
        return self._buffers[-1]

    def _references(self, number: int) -> int:
        """Counts the references to a block."""
        return sys.getrefcount(self._buffers[number])
