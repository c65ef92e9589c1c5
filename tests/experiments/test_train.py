import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from ahernet_tf import config as configuration
from experiments import training_run
from tests import programs
from tests.conftest import REPOSITORY
from tests.data.tiny import write_tiny_synthetic
from tests.models import tiny
from tests.visualization.page.made_up import content_of

TINY = [
    *tiny.OVERRIDES,
    "inference.second_look=true",
    "inference.duration_prior=2",
]


def call(name: str, *arguments) -> subprocess.CompletedProcess:
    return programs.run(f"experiments.{name}", *arguments)


def train_arguments(data: pathlib.Path, workdir: pathlib.Path, **flags) -> list:
    flags = {"pretrain_iterations": 1, "iterations": 2} | flags
    options = [f"--{name}={value}" for name, value in flags.items()]
    overrides = [f"--set={assignment}" for assignment in TINY]
    return [f"--data={data}", f"--workdir={workdir}", *options, *overrides]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "synthetic"
    return write_tiny_synthetic(directory)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("trained") / "run"
    result = call("train", *train_arguments(data, workdir, eval_every=2))
    assert result.returncode == 0, result.stderr
    return workdir


def test_a_run_leaves_configuration_losses_detections_and_scores(trained, data):
    metrics = json.loads((trained / "metrics.json").read_text())
    assert 0 <= metrics["average_map"] <= 1
    assert set(metrics["map_at_tiou"]) == {f"{0.5 + 0.05 * i:.2f}" for i in range(10)}
    assert metrics["source"]["videos"] == metrics["videos"] == 4
    model = json.loads((trained / "model.json").read_text())
    assert model["extraction"] == {
        "extractor": None,
        "clip_frames": 16,
        "stride_frames": 8,
        "fps": None,
    }
    run = json.loads((trained / "run.json").read_text())
    assert run["seed"] == 0
    assert "tensorflow" in run["versions"]
    assert "--eval_every=2" in run["command"]
    assert len((trained / "losses.jsonl").read_text().splitlines()) == 3
    validation = (trained / "validation.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in validation] == [2]
    assert list((trained / "tensorboard").iterdir())


def test_a_run_leaves_a_page_of_its_scores(trained):
    content = content_of(trained / "report.html")
    [result] = content["results"]
    metrics = json.loads((trained / "metrics.json").read_text())
    average_map = 100 * metrics["average_map"]
    assert result["scores"]["average_map"][0] == pytest.approx(average_map, abs=1e-4)
    assert result["name"] == "AherNet"
    assert len(content["videos"]) >= metrics["videos"]
    assert content["notes"]["Classes"].startswith("target classes; ")


@pytest.mark.parametrize("classes", ["target", "source"])
def test_evaluate_scores_a_data_set_as_training_does(trained, data, tmp_path, classes):
    name = {"target": "predictions.json", "source": "predictions_source.json"}[classes]
    flags = [f"--data={data}", f"--predictions={trained / name}"]
    out = tmp_path / "scores.json"
    result = call("evaluate", *flags, f"--classes={classes}", f"--json={out}")
    assert result.returncode == 0, result.stderr
    assert "predictions are of" not in result.stderr
    report = json.loads(out.read_text())
    metrics = json.loads((trained / "metrics.json").read_text())
    metrics = metrics if classes == "target" else metrics["source"]
    average_map = report["detection"]["average_mAP"]
    assert average_map == pytest.approx(metrics["average_map"], abs=1e-9)
    assert report["proposal"]["AUC"] == pytest.approx(metrics["auc"], abs=1e-7)


def test_the_same_command_does_not_train_a_finished_run_again(trained, data):
    before = (trained / "metrics.json").stat().st_mtime_ns
    result = call("train", *train_arguments(data, trained, eval_every=2))
    assert result.returncode == 0
    assert "is finished: 2 iterations; nothing to do. More --iterations" in (
        result.stderr
    )
    page, following = result.stdout.splitlines()[-1], result.stderr.splitlines()[-1]
    assert page == f"{trained / 'report.html'}: open it in a browser."
    assert following.startswith("Next: ")
    assert f"predict --checkpoint {trained} --features DIR" in following
    # The stored configuration is read; nothing is looked at or chosen again.
    assert "synthesis.mode" not in result.stderr
    assert (trained / "metrics.json").stat().st_mtime_ns == before


def test_a_work_directory_of_another_configuration_is_refused(trained, data):
    arguments = train_arguments(data, trained, eval_every=2, seed=5)
    result = call("train", *arguments, "--set=loss.adv_mask=joint")
    assert result.returncode == 1
    assert "loss.adv_mask: separate != joint" in result.stderr
    assert "seed: 0 != 5" in result.stderr


def test_predict_gives_the_detections_of_the_run(trained, data, tmp_path):
    out = tmp_path / "results.json"
    flags = [f"--checkpoint={trained}", f"--data={data}", f"--out={out}"]
    result = call("predict", *flags)
    assert result.returncode == 0, result.stderr
    assert json.loads(out.read_text()) == json.loads(
        (trained / "predictions.json").read_text()
    )
    assert (trained / "second_look.npz").exists()
    windowed = call("predict", *flags, "--window_sec=20", "--classes=source")
    assert windowed.returncode == 0, windowed.stderr
    assert json.loads(out.read_text())["results"]


def test_sigterm_saves_and_the_same_command_continues(data, tmp_path):
    arguments = train_arguments(data, tmp_path / "run", iterations=2000)
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.train", *arguments, "--noprogress"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        events = list((tmp_path / "run" / "tensorboard").glob("events*"))
        if events:
            break
        time.sleep(0.2)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "The same command continues" in err
    assert list((tmp_path / "run" / "checkpoints").glob("ckpt-*.index"))


def test_bad_data_is_reported_before_anything_is_written(data, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in data.iterdir():
        (broken / path.name).symlink_to(path)
    annotations = json.loads((data / "annotations.json").read_text())
    name, record = next(
        (name, record)
        for name, record in annotations["database"].items()
        if record["subset"] == "training" and record["annotations"]
    )
    record["annotations"][0]["segment"] = [9.0, 3.0]
    (broken / "annotations.json").unlink()
    (broken / "annotations.json").write_text(json.dumps(annotations))
    result = call("train", *train_arguments(broken, tmp_path / "run"))
    assert result.returncode == 1
    assert "annotations.json" in result.stderr
    assert name in result.stderr
    assert not (tmp_path / "run").exists()


def test_what_would_not_be_learnt_is_said_before_training(data, tmp_path):
    short = [
        *train_arguments(data, tmp_path / "w"),
        *("--preset=small", "--set=data.minimum_moment_clips=9999"),
    ]
    result = call("train", *short)
    assert result.returncode == 1
    assert "2 of 2 classes of role 'moments' would never be learnt" in result.stderr
    assert not (tmp_path / "w" / "config.json").exists()
    crops = ("--set=data.window_sec=12", "--set=data.crop_min=0.5")
    reach = ("--system=AherNet*", "--set=loss.foreground_tiou=1", "--iterations=1")
    result = call("train", *short, *reach, *crops)
    assert result.returncode == 0
    assert "oracle instances are longer than data.window_sec = 12" in result.stderr
    assert "no anchor overlaps them by more than loss.foreground_tiou" in result.stderr


def test_compiled_training_needs_no_deterministic_operations(data, tmp_path):
    fewest = {"pretrain_iterations": 0, "iterations": 1, "schedule": "fused"}
    arguments = train_arguments(data, tmp_path / "run", **fewest)
    result = call("train", *arguments, "--jit_compile")
    assert result.returncode == 0, result.stderr
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["deterministic"] is False


def test_compiled_training_that_has_to_be_deterministic_is_refused(tmp_path):
    config = configuration.with_overrides(
        configuration.small(), ["training.jit_compile=true"]
    )
    run = training_run.TrainingRun(tmp_path / "none", tmp_path / "run", config)
    with pytest.raises(ValueError, match="deterministic=False"):
        training_run.train(run)
    assert not (tmp_path / "run").exists()


def test_help_explains_the_program():
    result = call("train", "--help")
    assert "train --data DIR" in result.stdout
    assert "Data set directory" in result.stdout


def test_a_run_starts_from_the_weights_of_another(trained, data, tmp_path):
    """Of fewer classes, with the sizes of that one though they are not asked for."""
    content = json.loads((data / "dataset.json").read_text())
    gone = content["moments"]["classes"].pop()
    content["test"]["classes"].remove(gone)
    content.pop("oracle", None)
    content["ignored_classes"] = [*content.get("ignored_classes", []), gone]
    for role in ("untrimmed", "moments", "test"):
        own = content[role]
        own["annotations"] = os.path.join(data, own["annotations"])
        own["features"]["path"] = os.path.join(data, own["features"]["path"])
    other = tmp_path / "other"
    other.mkdir()
    (other / "dataset.json").write_text(json.dumps(content))
    arguments = [f"--data={other}", f"--workdir={tmp_path / 'run'}", "--iterations=1"]
    small = ["--pretrain_iterations=0", "--preset=small", "--set=training.batch_size=4"]
    result = call("train", *arguments, *small, f"--init={trained}")
    assert result.returncode == 0, result.stderr
    assert f"Starts from the weights of {trained}." in result.stderr
    assert f"classes that are not in the data: {gone!r}" in result.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["network"]["level_channels"] == [4, 4, 4]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["init"] == str(
        trained
    )
