"""Measures how the memory of training depends on the number of moments.

    python -m experiments.benchmarks.memory --sizes 1000,10000,100000 --json memory.json

For each size it makes a data set with so many moments of 2048 channels, runs
`experiments.train` on it for a few iterations in a process of its own, and reports the
most memory that this process ever held (peak resident set). The features of the moments
are sparse npy files: they have all their bytes, zeros, but hardly take room. With
`--form packed` they are packed first (64 KiB per moment on the disk); with `--form npy`
training reads the npy files.

It also says how well the order of an epoch mixes: the mean distance in the list between
moments drawn one after the other, as a fraction of their number. Shuffled over all of
them it is 1/3. Tiled synthesis draws runs of one class, so there it is between runs.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data import sampling
from ahernet_tf.data.packed.packing import pack
from ahernet_tf.data.synthetic.difficulty import synthetic_config
from ahernet_tf.data.synthetic.synthetic_dataset import write_synthetic
from ahernet_tf.files import write_text

from . import preset_flags

CHANNELS = 2048
CLIPS = 16
FPS = 30.0
FORMS = ("packed", "npy")


def measure(
    sizes: Sequence[int],
    classes: tuple[int, int],
    form: str,
    directory: pathlib.Path,
    config: Config,
    options: Sequence[str],
    iterations: int = 3,
) -> list[dict[str, Any]]:
    """Trains on data sets of several sizes.

    Args:
        sizes: Numbers of moments.
        classes: Numbers of source and of target classes.
        form: One of `FORMS`.
        directory: Where the data sets are made, one after the other.
        config: What is trained.
        options: Flags of `experiments.train` that say the same.
        iterations: Iterations of the second phase.

    Returns:
        For each size: `moments`, `peak_mib` and `train_sec` of the training process,
        `pack_sec`, and the measures of `mixing`.

    Raises:
        RuntimeError: A training run failed.
    """
    results = []
    for size in sizes:
        data = make_data(directory / f"moments_{size}", size, *classes)
        begin = time.monotonic()
        if form == "packed":
            pack(data)
        packed = time.monotonic()
        run = directory / f"run_{size}"
        peak_mib = train(data, run, options, iterations)
        results.append(
            {
                "moments": size,
                "peak_mib": round(peak_mib, 1),
                "train_sec": round(time.monotonic() - packed, 1),
                "pack_sec": round(packed - begin, 1),
                **mixing(size, classes[1]),
            }
        )
        print(json.dumps(results[-1]), flush=True)
        shutil.rmtree(run)
        shutil.rmtree(data)
    return results


def make_data(
    directory: pathlib.Path, moments: int, source_classes: int, target_classes: int
) -> pathlib.Path:
    """Makes a data set with few untrimmed videos and many moments."""
    config = synthetic_config(
        "easy",
        source_classes=source_classes,
        target_classes=target_classes,
        channels=CHANNELS,
        videos_per_class=2,
        test_videos_per_class=1,
        moments_per_class=1,
    )
    write_synthetic(directory, config)
    (directory / "moments.npz").unlink()
    target = config.classes[source_classes:]
    seconds = ((CLIPS - 1) * 8 + 16) / FPS
    records = {
        f"moment_{number:08d}": {
            "duration": seconds,
            "subset": "training",
            "fps": FPS,
            "label": target[number * len(target) // moments],
        }
        for number in range(moments)
    }
    write_text(directory / "moments.json", json.dumps({"database": records}))
    path = directory / "dataset.json"
    content = json.loads(path.read_text())
    content["moments"]["features"]["path"] = "moments"
    content["moments"]["features"]["format"] = "npy"
    write_text(path, json.dumps(content))
    np.save(directory / "one.npy", np.zeros((1, CHANNELS), np.float16))
    header = (directory / "one.npy").read_bytes()[: -2 * CHANNELS]
    header = header.replace(b"(1, ", b"(%d," % CLIPS)  # of the same length
    folder = directory / "moments"
    folder.mkdir()
    for video in records:
        with open(folder / f"{video}.npy", "wb") as file:
            file.write(header)
            file.truncate(len(header) + 2 * CLIPS * CHANNELS)
    return directory


def train(
    data: pathlib.Path, workdir: pathlib.Path, options: Sequence[str], iterations: int
) -> float:
    """Runs the training program and returns its peak resident set in MiB.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-m", "ahernet_tf", "train", f"--data={data}"]
    command += [f"--workdir={workdir}", "--check_features=shape", *options]
    command += [f"--iterations={iterations}", "--pretrain_iterations=1"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            text = output.read().decode(errors="replace")[-4000:]
            raise RuntimeError(f"{' '.join(command)} failed:\n{text}")
    return usage.ru_maxrss / 1024


def mixing(moments: int, classes: int, seed: int = 0) -> dict[str, Any]:
    """Says how well an epoch of both kinds of synthesis mixes the moments."""
    order = sampling.EpochOrder(moments, seed, "moments")
    single = np.array([order[place] for place in range(moments)])
    labels = np.arange(moments) * classes // moments
    run = configuration.small().synthesis.moments_per_class
    runs = sampling.ClassRuns(labels, run, seed)
    first = np.array([runs[place][0] for place in range(moments // run)])
    return {
        "each_once": bool(np.array_equal(np.sort(single), np.arange(moments))),
        "distance": _distance(single, moments),
        "distance_of_runs": _distance(first, moments),
    }


def _distance(order: np.ndarray, moments: int) -> float:
    """Returns the mean distance of neighbours as a fraction of all moments."""
    return round(float(np.abs(np.diff(order)).mean() / moments), 4)


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    config = preset_flags.chosen_config(values)
    sizes = [int(size) for size in values.sizes]
    classes = values.source_classes, values.target_classes
    options = [f"--preset={values.preset}", *(f"--set={o}" for o in values.set)]
    with tempfile.TemporaryDirectory(dir=values.directory) as directory:
        results = measure(
            sizes, classes, values.form, pathlib.Path(directory), config, options
        )
    smallest, largest = results[0], results[-1]
    more = largest["moments"] - smallest["moments"]
    growth = 0.0
    if more:
        growth = (largest["peak_mib"] - smallest["peak_mib"]) * 2**20 / more
    preset_flags.finish(
        values,
        {"form": values.form, "bytes_a_moment": growth, "results": results},
        f"{growth:.0f} bytes a moment between the first and the last size",
    )


def define_flags() -> None:
    """Defines the program's flags."""
    preset_flags.define_flags(default="small")
    flags.DEFINE_list("sizes", ["1000", "10000", "100000"], "Numbers of moments.")
    flags.DEFINE_enum("form", "packed", FORMS, "What training reads.")
    preset_flags.define_classes(source=2, target=10)
    flags.DEFINE_string(
        "directory", None, "Where to make the data sets. Unset: the system's."
    )


if __name__ == "__main__":
    program.start(define_flags, main)
