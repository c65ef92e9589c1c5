"""Packs the features of a data set, for fast training.

    python -m data_tools.pack --data DIR --workers 8

Reads the features of every video once, in parallel, and writes DIR/packed, which
`experiments.train --data DIR` then reads instead of the features. DIR/packed is a data
set of its own, and serves every configuration. Interrupted, the same command goes on
where it ended. Training refuses it when annotations or features have changed, until it
is packed again with --replace. `--verify` reads all that is packed and compares its
checksums. `docs/DATA.md` has the layout.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import time
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import program

if TYPE_CHECKING:
    from ahernet_tf.data.packed.plan import PackOptions
    from ahernet_tf.forecast import Forecast

_MIB = 1 << 20
_START_SEC, _BYTES_PER_SEC = 5.0, 50e6


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    from ahernet_tf.data.packed import processes
    from ahernet_tf.data.packed.packed_data import DIRECTORY, verify
    from ahernet_tf.data.packed.packing import pack

    if values.verify:
        place = pathlib.Path(values.out or pathlib.Path(values.data, DIRECTORY))
        print(f"{place}: {verify(place)} videos are as they were packed.")
        return
    if values.dry_run:
        print("\n".join(forecast_of(values).lines()))
        return
    begin = time.monotonic()
    workers = values.workers or os.cpu_count() or 1
    run = functools.partial(
        processes.run_parts, workers=workers, progress=not values.quiet
    )
    options = chosen_options(values)
    content = pack(values.data, values.out, options, values.replace, run)
    print_content(content, time.monotonic() - begin)


def forecast_of(values: flags.FlagValues) -> Forecast:
    """Says what packing would do.

    Raises:
        DataError: The data set is faulty.
    """
    from ahernet_tf.config import Config
    from ahernet_tf.data.loading import load
    from ahernet_tf.data.packed.packed_data import DIRECTORY
    from ahernet_tf.data.packed.plan import plan_of
    from ahernet_tf.forecast import Forecast

    options = chosen_options(values)
    data = pathlib.Path(values.data).absolute()
    loaded = load(data, Config().data, options.skip_bad, options.check_features)
    stores = plan_of(loaded, options).stores
    width = 2 if options.dtype == "float16" else 4
    sizes = {
        name: width * store.channels * sum(sum(s.values()) for s in store.shards)
        for name, store in stores.items()
    }
    does = tuple(
        f"pack {name}: {sum(map(len, stores[name].shards))} videos in "
        f"{len(stores[name].shards)} shards"
        for name in sizes
    )
    size = sum(sizes.values())
    workers = min(values.workers or os.cpu_count() or 1, os.cpu_count() or 1)
    return Forecast(
        does,
        _START_SEC + size / (_BYTES_PER_SEC * workers),
        size,
        values.out or data / DIRECTORY,
    )


def print_content(content: dict[str, Any], seconds: float) -> None:
    """Says what was packed."""
    for name, count in content["videos"].items():
        print(f"{name}: {count} videos, {content['bytes'][name] / _MIB:.1f} MiB")
    for name, videos in content["left_out"].items():
        some = ", ".join(list(videos)[:5])
        print(f"{name}: {len(videos)} faulty videos left out: {some}")
    print(f"Packed in {seconds:.0f} s.")


def chosen_options(values: flags.FlagValues) -> PackOptions:
    """Returns what the flags of `define_flags` say.

    Raises:
        ValueError: There is no such role.
    """
    from ahernet_tf.data.packed.plan import PackOptions

    names = {field.name for field in dataclasses.fields(PackOptions)} - {"splits"}
    return PackOptions(
        splits=tuple(values.splits) or None,
        **{name: values[name].value for name in names},
    )


def define_flags() -> None:
    """Defines the program's flags."""
    define_packing_flags()
    program.define_dry_run()
    flags.DEFINE_integer("workers", 0, "Processes at work. 0: as many as cores.", 0)
    flags.DEFINE_bool("verify", False, "Only compare all checksums of what is packed.")


def define_packing_flags() -> None:
    """Defines the flags that packing on one and on many machines have."""
    flags.DEFINE_string("data", None, "Data set directory.", required=True)
    flags.DEFINE_string("out", None, "Directory to write. Unset: packed in --data.")
    flags.DEFINE_enum(
        "dtype", "float16", ["float16", "float32"], "Type of the numbers."
    )
    flags.DEFINE_list(
        "splits", [], "Only these of untrimmed, moments, test, oracle. Unset: all."
    )
    flags.DEFINE_integer("shard_mib", 256, "About how large a shard is, in MiB.", 1)
    flags.DEFINE_integer(
        "units", None, "Shards of each feature store. Unset: as --shard_mib asks.", 1
    )
    flags.DEFINE_bool("skip_bad", False, "Leave out faulty videos instead of failing.")
    flags.DEFINE_enum(
        "check_features",
        "shape",
        ["all", "shape"],
        "What is looked at before packing starts: the shapes of all features, or their "
        "values as well. Values are looked at while packing in any case.",
    )
    flags.DEFINE_bool("replace", False, "Remove another packed data set that is there.")


if __name__ == "__main__":
    program.start(define_flags, main)
