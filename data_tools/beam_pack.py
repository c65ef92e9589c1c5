"""Packs a data set on many machines, with Apache Beam.

    python -m data_tools.beam_pack --data /shared/k600 --preset paper \
        --short_as_clips --beam=runner=FlinkRunner --beam=flink_master=head:8081 \
        --beam=environment_type=LOOPBACK

Writes byte for byte what `data_tools.pack` writes, with the same flags. Data and
records lie in directories that all machines see under the same path (NFS, Lustre, a
mounted bucket); ahernet_tf is installed on each. First all features are looked at,
then the units are packed, both on the workers; a second run goes on where the first
ended. `--beam` passes an option to the pipeline; without any it runs on this machine.
docs/DATA.md says how to run it on a cluster. Needs the extra `beam`.
"""

from __future__ import annotations

import functools
import json
import pathlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.packed import packed_files, packing
from ahernet_tf.data.packed.beam_work import run_parts
from ahernet_tf.data.packed.packing import PackOptions

from . import pack

_VIDEOS = 500  # looked at in one part
_WORK = "beam"  # directory of the parts, inside that of the records


def run(
    data: str | pathlib.Path,
    out: str | pathlib.Path | None = None,
    config: Config | None = None,
    options: PackOptions | None = None,
    beam_options: Sequence[str] = (),
    replace: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Packs a data set, or what is still missing of it.

    Args:
        data: Directory of the data set.
        out: As for `pack.run`.
        config: As for `pack.run`.
        options: As for `pack.run`.
        beam_options: Options of the pipelines, such as "--runner=FlinkRunner".
        replace: As for `pack.run`.
        progress: Whether to show progress bars.

    Returns:
        What records.json holds: records and bytes of each split, videos left out.

    Raises:
        DataError: The data set is faulty; everything else has been packed.
        ValueError: As `pack.run`, or Apache Beam is not installed.
    """
    config = config or configuration.small()
    options = options or PackOptions()
    data = pathlib.Path(data).absolute()
    out = pack.directory_of(data, out, replace, also=_WORK).absolute()
    parts = functools.partial(
        run_parts, directory=out / _WORK, options=beam_options, progress=progress
    )

    def check(
        pairs: Iterable[tuple[FeatureStore, str]], read: bool
    ) -> dict[tuple[FeatureStore, str], checks.FeatureCheck]:
        """Looks at sequences on the workers; see `checks.check_sequences`."""
        pairs = list(dict.fromkeys(pairs))
        by_store: dict[FeatureStore, list[str]] = {}
        for store, video in pairs:
            by_store.setdefault(store, []).append(video)
        work = [
            (store, videos[first : first + _VIDEOS])
            for store, videos in by_store.items()
            for first in range(0, len(videos), _VIDEOS)
        ]
        look = functools.partial(check_part, str(data), read)
        found = parts(
            look,
            [[json.dumps(store.entry), videos] for store, videos in work],
            title="checking features",
        )
        known = {
            (store, video): checks.FeatureCheck(shape and tuple(shape), fault)
            for (store, videos), results in zip(work, found)
            for video, (shape, fault) in zip(videos, results)
        }
        return {pair: known[pair] for pair in pairs}

    plan = packing.prepare(data, out, config, options, check)
    units = [[role, n] for role, part in plan.roles.items() for n in range(part.units)]
    reports = parts(
        functools.partial(pack_part, str(out), str(data)), units, title="packing"
    )
    report = checks.DataReport()
    for (role, _), faults in zip(units, reports):
        for video, fault in faults.items():
            if not plan.skip_bad:
                report.add(role, video, fault)
    report.require_clean()
    return packed_files.finish(out)


def check_part(data: str, read: bool, part: list) -> list:
    """Looks at some sequences of a store.

    Args:
        data: Directory of the data set.
        read: Whether to look at the values.
        part: The store's entry of dataset.json as text, and ids of videos.

    Returns:
        Shape and fault of each, one of which is None.
    """
    entry, videos = part
    store = _store(data, entry)
    found = (checks.check_sequence(store, video, read) for video in videos)
    return [[one.shape, one.fault] for one in found]


def pack_part(out: str, data: str, part: list) -> dict[str, str]:
    """Packs a unit and returns the faults of its videos.

    Args:
        out: Directory of the records.
        data: Directory of the data set.
        part: Role and number of the unit.
    """
    return _packer(out, data).pack(*part).faults


@functools.lru_cache(maxsize=16)
def _store(data: str, entry: str) -> FeatureStore:
    return open_features(pathlib.Path(data), json.loads(entry))


@functools.lru_cache(maxsize=1)
def _packer(out: str, data: str) -> Any:
    from ahernet_tf.data.packed.packer import Packer

    return Packer(out, data)


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    begin = time.monotonic()
    config, options = pack.chosen(values)
    beam_options = [f"--{option}" for option in values.beam]
    content = run(
        values.data, values.out, config, options, beam_options, values.replace
    )
    pack.print_content(content, time.monotonic() - begin)


def define_flags() -> None:
    """Defines the program's flags."""
    pack.define_packing_flags()
    flags.DEFINE_multi_string(
        "beam",
        [],
        "Option of the Beam pipeline without its dashes, such as runner=FlinkRunner. "
        "Repeatable.",
    )


if __name__ == "__main__":
    # Workers find functions by the name of their module, which must not be __main__.
    from . import beam_pack

    program.start(define_flags, beam_pack.main, needs=["apache_beam"])
