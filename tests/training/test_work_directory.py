import json
import shutil
import subprocess
import sys

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.models import checkpoint, checkpoint_files
from ahernet_tf.models.checkpoint import Description
from ahernet_tf.training import work_directory
from tests.models import tiny

DESCRIPTION = Description(tiny.CHANNELS, ("a", "b", "c"), ("d", "e", "f", "g"))
CONFIG = configuration.small()


@pytest.fixture
def trained(tmp_path):
    """A work directory of seed 7 with a checkpoint."""
    work_directory.record(tmp_path, DESCRIPTION, CONFIG, 7, data="somewhere")
    checkpoint.save_weights(tmp_path, tiny.network())
    return tmp_path


def check(directory, seed=7, *overrides, description=DESCRIPTION):
    config = configuration.with_overrides(CONFIG, list(overrides))
    work_directory.check(directory, description, config, seed)


def test_same_run_and_a_longer_one_may_continue(trained):
    check(trained)
    check(trained, 7, f"training.iterations={CONFIG.training.iterations + 1}")


@pytest.mark.parametrize(
    ("seed", "override", "named"),
    [
        (8, "training.beta_1=0.9", "seed: 7 != 8"),
        (7, "loss.background_tiou=0.2", "loss.background_tiou: 0.3 != 0.2"),
        (7, "training.iterations=1", "training.iterations: 400 > 1"),
    ],
)
def test_what_differs_is_named(trained, seed, override, named):
    with pytest.raises(ValueError, match=named):
        check(trained, seed, override)


def test_other_classes_are_refused(trained):
    other = Description(tiny.CHANNELS, ("a", "b", "x"), DESCRIPTION.target_classes)
    with pytest.raises(ValueError, match="classes or feature channels"):
        check(trained, description=other)


@pytest.mark.parametrize("lost", [work_directory.RUN, checkpoint.DESCRIPTION])
def test_run_killed_before_its_first_checkpoint_starts_anew(trained, lost):
    shutil.rmtree(trained / checkpoint_files.CHECKPOINTS)
    (trained / lost).unlink()
    check(trained, seed=8)
    (trained / work_directory.METRICS).write_text("{}")
    with pytest.raises(ValueError, match="finished run, whose checkpoints are gone"):
        check(trained, seed=8)


def test_network_that_was_not_trained_there_is_not_trained_on(trained):
    (trained / work_directory.RUN).unlink()
    with pytest.raises(ValueError, match="was not trained here"):
        check(trained)


def test_record_needs_no_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    work_directory.record(tmp_path, DESCRIPTION, CONFIG, 7)
    recorded = json.loads((tmp_path / work_directory.RUN).read_text())
    assert recorded["commit"] is None
    assert recorded["versions"]["tensorflow"]


def test_second_process_is_refused_until_the_first_has_ended(tmp_path):
    code = "import pathlib, sys; from ahernet_tf.training import work_directory as w\n"
    code += "with w.locked(pathlib.Path(sys.argv[1])): print('in', flush=True); input()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout.readline() == "in\n"
        assert work_directory.is_locked(tmp_path)
        message = "another process trains there"
        with pytest.raises(ValueError, match=message), work_directory.locked(tmp_path):
            pass
        other.kill()
    assert not work_directory.is_locked(tmp_path)
    with work_directory.locked(tmp_path):
        pass


def test_results_go_before_they_become_untrue(tmp_path):
    for name in (work_directory.METRICS, work_directory.PREDICTIONS):
        (tmp_path / name).write_text("{}")
    assert work_directory.results(tmp_path) == {}
    work_directory.forget_results(tmp_path)
    assert work_directory.results(tmp_path) is None
    assert not (tmp_path / work_directory.PREDICTIONS).exists()
