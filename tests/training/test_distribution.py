import json
import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.models import checkpoint_files
from ahernet_tf.training.distribution import Workers, make_strategy
from tests.conftest import REPOSITORY
from tests.training import replica_run


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    """Directories where one process alone stopped after iterations 1 and 4 of 5."""
    first, last = (tmp_path_factory.mktemp("alone") / name for name in ("1", "4"))
    for stop_after, directory in ((1, first), (4, last)):
        _, stopped = replica_run.train(data, directory, Workers(), stop_after)
        assert stopped
        if directory is first:
            shutil.copytree(first, last)
    return first, last


def start(strategy, data, directory, stop_after, options=(), **environment):
    command = [sys.executable, "-m", "tests.training.replica_run", strategy]
    return subprocess.Popen(
        [*command, str(data), str(directory), str(stop_after), *options],
        cwd=REPOSITORY,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        return connection.getsockname()[1]


def log(directory):
    lines = (directory / "losses.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def assert_same_run(directory, alone):
    """Logged losses and the checkpoint, form and values, are those of a run alone."""
    for one, two in zip(log(directory), log(alone), strict=True):
        assert one.pop("phase") == two.pop("phase")
        assert one == pytest.approx(two, rel=1e-5, abs=1e-6)
    checkpoints = [
        checkpoint_files.latest_checkpoint(where) for where in (directory, alone)
    ]
    forms = [tf.train.list_variables(path) for path in checkpoints]
    assert forms[0] == forms[1]
    readers = [tf.train.load_checkpoint(path) for path in checkpoints]
    parts = ("weights/", "optimizers/", "iteration/", "average/")
    names = [name for name, _ in forms[0] if name.startswith(parts)]
    assert len(names) > 60
    for name in names:
        one, two = (reader.get_tensor(name) for reader in readers)
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-5, err_msg=name)


def test_two_replicas_in_one_process_train_as_one(data, alone, tmp_path):
    process = start("mirrored", data, tmp_path, stop_after=4)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "iterations done: 4" in out
    assert_same_run(tmp_path, alone[1])
    assert replica_run.trainer(data, tmp_path, Workers()).done == 4


def test_two_replicas_train_as_one_with_the_fused_schedule_and_averages(data, tmp_path):
    directories = tmp_path / "mirrored", tmp_path / "alone"
    options = [f"training.{o}" for o in ("schedule=fused", "ema_decay=0.6")]
    options.append("training.optimizer_split=joint")
    process = start("mirrored", data, directories[0], 4, options)
    replica_run.train(data, directories[1], Workers(), 4, options)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert_same_run(*directories)


def test_two_workers_continue_what_one_began_and_stop_together(data, alone, tmp_path):
    directories = tmp_path / "chief", tmp_path / "other"
    shutil.copytree(alone[0], directories[0])
    hosts = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    processes = []
    for index, directory in enumerate(directories):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": hosts}, "task": task})
        stop_after = (-1, 4)[index]  # one is told, both stop
        processes.append(
            start("multi_worker", data, directory, stop_after, TF_CONFIG=config)
        )
    try:
        for process in processes:
            out, err = process.communicate(timeout=300)
            assert process.returncode == 130, err
            assert "iterations done: 4" in out
    finally:
        for process in processes:
            process.kill()
    assert not directories[1].exists()
    assert_same_run(directories[0], alone[1])
    assert replica_run.trainer(data, directories[0], Workers()).done == 4


class TwoReplicas:
    """Both replicas of a strategy, without devices."""

    num_replicas_in_sync = 2

    def experimental_distribute_values_from_function(self, make):
        contexts = (SimpleNamespace(replica_id_in_sync_group=i) for i in range(2))
        return [make(context) for context in contexts]

    def experimental_local_results(self, values):
        return values


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("batch_size=3", "multiple of the 2 replicas that share a batch, received 3"),
        ("optimizer=sgd", "training.optimizer=adam only, received 'sgd'"),
        ("jit_compile=true", "jit_compile=false"),
    ],
)
def test_what_several_replicas_cannot_do_is_refused(option, message):
    config = configuration.with_overrides(replica_run.CONFIG, [f"training.{option}"])
    Workers().check(config.training)
    with pytest.raises(ValueError, match=message):
        Workers(TwoReplicas()).check(config.training)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "no JSON",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"], "chief": ["b:1"]}, '
        '"task": {"type": "worker", "index": 0}}',
    ],
)
def test_unfit_tf_config_is_an_error_that_shows_a_right_one(text, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=r'such as \{"cluster": \{"worker"'):
        make_strategy("multi_worker")


def test_strategies_are_known_by_name():
    assert make_strategy("none") is None
    with pytest.raises(ValueError, match="received 'horovod'"):
        make_strategy("horovod")
