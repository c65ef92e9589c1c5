"""Packs the sequences of a data set into sharded TFRecords, for fast training.

    python -m data_tools.pack --data DIR --preset small --workers 8

Reads and resamples every video once, in parallel, and writes DIR/packed, which
`experiments.train --data DIR` then reads instead of the features. Steps, pooling and
edge rule are those of the configuration (--preset, --set), so give what training gets.
Interrupted, the same command goes on where it ended. What is packed belongs to the
data set as it was: training refuses it when annotations, features or options have
changed, until it is packed again with --replace. `docs/DATA.md` has the layout;
tensorflow-datasets can read the directory, too.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import os
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

import tqdm
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.packed import packed_files, packing, record_files
from ahernet_tf.data.packed import reading as packed
from ahernet_tf.data.packed.packing import PackOptions
from ahernet_tf.data.packed.plans import PLAN

_MIB = 1 << 20


def run(
    data: str | pathlib.Path,
    out: str | pathlib.Path | None = None,
    config: Config | None = None,
    options: PackOptions | None = None,
    workers: int = 1,
    replace: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Packs a data set, or what is still missing of it.

    Args:
        data: Directory of the data set.
        out: Directory to write; by default `packed` beside dataset.json.
        config: Configuration whose steps and data options count; by default `small`.
        options: How to pack.
        workers: Processes at work; 1 packs in this one.
        replace: Remove other packed records that are there.
        progress: Whether to show a progress bar.

    Returns:
        What records.json holds: records and bytes of each split, videos left out.

    Raises:
        DataError: The data set is faulty; everything else has been packed.
        ValueError: The directory holds something else, or an option is unknown.
    """
    config = config or configuration.small()
    options = options or PackOptions()
    out = directory_of(data, out, replace)
    plan = packing.prepare(data, out, config, options)
    units = [(role, n) for role, part in plan.roles.items() for n in range(part.units)]
    videos = sum(part.videos for part in plan.roles.values() if part.units)
    report = DataReport()
    with tqdm.tqdm(
        total=videos, desc="packing", unit="video", disable=not progress
    ) as bar:
        for role, done in _packed_units(out, pathlib.Path(data), units, workers):
            bar.update(done.videos)
            if not plan.skip_bad:
                for video, fault in done.faults.items():
                    report.add(role, video, fault)
    report.require_clean()
    return packed_files.finish(out)


def directory_of(
    data: str | pathlib.Path,
    out: str | pathlib.Path | None,
    replace: bool,
    also: str | None = None,
) -> pathlib.Path:
    """Returns the directory of the records, and empties it if asked.

    Args:
        data: Directory of the data set.
        out: As for `run`.
        replace: As for `run`.
        also: Name of a directory that may lie in it before there are records.

    Raises:
        ValueError: It holds something else.
    """
    out = pathlib.Path(out) if out is not None else pathlib.Path(data, packed.DIRECTORY)
    if out.is_dir() and any(path.name != also for path in out.iterdir()):
        if not (out / PLAN).exists():
            raise ValueError(f"{out}: is not empty and holds no packed records")
        if replace:
            shutil.rmtree(out)
    return out


def _packed_units(
    out: pathlib.Path, data: pathlib.Path, units: list, workers: int
) -> Iterator[tuple[str, Any]]:
    """Packs units in this process or in others; yields role and report of each."""
    if workers <= 1:
        _start(out, data)
        yield from map(_pack, units)
        return
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive fork
    with concurrent.futures.ProcessPoolExecutor(
        workers, context, _start, (out, data)
    ) as pool:
        futures = [pool.submit(_pack, unit) for unit in units]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_process: dict[str, Any] = {}  # what a worker process keeps from unit to unit


def _start(out: pathlib.Path, data: pathlib.Path) -> None:
    """Prepares a process for packing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from ahernet_tf.data.packed.packer import Packer

    _process["packer"] = Packer(out, data)


def _pack(unit: tuple[str, int]) -> tuple[str, Any]:
    """Packs a unit."""
    return unit[0], _process["packer"].pack(*unit)


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    begin = time.monotonic()
    config, options = chosen(values)
    content = run(
        values.data,
        values.out,
        config,
        options,
        values.workers or os.cpu_count() or 1,
        values.replace,
    )
    print_content(content, time.monotonic() - begin)


def print_content(content: dict[str, Any], seconds: float) -> None:
    """Says what was packed."""
    for split, count in content["records"].items():
        print(f"{split}: {count} sequences, {content['bytes'][split] / _MIB:.1f} MiB")
    for role, videos in content["left_out"].items():
        print(f"{role}: {len(videos)} faulty videos left out: {', '.join(videos[:5])}")
    print(f"Packed in {seconds:.0f} s.")


def chosen(values: flags.FlagValues) -> tuple[Config, PackOptions]:
    """Returns what the flags of `define_flags` say.

    Raises:
        ValueError: There is no such option of the configuration.
    """
    config = configuration.with_overrides(
        configuration.preset(values.preset), values.set
    )
    fields = {f.name for f in dataclasses.fields(PackOptions)} - {"splits"}
    return config, PackOptions(
        splits=tuple(values.splits) or None,
        **{name: values[name].value for name in fields},
    )


def define_flags() -> None:
    """Defines the program's flags."""
    define_packing_flags()
    flags.DEFINE_integer("workers", 0, "Processes at work. 0: as many as cores.", 0)


def define_packing_flags() -> None:
    """Defines the flags that packing on one and on many machines have."""
    flags.DEFINE_string("data", None, "Data set directory.", required=True)
    flags.DEFINE_string("out", None, "Directory to write. Unset: packed in --data.")
    flags.DEFINE_enum(
        "preset", "small", sorted(configuration.PRESETS), "Configuration to start from."
    )
    flags.DEFINE_multi_string(
        "set", [], "Option of the configuration, part.option=value. Repeatable."
    )
    flags.DEFINE_enum("dtype", "float16", record_files.DTYPES, "Type of the numbers.")
    flags.DEFINE_bool(
        "short_as_clips",
        False,
        "Keep a moment or foreground segment with fewer clips than a quarter of its "
        "steps as clips, and resample it whenever it is read: much less room for short "
        "clips (Kinetics at 256 steps: a seventh), a little more work in training.",
    )
    flags.DEFINE_list(
        "splits",
        [],
        "Only these of untrimmed, foreground, moments, test, oracle. Unset: all.",
    )
    flags.DEFINE_integer("shard_mib", 256, "About how large a shard is, in MiB.", 1)
    flags.DEFINE_integer(
        "units", None, "Shards of each split. Unset: as --shard_mib asks.", 1
    )
    flags.DEFINE_bool("skip_bad", False, "Leave out faulty videos instead of failing.")
    flags.DEFINE_enum(
        "check_features",
        "shape",
        ["all", "shape"],
        "What is looked at before packing starts: the shapes of all features, or their "
        "values as well. Values are looked at while packing in any case.",
    )
    flags.DEFINE_bool("replace", False, "Remove other packed records that are there.")


if __name__ == "__main__":
    program.start(define_flags, main)
