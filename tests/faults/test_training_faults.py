"""Whatever ends a training, the same command continues, and nothing is lost."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.models import checkpoint_files
from ahernet_tf.training import work_directory

KILLED = -9
MOMENTS = ("config.json", "checksums", "removal", "metrics.json")
#: Two of the steps: what is tried here does not depend on what is trained.
ORACLE = ["training.system=AherNet*"]


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    """A run that nothing disturbed, without `git`."""
    workdir = tmp_path_factory.mktemp("undisturbed") / "run"
    assert train(workdir, options=ORACLE, environment={"PATH": ""}) == (0, "")
    return workdir


def state(workdir):
    """Returns all that the newest checkpoint holds, and the results."""
    files = ("losses.jsonl", "metrics.json", "predictions.json")
    return tensors(workdir), {name: (workdir / name).read_text() for name in files}


def tensors(workdir):
    """Returns weights, optimizers and iteration of the newest checkpoint, as bytes."""
    reader = tf.train.load_checkpoint(checkpoint_files.latest_checkpoint(workdir))
    names = reader.get_variable_to_shape_map().keys() - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in names}


def assert_same(workdir, other):
    assert state(workdir) == state(other)
    left = [path.name for path in workdir.rglob("*.partial")]
    assert not left


def test_run_without_git_is_recorded(undisturbed):
    recorded = json.loads((undisturbed / "run.json").read_text())
    assert recorded["commit"] is None
    assert len(state(undisturbed)[1]["losses.jsonl"].splitlines()) == 4


def test_killed_at_every_moment_it_ends_as_if_undisturbed(train, undisturbed, tmp_path):
    for moment in MOMENTS:
        # The second checkpoint, so that a sound one is there; the first removal.
        times = 2 if moment == "checksums" else 1
        status, said = train(tmp_path, options=ORACLE, kill=moment, times=times)
        assert status == KILLED, (moment, said)
        assert work_directory.results(tmp_path) is None
    assert train(tmp_path, options=ORACLE) == (0, "")
    assert_same(tmp_path, undisturbed)


def test_killed_at_any_time_it_ends_as_if_undisturbed(train, undisturbed, tmp_path):
    kill_somewhere(train, tmp_path, np.random.default_rng(1), kills=1)
    assert train(tmp_path, options=ORACLE) == (0, "")
    assert_same(tmp_path, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("system", ["AherNet", "AherNetA-"])
def test_killed_many_times_it_ends_as_if_undisturbed(train, system, tmp_path):
    options = [f"training.system={system}"]
    order = {"options": options, "iterations": 12}
    assert train(tmp_path / "undisturbed", **order) == (0, "")
    random = np.random.default_rng(0)
    for number in range(2):
        workdir = tmp_path / f"killed_{number}"
        kill_somewhere(train, workdir, random, kills=3, **order)
        assert train(workdir, **order) == (0, "")
        assert_same(workdir, tmp_path / "undisturbed")


def kill_somewhere(train, workdir, random, kills, **order):
    for _ in range(kills):
        seconds = float(random.uniform(0.3, 10.0))
        status, said = train(
            workdir, **{"options": ORACLE, **order}, kill_after_sec=seconds
        )
        assert status in (KILLED, 0), said


def test_longer_run_that_is_killed_has_no_results(train, undisturbed, tmp_path):
    workdir = shutil.copytree(undisturbed, tmp_path / "run")
    order = {"options": ORACLE, "iterations": 4}
    assert train(workdir, **order, kill="checksums")[0] == KILLED
    assert work_directory.results(workdir) is None
    assert not (workdir / work_directory.PREDICTIONS).exists()
    assert train(workdir, **order) == (0, "")
    assert work_directory.results(workdir)["iterations"] == 5


def test_second_training_of_a_directory_is_refused(train, undisturbed, tmp_path):
    workdir = shutil.copytree(undisturbed, tmp_path / "run")
    before = state(workdir)
    with work_directory.locked(workdir):
        status, said = train(workdir, options=ORACLE, iterations=4)
    assert status == 1
    assert "another process trains there" in said
    assert state(workdir) == before


def test_full_disk_is_one_clear_error_and_loses_nothing(train, undisturbed, tmp_path):
    workdir = shutil.copytree(undisturbed, tmp_path / "run")
    before = tensors(workdir)
    order = {"options": ORACLE, "iterations": 4}
    status, said = train(workdir, **order, most_bytes=4096)
    assert status == 1, said
    assert "large" in said
    assert "{{" not in said  # where in TensorFlow's graph it happened
    assert f"OSError: {workdir / checkpoint_files.CHECKPOINTS}" in said
    assert tensors(workdir) == before
    assert not list((workdir / checkpoint_files.CHECKPOINTS).glob("*_temp"))
    assert train(workdir, **order) == (0, "")


def test_directory_that_cannot_be_written_to_is_one_clear_error(train, tmp_path):
    workdir = tmp_path / "run"
    workdir.mkdir(mode=0o555)
    status, said = train(workdir, options=ORACLE, unprivileged=True)
    assert status == 1, said
    assert f"nothing can be written to {workdir}" in said
    assert not any(workdir.iterdir())
