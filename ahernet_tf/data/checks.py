"""What can be wrong with a data set, gathered into one report.

Nothing here stops at the first fault: every reader adds `Problem` records to a
`DataReport`, and the data set raises once, with all of them, before anything expensive
starts. Faults of a single video can be skipped on request; structural faults (an
unreadable file, a missing role) cannot.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tqdm

ZEROS = "videos whose features are zeros alone"
LISTED_PROBLEMS = 50  # so many are named in the message of a DataError

_SHARED = 4  # videos whose common fault is said once

# A segment may end this much after its video (or start this much before 0 s); it is
# then clamped and counted. Published annotations overshoot by up to 0.6%.
OVERSHOOT_FRACTION = 0.01
OVERSHOOT_SEC = 0.1


class DataError(ValueError):
    """A data set cannot be used; the message lists everything that is wrong.

    Attributes:
        problems: All of it.
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclasses.dataclass(frozen=True)
class Problem:
    """One fault: where, which video, what with its value.

    Attributes:
        file: File that holds the fault, as a user would recognise it.
        video: Video it concerns, or None for the file as a whole.
        what: Plain words and the offending value.
        fatal: True where leaving out the video would not help.
    """

    file: str
    video: str | None
    what: str
    fatal: bool = False

    def is_of_a_row(self) -> bool:
        """Tells whether it is that a row of a table cannot be read."""
        return self.what.startswith("line ")

    def __str__(self) -> str:
        """Returns the line of the report."""
        video = f"video '{self.video}': " if self.video is not None else ""
        return f"{self.file}: {video}{self.what}"


@dataclasses.dataclass
class DataReport:
    """What was found, dropped, clamped and counted while a data set was read.

    Attributes:
        problems: Every fault, without repetition, in the order found.
        counts: How often something happened that needs no action, by its sentence.
        examples: Videos in which it did, by the same sentences, where they are named.
    """

    problems: list[Problem] = dataclasses.field(default_factory=list)
    counts: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    examples: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def add(self, file: Any, video: str | None, what: str, fatal: bool = False) -> None:
        """Adds a problem unless it is already there."""
        problem = Problem(str(file), video, what, fatal)
        if problem not in self._seen:
            self._seen.add(problem)
            self.problems.append(problem)

    def count(self, what: str, video: str) -> None:
        """Counts something that needs no action, and names the video."""
        self.counts[what] += 1
        self.examples.setdefault(what, []).append(video)

    def merge(self, other: DataReport) -> None:
        """Takes over what another report holds."""
        for problem in other.problems:
            self.add(problem.file, problem.video, problem.what, problem.fatal)
        self.counts.update(other.counts)
        for what, videos in other.examples.items():
            self.examples.setdefault(what, []).extend(videos)

    def require_clean(self, skip_bad: bool = False) -> None:
        """Raises if there are problems, or with `skip_bad` if one of them is fatal.

        Raises:
            DataError: With one line a problem, or one for all videos that have the
                same; at most the first 50.
        """
        fatal = [p for p in self.problems if p.fatal]
        if not self.problems or (skip_bad and not fatal):
            return
        ordered = fatal + [p for p in self.problems if not p.fatal]
        lines = [f"  {line}" for line in _gathered(ordered)]
        if len(lines) > LISTED_PROBLEMS:
            more = len(lines) - LISTED_PROBLEMS
            lines = [*lines[:LISTED_PROBLEMS], f"  and {more} more"]
        noun = "problem" if len(ordered) == 1 else "problems"
        message = "\n".join([f"{len(ordered)} {noun} in the data:", *lines])
        raise DataError(message, ordered)

    def skipped(self) -> dict[str, list[str]]:
        """Returns the ids of the videos left out because of a problem, by file."""
        skipped: dict[str, dict[str, None]] = {}
        for problem in self.problems:
            if problem.video is not None:
                skipped.setdefault(problem.file, {})[problem.video] = None
        return {file: list(ids) for file, ids in skipped.items()}

    def lines(self) -> list[str]:
        """Returns the report as sentences for a log: what was left out, then counts."""
        return self.left_out() + self.counted()

    def left_out(self) -> list[str]:
        """Says what was left out and what is wrong, a sentence each."""
        rows = collections.Counter(p.file for p in self.problems if p.is_of_a_row())
        lines = [f"{file}: {n} row{'s'[n == 1 :]} left out" for file, n in rows.items()]
        lines += [
            f"{file}: {len(ids)} bad videos left out{_examples(ids)}"
            for file, ids in self.skipped().items()
        ]
        lines += [
            str(problem)
            for problem in self.problems
            if problem.video is None and not problem.is_of_a_row()
        ]
        return lines

    def counted(self) -> list[str]:
        """Says what was counted, a sentence each."""
        named = {what: _examples(ids) for what, ids in self.examples.items()}
        return [f"{what}: {n}{named.get(what, '')}" for what, n in self.counts.items()]

    def __post_init__(self) -> None:
        self._seen = set(self.problems)


