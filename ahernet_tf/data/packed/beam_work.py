"""Does a work in parts on many machines, with Apache Beam.

All machines see one directory. The parts lie in it as JSON files, and so do their
results, each of which appears whole or not at all; what travels through the pipeline
is the number of a part. So it does not matter how large the work is, a runner may do a
part twice, and a run that was interrupted goes on where it ended.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tqdm

from ahernet_tf.files import write_text

_PART, _RESULT = "part-{:06d}.json", "result-{:06d}.json"
_LOOK_EVERY_SEC = 1.0


def run_parts(
    work: Callable[[Any], Any],
    parts: Sequence[Any],
    directory: str | pathlib.Path,
    options: Sequence[str] = (),
    title: str = "parts",
    progress: bool = True,
) -> list[Any]:
    """Does all parts of a work.

    Args:
        work: Does one part; a function of an importable module, or
            `functools.partial` of one. Takes and returns JSON values. What it needs
            for all its parts it keeps itself (`functools.lru_cache`).
        parts: JSON values.
        directory: A directory that all machines see under this path. It may hold
            results of an earlier run with the same parts; it is removed at the end.
        options: Options of the pipeline, such as "--runner=FlinkRunner".
        title: What the progress bar says.
        progress: Whether to show one.

    Returns:
        The result of each part.

    Raises:
        ValueError: Apache Beam is not installed.
        Exception: What `work` or the runner raised; results so far are kept.
    """
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise ValueError(
            "Work on many machines needs Apache Beam: pip install 'ahernet_tf[beam]'"
        ) from error
    texts = [json.dumps(part) for part in parts]
    digest = hashlib.blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()
    place = pathlib.Path(directory).absolute() / digest
    waiting = [n for n in range(len(texts)) if not (place / _RESULT.format(n)).exists()]
    for number in waiting:
        write_text(place / _PART.format(number), texts[number])
    do = functools.partial(_do, work, str(place))
    if waiting:
        with (
            _bar(place, len(texts), title, progress),
            beam.Pipeline(options=PipelineOptions(list(options))) as pipeline,
        ):
            numbers = pipeline | beam.Create(waiting) | beam.Reshuffle()
            numbers | title >> beam.Map(do)
    results = [
        json.loads((place / _RESULT.format(number)).read_text(encoding="utf-8"))
        for number in range(len(texts))
    ]
    shutil.rmtree(place, ignore_errors=True)
    with contextlib.suppress(OSError):  # holds parts of another work
        place.parent.rmdir()
    return results


def _do(work: Callable[[Any], Any], place: str, number: int) -> None:
    """Does one part, on whatever machine, unless its result is there."""
    result = pathlib.Path(place, _RESULT.format(number))
    if not result.exists():
        part = pathlib.Path(place, _PART.format(number)).read_text(encoding="utf-8")
        write_text(result, json.dumps(work(json.loads(part))))


@contextlib.contextmanager
def _bar(place: pathlib.Path, total: int, title: str, show: bool) -> Iterator[None]:
    """Shows how many results are there, as long as the context lasts."""
    ended = threading.Event()
    bar = tqdm.tqdm(total=total, desc=title, disable=not show)

    def look() -> None:
        count = sum(name.startswith("result-") for name in os.listdir(place))
        bar.update(count - bar.n)

    def watch() -> None:
        while not ended.wait(_LOOK_EVERY_SEC):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look()
        bar.close()
