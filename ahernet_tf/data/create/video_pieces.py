"""Cuts annotated videos where actions of some classes lie."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.features.feature_entries import WHERE, paths_of
from ahernet_tf.data.features.feature_sets import expand
from ahernet_tf.data.roles import Role

TRAINING = "training"
PIECES = "untrimmed"  # directory of their features
_MINIMUM_CLIPS = 2


@dataclasses.dataclass(frozen=True)
class Piece:
    """A stretch of a video that becomes a video of its own.

    Attributes:
        video: The piece as a video.
        origin: Id of the video that it is cut from.
        first_clip: Its first clip of that video's features.
        end_clip: The clip after its last.
    """

    video: Video
    origin: str
    first_clip: int
    end_clip: int


def cut_videos(role: Role, unwanted: Collection[str]) -> list[Piece]:
    """Cuts the videos of a role so that none shows an action of unwanted classes.

    An action that overlaps with such a one goes with it. A piece without any action
    is dropped, and so is a video whose actions are all unwanted; videos without an
    unwanted action stay whole.

    Args:
        role: Untrimmed videos.
        unwanted: Classes.

    Returns:
        Pieces in the order of time, called `<id>_c0`, `<id>_c1`, ...; whole videos
        under their own id.
    """
    pieces = []
    for video in role.videos:
        if not {i.label for i in video.instances} & set(unwanted):
            clips = int(role.features.at[video.id, "clips"])
            pieces.append(Piece(video, video.id, 0, clips))
            continue
        spans = enumerate(_pieces_of(role, video, unwanted))
        pieces += [
            dataclasses.replace(
                piece,
                video=dataclasses.replace(piece.video, id=f"{video.id}_c{number}"),
            )
            for number, piece in spans
        ]
    return pieces


def free_spans(
    instances: Collection[Instance], unwanted: Collection[str], duration_sec: float
) -> list[tuple[float, float]]:
    """Returns where a video shows no unwanted action, nor one that overlaps with it."""
    blocked = [(i.start_sec, i.end_sec) for i in instances if i.label in unwanted]
    others = [(i.start_sec, i.end_sec) for i in instances if i.label not in unwanted]
    while touched := [
        other
        for other in others
        if any(other[0] < end and start < other[1] for start, end in blocked)
    ]:
        blocked += touched
        others = [other for other in others if other not in touched]
    spans, time = [], 0.0
    for start, end in sorted(blocked):
        if start > time:
            spans.append((time, start))
        time = max(time, end)
    return [*spans, (time, duration_sec)] if time < duration_sec else spans


def _pieces_of(role: Role, video: Video, unwanted: Collection[str]) -> Iterator[Piece]:
    """Yields the pieces of a video that hold an action."""
    starts, ends = _clip_times(role, video)
    for begin, end in free_spans(video.instances, unwanted, role.covered_sec(video)):
        (inside,) = np.nonzero((starts >= begin - 1e-6) & (ends <= end + 1e-6))
        if len(inside) < _MINIMUM_CLIPS:
            continue
        first, last = int(inside[0]), int(inside[-1])
        origin, length = float(starts[first]), float(ends[last] - starts[first])
        moved = [
            Instance(
                max(i.start_sec - origin, 0.0), min(i.end_sec - origin, length), i.label
            )
            for i in video.instances
            if begin <= i.start_sec and i.end_sec <= end
        ]
        kept = tuple(i for i in moved if i.start_sec < i.end_sec)
        if kept:
            piece = dataclasses.replace(
                video,
                duration_sec=length,
                instances=kept,
                frames=None,
                fps=role.fps(video),
                group=video.group or video.id,
            )
            yield Piece(piece, video.id, first, last + 1)


def _clip_times(role: Role, video: Video) -> tuple[np.ndarray, np.ndarray]:
    """Returns when each clip of a video's features starts and ends, in seconds."""
    model, clips = role.time_model, int(role.features.at[video.id, "clips"])
    if model.covers == "duration":
        edges = np.linspace(0.0, role.covered_sec(video), clips + 1)
        return edges[:-1], edges[1:]
    starts = np.arange(clips) * model.stride_frames
    fps = model.fps or role.fps(video)
    return starts / fps, (starts + model.clip_frames) / fps


def write_pieces(
    directory: pathlib.Path,
    pieces: Collection[Piece],
    role: Role,
    features: Mapping[str, Any],
    version: str,
) -> dict[str, Any]:
    """Writes the annotations of pieces, and the features of those that are cut.

    Where the features of whole videos are stored in a way that cannot be told from
    the files alone, they are copied as well.

    Args:
        directory: Directory of the data set.
        pieces: Pieces and whole videos.
        role: The videos that they are cut from.
        features: Entry of their features in the dataset.json of `directory`.
        version: Free text for the annotation file.

    Returns:
        Annotations and features of the role of the pieces.
    """
    model = role.time_model
    told = set(WHERE) - {"path", "follow_links"} | {"covered_durations"}
    copied = bool(told & set(expand(dict(features))))
    (directory / PIECES).mkdir()
    for piece in pieces:
        if copied or piece.video.id != piece.origin:
            clips = role.sequences.store.read(piece.origin)
            path = directory / PIECES / f"{piece.video.id}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, clips[piece.first_clip : piece.end_clip])
    if copied:
        entry = {
            "path": PIECES,
            "clip_frames": model.clip_frames or None,
            "stride_frames": model.stride_frames or None,
            "fps": model.fps,
            "covers": model.covers,
            "resampled": model.resampled or None,
        }
        entry = {name: value for name, value in entry.items() if value is not None}
    else:
        entry = {**features, "path": [*paths_of(dict(features)), PIECES]}
    videos = [
        dataclasses.replace(
            piece.video, subset=TRAINING, group=piece.video.group or piece.origin
        )
        for piece in pieces
    ]
    write_annotations(directory / "untrimmed.json", videos, version)
    return {"annotations": "untrimmed.json", "features": entry}
