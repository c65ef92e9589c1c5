import functools
import math
import multiprocessing
import os
import pathlib
import signal
import time

import filelock
import pytest

from ahernet_tf.data.packed.processes import run_parts


def process_of(_):
    return os.getpid()


def wait(folder):
    """Holds a lock named after its process, and does not come back."""
    with filelock.FileLock(pathlib.Path(folder, str(os.getpid()))):
        time.sleep(600)


def held(folder):
    """Returns the processes that live, by their locks."""
    processes = []
    for path in folder.iterdir():
        try:
            with filelock.FileLock(path, timeout=0):
                pass
        except filelock.Timeout:
            processes.append(int(path.name))
    return processes


def wait_until(condition):
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def touch(folder, number):
    """Notes that it was called; the third call fails."""
    if number == 2:
        raise ValueError("part 2 is broken")
    (folder / str(number)).touch()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_parts(workers, capsys):
    found = run_parts(math.sqrt, [1.0, 4.0, 9.0], workers, "roots")
    assert found == [1.0, 2.0, 3.0]
    assert "roots: 100%" in capsys.readouterr().err


def test_one_worker_is_this_process_and_more_are_others():
    assert set(run_parts(process_of, range(3), 1)) == {os.getpid()}
    assert os.getpid() not in run_parts(process_of, range(3), 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_part_that_fails_ends_the_work(tmp_path, workers):
    with pytest.raises(ValueError, match="part 2 is broken"):
        run_parts(functools.partial(touch, tmp_path), range(200), workers)
    assert len(list(tmp_path.iterdir())) < 150


def test_workers_end_with_a_process_that_is_killed(tmp_path):
    """None waits forever for work that nobody will give."""
    process = multiprocessing.get_context("spawn").Process(
        target=run_parts,
        args=(wait, [str(tmp_path)] * 4, 2),
        kwargs={"progress": False},
    )
    process.start()
    try:
        wait_until(lambda: len(held(tmp_path)) == 2)
        process.kill()
        process.join()
        wait_until(lambda: not held(tmp_path))
    finally:
        for worker in held(tmp_path):
            os.kill(worker, signal.SIGKILL)
