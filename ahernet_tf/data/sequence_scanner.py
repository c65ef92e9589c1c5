"""Reads feature sequences once: checks them, and notes what their values are like."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable

import numpy as np

from ahernet_tf.data import checks
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.roles import Role


@dataclasses.dataclass(frozen=True, slots=True)
class SequenceFacts:
    """What the values of one feature sequence are like.

    Attributes:
        clips: Number of clips.
        mean: Mean of all values.
        deviation: Standard deviation of all values.
        constant: Whether all clips are the same, of more than one.
        digest: Checksum of the values.
    """

    clips: int
    mean: float
    deviation: float
    constant: bool
    digest: bytes


class SequenceScanner:
    """Reads sequences for the loader, and remembers what they are like."""

    def __init__(self) -> None:
        self._facts: dict[tuple[FeatureStore, str], SequenceFacts] = {}

    def of(self, role: Role, video: str) -> SequenceFacts | None:
        """Returns what a video's features are like, if they were read."""
        return self._facts.get((role.sequences.store, video))

    def check(
        self, pairs: Iterable[tuple[FeatureStore, str]], read: bool
    ) -> dict[tuple[FeatureStore, str], checks.FeatureCheck]:
        """Looks at sequences in parallel; see `checks.check_sequences`."""
        pairs = list(dict.fromkeys(pairs))
        if not read:
            return checks.check_sequences(pairs, read)
        results = checks.in_parallel(self._scan, pairs, "reading features")
        return dict(zip(pairs, results))

    def _scan(self, pair: tuple[FeatureStore, str]) -> checks.FeatureCheck:
        held = _Held(pair[0])
        result = checks.check_sequence(held, pair[1], True)
        if result.shape is not None:
            values = held.values
            self._facts[pair] = SequenceFacts(
                clips=len(values),
                mean=float(values.mean(dtype=np.float64)),
                deviation=float(values.std(dtype=np.float64)),
                constant=len(values) > 1 and bool((values == values[0]).all()),
                digest=hashlib.blake2b(
                    np.ascontiguousarray(values), digest_size=8
                ).digest(),
            )
        return result


class _Held:
    """A store that keeps the sequence it read last, so that it is read once."""

    packed = False  # the values are wanted in any case

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self.values = np.zeros((0, 0))

    def __contains__(self, video: str) -> bool:
        return video in self._store

    def missing(self, video: str) -> str:
        return self._store.missing(video)

    def read(self, video: str) -> np.ndarray:
        self.values = self._store.read(video)
        return self.values

    def where(self, video: str) -> str:
        return self._store.where(video)
