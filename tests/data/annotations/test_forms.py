import collections
import json

import pytest

from ahernet_tf.data.annotations import forms
from ahernet_tf.data.annotations.companion_files import read_classes
from tests.conftest import shared_path
from tests.data.annotations.reading import (
    actions,
    activitynet,
    faults,
    form_of,
    read,
    write,
)


def test_a_made_up_form_is_a_function_and_a_record(tmp_path, monkeypatch):
    def read_bang(source, collector):
        for _, line in source.lines:
            video, start, end, label = line.split("!")
            collector.add_segment(video, start, end, label)

    form = forms.Form("bangs", lambda source: "!" in source.text, read_bang)
    monkeypatch.setitem(forms.FORMS, "bang", form)
    path = write(tmp_path / "a.txt", "a!1!2!run\nb!0:03!0:04!run\n")
    assert form_of(path) == "bang"
    assert actions(read(path)[0]) == {"a": [(1, 2, "run")], "b": [(3, 4, "run")]}


def test_a_directory_of_files_of_one_form_is_read_together(tmp_path):
    write(tmp_path / "one.csv", "video,start,end,label\na,1,2,x\n")
    write(tmp_path / "two.csv", "video;start;end;label\nb;3;4;x\na;5;6;x\n")
    write(tmp_path / "read me.md", "see my thesis")
    write(tmp_path / ".hidden", "{")
    videos, counts = read(tmp_path)
    assert actions(videos) == {"a": [(1, 2, "x"), (5, 6, "x")], "b": [(3, 4, "x")]}
    assert counts["files of another kind passed over"] == 1


def test_a_directory_of_several_forms_is_refused(tmp_path):
    write(tmp_path / "one.csv", "video,start,end,label\na,1,2,x\n")
    write(tmp_path / "two.json", activitynet([[1, 2]]))
    _, (problem,) = faults(tmp_path)
    assert "several forms: activitynet (two.json), csv (one.csv)" in problem
    videos, counts = read(tmp_path, "csv")
    assert list(videos) == ["a"]
    assert counts["files of another kind passed over"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello\n", "has no column end, label, start, video"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n', "it is of Praat"),
        ("k1,2.5,4,run\n", "no line with the names of the columns"),
        ("", "is empty"),
        ("{}", "is of no form that is known"),
        ("{", "is not JSON"),
        ("<?xml?><a>", "is not XML"),
        ("<take><cup> (3-9)", "it begins with '<take><cup> (3-9)'"),
        ('{"database": []}', "holds no object 'database'"),
        ('{"database": {}}', "holds no video"),
        ("video,start,end,label\n", "holds no video"),
        (",,\n", "is of no form that is known"),
    ],
)
def test_a_file_of_no_form_says_so(tmp_path, content, message):
    _, (problem,) = faults(write(tmp_path / "f", content))
    assert problem.startswith("f: ")
    assert message in problem


@pytest.mark.parametrize(
    "content",
    [
        [{"data": 3, "annotations": [{"result": 5}]}],
        [{"data": {}, "annotations": 3}],
        {
            "metadata": {"a": {"z": [1, 2], "av": {"1": "x"}}},
            "file": {},
            "view": {},
        },
        {"classes": 3, "labels": []},
        {"observations": {"o": {"events": [[]]}}, "behaviors_conf": {}},
        {"a": {"annotations": {"segment": [1, 2, 3]}}},
        "<annotations><image id='x'><tag label='y'/></image></annotations>",
    ],
)
def test_whatever_goes_wrong_in_a_reader_is_a_line_of_the_report(tmp_path, content):
    videos, problems = faults(write(tmp_path / "f", content))
    assert videos == {}
    assert problems
    assert all(problem.startswith("f: ") for problem in problems)


def test_a_form_can_be_named_and_must_fit(tmp_path):
    path = write(tmp_path / "f.json", activitynet([[1, 2]]))
    (problem,) = faults(path, "detections")[1]
    assert "KeyError: 'results'" in problem
    assert problem.endswith("(it looks like activitynet: leave out --from detections)")
    assert "is no table with a header" in faults(path, "csv")[1][0]
    assert "expected a form of activitynet" in faults(path, "nonsense")[1][0]


