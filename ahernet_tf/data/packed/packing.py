"""Packs a data set: the clips of all its videos in a few files, read at once.

A packed data set is an ordinary one, with packed features (`features.packed_store`) and
copies of the annotation files. Nothing in it is resampled, so it serves every
configuration. `pack` plans it, packs its shards in any order, in many processes or on
many machines, and last makes it complete; a second run packs what is missing.

    plan.json        what is packed, and of what
    untrimmed/ ...   packed features, under the name of the first role that has them
    annotations/     copies of the annotation files
    dataset.json
    packed.json      written last: checksums of all files but the shards
"""

from __future__ import annotations

import functools
import json
import pathlib
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ahernet_tf.config import Config
from ahernet_tf.data import checks
from ahernet_tf.data.checks import DataReport, FeatureCheck
from ahernet_tf.data.features import half_precision
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.packed_store import (
    DTYPES,
    faults_in_shard,
    shard_path,
    write_shard,
)
from ahernet_tf.data.loading import load
from ahernet_tf.data.packed import processes
from ahernet_tf.data.packed.completion import complete
from ahernet_tf.data.packed.packed_data import DIRECTORY, PLAN
from ahernet_tf.data.packed.plan import PackingPlan, PackOptions, plan_of
from ahernet_tf.files import PARTIAL

BEAM = "beam"  # may lie in the directory before there is a plan

_VIDEOS = 500  # looked at in one part

# Does the parts of a work: takes the function, the parts and a title.
RunParts = Callable[..., list[Any]]


def pack(
    data: str | pathlib.Path,
    out: str | pathlib.Path | None = None,
    options: PackOptions | None = None,
    replace: bool = False,
    run: RunParts = processes.run_parts,
) -> dict[str, Any]:
    """Packs a data set, or what is still missing of it.

    Args:
        data: Directory of the data set.
        out: Directory to write; by default `packed` beside dataset.json.
        options: How to pack.
        replace: Remove another packed data set that is there.
        run: Does the parts of the work, called with a function, the parts and
            `title`: `processes.run_parts`, or `functools.partial` of it or of
            `beam_work.run_parts`.

    Returns:
        `videos` and `bytes` of each packed store, and `left_out`, why videos were
        left out of each.

    Raises:
        DataError: The data set is faulty; everything else has been packed.
        ValueError: The directory holds something else.
    """
    options = options or PackOptions()
    data = pathlib.Path(data).absolute()
    out = pathlib.Path(out or data / DIRECTORY).absolute()
    if (out / PLAN).exists():
        if replace:
            shutil.rmtree(out)
    elif out.is_dir() and any(
        path.name != BEAM and not path.name.endswith(PARTIAL) for path in out.iterdir()
    ):
        raise ValueError(f"{out}: is not empty and holds no packed data set")
    call = uuid.uuid4().hex
    check = functools.partial(_check_sequences, data, call, run)
    loaded = load(data, Config().data, options.skip_bad, options.check_features, check)
    plan = _plan_in(out, plan_of(loaded, options))
    parts = plan.parts()
    work = functools.partial(pack_shard, str(out), str(data), call)
    left_out: dict[str, dict[str, str]] = {}
    report = DataReport()
    for (name, _), faults in zip(parts, run(work, parts, title="packing")):
        for video, fault in faults.items():
            left_out.setdefault(name, {})[video] = fault
            report.add(name, video, fault)
    report.require_clean(options.skip_bad)
    return complete(out, plan, loaded, left_out)


def _plan_in(out: pathlib.Path, plan: PackingPlan) -> PackingPlan:
    """Returns the plan that is there if it is the same; else writes this one.

    Raises:
        ValueError: Another plan is there.
    """
    if not (out / PLAN).exists():
        plan.write(out)
        return plan
    there = PackingPlan.read(out)
    if changed := there.differences(plan):
        raise ValueError(
            f"{out}: holds another data set or form ({', '.join(changed)} differ); "
            "replace it or pack elsewhere"
        )
    return there


