"""What experiments.predict localises in, what it writes, and what it refuses."""

import dataclasses
import types

import numpy as np
import pandas as pd
import pytest

from ahernet_tf import config as configuration
from ahernet_tf import evaluation, files
from ahernet_tf.data.features.time_model import TimeModel, timing_differences
from ahernet_tf.models import checkpoint
from ahernet_tf.models.checkpoint import Description
from experiments import predict
from tests.models import tiny

CLASSES = ("crack egg", "whisk")
EXTRACTION = {"extractor": None, "clip_frames": 16, "stride_frames": 8, "fps": None}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A model directory."""
    directory = tmp_path_factory.mktemp("model") / "W"
    config = dataclasses.replace(configuration.small(), network=tiny.NETWORK)
    description = Description(tiny.CHANNELS, ("source",), CLASSES, EXTRACTION)
    checkpoint.save_description(directory, description, config)
    checkpoint.save_weights(directory, description.build(config))
    return directory


@pytest.fixture
def features(tmp_path):
    """Features of three videos, with nothing beside them."""
    folder = tmp_path / "features"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, clips in {"cake": 40, "soup": 25, "tea": 33}.items():
        values = random.normal(size=(clips, tiny.CHANNELS)).astype(np.float32)
        np.save(folder / f"{name}.npy", values)
    return folder


def request_of(workdir, out, **more):
    more = {"data": None, "progress": False} | more
    return predict.PredictionRequest(checkpoint=workdir, out=out, **more)


def test_features_alone_are_localized_in(workdir, features, tmp_path):
    out = tmp_path / "new" / "results.json"
    request = request_of(
        workdir,
        out,
        features=features,
        times={"fps": 25.0},
        csv=tmp_path / "results.csv",
        timelines=tmp_path / "pictures",
    )
    assert predict.predict(request) == 3
    found = evaluation.load_predictions(out)
    assert set(found["video"].astype(str)) == {"cake", "soup", "tea"}
    assert set(found["label"].astype(str)) <= set(CLASSES)
    lasts = {name: ((n - 1) * 8 + 16) / 25 for name, n in (("cake", 40), ("soup", 25))}
    for name, seconds in lasts.items():
        assert found[found["video"] == name]["end_sec"].max() <= seconds
    table = pd.read_csv(tmp_path / "results.csv")
    assert len(table) == len(found)
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == ["cake.png", "soup.png", "tea.png"]


def test_data_without_training_roles_are_localized_in(workdir, features, tmp_path):
    entry = {"path": "features", "clip_frames": 16, "stride_frames": 8, "fps": 25}
    test = {"annotations": "anno.json", "classes": list(CLASSES), "features": entry}
    files.write_json(
        tmp_path / "dataset.json", {"test": {**test, "subset": "validation"}}
    )
    video = {"subset": "validation", "duration": 13.5, "annotations": []}
    database = {"cake": video, "soup": video, "tea": {**video, "subset": "training"}}
    files.write_json(tmp_path / "anno.json", {"database": database})
    out = tmp_path / "results.json"
    assert predict.predict(request_of(workdir, out, data=tmp_path)) == 2
    found = evaluation.load_predictions(out)
    assert set(found["video"].astype(str)) == {"cake", "soup"}


def test_every_fault_of_the_features_is_reported(workdir, features, tmp_path):
    np.save(features / "soup.npy", np.zeros((9, tiny.CHANNELS + 1), np.float32))
    np.save(features / "tea.npy", np.full((9, tiny.CHANNELS), np.nan, np.float32))
    request = request_of(
        workdir, tmp_path / "out.json", features=features, times={"fps": 25.0}
    )
    with pytest.raises(ValueError, match="7 channels, expected 6") as error:
        predict.predict(request)
    assert "tea" in str(error.value)
    assert not (tmp_path / "out.json").exists()
    assert predict.predict(dataclasses.replace(request, skip_bad=True)) == 1


def test_unknown_rate_is_asked_for(workdir, features, tmp_path):
    request = request_of(workdir, tmp_path / "out.json", features=features)
    np.save(features / "pie.npy", np.zeros((9, tiny.CHANNELS), np.float32))
    with pytest.raises(ValueError, match=r"no fps.*--fps gives one") as error:
        predict.predict(request)
    assert str(error.value).count("no fps") == 1
    assert "so of 3 more videos (pie, soup, tea)" in str(error.value)


def test_clips_of_another_timing_than_the_training_are_told(
    workdir, features, tmp_path, capsys
):
    times = {"fps": 25.0, "stride_frames": 16}
    out = tmp_path / "out.json"
    assert predict.predict(request_of(workdir, out, features=features, times=times))
    said = capsys.readouterr().err
    assert "another timing than" in said
    assert "(then, now): stride_frames: 8, 16." in said
    assert "clip_frames" not in said


def test_another_rate_than_the_trainings_is_a_difference_of_timing():
    model = TimeModel(16, 8, fps=50.0)
    assert timing_differences(EXTRACTION, model, 25.0) == ["fps: 25, 50"]
    assert timing_differences(EXTRACTION, model) == []
    assert timing_differences({**EXTRACTION, "fps": 50.0}, model, 25.0) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out": "results/"}, "results/: is a directory"),
        ({"out": "results.txt"}, "ends in .json"),
        ({"csv": "."}, "is a directory"),
        ({"checkpoint": "nonexistent"}, "nonexistent: no such work directory"),
    ],
)
def test_outputs_and_checkpoint_are_checked_first(
    workdir, monkeypatch, tmp_path, change, message
):
    def never(*_):
        pytest.fail("it went on")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predict, "videos_to_localize", never)
    request = request_of(workdir, "results.json", data=tmp_path)
    with pytest.raises(ValueError, match=message):
        predict.predict(dataclasses.replace(request, **change))


@pytest.mark.parametrize(
    "options",
    [{}, {"data": "d", "features": "f"}, {"data": "d", "times": {"fps": 25.0}}],
)
def test_either_data_or_features(options):
    with pytest.raises(ValueError, match="features"):
        predict.PredictionRequest(
            checkpoint="W", out="out.json", **{"data": None, **options}
        )


def test_features_of_another_network_are_refused(tmp_path):
    trained = Description(4, ("a",), ("b",), {"extractor": {"weights": "one"}})
    role = types.SimpleNamespace(sequences=types.SimpleNamespace(channels=4))
    request = request_of(tmp_path, tmp_path / "out.json", data=tmp_path)
    with pytest.raises(ValueError, match="weights: one, two"):
        predict.check_features(request, trained, role, {"weights": "two"})
    other = dataclasses.replace(request, other_features=True)
    predict.check_features(other, trained, role, {"weights": "two"})
    role.sequences.channels = 5
    with pytest.raises(ValueError, match="features of 5 channels"):
        predict.check_features(other, trained, role, None)
