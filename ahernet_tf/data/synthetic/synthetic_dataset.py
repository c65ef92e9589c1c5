"""An embedded synthetic data set: made-up clip features of made-up actions.

It stands in where no real data are at hand (the quickstart, tests, benchmarks) and is
written in the layout of real data. It is a *model* of untrimmed video and no evidence
about real video; `docs/SYNTHETIC.md` says what it holds and what it lacks.

Everything is a pure function of the configuration and a video's id, so a set of any
size can be produced lazily, in any order and on many machines, without being stored:

    config = synthetic_config("medium", seed=0, channels=2048)
    features = synthetic_features(config, "moment_006_000123")  # [clips, channels]

Ids are `training_CCC_NNNNNN`, `validation_CCC_NNNNNN` and `moment_CCC_NNNNNN` with the
class index C (source classes first) and a running number N. N may exceed the counts of
the configuration, which only say what is listed and written.
"""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tqdm

from ahernet_tf.data.synthetic import latent_motion, synthetic_world
from ahernet_tf.data.synthetic.difficulty import SyntheticConfig
from ahernet_tf.data.synthetic.synthetic_world import (
    CLIP_FRAMES,
    LATENT,
    STRIDE_FRAMES,
    SUBSETS,
)
from ahernet_tf.files import new_directory, write_json


def synthetic_ids(config: SyntheticConfig) -> Iterator[str]:
    """Yields the ids of a data set: training and validation videos, then moments."""
    counts = (
        config.videos_per_class,
        config.test_videos_per_class,
        config.moments_per_class,
    )
    for subset, count in zip(SUBSETS, counts):
        first = config.source_classes if subset == "moment" else 0
        for c in range(first, len(config.classes)):
            for number in range(count):
                yield f"{subset}_{c:03d}_{number:06d}"


def synthetic_record(config: SyntheticConfig, video_id: str) -> dict[str, Any]:
    """Describes a video as the annotation file does.

    Args:
        config: Configuration of the data set.
        video_id: Id of an untrimmed video or a moment.

    Returns:
        `duration` in seconds, `subset`, `fps`, `frames`, and `annotations` with
        segments in seconds, or for a moment its `label`.

    Raises:
        ValueError: The id is none of this configuration.
    """
    line = synthetic_world.timeline(config, video_id)
    subset = video_id.partition("_")[0]
    record = {
        "duration": line.frames / line.fps,
        "subset": "training" if subset == "moment" else subset,
        "fps": line.fps,
        "frames": line.frames,
    }
    label = config.classes[line.class_index]
    if subset == "moment":
        return record | {"label": label}
    segments = [[a.start, a.end] for a in line.actions]
    return record | {"annotations": [{"segment": s, "label": label} for s in segments]}


def synthetic_features(config: SyntheticConfig, video_id: str) -> np.ndarray:
    """Computes the clip features of a video from nothing but its id.

    Clip n covers frames 8n to 8n + 16 of the video; its feature is the mean over that
    window of what happens there, plus noise.

    Args:
        config: Configuration of the data set.
        video_id: Id of an untrimmed video or a moment.

    Returns:
        Features `[clips, channels]`, float16.

    Raises:
        ValueError: The id is none of this configuration.
    """
    line = synthetic_world.timeline(config, video_id)
    clips = (line.frames - CLIP_FRAMES) // STRIDE_FRAMES + 1
    within = (np.arange(4) + 0.5) / 4 * CLIP_FRAMES
    at_frames = np.arange(clips)[:, np.newaxis] * STRIDE_FRAMES + within
    at_sec = at_frames.ravel() / line.fps
    latent = latent_motion.render(config, video_id, line, at_sec)
    latent = latent.reshape(clips, 4, LATENT).mean(axis=1)
    rng = synthetic_world.generator(
        config, 3, *synthetic_world.parse_id(config, video_id)
    )
    latent += rng.standard_normal(latent.shape) * (config.noise / np.sqrt(LATENT))
    projection = synthetic_world.world(config).projection.astype(np.float32)
    features = latent.astype(np.float32) @ projection
    features += 0.2 * rng.standard_normal(config.channels, dtype=np.float32)
    features += 0.3 * rng.standard_normal(features.shape, dtype=np.float32)
    return features.astype(np.float16)


def write_synthetic(
    directory: str | pathlib.Path, config: SyntheticConfig, progress: bool = False
) -> pathlib.Path:
    """Writes a synthetic data set in the layout of real data, whole or not at all.

    The directory gets `dataset.json` with the roles untrimmed, moments, test and
    oracle, `annotations.json` and `untrimmed.npz`, `moments.json` and `moments.npz`,
    and `synthetic.json`, the configuration. Two runs give the same bytes.

    Args:
        directory: Directory to write; it must not exist or must be empty.
        config: Configuration of the data set.
        progress: Whether to show a progress bar.

    Returns:
        The directory.

    Raises:
        ValueError: The directory exists and is not empty, or is a file.
    """
    directory = pathlib.Path(directory)
    with new_directory(directory) as made:
        ids = list(synthetic_ids(config))
        untrimmed = [i for i in ids if not i.startswith("moment")]
        moments = ids[len(untrimmed) :]
        with tqdm.tqdm(total=len(ids), unit="video", disable=not progress) as bar:
            for name, members in (("untrimmed", untrimmed), ("moments", moments)):
                _write_npz(made / f"{name}.npz", config, members, bar)
        write_json(made / "annotations.json", _annotations(config, untrimmed))
        write_json(made / "moments.json", _annotations(config, moments))
        write_json(made / "synthetic.json", dataclasses.asdict(config))
        write_json(made / "dataset.json", _dataset(config))
    return directory


def _dataset(config: SyntheticConfig) -> dict[str, Any]:
    """Returns what `dataset.json` says of the four roles."""
    source = list(config.classes[: config.source_classes])
    target = list(config.classes[config.source_classes :])

    def role(name: str, annotations: str, subset: str, classes: list[str]) -> dict:
        features = {
            "path": f"{name}.npz",
            "clip_frames": CLIP_FRAMES,
            "stride_frames": STRIDE_FRAMES,
        }
        return {
            "annotations": annotations,
            "subset": subset,
            "classes": classes,
            "features": features,
        }

    return {
        "name": "synthetic",
        "untrimmed": role("untrimmed", "annotations.json", "training", source),
        "moments": role("moments", "moments.json", "training", target),
        "test": role("untrimmed", "annotations.json", "validation", target),
        "oracle": role("untrimmed", "annotations.json", "training", target),
    }


def _annotations(config: SyntheticConfig, ids: Iterable[str]) -> dict[str, Any]:
    """Returns an annotation file of the videos."""
    return {
        "version": "synthetic-1",
        "features": {"clip_frames": CLIP_FRAMES, "stride_frames": STRIDE_FRAMES},
        "database": {i: synthetic_record(config, i) for i in ids},
    }


def _write_npz(
    path: pathlib.Path, config: SyntheticConfig, ids: Iterable[str], bar: tqdm.tqdm
) -> None:
    """Writes features to an npz file one video at a time, with fixed time stamps."""
    with zipfile.ZipFile(path, "w") as archive:
        for video_id in ids:
            entry = zipfile.ZipInfo(f"{video_id}.npy")
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, synthetic_features(config, video_id))
            bar.update()
