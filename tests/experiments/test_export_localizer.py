"""The program that exports: what it writes, what it takes from training."""

import json
import types

import pytest

from experiments import export_localizer
from tests.experiments.test_predict import CLASSES, workdir  # noqa: F401


def values_of(workdir, out, **more):  # noqa: F811
    given = {
        "checkpoint": str(workdir),
        "format": "saved_model",
        "out": str(out),
        "classes": "target",
        "clip_frames": None,
        "stride_frames": None,
        "whole_video": False,
        "set": [],
        "window_sec": None,
        "window_overlap": 0.5,
        "min_score": 0.0,
        "max_detections": None,
    }
    return types.SimpleNamespace(**{**given, **more})


def test_a_work_directory_is_exported(workdir, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "out"
    export_localizer.main(values_of(workdir, out, window_sec=30.0))
    assert (out / "saved_model" / "saved_model.pb").exists()
    about = json.loads((out / "localizer.json").read_text())
    assert tuple(about["classes"]) == CLASSES
    assert about["time_model"]["clip_frames"] == 16
    assert about["window_sec"] == 30.0
    assert capsys.readouterr().out.startswith(f"Wrote {out / 'saved_model'}; ")
    with pytest.raises(ValueError, match="new or empty directory"):
        export_localizer.main(values_of(workdir, out))


def test_clips_whose_time_is_not_known_are_asked_for(tmp_path):
    values = values_of("W", tmp_path)
    with pytest.raises(ValueError, match="W does not say when its clips happen"):
        export_localizer.time_model(values, {}, False)
    values.clip_frames = values.stride_frames = 8
    assert export_localizer.time_model(values, {}, False).clip_frames == 8
    known = {"clip_frames": 0, "stride_frames": 0}
    assert (
        export_localizer.time_model(values_of("W", tmp_path), known, False).covers
        == "duration"
    )
