import json

import pytest

from ahernet_tf.data.annotations.videos import Instance, Video
from tests.data.annotations.reading import actions, faults, form_of, read, write


def test_bsn_takes_subset_and_rate_from_the_table_beside_it(tmp_path):
    record = {"duration_second": 10.0, "duration_frame": 240, "feature_frame": 240}
    record["annotations"] = [{"segment": [1.0, 4.0], "label": "run"}]
    path = write(tmp_path / "bsn.json", {"v_a": record})
    table = "video,numFrame,seconds,fps,rfps,subset,featureFrame\n"
    table = write(
        tmp_path / "info.csv", table + "v_a,240,10.0,25.0,24.0,validation,240"
    )
    videos, counts = read(path, tables=[table])
    instances = (Instance(1.0, 4.0, "run"),)
    assert videos == {"a": Video("a", "validation", 10.0, instances, 240, 24.0)}
    assert counts == {"ids without their prefix 'v_'": 1}


def test_detections_become_annotations_from_a_score_on(tmp_path):
    entries = [
        {"segment": [1, 2], "label": "x", "score": 0.9},
        {"segment": [3, 4], "label": "x", "score": 0.2},
    ]
    path = write(tmp_path / "r.json", {"results": {"a": entries, "b": []}})
    assert form_of(path) == "detections"
    videos, counts = read(path, minimum_score=0.5)
    assert actions(videos) == {"a": [(1, 2, "x")]}
    assert counts["videos without a detection left out"] == 1
    assert counts["detections of too low a score dropped"] == 1


def test_a_results_key_that_is_there_twice_is_a_fault(tmp_path):
    entry = '[{"segment": [1, 2], "label": "x", "score": 1}]'
    path = write(tmp_path / "r.json", f'{{"results": {{"a": {entry}, "a": {entry}}}}}')
    assert faults(path)[1] == ["r.json: video 'a': duplicate id"]


def test_kinetics_json_is_of_trimmed_clips(tmp_path):
    record = {"annotations": {"label": "run", "segment": [1, 11]}, "duration": 10.0}
    path = write(tmp_path / "k.json", {"abc": {**record, "subset": "train"}})
    assert form_of(path) == "kinetics_json"
    name = "abc_000001_000011"
    instances = (Instance(0.0, 10.0, "run"),)
    assert read(path)[0] == {name: Video(name, "training", 10.0, instances)}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"annotations": {"segment": [5, 2], "label": "x"}}, "cut from 5 to 2"),
        ({"annotations": {"segment": [5], "label": "x"}}, "expected segment"),
        ({"annotations": []}, "expected annotations {label, segment}"),
        (3, "expected an object, received 3"),
    ],
)
def test_a_faulty_clip_is_named(tmp_path, record, message):
    good = {"annotations": {"label": "run", "segment": [1, 11]}}
    path = write(tmp_path / "k.json", {"good": good, "bad": record})
    videos, (problem,) = faults(path)
    assert (len(videos), message in problem) == (1, True)
    assert "video 'bad'" in problem


def test_charades_json_names_classes_by_index(tmp_path):
    record = {"subset": "training", "duration": 20.0, "actions": [[1, 2.0, 5.0]]}
    path = write(tmp_path / "c.json", {"ABC": record})
    assert form_of(path) == "charades_json"
    assert actions(read(path)[0]) == {"ABC": [(2, 5, "c001")]}
    assert actions(read(path, classes=("x", "y"))[0]) == {"ABC": [(2, 5, "y")]}
    path = write(tmp_path / "c.json", {"ABC": {**record, "actions": [[1, 2]]}})
    assert "expected [class, start, end], received [1, 2]" in faults(path)[1][0]


def test_captions_are_refused(tmp_path):
    record = {"duration": 8.5, "timestamps": [[1, 2]], "sentences": ["A person cooks."]}
    videos, problems = faults(write(tmp_path / "c.json", {"a": record}))
    assert videos == {}
    assert "sentences are no classes" in problems[0]


def test_records_may_be_a_list_that_names_its_videos(tmp_path):
    action = {"start_ms": 1000, "end_ms": 2500, "class": "run"}
    record = {"file": "v/a.mp4", "video": "a", "duration": 9, "annotations": [action]}
    other = {"video": "b", "duration": 9, "annotations": []}
    path = write(tmp_path / "a.json", [record, other])
    assert form_of(path) == "activitynet"
    videos, _ = read(path)
    assert actions(videos) == {"a": [(1.0, 2.5, "run")], "b": []}
    lines = "".join(f"{json.dumps(r)}\n" for r in (record, other, other))
    _, problems = faults(write(tmp_path / "b.jsonl", lines))
    assert problems == ["b.jsonl: video 'b': duplicate id"]


@pytest.mark.parametrize("label", [["run", "sit"], {"name": "run"}, True])
def test_a_label_that_is_no_name_is_a_fault(tmp_path, label):
    row = {"video": "a", "start": 1, "end": 2, "label": label}
    annotations = [{"segment": [1, 2], "label": label}]
    for content in ([row], {"database": {"a": {"annotations": annotations}}}):
        videos, problems = faults(write(tmp_path / "a.json", content))
        assert label is True or (not videos and len(problems) == 1)
