"""Feature stores made of other feature stores."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np

from ahernet_tf.data.features.feature_store import FeatureStore, spellings
from ahernet_tf.data.features.time_model import TimeModel, VideoInfo

# Sequences of one stride may differ by so many clips (or this part of them).
_SLACK_CLIPS = 2
_SLACK_FRACTION = 0.05


class UnionStore(FeatureStore):
    """Several stores that hold different videos, such as one per subset or class.

    A name that is in several belongs to several videos, which are called
    `store/name`, such as `dive/0001`. Where a video of that name alone is asked for,
    it is an error: the files may be parts of one video, RGB and flow.

    Args:
        stores: The stores; the description is that of the first.
        path: Where they lie together; None: the path of the first.
    """

    def __init__(
        self, stores: Sequence[FeatureStore], path: pathlib.Path | None = None
    ) -> None:
        self.stores = tuple(stores)
        self.path = path or self.stores[0].path
        self.description = self.stores[0].description
        self._owners: dict[str, list[int]] = {}
        for number, store in enumerate(self.stores):
            for video in store.ids():
                self._owners.setdefault(video, []).append(number)

    def ids(self) -> list[str]:
        """Returns the ids of all sequences."""
        return [
            video if len(owners) == 1 else f"{_called(self.stores[owner].path)}/{video}"
            for video, owners in self._owners.items()
            for owner in owners
        ]

    def find(self, video_id: str) -> str | None:
        """Returns the id that the stores have for a video, or None."""
        store, name = self._place(video_id)
        found = store.find(name)
        return found if name in spellings(video_id) else video_id

    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video."""
        store, name = self._only_place(video_id)
        return store.shape(name)

    def read(self, video_id: str) -> np.ndarray:
        """Reads the features of a video."""
        store, name = self._only_place(video_id)
        return store.read(name)

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what a description says of a video, if anything."""
        store, name = self._place(video_id)
        return store.info(name)

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        store, name = self._place(video_id)
        return store.file_of(name)

    def _place(self, video_id: str) -> tuple[FeatureStore, str]:
        """Returns the first store that has a video, else the first; its id there."""
        for name in spellings(video_id):
            if name in self._owners:
                return self.stores[self._owners[name][0]], name
        folder, _, name = video_id.partition("/")
        for store in self.stores if name else ():
            if _called(store.path) == folder and name in store:
                return store, name
        return self.stores[0], video_id

    def _only_place(self, video_id: str) -> tuple[FeatureStore, str]:
        """Returns the one store that has a video, and its id there.

        Raises:
            ValueError: Several have it.
        """
        store, name = self._place(video_id)
        owners = [self.stores[i].path for i in self._owners.get(name, ())]
        if len(owners) < 2 or name not in spellings(video_id):
            return store, name
        names = [owner.name for owner in owners]
        raise ValueError(
            f"{self.where(video_id)}: is in {' and '.join(names)}; if they "
            f"are parts of one video, join them with --parts {','.join(names)} of "
            "make_dataset ('parts' in dataset.json); if they are different videos, put "
            f"{' or '.join(f'{_called(o)}/' for o in owners)} before their names"
        )


def _called(path: pathlib.Path) -> str:
    """Returns what a store is called where several have a name."""
    return path.name if path.is_dir() else path.stem


class ConcatenatedStore(FeatureStore):
    """Several stores of the same videos, their channels one after the other.

    The clips are those of the first store. Another store of the same time model may
    have a few more or fewer clips at the end: all are cut to the shortest. One of
    another time model is interpolated linearly at the centres of the first's clips.

    Args:
        stores: The stores.
        models: What tells when the clips of each are.

    Raises:
        ValueError: The time models cannot be brought together.
    """

    def __init__(
        self, stores: Sequence[FeatureStore], models: Sequence[TimeModel]
    ) -> None:
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

    @property
    def name(self) -> str:
        """What messages call the store: its parts."""
        return " + ".join(store.name for store in self.stores)

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
