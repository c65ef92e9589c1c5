"""What training would take: told, and nothing written."""

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.auto import cost
from ahernet_tf.config import with_overrides
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import systems
from ahernet_tf.training import work_directory
from experiments import figure6
from experiments.paper.columns import Plan, columns
from experiments.paper.forecast_of_runs import forecast_of_runs
from experiments.training_forecast import forecast_of
from experiments.training_run import TrainingRun, describe
from tests.data.tiny import TinyData
from tests.experiments.test_train import TINY


@pytest.fixture(autouse=True)
def _rate(monkeypatch):
    monkeypatch.setattr(cost, "measure_gflops", lambda: 1.0)


@pytest.fixture
def data(tmp_path):
    return TinyData().write(tmp_path / "data")


def config_of(*more):
    return with_overrides(configuration.small(), [*TINY, *more])


def test_a_run_tells_its_iterations_and_writes_nothing(data, tmp_path):
    config = config_of("training.pretrain_iterations=30", "training.iterations=70")
    found = forecast_of(TrainingRun(data, tmp_path / "W", config))
    assert found.does == (
        f"train AherNet on {data}, seed 0: 30 iterations of pre-training, 70 of "
        "training",
        "localise in 1 test videos and score them",
    )
    assert found.seconds > 40
    assert 1e4 < found.size < 1e7
    assert not (tmp_path / "W").exists()


def test_a_forecast_refuses_what_the_run_would(tmp_path):
    data = TinyData()
    del data.roles["oracle"]
    directory = data.write(tmp_path / "data")
    config = systems.configure(config_of(), "AherNet*")
    with pytest.raises(ValueError, match="no role 'oracle'"):
        forecast_of(TrainingRun(directory, tmp_path / "W", config))


def test_what_is_done_takes_no_more_time():
    config = config_of("training.pretrain_iterations=30", "training.iterations=70")
    left = [cost.seconds_of_training(6, config, 1.0, done) for done in (0, 30, 65, 100)]
    assert left[0] > left[1] > left[2] > left[3] == 0
    assert left[1] == pytest.approx(2 * left[2])
    faster = cost.seconds_of_training(6, config, 2.0)
    assert faster == pytest.approx(left[0] / 2)


def test_a_table_or_figure_tells_its_runs(data, tmp_path):
    wanted = [("AherNet", ""), figure6.oracle(100)]
    plan = Plan("small", (*TINY, "training.iterations=5"), (0, 1))
    found = forecast_of_runs(
        wanted, columns([str(data)], tmp_path / "W", plan), tmp_path / "W"
    )
    assert sum(line.startswith("train AherNet* ") for line in found.does) == 2
    assert sum(line.startswith("train AherNet ") for line in found.does) == 2
    assert not (tmp_path / "W").exists()


def test_a_forecast_refuses_the_work_directory_of_another_run(data, tmp_path):
    config = config_of()
    described = describe(Dataset.load(data, config.data))
    work_directory.record(tmp_path / "W", described, config, seed=1)
    (tmp_path / "W/checkpoints").mkdir()
    for name in ("checkpoint", "ckpt-1.index", "ckpt-1.data-00000-of-00001"):
        (tmp_path / "W/checkpoints" / name).write_text("")
    with pytest.raises(ValueError, match=r"another configuration .* seed: 1 != 0"):
        forecast_of(TrainingRun(data, tmp_path / "W", config))
