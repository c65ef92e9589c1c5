import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from ahernet_tf.data.annotations.activitynet import read_annotations
from ahernet_tf.data.features.time_model import TimeModel
from data_tools import convert_annotations
from tests.conftest import shared_path

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_report_and_file_say_the_same(tmp_path, capsys):
    source = tmp_path / "own.csv"
    source.write_text(
        "video,start,end,label,duration\na,1,2,x,9\na,1,2,x,9\nb,8,12,y,9\nc,3,3,x,9\n"
    )
    out = tmp_path / "out.json"
    videos, _ = convert_annotations.run("csv", source, out, subset="training")
    assert read_annotations(out) == videos
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "training: 3 videos, 2 segments, 2 classes",
        "all: 3 videos, 2 segments, 2 classes",
        "own.csv: repeated segments dropped: 1",
        "own.csv: segments far over their video's duration clamped: 1",
        "own.csv: segments of zero length dropped: 1",
        "own.csv: videos kept without any segment, all theirs were dropped: 1",
        f"Written: {out}",
    ]


def test_bad_videos_stop_the_conversion_unless_skipped(tmp_path, capsys):
    source = tmp_path / "own.csv"
    source.write_text("video,start,end,label\na,one,2,x\nb,1,2,x\n")
    out = tmp_path / "out.json"
    with pytest.raises(ValueError, match=r"own.csv: video 'a'.*'one'"):
        convert_annotations.run("csv", source, out)
    assert not out.exists()
    convert_annotations.run("csv", source, out, skip_bad=True)
    assert list(read_annotations(out)) == ["b"]
    assert "own.csv: 1 bad videos left out (a)" in capsys.readouterr().out


def test_taxonomy_of_activitynet_is_kept(tmp_path):
    source, out = tmp_path / "a.json", tmp_path / "out.json"
    record = {"duration": 5, "annotations": [{"segment": [1, 2], "label": "x"}]}
    content = {"database": {"a": record}, "taxonomy": [{"nodeId": 0}]}
    source.write_text(json.dumps(content))
    convert_annotations.run("activitynet", source, out)
    assert json.loads(out.read_text())["taxonomy"] == [{"nodeId": 0}]


def test_class_folders_need_their_time_model(tmp_path):
    (tmp_path / "in" / "run").mkdir(parents=True)
    np.save(tmp_path / "in" / "run" / "a.npy", np.zeros((4, 3), np.float32))
    out = tmp_path / "out.json"
    with pytest.raises(ValueError, match="needs clip_frames"):
        convert_annotations.run("class_folders", tmp_path / "in", out)
    model = TimeModel(clip_frames=8, stride_frames=4, fps=10.0)
    convert_annotations.run("class_folders", tmp_path / "in", out, time_model=model)
    assert read_annotations(out)["a"].duration_sec == 2.0


def test_file_without_videos_is_refused(tmp_path):
    source = tmp_path / "own.csv"
    source.write_text("video,start,end,label\n")
    with pytest.raises(ValueError, match="holds no video"):
        convert_annotations.run("csv", source, tmp_path / "out.json")


def test_program_converts_real_thumos14_to_the_210_videos(tmp_path):
    folder = shared_path("data/annotations")
    out = tmp_path / "out.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "data_tools.convert_annotations", "--from=csv"),
            f"--input={folder / 'thumos14_test_Annotation.csv'}",
            f"--video_info={folder / 'thumos14_test_video_info.csv'}",
            "--exclude=video_test_0000270,video_test_0001496",
            "--subset=test",
            f"--to={out}",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "test: 210 videos" in done.stdout
    assert len(read_annotations(out)) == 210


def test_program_ends_with_the_reason(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "data_tools.convert_annotations", "--from=bsn"),
            *(f"--input={tmp_path / 'none.json'}", f"--to={tmp_path / 'out.json'}"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "none.json: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
