"""What every feature store can do, whatever its format."""

from __future__ import annotations

import abc
import bisect
import functools
import math
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from ahernet_tf import files, spelling
from ahernet_tf.data.features.time_model import VideoInfo
from ahernet_tf.files import shortened

DESCRIPTION_FILE = "features.json"
_DESCRIBED = (
    *("format", "template", "array", "dim", "dtype", "length", "clip_frames"),
    *("stride_frames", "fps", "resampled", "covers", "videos", "extractor", "shards"),
)
_KINDS = {"videos": dict, **dict.fromkeys(("dim", "clip_frames", "stride_frames"), int)}
_KINDS["fps"] = int | float
_NEAR_NAMES = 4  # so many are named in a message


class FeatureStore(abc.ABC):
    """Clip features of many videos: one sequence `[clips, channels]` each.

    Safe to use from several threads. Ids are accepted with or without a leading
    `v_`. No store ever unpickles.

    Attributes:
        path: File or directory.
        description: What `features.json` in it says, or an empty dictionary.
        entry: The `features` entry of dataset.json by which it was opened, if so.
        packed: True where the values were looked at when they were written, and are
            read so quickly that nothing need be kept in memory.
        precision: Type of the sums when its clips are resampled.
    """

    path: pathlib.Path
    description: dict[str, Any]
    entry: dict[str, Any] | None = None
    packed: bool = False
    precision: type = np.float64

    @abc.abstractmethod
    def ids(self) -> list[str]:
        """Returns the ids of all sequences, as the store has them."""

    @abc.abstractmethod
    def find(self, video_id: str) -> str | None:
        """Returns the id that the store has for a video, or None."""

    @abc.abstractmethod
    def shape(self, video_id: str) -> tuple[int, int]:
        """Returns `(clips, channels)` of a video.

        Raises:
            ValueError: The store has no such video, or its file is damaged.
        """

    @abc.abstractmethod
    def read(self, video_id: str) -> np.ndarray:
        """Reads the features `[clips, channels]` of a video in the type of the file.

        Raises:
            ValueError: The store has no such video, its file is damaged, or it holds
                something else than a matrix of floating-point numbers.
        """

    def __contains__(self, video_id: str) -> bool:
        """Tells whether the store has features of a video."""
        return self.find(video_id) is not None

    def __len__(self) -> int:
        """Returns the number of sequences."""
        return len(self.ids())

    def info(self, video_id: str) -> VideoInfo | None:
        """Returns what the store's description says of a video, if anything.

        Raises:
            ValueError: It states a length or rate that is no number above zero.
        """
        videos = self.description.get("videos")
        found = self.find(video_id)
        entry = videos.get(found) if isinstance(videos, dict) else None
        if not isinstance(entry, dict):
            return None
        keys = ("fps", "frames", "duration_sec")
        fps, frames, seconds = (self._number(entry, key, video_id) for key in keys)
        if fps is None and frames and seconds:
            fps = frames / seconds
        return VideoInfo(fps, frames, seconds)

    def _number(self, entry: dict[str, Any], key: str, video_id: str) -> Any:
        """Returns a number that the description states of a video, or None.

        Raises:
            ValueError: It is none above zero.
        """
        value = entry.get(key)
        number = isinstance(value, int | float) and 0 < value < math.inf
        if value is not None and not number:
            raise ValueError(
                f"{self.path / DESCRIPTION_FILE}: video '{video_id}': {key} of "
                f"{value!r}, expected a number above 0"
            )
        return value

    @property
    def name(self) -> str:
        """What messages call the store."""
        return self.path.name

    def file_of(self, video_id: str) -> pathlib.Path:
        """Returns the file that holds a video, or would hold it."""
        return self.path

    def where(self, video_id: str) -> str:
        """Names file and video for messages."""
        return f"{self.file_of(video_id)}: video '{video_id}'"

    def missing(self, video_id: str) -> str:
        """Says that a video has no features, and which names come near its own."""
        near = self.near(video_id)
        if not near:
            return "has no features"
        more = f" and {len(near) - _NEAR_NAMES} more" if len(near) > _NEAR_NAMES else ""
        return (
            f"has no features; there are {', '.join(near[:_NEAR_NAMES])}{more} (a "
            "template such as '{video}_rgb' says how sequences are called, parts join "
            "several of one video)"
        )

    def near(self, video_id: str) -> list[str]:
        """Returns the ids that begin as a video's does, or are spelt nearly so."""
        wanted = video_id.casefold().removeprefix("v_")
        begin = bisect.bisect_left(self._sorted, (wanted,))
        end = bisect.bisect_right(self._sorted, (f"{wanted}\U0010ffff",))
        near = [name for _, name in self._sorted[begin:end]]
        return near or [n for _, n in spelling.near_pairs([video_id], self.ids())]

    @functools.cached_property
    def _sorted(self) -> list[tuple[str, str]]:
        return sorted((v.casefold().removeprefix("v_"), v) for v in self.ids())


def spellings(video_id: str) -> tuple[str, ...]:
    """Returns how a store may spell an id: as it is, with and without a leading `v_`.

    Some of YouTube's ids begin with `v_` themselves: `v_UmAH95xls` is stored as
    `v_v_UmAH95xls`.
    """
    more = f"v_{video_id}"
    if video_id.startswith("v_"):
        return video_id, more, video_id[2:]
    return video_id, more


def read_description(path: pathlib.Path) -> dict[str, Any]:
    """Reads the features.json of a directory, if there is one.

    Raises:
        ValueError: It is no JSON object, or a field is of another kind.
    """
    file = path / DESCRIPTION_FILE
    if not file.exists():
        return {}
    if not file.is_file():
        raise ValueError(f"{file}: is no regular file")
    content = files.read_json(file)
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected an object, received {shortened(content)}")
    unknown = sorted(content.keys() - set(_DESCRIBED))
    if unknown:
        raise ValueError(
            f"{file}: {shortened(unknown)}: no such field; there are "
            f"{', '.join(_DESCRIBED)}"
        )
    for key, kind in _KINDS.items():
        value = content.get(key)
        if value is not None and (not isinstance(value, kind) or value is True):
            what = "an object" if kind is dict else "a number"
            raise ValueError(f"{file}: {key}: expected {what}, received {value!r:.80}")
    return content


def read_descriptions(paths: Iterable[pathlib.Path | None]) -> dict[str, Any]:
    """Reads what the features.json of several directories say together.

    Args:
        paths: Directories; others are passed over.

    Returns:
        The fields that all give alike, `videos` being those of all.

    Raises:
        ValueError: One is no JSON object, or two contradict each other.
    """
    together: dict[str, Any] = {}
    for path in paths:
        found = read_description(path) if path is not None and path.is_dir() else {}
        videos = {**together.get("videos", {}), **(found.get("videos") or {})}
        for key in ("clip_frames", "stride_frames", "fps"):
            if together and found and together.get(key) != found.get(key):
                raise ValueError(
                    f"{path / DESCRIPTION_FILE}: {key} is {found.get(key)}, elsewhere "
                    f"{together.get(key)}"
                )
        together |= found
        if videos:
            together["videos"] = videos
    return together
