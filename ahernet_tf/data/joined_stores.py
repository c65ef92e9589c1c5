"""Feature stores made of other feature stores."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ahernet_tf.data.features import FeatureStore
from ahernet_tf.data.time_model import VideoInfo


class DeferredStore(FeatureStore):
    """A store that is opened when it is first needed, and perhaps never."""

    format = "deferred"

    def __init__(self, path: pathlib.Path, open_it: Callable[[], FeatureStore]) -> None:
        """Notes how to open the store.

        Args:
            path: Where it lies.
            open_it: Opens it; may raise ValueError.
        """
        self.path = path
        self._open = open_it

    @functools.cached_property
    def store(self) -> FeatureStore:
        """The store itself.

        Raises:
            ValueError: It cannot be opened.
        """
        return self._open()

    @property
    def description(self) -> dict[str, Any]:
        """What the store says of itself."""
        return self.store.description

    @property
    def _index(self) -> dict[str, Any]:
        return self.store._index

    def _make_index(self) -> dict[str, Any]:
        return self.store._index

    def _read(self, key: str) -> np.ndarray:
        return self.store._read(key)

    def _shape(self, key: str) -> tuple[int, ...]:
        return self.store._shape(key)

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what the store's description says of a video, if anything."""
        return self.store.info(video_id)

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        return self.store.file_of(video_id)
