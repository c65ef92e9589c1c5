"""Feature stores made of other feature stores."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ahernet_tf.data.features.feature_store import FeatureStore, spellings
from ahernet_tf.data.features.time_model import TimeModel, VideoInfo
from ahernet_tf.data.video_columns import Texts

# Sequences of one stride may differ by so many clips (or this part of them).
_SLACK_CLIPS = 2
_SLACK_FRACTION = 0.05


class DeferredStore(FeatureStore):
    """A store that is opened when it is first needed, and perhaps never."""

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

    def ids(self) -> list[str]:
        """Returns the ids of all sequences."""
        return self.store.ids()

    def find(self, video_id: str) -> str | None:
        """Returns the id that the store has for a video, or None."""
        return self.store.find(video_id)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video."""
        return self.store.shape(video_id)

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features of a video."""
        return self.store.read(video_id)

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what the store's description says of a video, if anything."""
        return self.store.info(video_id)

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        return self.store.file_of(video_id)


class UnionStore(FeatureStore):
    """Several stores that hold different videos, such as one file a subset.

    A video that is in several is read from the first that has it.
    """

    def __init__(
        self, stores: Sequence[FeatureStore], path: pathlib.Path | None = None
    ) -> None:
        """Takes the stores; the description is that of the first.

        Args:
            stores: The stores.
            path: Where they lie together; None: the path of the first.
        """
        self.stores = tuple(stores)
        self.path = path or self.stores[0].path
        self.description = self.stores[0].description
        ids = [(v, n) for n, store in enumerate(self.stores) for v in store.ids()]
        self._ids = Texts.of(video for video, _ in ids)
        self._store_of = np.array([number for _, number in ids], np.int32)

    def ids(self) -> list[str]:
        """Returns the ids of all sequences."""
        return list(dict.fromkeys(self._ids))

    def find(self, video_id: str) -> str | None:
        """Returns the id that the stores have for a video, or None."""
        return self._holder(video_id).find(video_id)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video."""
        return self._holder(video_id).shape(video_id)

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features of a video."""
        return self._holder(video_id).read(video_id)

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what a description says of a video, if anything."""
        return self._holder(video_id).info(video_id)

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        return self._holder(video_id).file_of(video_id)

    def _holder(self, video_id: str) -> FeatureStore:
        """Returns the first store that has a video, else the first."""
        for name in spellings(video_id):
            place = self._ids.find(name)
            if place is not None:
                return self.stores[self._store_of[place]]
        return self.stores[0]


class ConcatenatedStore(FeatureStore):
    """Several stores of the same videos, their channels one after the other.

    The clips are those of the first store. Another store of the same time model may
    have a few more or fewer clips at the end: all are cut to the shortest. One of
    another time model is interpolated linearly at the centres of the first's clips.
    """

    def __init__(
        self, stores: Sequence[FeatureStore], models: Sequence[TimeModel]
    ) -> None:
        """Takes the stores and what tells when their clips are.

        Raises:
            ValueError: The time models cannot be brought together.
        """
        self.stores, self.models = tuple(stores), tuple(models)
        self.path = self.stores[0].path
        self.description = self.stores[0].description
        first = self.models[0]
        for store, model in zip(self.stores, self.models):
            rates = {(m.fps, m.resampled) for m in (first, model)}
            kinds = {m.covers for m in (first, model)}
            known = all(m.fps for m in (first, model))
            if model != first and (len(kinds) > 1 or (len(rates) > 1 and not known)):
                raise ValueError(
                    f"{store.path}: cannot be aligned with {self.path}: give both an "
                    "fps and clips that cover the same"
                )

    def ids(self) -> list[str]:
        """Returns the ids that all stores have."""
        return [v for v in self.stores[0].ids() if self.find(v) is not None]

    def find(self, video_id: str) -> str | None:
        """Returns the id that the first store has for a video, or None."""
        found = self.stores[0].find(video_id)
        return found if all(video_id in store for store in self.stores) else None

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video."""
        shapes = [store.shape(video_id) for store in self.stores]
        clips = self._clips([shape[0] for shape in shapes], video_id)
        return clips, sum(shape[1] for shape in shapes)

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features of a video, aligned."""
        parts = [store.read(video_id) for store in self.stores]
        clips = self._clips([len(part) for part in parts], video_id)
        first = self.models[0]
        aligned = [
            part[:clips] if model == first else _interpolate(part, model, first, clips)
            for part, model in zip(parts, self.models)
        ]
        return np.concatenate(aligned, axis=1)

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what the first store's description says of a video, if anything."""
        return self.stores[0].info(video_id)

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file of the first store that lacks a video, else of the first."""
        lacking = (s for s in self.stores if video_id not in s)
        return next(lacking, self.stores[0]).file_of(video_id)

    def _clips(self, counts: Sequence[int], video_id: str) -> int:
        """Returns how many clips all sequences of the first time model have.

        Raises:
            ValueError: They differ by more than a few.
        """
        same = [n for n, model in zip(counts, self.models) if model == self.models[0]]
        least, most = min(same), max(same)
        if most - least > max(_SLACK_CLIPS, _SLACK_FRACTION * most):
            raise ValueError(
                f"{self.where(video_id)}: its parts have {same} clips; they do not "
                "belong together"
            )
        return least


def _interpolate(
    values: np.ndarray, model: TimeModel, wanted: TimeModel, clips: int
) -> np.ndarray:
    """Interpolates clips linearly at the centres of another time model's clips."""
    if not len(values):
        raise ValueError("Expected at least one clip to interpolate, received none.")
    # With one frame rate the result does not depend on it.
    fps = None if model.fps and wanted.fps else 1.0
    have = model.centres_sec(len(values), fps, 1.0)
    want = wanted.centres_sec(clips, fps, 1.0)
    place = np.interp(want, have, np.arange(len(values)))
    left = np.minimum(place.astype(int), max(len(values) - 2, 0))
    right = np.minimum(left + 1, len(values) - 1)
    weight = (place - left)[:, np.newaxis]
    values = values.astype(np.float32)
    return (values[left] * (1 - weight) + values[right] * weight).astype(np.float32)
