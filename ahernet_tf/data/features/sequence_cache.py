"""Keeps sequences in memory up to a number of bytes."""

from __future__ import annotations

import threading
from collections.abc import Hashable

import numpy as np


class SequenceCache:
    """Arrays by key, up to a number of bytes; safe to use from several threads.

    Nothing is ever thrown out: every sample is visited once an epoch, so an array
    that is replaced would be missed as soon as the one that replaces it is useful.
    When the cache is full, further arrays are simply not kept.

    Attributes:
        limit_bytes: The most that is kept.
        used_bytes: What is kept now.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Starts an empty cache of at most `limit_bytes` bytes."""
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._arrays: dict[Hashable, np.ndarray] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Returns the number of arrays kept."""
        return len(self._arrays)

    def get(self, key: Hashable) -> np.ndarray | None:
        """Returns the array of a key, or None."""
        return self._arrays.get(key)

    def put(self, key: Hashable, array: np.ndarray) -> None:
        """Keeps a read-only array of its own memory, if there is room for it."""
        with self._lock:
            if key in self._arrays or self.used_bytes + array.nbytes > self.limit_bytes:
                return
            self.used_bytes += array.nbytes
            if array.base is not None:
                array = array.copy()  # a view would keep the whole video in memory
            array.setflags(write=False)
            self._arrays[key] = array
