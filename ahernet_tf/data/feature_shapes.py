"""Whether the features of a data set fit each other, and the actions they show."""

from __future__ import annotations

import collections
import math
import pathlib
from collections.abc import Mapping

from ahernet_tf.data.checks import ZEROS, DataReport, FeatureCheck
from ahernet_tf.data.description import DESCRIPTION
from ahernet_tf.data.features.feature_entries import transposed_hint
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.role_parts import TEST_POOL, RolePart


def check_shapes(
    parts: Mapping[str, RolePart],
    found: dict[tuple[FeatureStore, str], FeatureCheck],
    directory: pathlib.Path,
    report: DataReport,
) -> int:
    """Compares the shapes of all sequences; faulty ones lose theirs in `found`.

    Returns:
        The channels of every sequence.
    """
    lengths = {part.store: part.length for part in parts.values() if part.length}
    turned = {
        part.store: bool(part.role.features.get("transposed"))
        for part in parts.values()
    }
    shapes = collections.defaultdict(list)
    for (store, _), sequence in found.items():
        if sequence.shape is not None:
            shapes[store].append(sequence.shape)
    expected = _expected_channels(parts, shapes, turned, report)
    for (store, video), sequence in found.items():
        fault = sequence.fault
        clips, channels = sequence.shape or (0, 0)
        if fault is None and channels != expected[store]:
            fault = f"{channels} channels, expected {expected[store]}"
            fault += transposed_hint(shapes[store], expected[store], turned[store])
        elif fault is None and clips != lengths.get(store, clips):
            fault = f"{clips} clips, expected {lengths[store]}"
        if fault is not None:
            found[store, video] = FeatureCheck(None, fault)
            file = store.file_of(video)
            if file.is_relative_to(directory):
                file = file.relative_to(directory)
            report.add(file, video, fault)
        elif sequence.zeros:
            report.count(ZEROS, video)
    return max(expected.values(), default=0)


def check_covered(
    part: RolePart,
    found: Mapping[tuple[FeatureStore, str], FeatureCheck],
    report: DataReport,
) -> None:
    """Refuses training videos with actions that lie past the end of their features.

    They would be trained on as if these actions were not there.
    """
    if part.role.name in ("test", TEST_POOL) or part.role.trimmed:
        return
    sound = []
    for video in part.videos:
        shape = found[part.store, video.id].shape
        covered = part.covered_sec(video, shape[0]) if shape else math.inf
        past = [i for i in video.instances if i.start_sec >= covered]
        for instance in past:
            what = f"'{instance.label}' begins at {instance.start_sec:g} s, but its "
            report.add(part.file, video.id, f"{what}features end at {covered:g} s")
        if not past:
            sound.append(video)
    part.videos = sound


def _expected_channels(
    parts: Mapping[str, RolePart],
    shapes: Mapping[FeatureStore, list[tuple[int, int]]],
    turned: Mapping[FeatureStore, bool],
    report: DataReport,
) -> dict[FeatureStore, int]:
    """Finds the channels of each store: as declared, else what most videos have."""
    counts = {s: collections.Counter(n for _, n in shapes[s]) for s in shapes}
    expected = {store: max(n, key=n.get) for store, n in counts.items()}
    expected |= {part.store: part.dim for part in parts.values() if part.dim}
    expected = {
        part.store: expected[part.store]
        for part in parts.values()
        if part.store in expected
    }
    if len(set(expected.values())) > 1:
        sizes = ", ".join(f"{s.name} {n}" for s, n in expected.items())
        what = f"the feature stores differ in their channels: {sizes}"
        hints = (
            transposed_hint(shapes[store], channels, turned[store])
            for channels in expected.values()
            for store in shapes
        )
        what += next(filter(None, hints), "")
        report.add(DESCRIPTION, None, what, fatal=True)
    return expected
