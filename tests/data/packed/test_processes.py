import functools
import math
import os

import pytest

from ahernet_tf.data.packed.processes import run_parts


def process_of(_):
    return os.getpid()


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
