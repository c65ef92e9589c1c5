"""Reads trimmed clips, a folder per class, as training data for a P3D network."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.clips import center_crop
from ahernet_tf.p3d.video import VideoReader
from ahernet_tf.p3d.video_files import list_videos


@dataclasses.dataclass(frozen=True)
class Moment:
    """One trimmed clip.

    Attributes:
        path: The video file.
        label: Index of its class.
        frames: About how many frames it has; reading copes with fewer.
    """

    path: str
    label: int
    frames: int


def find_moments(
    directory: str | os.PathLike,
    clip_format: ClipFormat,
    fps: float | None = None,
    classes: Sequence[str] | None = None,
) -> tuple[tuple[str, ...], list[Moment], dict[str, str]]:
    """Finds the clips of a directory with a folder per class and opens each once.

    Args:
        directory: Its folders are the classes, in alphabetical order.
        clip_format: Size of the frames.
        fps: Bring every clip to this rate; None keeps each clip's own.
        classes: The classes to expect; None takes what is there.

    Returns:
        Class names, clips, and broken file -> why.

    Raises:
        ValueError: Fewer than two classes, other classes than expected, or a class
            without one readable clip.
    """
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory}: no such folder.")
    found = sorted(p.name for p in directory.iterdir() if p.is_dir())
    names = tuple(found if classes is None else classes)
    if classes is not None and set(found) != set(classes):
        raise ValueError(
            f"{directory}: expected the folders {sorted(classes)}, found {found}."
        )
    if len(names) < 2:
        raise ValueError(f"{directory}: expected a folder per class, found {found}.")
    moments, broken = [], {}
    for label, name in enumerate(names):
        readable = 0
        for path in list_videos(directory / name).values():
            try:
                frames = _count_frames(path, clip_format, fps)
            except ValueError as error:
                broken[path] = str(error)
                continue
            moments.append(Moment(path, label, frames))
            readable += 1
        if not readable:
            raise ValueError(f"{directory / name}: holds no readable video.")
    return names, moments, broken


def _count_frames(path: str, clip_format: ClipFormat, fps: float | None) -> int:
    """Returns the number of frames, as stated or else by decoding all."""
    with VideoReader(path, clip_format, fps) as reader:
        first = next(reader.read())  # a file that opens may still not decode
        if reader.stated_sec:
            return max(1, round(reader.stated_sec * reader.fps))
        del first
    with VideoReader(path, clip_format, fps) as reader:
        return sum(1 for _ in reader.read())


def split_moments(
    moments: Sequence[Moment], share: float, seed: int
) -> tuple[list[Moment], list[Moment]]:
    """Splits clips into training and validation, class by class.

    Args:
        moments: All clips.
        share: Of every class's clips that goes to validation; at least one clip of a
            class stays for training, and at least one goes to validation where the
            class has two.
        seed: Decides which.

    Returns:
        (training, validation).
    """
    training, validation = [], []
    for label in sorted({moment.label for moment in moments}):
        group = [moment for moment in moments if moment.label == label]
        order = np.random.default_rng([seed, label]).permutation(len(group))
        held_out = min(len(group) - 1, max(1, round(share * len(group))))
        for place, index in enumerate(order):
            (validation if place < held_out else training).append(group[index])
    return training, validation


def read_window(
    moment: Moment,
    clip_format: ClipFormat,
    fps: float | None = None,
    random: np.random.Generator | None = None,
    flip: bool = True,
) -> np.ndarray:
    """Reads as many frames in a row as a network takes.

    With `random`, the place in time, the place of the crop and a horizontal flip are
    drawn; without, the window and the crop are in the middle. A clip that is too short
    has its last frame repeated.

    Args:
        moment: The clip.
        clip_format: Length and size.
        fps: Bring the clip to this rate; None keeps its own.
        random: Source of the augmentation.
        flip: Whether half of the augmented clips are mirrored.

    Returns:
        uint8 [clip_frames, crop_size, crop_size, 3], RGB.

    Raises:
        ValueError: Not one frame can be decoded.
    """
    length, size = clip_format.clip_frames, clip_format.crop_size
    spare = max(0, moment.frames - length)
    start = spare // 2 if random is None else int(random.integers(spare + 1))
    with VideoReader(moment.path, clip_format, fps) as reader:
        frames = list(itertools.islice(reader.read(start), length))
        known = reader.frames
    if not frames:  # the file states more frames than it has
        return read_window(
            dataclasses.replace(moment, frames=known), clip_format, fps, random, flip
        )
    frames += [frames[-1]] * (length - len(frames))
    if random is None:
        return np.stack([center_crop(image, clip_format) for image in frames])
    top = int(random.integers(clip_format.resize_height - size + 1))
    left = int(random.integers(clip_format.resize_width - size + 1))
    clip = np.stack(frames)[:, top : top + size, left : left + size]
    return clip[:, :, ::-1] if flip and random.integers(2) else clip


def moment_batches(
    moments: Sequence[Moment],
    clip_format: ClipFormat,
    batch_size: int,
    fps: float | None = None,
    seed: int | None = None,
    first_epoch: int = 0,
    flip: bool = True,
) -> tf.data.Dataset:
    """Returns batches of clips and labels, decoded in parallel.

    Args:
        moments: The clips.
        clip_format: Length and size.
        batch_size: Clips in a batch.
        fps: Bring every clip to this rate.
        seed: Shuffle, augment, repeat for ever and drop incomplete batches: what is
            drawn depends on the seed, the epoch and the clip alone. None gives every
            clip once, in order, as it is.
        first_epoch: The epoch to begin with.
        flip: Whether half of the augmented clips are mirrored.

    Returns:
        Data set of (uint8 [batch, clip_frames, crop_size, crop_size, 3],
        int32 [batch]).
    """

    def order():
        if seed is None:
            yield from ((index, 0) for index in range(len(moments)))
            return
        kept = len(moments) // batch_size * batch_size
        for epoch in itertools.count(first_epoch):
            shuffled = np.random.default_rng([seed, epoch]).permutation(len(moments))
            yield from ((int(index), epoch) for index in shuffled[:kept])

    def read(index, epoch):
        random = None
        if seed is not None:
            random = np.random.default_rng([seed, int(epoch), int(index)])
        moment = moments[int(index)]
        clip = read_window(moment, clip_format, fps, random, flip)
        return np.ascontiguousarray(clip), np.int32(moment.label)

    def load(index, epoch):
        clip, label = tf.numpy_function(read, [index, epoch], [tf.uint8, tf.int32])
        size = clip_format.crop_size
        clip.set_shape((clip_format.clip_frames, size, size, 3))
        label.set_shape(())
        return clip, label

    number = tf.TensorSpec((), tf.int64)
    dataset = tf.data.Dataset.from_generator(order, output_signature=(number, number))
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.batch(batch_size, drop_remainder=seed is not None)
    if seed is None:  # Keras 3 warns of an end that it did not know of
        count = tf.data.experimental.assert_cardinality(-(-len(moments) // batch_size))
        dataset = dataset.apply(count)
    return dataset.prefetch(tf.data.AUTOTUNE)
