"""Times how fast samples are read from features of several formats, and packed.

    python -m experiments.benchmarks.pipeline --json pipeline.json

Makes videos of 450 clips with 2048 channels as csv files (a header, then a line per
clip, as the 2020 release has them), npy files, one npz, one HDF5 file, and packed
(float16). Times in the same run, alternating:

* one sample after the other in one thread: a video read and resampled to 512 steps;
* the training stream of untrimmed videos, in batches of 16, with all its threads.

It says how many samples that are per second, and what one costs in processor time,
which other programs on the machine change less.

All go through the same code and give the same batches (packed up to float16). The files
are in the system's cache; nothing is kept in memory beside it.
"""

from __future__ import annotations

import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.packed.packing import pack
from ahernet_tf.files import write_json

from . import preset_flags

CLIPS, CHANNELS, FPS = 450, 2048, 30.0
FORMATS = ("csv", "npy", "npz", "hdf5")


def make_data(
    directory: pathlib.Path,
    videos: int,
    form: str = "npy",
    clips: int = CLIPS,
    channels: int = CHANNELS,
) -> pathlib.Path:
    """Writes a data set of made-up features.

    Args:
        directory: Where; it is made.
        videos: Number of them.
        form: One of `FORMATS`.
        clips: Of a video.
        channels: Of the features.
    """
    directory.mkdir(parents=True)
    random = np.random.default_rng(0)
    values = {
        f"v{number}": np.maximum(random.normal(size=(clips, channels)), 0).astype("f4")
        for number in range(videos)
    }
    path = _write(directory, form, values)
    duration_sec = ((clips - 1) * 8 + 16) / FPS
    segment = [0.125 * duration_sec, 0.5 * duration_sec]
    database = {
        video: {
            "duration": duration_sec,
            "fps": FPS,
            "subset": "training",
            "annotations": [{"segment": segment, "label": f"class {number % 2}"}],
        }
        for number, video in enumerate(values)
    }
    write_json(directory / "annotations.json", {"database": database})
    role = {
        "annotations": "annotations.json",
        "subset": "training",
        "features": {"clip_frames": 16, "stride_frames": 8, "path": path},
    }
    content = {
        "untrimmed": {**role, "classes": ["class 0", "class 1"]},
        "moments": {"from": "untrimmed annotations", "classes": ["class 1"]},
    }
    write_json(directory / "dataset.json", content)
    return directory


def _write(directory: pathlib.Path, form: str, values: dict[str, np.ndarray]) -> str:
    """Writes features of one format and returns where they are."""
    if form == "npz":
        np.savez(directory / "features.npz", **values)
        return "features.npz"
    if form == "hdf5":
        import h5py

        with h5py.File(directory / "features.h5", "w") as file:
            for video, array in values.items():
                file[video] = array
        return "features.h5"
    (directory / form).mkdir()
    for video, array in values.items():
        path = directory / form / f"{video}.{form}"
        if form == "npy":
            np.save(path, array)
        else:
            header = ",".join(f"f{n}" for n in range(array.shape[1]))
            np.savetxt(path, array, "%.6f", ",", header=header, comments="")
    return form


def measure(
    directory: pathlib.Path,
    videos: int,
    rounds: int,
    clips: int = CLIPS,
    channels: int = CHANNELS,
) -> dict[str, Any]:
    """Times all formats.

    Args:
        directory: Where the data sets are made.
        videos: Of each.
        rounds: How often each format is timed; the median counts.
        clips: Of a video.
        channels: Of the features.

    Returns:
        By format, samples per second in one thread and of the stream, and under
        `..._processor_ms` the processor time of a sample.

    Raises:
        RuntimeError: Two formats do not give the same numbers.
    """
    config = configuration.with_overrides(configuration.paper(), ["data.cache_bytes=0"])
    made = {
        form: make_data(directory / form, videos, form, clips, channels)
        for form in FORMATS
    }
    datasets = {
        form: Dataset.load(path, config.data, check_features="shape", packed=False)
        for form, path in made.items()
    }
    pack(made["npy"])
    datasets["packed"] = Dataset.load(made["npy"], config.data)
    first = {form: sample(dataset, 0) for form, dataset in datasets.items()}
    for form, values in first.items():
        if not np.allclose(values, first["csv"], rtol=1e-3, atol=1e-3):
            raise RuntimeError(f"{form} and csv give different numbers")
    times: dict[str, dict[str, list[float]]] = {form: {} for form in datasets}
    for _ in range(rounds):
        for form, dataset in datasets.items():
            samples, batches = (4, 1) if form == "csv" else (4 * videos, 16)
            for way, (rate, processor_ms) in (
                ("one_thread", one_by_one(dataset, samples)),
                ("stream", stream(dataset, config, batches)),
            ):
                times[form].setdefault(way, []).append(rate)
                times[form].setdefault(f"{way}_processor_ms", []).append(processor_ms)
    return {
        form: {way: round(float(np.median(found)), 2) for way, found in ways.items()}
        for form, ways in times.items()
    }


def sample(dataset: Dataset, number: int) -> np.ndarray:
    """Makes one sample of the untrimmed videos."""
    role = dataset.roles["untrimmed"]
    video = role.videos[number % len(role.videos)]
    return role.sequences.sequence(role.whole_span(video), 512)


def one_by_one(dataset: Dataset, count: int) -> tuple[float, float]:
    """Returns samples per second in one thread, and processor ms of one."""
    return _rate(lambda n: sample(dataset, n), count, 1)


def stream(dataset: Dataset, config: Config, count: int) -> tuple[float, float]:
    """Returns the same of the training stream, over `count` batches."""
    from ahernet_tf.data import pipelines

    made = pipelines.untrimmed_stream(dataset, config, 0)
    batches = iter(made.take(2 + count).prefetch(1))
    for _ in range(2):  # start the threads, and use up what they made meanwhile
        next(batches)
    return _rate(lambda n: next(batches), count, config.training.batch_size)


def _rate(
    function: Callable[[int], Any], count: int, samples: int
) -> tuple[float, float]:
    """Calls a function that makes some samples; returns as `one_by_one`."""
    begin, processor_begin = time.perf_counter(), time.process_time()
    for number in range(count):
        function(number)
    taken, processor = time.perf_counter() - begin, time.process_time()
    samples *= count
    return samples / taken, 1000 * (processor - processor_begin) / samples


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    from . import rates

    with tempfile.TemporaryDirectory(dir=values.directory) as directory:
        results = measure(pathlib.Path(directory), values.videos, values.rounds)
    slowest = results["csv"]["one_thread"]
    lines = [
        f"{form}: one thread {found['one_thread']:.1f} samples/s "
        f"({found['one_thread'] / slowest:.0f} times csv), stream {found['stream']:.1f}"
        f"; processor ms of a sample {found['one_thread_processor_ms']}"
        f" and {found['stream_processor_ms']}"
        for form, found in results.items()
    ]
    report = {
        "clips": CLIPS,
        "channels": CHANNELS,
        "machine": rates.machine(),
        "results": results,
    }
    preset_flags.finish(values, report, "\n".join(lines))


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_integer("videos", 32, "Videos of each format.", 2)
    flags.DEFINE_integer("rounds", 3, "How often each format is timed.", 1)
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")
    flags.DEFINE_string(
        "directory", None, "Where to make the files (700 MiB). Unset: the system's."
    )


if __name__ == "__main__":
    program.start(define_flags, main)
