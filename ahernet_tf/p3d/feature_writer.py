"""Writes a directory of features, one `.npy` a video, that says when each row is.

    OUT/
      features.json         the time model, the extractor and every video's timing
      <video>.npy           [clips, dim]
      extracted/<video>.json   written after the `.npy`: what makes a video complete
      failures.json         broken videos and why, when there were any

`features.json` is put together from the small files in `extracted`, which several
machines can write at once. A video `class/name` lies in OUT/class, which is such a
directory of its own.
"""

from __future__ import annotations

import glob
import os
import pathlib
from collections.abc import Callable

import numpy as np

from ahernet_tf.data.features.feature_store import DESCRIPTION_FILE, read_description
from ahernet_tf.files import PARTIAL, read_json, write_json
from ahernet_tf.p3d.clip_decoding import ExtractionOptions, VideoTiming
from ahernet_tf.p3d.clips import count_clips
from ahernet_tf.p3d.extraction import FeatureSink
from ahernet_tf.p3d.network_metadata import P3DMetadata
from ahernet_tf.p3d.npy_rows import NpyRowWriter

_COMPLETE = "extracted"
_LONGEST_NAME = 255  # bytes of a file's name


def describe_features(
    metadata: P3DMetadata,
    options: ExtractionOptions,
    weights_sha256: str,
    dtype: str = "float16",
    policy: str = "float32",
) -> dict:
    """Returns what `features.json` says of all videos alike.

    `clip_frames` and `stride_frames` are the time model: row i is seen in frames
    i * stride_frames to i * stride_frames + clip_frames. `fps` is there only where
    every video was brought to one rate, together with `resampled`.

    Args:
        metadata: The network.
        options: How clips are cut.
        weights_sha256: Which weights; see `weights_fingerprint`.
        dtype: NumPy type of the files.
        policy: Keras dtype policy of the computation.
    """
    size = metadata.clip_format
    description = {
        "format": "npy",
        "dim": metadata.feature_dim,
        "clip_frames": size.clip_frames,
        "stride_frames": options.stride_frames,
        "dtype": dtype,
        "extractor": {
            "network": "P3D",
            "fusion": metadata.fusion,
            "depths": list(metadata.depths),
            "base_channels": metadata.base_channels,
            "resize": [size.resize_height, size.resize_width],
            "crop": size.crop_size,
            "policy": policy,
            "weights_sha256": weights_sha256,
        },
    }
    if options.fps is not None:
        description |= {"fps": options.fps, "resampled": True}
    return description


