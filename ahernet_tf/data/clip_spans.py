"""Samples cut from videos: stretches of clips that become one sequence each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ahernet_tf.data.video_columns import Texts


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of clips that becomes one sequence.

    Attributes:
        video: Id of the video it is cut from.
        first_clip: First clip of the stretch.
        end_clip: Clip after its last.
        label: Class name; "" for a whole untrimmed video.
        duration_sec: Real length of what the stretch shows, in seconds.
    """

    video: str
    first_clip: int
    end_clip: int
    label: str
    duration_sec: float


@dataclasses.dataclass(frozen=True, eq=False)
class Cuts(Sequence[Cut]):
    """A sequence of `Cut`, kept as columns of `[cuts]` (see `tables`).

    Attributes:
        ids: Ids of videos.
        names: Labels.
        video: Index into `ids`.
        first_clip: First clip.
        end_clip: Clip after the last.
        label: Index into `names`.
        duration_sec: Real length in seconds.
    """

    ids: Texts
    names: tuple[str, ...]
    video: np.ndarray
    first_clip: np.ndarray
    end_clip: np.ndarray
    label: np.ndarray
    duration_sec: np.ndarray

    def __len__(self) -> int:
        """Returns the number of cuts."""
        return len(self.video)

    def __getitem__(self, index: Any) -> Any:
        """Makes one cut, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Cut(
            video=self.ids[int(self.video[index])],
            first_clip=int(self.first_clip[index]),
            end_clip=int(self.end_clip[index]),
            label=self.names[self.label[index]],
            duration_sec=float(self.duration_sec[index]),
        )

    @property
    def clips(self) -> np.ndarray:
        """Returns the number of clips `[cuts]` of each."""
        return self.end_clip - self.first_clip

    def where(self, chosen: np.ndarray) -> Cuts:
        """Returns the cuts that a mask or row numbers choose."""
        names = ("video", "first_clip", "end_clip", "label", "duration_sec")
        columns = {name: getattr(self, name)[chosen] for name in names}
        return dataclasses.replace(self, **columns)

    def classes(self, order: Sequence[str]) -> np.ndarray:
        """Returns the class indices `[cuts]`, int32.

        Args:
            order: Class names; a cut's index is its label's place among them.

        Raises:
            KeyError: A label is none of them.
        """
        index = {name: number for number, name in enumerate(order)}
        used = np.unique(self.label)
        table = np.full(len(self.names), -1, np.int32)
        table[used] = [index[self.names[code]] for code in used]
        return table[self.label]
