import json

import numpy as np
import pytest

from ahernet_tf.data.annotations.activitynet import read_annotations
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.evaluation.ground_truth import load_ground_truth
from data_tools import convert_annotations
from tests import programs
from tests.conftest import shared_path


def test_report_and_file_say_the_same(tmp_path, capsys):
    source = tmp_path / "own.csv"
    source.write_text(
        "video,start,end,label,duration\na,1,2,x,9\na,1,2,x,9\nb,8,12,y,9\nc,3,3,x,9\n"
        "b,1,2,y,9\n"
    )
    out = tmp_path / "out.json"
    videos, _ = convert_annotations.run(source, out, subset="training")
    assert read_annotations(out) == videos
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{source}: read as csv (table, or JSON records, with a row an action: your "
        "own, THUMOS14's, TSP's)",
        "training: 2 videos, 3 segments, 2 classes",
        "all: 2 videos, 3 segments, 2 classes",
        "own.csv: repeated segments dropped: 1",
        "own.csv: segments far over their video's duration clamped: 1 (b)",
        "own.csv: segments of zero length dropped: 1",
        "own.csv: videos left out, as none of their segments can be used: 1",
        f"Written: {out}",
    ]


def test_bad_videos_stop_the_conversion_unless_skipped(tmp_path, capsys):
    source = tmp_path / "own.csv"
    source.write_text("video,start,end,label\na,one,2,x\nb,1,2,x\n")
    out = tmp_path / "out.json"
    with pytest.raises(ValueError, match=r"own.csv: video 'a'.*'one'"):
        convert_annotations.run(source, out)
    assert not out.exists()
    convert_annotations.run(source, out, skip_bad=True)
    assert list(read_annotations(out)) == ["b"]
    assert "own.csv: 1 bad videos left out (a)" in capsys.readouterr().out


def test_taxonomy_of_activitynet_is_kept(tmp_path):
    source, out = tmp_path / "a.json", tmp_path / "out.json"
    record = {"duration": 5, "annotations": [{"segment": [1, 2], "label": "x"}]}
    content = {"database": {"a": record}, "taxonomy": [{"nodeId": 0}]}
    source.write_text(json.dumps(content))
    convert_annotations.run(source, out)
    assert json.loads(out.read_text())["taxonomy"] == [{"nodeId": 0}]


@pytest.mark.parametrize("lines", [False, True])
def test_records_without_a_database_are_converted(tmp_path, lines):
    action = {"start": 1, "end": 2, "label": "x"}
    records = [{"video": v, "duration": 9, "annotations": [action]} for v in "ab"]
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps(records)
    source = tmp_path / "own.json"
    source.write_text(text)
    videos, _ = convert_annotations.run(source, tmp_path / "out.json")
    assert read_annotations(tmp_path / "out.json") == videos
    assert list(videos) == ["a", "b"]


def test_class_folders_need_their_time_model(tmp_path):
    (tmp_path / "in" / "run").mkdir(parents=True)
    np.save(tmp_path / "in" / "run" / "a.npy", np.zeros((4, 3), np.float32))
    out = tmp_path / "out.json"
    with pytest.raises(ValueError, match="needs clip_frames"):
        convert_annotations.run(tmp_path / "in", out, "class_folders")
    model = TimeModel(clip_frames=8, stride_frames=4, fps=10.0)
    convert_annotations.run(tmp_path / "in", out, "class_folders", time_model=model)
    assert read_annotations(out)["a"].duration_sec == 2.0


def test_file_without_videos_is_refused(tmp_path):
    source = tmp_path / "own.csv"
    source.write_text("video,start,end,label\n")
    with pytest.raises(ValueError, match="holds no video"):
        convert_annotations.run(source, tmp_path / "out.json")


def test_program_converts_real_thumos14_to_the_210_videos(tmp_path):
    folder = shared_path("data/annotations")
    out = tmp_path / "out.json"
    done = programs.run(
        "data_tools.convert_annotations",
        "--from=csv",
        f"--input={folder / 'thumos14_test_Annotation.csv'}",
        f"--video_info={folder / 'thumos14_test_video_info.csv'}",
        "--exclude=video_test_0000270,video_test_0001496",
        "--subset=test",
        f"--to={out}",
    )
    assert done.returncode == 0, done.stderr
    assert "test: 210 videos" in done.stdout
    assert len(read_annotations(out)) == 210


