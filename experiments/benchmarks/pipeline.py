"""Times packed records beside the 2020 release's way: reading csv files.

    python -m experiments.benchmarks.pipeline --json pipeline.json

Makes videos of 300 clips with 2048 channels as csv files (a header, then a line a
clip, as the release has them), packs them, and times in the same run, alternating:

* one sample after the other in one thread: the csv file read by pandas and resampled to
  512 steps, or the packed sequence read with its checksum verified;
* the training stream of untrimmed videos, in batches of 16, with all its threads.

Both ways go through the same code and give the same batches (up to float16). The files
are in the system's cache for both; resampled sequences are not kept in memory.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import platform
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data import pipelines
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.packed.packing import PackOptions
from ahernet_tf.files import write_text
from data_tools import pack

CLIPS, CHANNELS, FPS = 300, 2048, 30.0


def make_data(
    directory: pathlib.Path,
    videos: int,
    clips: int = CLIPS,
    channels: int = CHANNELS,
    form: str = "csv",
) -> pathlib.Path:
    """Writes a data set of made-up features.

    Args:
        directory: Where; it is made.
        videos: Number of them.
        clips: Of a video.
        channels: Of the features.
        form: `csv` or `npy`, a file a video.
    """
    (directory / form).mkdir(parents=True)
    random = np.random.default_rng(0)
    header = ",".join(f"f{n}" for n in range(channels))
    duration_sec = ((clips - 1) * 8 + 16) / FPS
    segment = [0.125 * duration_sec, 0.5 * duration_sec]
    database = {}
    for number in range(videos):
        values = np.maximum(random.normal(size=(clips, channels)), 0)
        path = directory / form / f"v{number}.{form}"
        if form == "npy":
            np.save(path, values.astype(np.float32))
        else:
            np.savetxt(path, values, "%.6f", ",", header=header, comments="")
        database[f"v{number}"] = {
            "duration": duration_sec,
            "fps": FPS,
            "subset": "training",
            "annotations": [{"segment": segment, "label": f"class {number % 2}"}],
        }
    write_text(directory / "annotations.json", json.dumps({"database": database}))
    role = {
        "annotations": "annotations.json",
        "subset": "training",
        "features": {"clip_frames": 16, "stride_frames": 8, "path": form},
    }
    content = {
        "untrimmed": {**role, "classes": ["class 0", "class 1"]},
        "moments": {"from": "untrimmed annotations", "classes": ["class 1"]},
    }
    write_text(directory / "dataset.json", json.dumps(content))
    return directory


def measure(directory: pathlib.Path, videos: int, rounds: int) -> dict[str, Any]:
    """Times both ways.

    Args:
        directory: Where the data set is made.
        videos: Number of csv files.
        rounds: How often each way is timed; the median counts.

    Returns:
        Samples a second of each way, and how many times faster packed is.

    Raises:
        RuntimeError: The two ways do not give the same numbers.
    """
    data = make_data(directory, videos)
    config = configuration.paper()
    config = dataclasses.replace(
        config, data=dataclasses.replace(config.data, cache_bytes=0)
    )
    pack.run(data, None, config, PackOptions(splits=("untrimmed",)))
    csv = Dataset.load(data, config.data, check_features="shape", packed=False)
    packed = Dataset.load(data, config.data)
    check_equal(csv, packed)
    ways = {
        "csv": (csv, max(4, videos // 8), 1),
        "packed": (packed, 40 * videos, 64),
    }
    results: dict[str, Any] = {}
    for kind, run in (("one thread", one_by_one), ("stream", stream)):
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (dataset, samples, batches) in ways.items():
                count = samples if kind == "one thread" else batches
                times[name].append(run(dataset, config, count))
        rates = {name: float(np.median(values)) for name, values in times.items()}
        results[kind] = {
            f"{name}_samples_per_sec": round(rate, 2) for name, rate in rates.items()
        }
        results[kind]["times_faster"] = round(rates["packed"] / rates["csv"], 1)
    return results


def check_equal(csv: Dataset, packed: Dataset) -> None:
    """Compares a sample of both ways.

    Raises:
        RuntimeError: They differ by more than float16 does.
    """
    values = [sample(dataset, 0) for dataset in (csv, packed)]
    if not np.allclose(*values, rtol=1e-3, atol=1e-3):
        raise RuntimeError("packed and csv give different numbers")


def sample(dataset: Dataset, number: int) -> np.ndarray:
    """Makes one sample of the untrimmed videos."""
    role = dataset.roles["untrimmed"]
    video = role.videos[number % len(role.videos)]
    return role.sequences.sequence(role.whole_span(video), 512)


def one_by_one(dataset: Dataset, config: Config, count: int) -> float:
    """Returns samples a second in one thread."""
    return _rate(lambda n: sample(dataset, n), count)


def stream(dataset: Dataset, config: Config, count: int) -> float:
    """Returns samples a second of the training stream, over `count` batches."""
    batches = iter(pipelines.untrimmed_stream(dataset, config, 0).prefetch(1))
    for _ in range(3):  # start the threads, and use up what they made meanwhile
        next(batches)
    rate = _rate(lambda n: next(batches)["features"], count)
    return rate * config.training.batch_size


def _rate(function: Callable[[int], Any], count: int) -> float:
    begin = time.perf_counter()
    for number in range(count):
        function(number)
    return count / (time.perf_counter() - begin)


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    with tempfile.TemporaryDirectory(dir=values.directory) as directory:
        results = measure(pathlib.Path(directory, "data"), values.videos, values.rounds)
    for kind, numbers in results.items():
        print(
            f"{kind}: csv {numbers['csv_samples_per_sec']} samples/s, packed "
            f"{numbers['packed_samples_per_sec']} samples/s: "
            f"{numbers['times_faster']} times"
        )
    if values.json:
        content = {
            "clips": CLIPS,
            "channels": CHANNELS,
            "steps": 512,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "tensorflow": tf.__version__,
            "results": results,
        }
        write_text(values.json, json.dumps(content, indent=1) + "\n")


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_integer("videos", 32, "Number of csv files.", 16)
    flags.DEFINE_integer("rounds", 3, "How often each way is timed.", 1)
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")
    flags.DEFINE_string(
        "directory", None, "Where to make the files (200 MiB). Unset: the system's."
    )


if __name__ == "__main__":
    program.start(define_flags, main)