class FeatureWriter(FeatureSink):
    """Writes the features of many videos to a directory; see the module's docstring.

    Several writers, on several machines, may fill one directory with different videos.

    Args:
        directory: Is made where absent.
        description: What `describe_features` returns.
        failures_file: Name of the file that lists broken videos; None writes none.
        on_video: Called with the video's name, its timing (None when it is broken) and
            a message (None when all is well), after each video.

    Attributes:
        description: What it says of all videos alike.
        failures: Broken video -> why.

    Raises:
        ValueError: The directory holds features of another extractor or time model, or
            `.npy` files of unknown origin.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        description: dict,
        failures_file: str | None = "failures.json",
        on_video: Callable | None = None,
    ):
        self.directory = pathlib.Path(directory)
        self.failures: dict[str, str] = {}
        self.description = description
        self._failures_path = failures_file and self.directory / failures_file
        self._on_video = on_video or (lambda *_: None)
        self._writers: dict[str, NpyRowWriter] = {}
        self._dtype = np.dtype(description["dtype"])
        self._check_directory()
        (self.directory / _COMPLETE).mkdir(parents=True, exist_ok=True)
        if self._failures_path:
            self._failures_path.unlink(missing_ok=True)  # they are tried again
        if not (self.directory / DESCRIPTION_FILE).exists():
            self.publish()

    def _check_directory(self):
        path = self.directory / DESCRIPTION_FILE
        if path.exists():
            found = read_description(self.directory)
            found.pop("videos", None)
            different = sorted(
                key
                for key in found.keys() | self.description.keys()
                if found.get(key) != self.description.get(key)
            )
            if different:
                raise ValueError(
                    f"{path}: was written with other settings: "
                    + "; ".join(
                        f"{key} {found.get(key)}, now {self.description.get(key)}"
                        for key in different
                    )
                    + ". Choose another directory."
                )
        elif self.directory.is_dir() and any(self.directory.glob("*.npy")):
            raise ValueError(
                f"{self.directory}: holds .npy files but no {DESCRIPTION_FILE}. "
                "Choose another directory."
            )

    def is_complete(self, video: str) -> bool:
        """Tells whether a video's features are there and whole."""
        possible = len(os.fsencode(self._mark(video).name)) <= _LONGEST_NAME
        return (
            possible and self._mark(video).exists() and self._features(video).exists()
        )

    def _mark(self, video: str) -> pathlib.Path:
        folder, _, name = video.rpartition("/")
        return self.directory / folder / _COMPLETE / f"{name}.json"

    def _features(self, video: str) -> pathlib.Path:
        return self.directory / f"{video}.npy"

    def _clear(self, video: str) -> None:
        """Removes what an interrupted run left of a video, on whatever machine."""
        self._mark(video).unlink(missing_ok=True)
        file = self._features(video)
        for part in file.parent.glob(f".{glob.escape(file.name)}.*{PARTIAL}"):
            part.unlink(missing_ok=True)

    def write(self, video: str, row: np.ndarray) -> None:
        """Appends the next feature [dim] of a video."""
        if video not in self._writers:
            if len(os.fsencode(self._mark(video).name)) > _LONGEST_NAME:
                raise ValueError(
                    f"{video}: the name is too long for the files of its features; "
                    f"{_LONGEST_NAME - 5} bytes are possible."
                )
            self._mark(video).parent.mkdir(parents=True, exist_ok=True)
            self._clear(video)
            self._writers[video] = NpyRowWriter(
                self._features(video), self.description["dim"], self._dtype
            )
        self._writers[video].write(row)

    def finish(self, video: str, timing: VideoTiming) -> None:
        """Completes a video: its file appears, then its mark."""
        writer = self._writers.pop(video)
        due = count_clips(
            timing.frames,
            self.description["clip_frames"],
            self.description["stride_frames"],
        )
        if writer.rows != due:
            writer.discard()
            raise RuntimeError(
                f"{video}: {writer.rows} features for {timing.frames} frames, due {due}"
            )
        writer.close()
        entry = {
            "fps": timing.fps,
            "frames": timing.frames,
            "duration_sec": timing.duration_sec,
        }
        write_json(self._mark(video), entry)
        self._on_video(video, timing, _doubt(timing))

    def fail(self, video: str, error: BaseException) -> None:
        """Drops what was written of a broken video and notes why."""
        if video in self._writers:
            self._writers.pop(video).discard()
        self.failures[video] = str(error)
        self._on_video(video, None, self.failures[video])

    def drop_unfinished(self) -> None:
        """Drops what was written of videos that are not complete."""
        for writer in self._writers.values():
            writer.discard()
        self._writers.clear()

    def close(self) -> None:
        """Drops unfinished videos, writes `features.json` and the list of failures."""
        self.drop_unfinished()
        if self.failures and self._failures_path:
            write_json(self._failures_path, self.failures)
        self.publish()

    def publish(self) -> dict:
        """Writes `features.json` from the marks of all complete videos; returns it.

        Writers that publish at the same time end with a file that has the videos of
        all: each looks again after writing. Each folder of `folder/name` gets its own.
        """
        for folder in self.directory.rglob(_COMPLETE):
            if folder.parent != self.directory:
                _publish(folder.parent, self.description)
        return _publish(self.directory, self.description)


def _publish(directory: pathlib.Path, description: dict) -> dict:
    """Writes the `features.json` of one directory; returns it."""

    def marks() -> list[pathlib.Path]:
        return sorted((directory / _COMPLETE).glob("*.json"))

    while True:
        found = marks()
        videos = {path.stem: read_json(path) for path in found}
        content = {**description, "videos": videos}
        write_json(directory / DESCRIPTION_FILE, content)
        if marks() == found:
            return content


def _doubt(timing: VideoTiming) -> str | None:
    """Returns what a user should know of a video that was not read in full."""
    parts = []
    if timing.stated_sec and timing.duration_sec + 1.5 / timing.fps < timing.stated_sec:
        parts.append(
            f"{timing.duration_sec:.2f} s decoded of {timing.stated_sec:.2f} s stated"
        )
    if timing.corrupt_packets:
        parts.append(f"{timing.corrupt_packets} damaged packets left out")
    return "; ".join(parts) or None