def test_missing_file_is_one_problem(tmp_path):
    for form in ("auto", "csv", "activitynet"):
        _, problems = faults(tmp_path / "none", form)
        assert len(problems) == 1
        assert "none: cannot be read" in problems[0]


def test_real_activitynet_has_its_published_counts():
    path = shared_path("data/annotations/activitynet_v1.3_bsn.json")
    table = shared_path("data/annotations/activitynet_v1.3_video_info.csv")
    videos, counts = read(path, tables=[table])
    subsets = collections.Counter(v.subset for v in videos.values())
    # Ten of 9,649 and 4,728 videos have segments of zero length only.
    assert sum(subsets.values()) == 19228 - 10
    assert subsets["testing"] == 4851
    labels = {i.label for v in videos.values() for i in v.instances}
    names = shared_path("data/annotations/activitynet_category_name.txt")
    assert labels == set(read_classes(names))
    assert counts["segments of zero length dropped"] == 12
    raw = json.loads(path.read_text())
    # Some ids begin with "v_" themselves.
    assert {f"v_{i}" for i in videos} < set(raw)
    instances = sum(len(v.instances) for v in videos.values())
    dropped = 12 + counts["repeated segments dropped"]
    assert instances + dropped == sum(len(r["annotations"]) for r in raw.values())


def test_real_thumos14_files_agree_with_each_other():
    folder = shared_path("data/annotations")
    tables = [folder / f"thumos14_{s}_video_info.csv" for s in ("test", "val")]
    test, counts = read(
        folder / "thumos14_test_Annotation.csv",
        tables=tables,
        subset="test",
    )
    assert len(test) == 212  # 213 without the one that is ambiguous throughout
    assert counts["segments of label 'Ambiguous' dropped"] == 99
    again, _ = read(
        folder / "thumos14_test_groundtruth.csv",
        subset="test",
    )
    assert {i: v.instances for i, v in again.items()} == {
        i: v.instances for i, v in test.items()
    }
    validation, _ = read(
        folder / "thumos14_val_Annotation.csv",
        tables=tables,
        subset="validation",
    )
    assert len(validation) == 200
    peers = {"video_test_0000270", "video_test_0001496"}
    both, counts = read(
        folder / "thumos14_210_test_200_val.json",
        tables=tables,
    )
    assert len(both) == 410
    assert counts["segments written as text"] == 6318
    assert set(both) == (set(test) - peers) | set(validation)
    for video_id, video in both.items():
        other = {**test, **validation}[video_id]
        assert set(video.instances) == set(other.instances)
        assert video.fps == other.fps
    rates = collections.Counter(round(v.fps, 2) for v in test.values())
    assert rates == {30.0: 195, 29.97: 11, 25.0: 5, 24.0: 1}


def test_real_k600_validation_has_its_published_counts():
    path = shared_path("data/annotations/k600_val_annotation.txt")
    names = shared_path("data/annotations/k600_category.txt")
    classes = read_classes(names)
    videos, counts = read(path, classes=classes, keep_repeats=True)
    assert len(videos) == 6461
    assert sum(len(v.instances) for v in videos.values()) == 9638
    assert len({i.label for v in videos.values() for i in v.instances}) == 600
    assert set(counts) == {
        "videos of unknown duration: the end of the last segment taken"
    }


def test_the_file_of_a_directory_that_is_of_no_form_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("10 20 add_oil\n")
    assert "notes.txt: is of no form that is known" in faults(tmp_path)[1][0]
    (tmp_path / "a.json").write_text("{")
    assert "a.json: is not JSON" in faults(tmp_path)[1][0]


def test_json_of_no_form_is_outlined(tmp_path):
    content = {"version": 1, "videos": [{"video_uid": "a", "clips": []}]}
    _, (problem,) = faults(write(tmp_path / "m.json", content))
    assert "it has 'videos', a list of objects of video_uid, clips" in problem