def _gathered(problems: Sequence[Problem]) -> list[str]:
    """Returns a line per problem; a fault that many videos share is said once."""
    groups: dict[tuple[str, bool], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.what, problem.video is None), []).append(problem)
    lines = []
    for group in groups.values():
        if len(group) < _SHARED or group[0].video is None:
            lines += map(str, group)
            continue
        others = [problem.video for problem in group[1:]]
        lines.append(f"{group[0]}; so of {len(others)} more videos{_examples(others)}")
    return lines


def _examples(ids: list[str]) -> str:
    """Names the first few of many ids."""
    return f" ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''})"


def fault_of_id(video: str) -> str | None:
    """Says why an id must not become a file name, or returns None where it may.

    An id that begins with `/` or has a part `..` could name a file outside the feature
    directory. `dive/0001` is a clip of the class `dive` and may be an id.
    """
    if not video.strip():
        return "the id is empty"
    unsafe = any(character in video for character in "\\\0")
    if unsafe or any(part in ("", ".", "..") for part in video.split("/")):
        return f"the id holds a path ('{video}')"
    return None


def overshoot_tolerance_sec(duration_sec: float) -> float:
    """Returns by how much a segment may leave its video and still be clamped."""
    return max(OVERSHOOT_SEC, OVERSHOOT_FRACTION * duration_sec)


@dataclasses.dataclass(frozen=True, slots=True)
class FeatureCheck:
    """What is known of one feature sequence: its shape, or what is wrong with it.

    Attributes:
        shape: `(clips, channels)`, or None where something is wrong.
        fault: What is wrong.
        zeros: Whether its values were read, and all are zero.
    """

    shape: tuple[int, int] | None
    fault: str | None
    zeros: bool = False


def check_sequence(store: Any, video: str, read: bool) -> FeatureCheck:
    """Looks at one feature sequence.

    Args:
        store: A `features.FeatureStore`.
        video: Id of the video.
        read: True to read the values and look for NaN and infinity; False for the
            shape alone. Packed values were looked at when they were packed.
    """
    if video not in store:
        return FeatureCheck(None, store.missing(video))
    try:
        values = store.read(video) if read and not store.packed else None
        shape = store.shape(video) if values is None else values.shape
    except (ValueError, OSError) as error:
        reason = str(error).removeprefix(f"{store.where(video)}: ")
        return FeatureCheck(None, f"cannot be read ({reason})")
    if shape[0] == 0 or shape[1] == 0:
        return FeatureCheck(None, f"the sequence is empty (shape {shape})")
    if values is not None and not _is_finite(values):
        bad = np.argwhere(~(np.abs(values) <= np.finfo(np.float32).max))
        if len(bad):
            clip, channel = bad[0]
            return FeatureCheck(
                None,
                f"{values[clip, channel]} in the features ({len(bad)} values, first "
                f"at clip {clip}, channel {channel})",
            )
    return FeatureCheck(tuple(shape), None, values is not None and not values.any())


def _is_finite(values: np.ndarray) -> bool:
    """Tells whether values are finite in the type that a network takes."""
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(values.sum(dtype=np.float64))
        if finite and values.dtype == np.float64:
            return bool((np.abs(values) <= np.finfo(np.float32).max).all())
        return bool(finite)


def check_sequences(
    pairs: Iterable[tuple[Any, str]], read: bool
) -> dict[tuple[Any, str], FeatureCheck]:
    """Looks at many feature sequences in parallel, with a bar if it takes long.

    Args:
        pairs: Stores and ids; repeated pairs are looked at once.
        read: As for `check_sequence`.
    """
    pairs = list(dict.fromkeys(pairs))
    results = in_parallel(
        lambda pair: check_sequence(*pair, read=read), pairs, "checking features"
    )
    return dict(zip(pairs, results))


def in_parallel(function: Callable, items: Sequence, title: str) -> Iterator:
    """Yields a function's results in the order of the items, computed in threads.

    Only a few results wait at a time, however many items there are. A progress bar
    appears if it takes longer than a second.
    """
    workers = min(32, 2 * (os.cpu_count() or 1))
    waiting: collections.deque = collections.deque()
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        tqdm.tqdm(
            total=len(items), desc=title, leave=False, delay=1.0, unit="video"
        ) as bar,
    ):
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
                    bar.update()
            while waiting:
                yield waiting.popleft().result()
                bar.update()
        finally:
            for future in waiting:
                future.cancel()
