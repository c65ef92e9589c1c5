"""Notes which video files the features of a directory came from.

A video is known by its name alone. `videos.json` also has the size and age of its file,
so that features are not taken for those of another file of the same name.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping

from ahernet_tf.files import read_json, write_json

VIDEOS_FILE = "videos.json"


def check_sources(
    directory: pathlib.Path, features: pathlib.Path, videos: Mapping[str, str]
) -> None:
    """Checks that features which are there came from the files that are named.

    Args:
        directory: Where `videos.json` lies.
        features: Directory of the features.
        videos: Name -> path.

    Raises:
        ValueError: A video's features came from another file.
    """
    known = _read(directory)
    for video, path in videos.items():
        extracted = (features / f"{video}.npy").exists()
        if extracted and known.get(video, _facts(path)) != _facts(path):
            raise ValueError(
                f"{directory / VIDEOS_FILE}: the features of {video!r} were extracted "
                f"from {known[video]}, but {path} is {_facts(path)}. Choose another "
                "output directory."
            )


def note_sources(directory: pathlib.Path, videos: Mapping[str, str]) -> None:
    """Writes down from which files, name -> path, the features are extracted."""
    noted = {video: _facts(path) for video, path in videos.items()}
    write_json(directory / VIDEOS_FILE, _read(directory) | noted)


def _read(directory: pathlib.Path) -> dict[str, dict]:
    path = directory / VIDEOS_FILE
    return read_json(path) if path.exists() else {}


def _facts(path: str) -> dict[str, float]:
    """Returns what tells a video file from another of its name."""
    try:
        status = os.stat(path)
    except OSError:  # a link to nothing; reading it will say so
        return {}
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns}