def pack_shard(out: str, data: str, call: str, part: Sequence[Any]) -> dict[str, str]:
    """Packs a shard, unless it is there already.

    Args:
        out: Directory of the packed data set.
        data: Directory of the data set.
        call: Tells calls of `pack` apart: what is open stays so during one.
        part: Name of the packed store, and number of the shard.

    Returns:
        What is wrong with some of its videos, by id. A shard with faults is written
        only where the plan says to leave faulty videos out.
    """
    name, number = part
    plan = _plan(out, call)
    store = plan.stores[name]
    shard = store.shards[number]
    path = shard_path(pathlib.Path(out, name), number)
    faults = faults_in_shard(path, shard, store.channels, plan.dtype)
    if faults is not None:
        return faults
    features = _store(data, json.dumps(store.features), call)
    sequences = _sequences(features, shard, store.channels, plan)
    try:
        return write_shard(path, store.channels, plan.dtype, shard, sequences)
    except _FaultyShard as faulty:
        return faulty.faults


class _FaultyShard(Exception):
    """Ends the writing of a shard that must not appear."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(faults)
        self.faults = faults


def _sequences(
    store: FeatureStore, shard: dict[str, int], channels: int, plan: PackingPlan
) -> Iterator[tuple[str, np.ndarray | None, str]]:
    """Reads the videos of a shard for `write_shard`.

    Raises:
        _FaultyShard: There are faults, and they must not be left out.
    """
    faults = {}
    for video, count in shard.items():
        clips, fault = None, ""
        try:
            clips = store.read(video)
            if clips.shape != (count, channels):
                fault = f"its features are {clips.shape}, were {(count, channels)}"
            else:
                fault = half_precision.fault_of_values(clips, plan.dtype) or ""
        except (ValueError, OSError) as error:
            fault = f"cannot be read ({error})"
        if fault:
            faults[video] = fault
            yield video, None, fault
        elif plan.dtype == "float16":
            yield video, half_precision.to_float16(clips), ""
        else:
            yield video, np.ascontiguousarray(clips, DTYPES[plan.dtype]), ""
    if faults and not plan.skip_bad:
        raise _FaultyShard(faults)


def _check_sequences(
    data: pathlib.Path,
    call: str,
    run: RunParts,
    pairs: Iterable[tuple[FeatureStore, str]],
    read: bool,
) -> dict[tuple[FeatureStore, str], FeatureCheck]:
    """Looks at sequences in parts; see `checks.check_sequences`."""
    by_store: dict[FeatureStore, list[str]] = {}
    for store, video in dict.fromkeys(pairs):
        by_store.setdefault(store, []).append(video)
    parts = [
        (store, videos[first : first + _VIDEOS])
        for store, videos in by_store.items()
        for first in range(0, len(videos), _VIDEOS)
    ]
    found = run(
        functools.partial(check_videos, str(data), call, read),
        [[json.dumps(store.entry), videos] for store, videos in parts],
        title="checking features",
    )
    return {
        (store, video): FeatureCheck(shape and tuple(shape), fault)
        for (store, videos), results in zip(parts, found)
        for video, (shape, fault) in zip(videos, results)
    }


def check_videos(data: str, call: str, read: bool, part: Sequence[Any]) -> list:
    """Looks at some sequences of a feature store.

    Args:
        data: Directory of the data set.
        call: As for `pack_shard`.
        read: Whether to look at the values.
        part: The store's entry of dataset.json as text, and ids of videos.

    Returns:
        Shape and fault of each, one of which is None.
    """
    entry, videos = part
    store = _store(data, entry, call)
    found = (checks.check_sequence(store, video, read) for video in videos)
    return [[one.shape, one.fault] for one in found]


@functools.lru_cache(maxsize=16)
def _store(data: str, entry: str, call: str) -> FeatureStore:
    return open_features(pathlib.Path(data), json.loads(entry))


@functools.lru_cache(maxsize=1)
def _plan(out: str, call: str) -> PackingPlan:
    return PackingPlan.read(pathlib.Path(out))
