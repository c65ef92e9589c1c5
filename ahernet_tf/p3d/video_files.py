"""Finds the videos of a folder, a list or a single file."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator

from ahernet_tf.data.checks import fault_of_id
from ahernet_tf.data.video_headers import VIDEO_SUFFIXES
from ahernet_tf.files import naming

FRAME_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def list_videos(
    source: str | os.PathLike, keep_folders: bool = False
) -> dict[str, str]:
    """Finds the videos of a folder, a list or a single file.

    Args:
        source: A folder, searched with all below it for files with a video's suffix
            and for folders of frames, which hold images and no video; or a video
            file; or a text file with one path per line (blank lines and lines that
            begin with # aside), relative to the list's folder or else to the working
            directory. What is hidden is passed over.
        keep_folders: Call videos `folder/name`, as they lie below the source.

    Returns:
        Name -> path, sorted by name. A video's name is its file name without suffix,
        or that of its folder of frames. Where two would have the same and all lie in
        folders, such as one per class, all are called `folder/name`.

    Raises:
        ValueError: Nothing found, a listed file is missing, a name occurs twice or
            cannot name features, or the source is an address on a network.
    """
    source = os.fspath(source)
    _require_local(source, source)
    if os.path.isdir(source):
        paths = [path for path in _walk(source) if _is_video(path)]
    elif not os.path.exists(source):
        raise ValueError(f"{source}: no such folder or file.")
    elif _has_suffix(source, VIDEO_SUFFIXES):
        paths = [source]
    else:
        paths = _read_list(source)
    names = _names(source, paths, keep_folders)
    videos: dict[str, str] = {}
    for path, name in sorted(names.items()):
        if name in videos:
            raise ValueError(
                f"{source}: {videos[name]} and {path} would both be called {name!r}."
            )
        if fault := fault_of_id(name):
            raise ValueError(f"{path}: features cannot bear this name: {fault}.")
        videos[name] = path
    if not videos:
        raise ValueError(
            f"{source}: no videos (looked for {' '.join(VIDEO_SUFFIXES)}, and for "
            f"folders of frames, {' '.join(FRAME_SUFFIXES)})."
        )
    return dict(sorted(videos.items()))


def _names(source: str, paths: Iterable[str], keep_folders: bool) -> dict[str, str]:
    """Names videos; after their folders where that is wanted, or names are equal."""
    whole = {p: p if os.path.isdir(p) else os.path.splitext(p)[0] for p in paths}
    plain = {p: os.path.basename(os.path.normpath(n)) for p, n in whole.items()}
    equal = len(set(plain.values())) < len(plain)
    if not os.path.isdir(source) or not (keep_folders or equal):
        return plain
    relative = {p: os.path.relpath(n, source) for p, n in whole.items()}
    if not keep_folders and not all(map(os.path.dirname, relative.values())):
        return plain
    return {path: name.replace(os.sep, "/") for path, name in relative.items()}


def passed_over(source: str | os.PathLike) -> dict[str, int]:
    """Counts the files of a folder that `list_videos` passes over, by their suffix."""
    others = collections.Counter(
        os.path.splitext(path)[1].lower() or "without suffix"
        for path in _walk(os.fspath(source))
        if os.path.isfile(path) and not _is_video(path) and not _is_frame(path)
    )
    return dict(sorted(others.items()))


def list_frames(folder: str) -> list[str]:
    """Returns the images of a folder in the order of the numbers in their names."""
    names = [name for name in os.listdir(folder) if _is_frame(name)]
    return [os.path.join(folder, name) for name in sorted(names, key=_by_number)]


def _by_number(name: str) -> tuple:
    """Sorts img_2 before img_10."""
    digits = "".join(c if c.isdigit() else " " for c in name).split()
    return [int(number) for number in digits], name


def _walk(folder: str) -> Iterator[str]:
    """Yields the files below a folder, and each folder of frames."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        videos = any(_has_suffix(name, VIDEO_SUFFIXES) for name in names)
        if not videos and any(map(_is_frame, names)):
            yield place
        yield from (os.path.join(place, name) for name in names)


def _is_video(path: str) -> bool:
    """Tells whether a path is a folder of frames, or a visible file of a video."""
    name = os.path.basename(path)
    visible = not name.startswith(".")
    return os.path.isdir(path) or (visible and _has_suffix(name, VIDEO_SUFFIXES))


def _is_frame(path: str) -> bool:
    return _has_suffix(path, FRAME_SUFFIXES) and os.path.basename(path)[0] != "."


def _has_suffix(path: str, suffixes: Iterable[str]) -> bool:
    return os.path.splitext(path)[1].lower() in suffixes


def _require_local(path: str, where: str) -> None:
    """Refuses an address on a network.

    Raises:
        ValueError: It is one.
    """
    if "://" in path:
        raise ValueError(
            f"{where}: expected a file or folder, received the address {path}; save "
            "the video to a file first."
        )


def _read_list(source: str) -> list[str]:
    """Returns the paths of a list file.

    Raises:
        ValueError: It is no list, or names what is not there.
    """
    with naming(source), open(source, encoding="utf-8-sig") as file:
        if not os.path.isfile(source):
            raise ValueError("is neither a folder nor a regular file")
        try:
            lines = [line.strip() for line in file]
        except UnicodeDecodeError:
            raise ValueError(
                "neither a list of paths nor a video with a known suffix."
            ) from None
    folder = os.path.dirname(source)
    paths = []
    for line in lines:
        if line and not line.startswith("#"):
            _require_local(line, source)
            beside = os.path.join(folder, line)
            path = beside if os.path.exists(beside) else line
            if not os.path.exists(path):
                raise ValueError(f"{source}: video {path} does not exist.")
            paths.append(path)
    return paths
