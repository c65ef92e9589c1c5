import json
import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data.synthetic import synthetic_config, write_synthetic
from ahernet_tf.models import storage
from ahernet_tf.training.workers import Workers
from tests.conftest import REPOSITORY
from tests.training import replica_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "synthetic"
    sizes = {"source_classes": 2, "target_classes": 2, "channels": 6}
    counts = {
        "videos_per_class": 3,
        "test_videos_per_class": 2,
        "moments_per_class": 4,
    }
    write_synthetic(directory, synthetic_config("easy", **sizes, **counts))
    return directory


@pytest.fixture(scope="module")
def first(data, tmp_path_factory):
    """A directory where one process alone stopped after the first iteration."""
    directory = tmp_path_factory.mktemp("first")
    _, stopped = replica_run.train(data, directory, Workers(), 1)
    assert stopped
    return directory


@pytest.fixture(scope="module")
def alone(data, first, tmp_path_factory):
    """A directory where one process alone ran to the end, and its weights."""
    directory = tmp_path_factory.mktemp("alone") / "run"
    shutil.copytree(first, directory)
    trained, _ = replica_run.train(data, directory, Workers())
    return directory, replica_run.weights(trained)


def start(strategy, data, directory, stop_after=-1, **environment):
    command = [sys.executable, "-m", "tests.training.replica_run", strategy]
    return subprocess.Popen(
        [*command, str(data), str(directory), str(stop_after)],
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


def assert_same_run(directory, weights, other):
    """Losses, weights and the form of the checkpoint are those of a run alone."""
    alone, wanted = other
    assert len(log(directory)) == len(log(alone)) == 4
    for one, two in zip(log(directory), log(alone)):
        assert one.pop("phase") == two.pop("phase")
        assert one == pytest.approx(two, rel=1e-5, abs=1e-6)
    for one, two in zip(weights, wanted, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-5)
    forms = [
        tf.train.list_variables(storage.latest_checkpoint(where))
        for where in (directory, alone)
    ]
    assert forms[0] == forms[1]


def test_two_replicas_in_one_process_train_as_one(data, alone, tmp_path):
    process = start("mirrored", data, tmp_path)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "iterations done: 4" in out
    ended = replica_run.trainer(data, tmp_path, Workers())
    assert ended.done == 4
    assert_same_run(tmp_path, replica_run.weights(ended), alone)


def test_two_workers_continue_what_one_began_stop_together_and_one_goes_on(
    data, first, alone, tmp_path
):
    directories = tmp_path / "chief", tmp_path / "other"
    shutil.copytree(first, directories[0])
    hosts = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    processes = []
    for index, directory in enumerate(directories):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": hosts}, "task": task})
        stop_after = 3 if index == 1 else -1  # the other is told, both stop
        processes.append(
            start("multi_worker", data, directory, stop_after, TF_CONFIG=config)
        )
    try:
        for process in processes:
            out, err = process.communicate(timeout=300)
            assert process.returncode == 130, err
            assert "iterations done: 3" in out
    finally:
        for process in processes:
            process.kill()
    assert not directories[1].exists()
    assert len(log(directories[0])) == 3
    ended, _ = replica_run.train(data, directories[0], Workers())
    assert_same_run(directories[0], replica_run.weights(ended), alone)
