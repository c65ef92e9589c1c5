import dataclasses
import json
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.acceleration import devices
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import checkpoint, checkpoint_files
from ahernet_tf.training.iterations import NonFiniteLossError
from ahernet_tf.training.trainer import Trainer, TrainingInterrupted
from tests.models.tiny import OVERRIDES


def tiny(mode: str = "tiled", **training) -> configuration.Config:
    return configuration.with_overrides(
        configuration.small(),
        [
            *OVERRIDES,
            "training.pretrain_iterations=2",
            "training.decay_every=2",
            "training.schedule=alternating",
            "training.optimizer_split=per_loss",
            f"synthesis.mode={mode}",
            *[f"training.{name}={value}" for name, value in training.items()],
        ],
    )


def trainer(data, directory, config, seed=3) -> Trainer:
    tf.keras.utils.set_random_seed(seed)
    dataset = Dataset.load(data, config.data)
    description = checkpoint.Description(
        dataset.feature_channels, dataset.source_classes, dataset.target_classes
    )
    directory.mkdir(exist_ok=True)
    return Trainer(
        description.build(config), dataset, config, directory, seed, progress=False
    )


def weights(trained: Trainer) -> list[np.ndarray]:
    return [v.numpy() for v in checkpoint.ordered_variables(trained.model)]


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory) -> Trainer:
    """A run that never stopped: two iterations of pre-training, three alternating."""
    trained = trainer(data, tmp_path_factory.mktemp("straight"), tiny(iterations=3))
    trained.run()
    return trained


def log(trained: Trainer) -> list[dict]:
    lines = (trained.directory / "losses.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_forms_for_a_gpu_compute_the_same(data, straight, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    trained = trainer(data, tmp_path, tiny(iterations=3))
    trained.run()
    for a, b in zip(log(straight), log(trained)):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-5)


def test_run_stopped_twice_has_bit_for_bit_the_weights_of_one_that_never_stopped(
    data, straight, tmp_path, monkeypatch
):
    for stop_after in (1, 3):  # in pre-training, and after it
        stopped = trainer(data, tmp_path, tiny(iterations=3))
        iterate = stopped._iterate

        def stopping(phase, number, batches, iterate=iterate, last=stop_after - 1):
            if number == last:
                signal.raise_signal(signal.SIGTERM)
            return iterate(phase, number, batches)

        monkeypatch.setattr(stopped, "_iterate", stopping)
        with pytest.raises(TrainingInterrupted):
            stopped.run()
        assert stopped.done == stop_after
    resumed = trainer(data, tmp_path, tiny(iterations=3))
    assert resumed.done == 3
    resumed.run()
    for a, b in zip(weights(straight), weights(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    assert log(resumed) == log(straight)


def test_every_iteration_is_logged_with_its_phase_and_learning_rate(straight):
    lines = log(straight)
    assert [line["iteration"] for line in lines] == [0, 1, 2, 3, 4]
    assert [line["phase"] for line in lines] == ["pretrain"] * 2 + ["train"] * 3
    rates = [line["learning_rate/localization"] for line in lines]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-3, 1e-3, 1e-4], rtol=1e-12)


def test_every_weight_and_every_optimizer_slot_is_in_the_checkpoint(straight):
    path = checkpoint_files.latest_checkpoint(straight.directory)
    names = [
        name
        for name, _ in tf.train.list_variables(path)
        if name.startswith(("weights/", "optimizers/"))
    ]
    slots = sum(
        2 + 2 * len(objective.variables)
        for objectives in straight.algorithm.objectives.values()
        for objective in objectives
    )
    assert len(names) == len(straight.model.weights) + slots


def test_checkpoint_of_another_configuration_is_refused(data, straight):
    config = tiny(iterations=3)
    network = dataclasses.replace(config.network, base_channels=(8, 4))
    other = dataclasses.replace(config, network=network)
    with pytest.raises(ValueError, match="another configuration"):
        trainer(data, straight.directory, other)


def test_non_finite_loss_stops_with_iteration_losses_and_videos(data, tmp_path):
    config = tiny(iterations=1)
    loss = dataclasses.replace(config.loss, overlap_weight=1e39)  # beyond float32
    config = dataclasses.replace(config, loss=loss)
    with pytest.raises(
        NonFiniteLossError, match=r"Iteration 0 \(pretrain\).*training_"
    ):
        trainer(data, tmp_path, config).run()
    assert checkpoint_files.latest_checkpoint(tmp_path) is None


def test_periodic_evaluation_is_called_and_logged(data, tmp_path):
    seen = []

    def evaluate(iteration):
        seen.append(iteration)
        return {"validation/average_map": 0.5}

    config = tiny("single", iterations=1)
    trainer(data, tmp_path, config).run(evaluate, every=2)
    assert seen == [2]


def test_average_of_the_weights_localises_and_is_resumed(data, tmp_path, monkeypatch):
    config = tiny(iterations=3, ema_decay=0.6, schedule="fused")
    whole = trainer(data, tmp_path / "whole", config)
    start = [v.numpy() for v in whole.state.average.values]
    history = []
    step = whole._iterate

    def iterate(*arguments):
        values = step(*arguments)
        history.append(weights(whole))
        if len(history) == 3:  # what an interruption there leaves
            whole.state.save(3)
            shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
        return values

    monkeypatch.setattr(whole, "_iterate", iterate)
    whole.run()
    expected = start
    for later in history:
        expected = [a + 0.4 * (w - a) for a, w in zip(expected, later)]
    own = weights(whole)
    with whole.averaged():
        for found, value in zip(weights(whole), expected):
            np.testing.assert_allclose(found, value, atol=1e-5)
    for found, value in zip(weights(whole), own):
        np.testing.assert_array_equal(found, value)

    resumed = trainer(data, tmp_path / "stopped", config)
    assert resumed.done == 3
    resumed.run()
    for found, value in zip(resumed.state.average.values, whole.state.average.values):
        np.testing.assert_array_equal(found, value)

    description = checkpoint.Description(
        whole.dataset.feature_channels,
        whole.dataset.source_classes,
        whole.dataset.target_classes,
    )
    checkpoint.save_description(tmp_path / "whole", description, config)
    model, _, _ = checkpoint.load_model(tmp_path / "whole")
    for found, value in zip(
        checkpoint.ordered_variables(model), whole.state.average.values
    ):
        np.testing.assert_array_equal(found, value)


def test_what_the_data_cannot_give_is_said_before_pretraining(data, tmp_path):
    config = configuration.with_overrides(tiny(), ["synthesis.moments_per_class=3"])
    with pytest.raises(ValueError, match="received 4 and 3"):
        trainer(data, tmp_path, config)