def test_program_ends_with_the_reason(tmp_path):
    done = programs.run(
        "data_tools.convert_annotations",
        *("--from=bsn", f"--input={tmp_path / 'none.json'}"),
        f"--to={tmp_path / 'out.json'}",
    )
    assert done.returncode == 1
    assert "none.json: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_detections_are_corrected_by_hand_and_read_again(tmp_path, capsys):
    entries = [
        {"segment": [1, 2], "label": "run", "score": 0.9},
        {"segment": [3, 4], "label": "run", "score": 0.1},
    ]
    results = tmp_path / "predictions.json"
    results.write_text(json.dumps({"results": {"a": entries}}))
    folder = tmp_path / "by hand"
    convert_annotations.run(results, folder, to="elan", minimum_score=0.5)
    assert "read as detections" in capsys.readouterr().out
    document = folder / "a.eaf"
    text = document.read_text().replace('"2000"', '"2500"').replace("run", "walk")
    document.write_text(text)
    convert_annotations.run(folder, tmp_path / "again.json")
    (instance,) = read_annotations(tmp_path / "again.json")["a"].instances
    assert (instance.start_sec, instance.end_sec, instance.label) == (1.0, 2.5, "walk")


@pytest.mark.parametrize(
    ("to", "out", "expected"),
    [
        ("all.json", None, ("activitynet", "all.json")),
        ("all.csv", None, ("csv", "all.csv")),
        ("all.json.gz", None, ("activitynet", "all.json.gz")),
        ("a.vtt", None, ("vtt", "a.vtt")),
        ("fiftyone", "labels.json", ("fiftyone", "labels.json")),
    ],
)
def test_the_form_is_said_or_in_the_ending(to, out, expected):
    assert convert_annotations.form_and_path(to, out) == expected


@pytest.mark.parametrize(
    ("to", "out", "message"),
    [
        ("elan", None, "give the path"),
        ("x.json", "y.json", "with --out one of act"),
        ("x.csv.gz", None, "only JSON of ActivityNet is written gzipped"),
    ],
)
def test_form_and_path_are_both_needed(to, out, message):
    with pytest.raises(ValueError, match=message):
        convert_annotations.form_and_path(to, out)


def test_an_output_that_cannot_be_written_is_refused_first(tmp_path):
    for to in ("activitynet", "csv"):
        with pytest.raises(ValueError, match="is a directory"):
            convert_annotations.run(tmp_path / "none", tmp_path, to=to)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="expected a new or empty directory"):
        convert_annotations.run(tmp_path / "none", tmp_path, to="elan")
    with pytest.raises(ValueError, match="is a file, not a directory"):
        convert_annotations.run(tmp_path / "none", tmp_path / "file" / "x", to="elan")


def test_what_is_written_is_read_by_the_evaluation(tmp_path):
    source = tmp_path / "own.csv"
    source.write_text(
        "video;start;end;label;duration;subset\na;1,5;2;x;9;Val\nb;1;2;y;9;TEST\n"
    )
    out = tmp_path / "out.json"
    convert_annotations.run(source, out)
    frame = load_ground_truth(out, subset="validation")
    assert frame[["start_sec", "end_sec"]].values.tolist() == [[1.5, 2.0]]


def test_folders_of_clips_are_taken_for_what_they_are(tmp_path):
    (tmp_path / "in" / "run").mkdir(parents=True)
    np.save(tmp_path / "in" / "run" / "a.npy", np.zeros((4, 3), np.float32))
    model = TimeModel(clip_frames=8, stride_frames=4, fps=10.0)
    out = tmp_path / "out.json"
    convert_annotations.run(tmp_path / "in", out, time_model=model)
    assert read_annotations(out)["a"].duration_sec == 2.0


@pytest.mark.parametrize("value", ["nan", "inf", "0", "-5", "many"])
def test_a_frame_rate_that_makes_no_sense_is_refused(tmp_path, value):
    (tmp_path / "own.csv").write_text("video,startFrame,endFrame,label\na,1,2,x\n")
    done = programs.run(
        "data_tools.convert_annotations",
        *(f"--input={tmp_path / 'own.csv'}", f"--to={tmp_path / 'out.json'}"),
        f"--fps={value}",
    )
    assert done.returncode == 1
    assert "fps" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.json").exists()
