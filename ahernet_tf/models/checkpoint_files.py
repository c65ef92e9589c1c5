"""The checkpoints of a model directory: written whole, checked, the newest found."""

from __future__ import annotations

import logging
import os
import pathlib
import re
import shutil
import zlib

import tensorflow as tf

from ahernet_tf import files

CHECKPOINTS = "checkpoints"
BEST = "best"  # in a work directory: has the checkpoint of the best validation score
CHECKSUMS = ".checksums.json"  # beside the files of each checkpoint
_NODE = re.compile(r"\{\{.*?\}\} ?")  # where TensorFlow's messages come from
_LOG = logging.getLogger(__name__)


def checkpoint_paths(directory: str | pathlib.Path) -> list[pathlib.Path]:
    """Returns the checkpoints of a model directory, the newest first.

    They are found by their own files; a path is what all files of one begin with.
    """
    folder = pathlib.Path(directory) / CHECKPOINTS
    name = re.compile(rf"(ckpt-(\d+))(\.index|{re.escape(CHECKSUMS)})")
    numbers = {
        int(found[2]): folder / found[1]
        for path in folder.glob("ckpt-*")
        if (found := name.fullmatch(path.name))
    }
    return [numbers[number] for number in sorted(numbers, reverse=True)]


def latest_checkpoint(directory: str | pathlib.Path) -> str | None:
    """Returns the newest sound checkpoint of a model directory; None: there is none.

    A damaged one is named in the log, and the next older one is taken.

    Raises:
        ValueError: There are checkpoints, and all are damaged.
    """
    damaged = []
    for path in checkpoint_paths(directory):
        try:
            check_checkpoint(path)
        except ValueError as error:
            damaged.append(str(error))
            continue
        for fault in damaged:
            _LOG.warning("%s; %s is taken", fault, path.name)
        return str(path)
    if damaged:
        raise ValueError(f"{directory}: no sound checkpoint: {'; '.join(damaged)}")
    return None


def check_checkpoint(path: str | pathlib.Path) -> None:
    """Compares the files of a checkpoint with the checksums written beside them.

    Raises:
        ValueError: A file is absent or damaged; names it.
    """
    path = pathlib.Path(path)
    recorded = path.with_name(path.name + CHECKSUMS)
    with files.naming(path):
        if recorded.exists():
            expected = files.read_json(recorded)
        else:  # of version 0.1.0; the reader checks each tensor
            expected = dict.fromkeys([f"{path.name}.index"])
            expected[f"{path.name}.data-00000-of-00001"] = None
            tf.train.load_checkpoint(str(path))
        for name, checksum in expected.items():
            file = path.with_name(name)
            if not file.exists():
                raise ValueError(f"the file {name} is missing (by {recorded.name})")
            if checksum is not None and _checksum(file) != checksum:
                raise ValueError(f"the file {name} is damaged (by {recorded.name})")


def write_checkpoint(
    checkpoint: tf.train.Checkpoint,
    directory: str | pathlib.Path,
    number: int,
    keep: int = 1,
) -> str:
    """Writes a checkpoint into a model directory, then removes older ones.

    It counts from when its checksums are written, which is when it is on the disk.

    Args:
        checkpoint: What it holds.
        directory: Of the model.
        number: Of the checkpoint; larger ones are newer.
        keep: How many checkpoints remain, this one included.

    Returns:
        Its path.

    Raises:
        OSError: The file system is full, or refuses it otherwise.
    """
    folder = pathlib.Path(directory) / CHECKPOINTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"ckpt-{number}"
    path.with_name(path.name + CHECKSUMS).unlink(missing_ok=True)
    try:
        checkpoint.write(str(path))
    except tf.errors.OpError as error:
        reason = files.shortened(_NODE.sub("", error.message))
        raise OSError(f"{path}: cannot be written: {reason}") from error
    finally:
        for unfinished in folder.glob("ckpt-*_temp"):
            shutil.rmtree(unfinished, ignore_errors=True)
    checksums = {}
    for file in _files_of(path):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
        checksums[file.name] = _checksum(file)
    files.write_json(path.with_name(path.name + CHECKSUMS), checksums)
    newer = [p for p in checkpoint_paths(directory) if p != path][: keep - 1]
    for old in checkpoint_paths(directory):
        if old != path and old not in newer:
            for file in [*_files_of(old), old.with_name(old.name + CHECKSUMS)]:
                file.unlink(missing_ok=True)
    return str(path)


def _files_of(path: pathlib.Path) -> list[pathlib.Path]:
    return [
        *path.parent.glob(f"{path.name}.data-*"),
        *path.parent.glob(f"{path.name}.index"),
    ]


def _checksum(file: pathlib.Path) -> int:
    value = 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 22):
            value = zlib.crc32(block, value)
    return value


def restore(checkpoint: tf.train.Checkpoint, path: str) -> None:
    """Restores a checkpoint; what it holds beyond the given objects is left alone.

    Raises:
        ValueError: A variable is absent or of another shape, or the file is damaged.
    """
    try:
        status = checkpoint.read(path)
        status.assert_existing_objects_matched().expect_partial()
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
        raise ValueError(f"{path}: this checkpoint is damaged: {error}") from error
    except (ValueError, AssertionError, tf.errors.OpError) as error:
        raise ValueError(
            f"{path}: this checkpoint is of another configuration: {error}"
        ) from error
