"""Does a work in parts, in this process or in others of this machine."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import tqdm


def run_parts(
    work: Callable[[Any], Any],
    parts: Sequence[Any],
    workers: int = 1,
    title: str = "parts",
    progress: bool = True,
) -> list[Any]:
    """Does all parts of a work.

    Args:
        work: Does one part; a function of an importable module, or
            `functools.partial` of one.
        parts: What it is called with.
        workers: Processes at work; 1 works in this one.
        title: What the progress bar says.
        progress: Whether to show one.

    Returns:
        The result of each part.

    Raises:
        Exception: What `work` raised; parts that have not begun are not done.
    """
    bar = tqdm.tqdm(total=len(parts), desc=title, disable=not progress)
    with bar:
        if workers <= 1:
            results = []
            for part in parts:
                results.append(work(part))
                bar.update()
            return results
        context = multiprocessing.get_context("spawn")  # TensorFlow cannot be forked
        with concurrent.futures.ProcessPoolExecutor(workers, context, _start) as pool:
            futures = [pool.submit(work, part) for part in parts]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
                    bar.update()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return [future.result() for future in futures]


def _start() -> None:
    """Keeps TensorFlow in a worker process from talking, and lets it die in time."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when its parent has gone, which may have been killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
