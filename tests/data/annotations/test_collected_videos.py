import json

import pytest

from ahernet_tf.data.annotations.activitynet import read_annotations, write_annotations
from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.annotations.videos import Instance, Video
from tests.data.annotations.reading import actions, activitynet, faults, read, write


@pytest.mark.parametrize(
    ("segment", "expected", "count"),
    [
        ([2, 5], (2.0, 5.0), None),
        (["2.5", "5"], (2.5, 5.0), "segments written as text"),
        ([18, 20.05], (18.0, 20.0), "segments clamped to their video's duration"),
        ([15, 29], (15.0, 20.0), "segments far over their video's duration clamped"),
        ([-0.05, 4], (0.0, 4.0), "segments clamped to their video's duration"),
        ([4, 4], None, "segments of zero length dropped"),
        ([20, 22], None, "segments wholly outside their video dropped"),
        ([-3, -1], None, "segments wholly outside their video dropped"),
    ],
)
def test_each_quirk_of_a_segment_is_mended_or_dropped_and_counted(
    tmp_path, segment, expected, count
):
    path = write(tmp_path / "a.json", activitynet([segment, [1, 2]]))
    videos, counts = read(path)
    instances = [Instance(*expected, "run")] if expected else []
    assert videos["a"].instances == (*instances, Instance(1.0, 2.0, "run"))
    assert counts == ({count: 1} if count else {})


def test_repeated_segments_are_dropped_unless_kept_on_request(tmp_path):
    path = write(tmp_path / "a.json", activitynet([[1, 2], [3, 4], [1, 2]]))
    videos, counts = read(path)
    assert len(videos["a"].instances) == 2
    assert counts == {"repeated segments dropped": 1}
    videos, counts = read(path, keep_repeats=True)
    assert len(videos["a"].instances) == 3
    assert counts == {}


@pytest.mark.parametrize("segment", [[4, 4], [25, 30]])
def test_video_whose_segments_are_all_void_is_no_background(tmp_path, segment):
    path = write(tmp_path / "a.json", activitynet([segment]))
    videos, counts = read(path)
    assert videos == {}
    assert counts["videos left out, as none of their segments can be used"] == 1


def test_video_of_ignored_labels_only_is_left_out(tmp_path):
    path = write(tmp_path / "a.json", activitynet([[4, 5]], label="Ambiguous"))
    videos, counts = read(path)
    assert videos == {}
    assert counts == {
        "segments of label 'Ambiguous' dropped": 1,
        "videos with segments of ignored labels only left out": 1,
    }


def test_excluded_videos_are_found_with_and_without_prefix(tmp_path):
    database = {f"v_{i}": activitynet([[1, 2]])["database"]["a"] for i in "xyz"}
    path = write(tmp_path / "a.json", {"database": database})
    videos, counts = read(path, exclude=frozenset(["x", "v_y"]))
    assert list(videos) == ["z"]
    assert counts["videos left out on request"] == 2


def test_prefix_is_part_of_the_id_unless_all_ids_have_it(tmp_path):
    record = activitynet([[1, 2]])["database"]["a"]
    path = write(tmp_path / "a.json", {"database": {"v_x": record, "y": record}})
    assert list(read(path)[0]) == ["v_x", "y"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"duration": "nan", "annotations": []},
            "expected a duration above 0, received 'nan'",
        ),
        (
            {"duration": -3, "annotations": []},
            "expected a duration above 0, received -3",
        ),
        (
            {"duration": 9, "fps": 0, "annotations": []},
            "expected a fps above 0, received 0",
        ),
        (
            {"duration": 9, "annotations": 7},
            "expected a list of annotations, received 7",
        ),
        ({"duration": 9, "annotations": [{"segment": [1]}]}, "expected segment"),
        (
            {"duration": 9, "annotations": [{"segment": [1, "x"], "label": "a"}]},
            "expected numbers, received [1, 'x']",
        ),
        ({"duration": 9, "annotations": [{"segment": [1, 2]}]}, "has no label"),
        (
            {"duration": 9, "annotations": [{"segment": [5, 4], "label": "a"}]},
            "segment starts at 5.0 s, after its end at 4.0 s",
        ),
        ("text", "expected an object, received 'text'"),
    ],
)
def test_faulty_record_is_named_and_left_out(tmp_path, record, message):
    sound = activitynet([[1, 2]])["database"]["a"]
    path = write(tmp_path / "f.json", {"database": {"bad": record, "good": sound}})
    videos, problems = faults(path)
    assert list(videos) == ["good"]
    assert len(problems) == 1
    assert problems[0].startswith("f.json: video 'bad': ")
    assert message in problems[0]


def test_id_with_a_path_is_refused(tmp_path):
    record = activitynet([[1, 2]])["database"]["a"]
    path = write(tmp_path / "f.json", {"database": {"../x": record}})
    videos, problems = faults(path)
    assert videos == {}
    assert "the id holds a path ('../x')" in problems[0]


@pytest.mark.parametrize("content", ["{", "[]", '{"videos": {}}', '{"database": []}'])
def test_file_of_another_form_is_refused(tmp_path, content):
    path = write(tmp_path / "f.json", content)
    _, problems = faults(path)
    assert len(problems) == 1
    assert problems[0].startswith("f.json: ")


def test_moments_form_gives_an_instance_that_spans_the_clip(tmp_path):
    database = {"m": {"frames": 50, "fps": 25, "subset": "train", "label": "run"}}
    path = write(tmp_path / "m.json", {"database": database})
    videos, _ = read(path)
    instances = (Instance(0.0, 2.0, "run"),)
    assert videos["m"] == Video("m", "training", 2.0, instances, 50, 25.0)


def test_canonical_file_gives_back_the_same_videos(tmp_path):
    videos = {
        "a": Video(
            "a", "training", 20.1, (Instance(0.1, 1 / 3, "é"),), 603, 30.0, "p1"
        ),
        "b": Video("b", "testing", 7.0),
        "c": Video("c", "", 2.5, (Instance(0.0, 2.5, "x"), Instance(1.0, 2.0, "y"))),
    }
    path = tmp_path / "new" / "out.json"
    write_annotations(path, videos, "test", taxonomy=[{"nodeId": 1}])
    assert read_annotations(path) == videos
    assert read(path) == (videos, {})
    assert json.loads(path.read_text())["taxonomy"] == [{"nodeId": 1}]
    assert [p.name for p in path.parent.iterdir()] == ["out.json"]


@pytest.mark.parametrize("other", ["v_a", "A", "a.mp4"])
def test_an_id_that_is_nearly_another_is_a_fault(tmp_path, other):
    rows = f"video,start,end,label,duration\na,1,2,x,60\n{other},5,8,x,60\n"
    videos, problems = faults(write(tmp_path / "own.csv", rows))
    assert list(videos) == ["a"]
    what = "spelt differently, there is also 'a'"
    assert problems == [f"own.csv: video '{other}': {what}"]


def test_a_key_that_is_there_twice_is_a_fault(tmp_path):
    text = '{"database": {"a": {"duration": 3, "annotations": []}, "a": {}}}'
    videos, problems = faults(write(tmp_path / "a.json", text))
    assert (videos, problems) == ({}, ["a.json: video 'a': duplicate id"])
    text = '{"database": {"a": {"duration": 3, "annotations": [], "duration": 4}}}'
    _, problems = faults(write(tmp_path / "a.json", text))
    assert problems == ["a.json: duplicate key 'duration'"]


def test_classes_that_are_nearly_the_same_are_asked_about(tmp_path):
    rows = "video,start,end,label\na,1,2,crack egg\nb,5,8,Crack_egg\n"
    path = write(tmp_path / "own.csv", rows)
    _, (problem,) = faults(path)
    assert "class 'Crack_egg' is there, and class 'crack egg'" in problem
    assert "--classes" in problem
    videos, _ = read(path, classes=("crack egg", "Crack_egg"))
    assert len(videos) == 2


def test_a_label_that_a_list_of_classes_lacks_is_named_with_its_neighbour(tmp_path):
    rows = "video,start,end,label\na,1,2,Whisk\nb,5,8,whisk\nc,5,8,fry\n"
    path = write(tmp_path / "own.csv", rows)
    videos, problems = faults(path, classes=("whisk", "pour"))
    assert list(videos) == ["b"]
    lacks = "is not in the list of classes"
    assert problems == [
        f"own.csv: video 'a': class 'Whisk' {lacks}, which has 'whisk': spell it so",
        f"own.csv: video 'c': class 'fry' {lacks}",
    ]


def test_rows_that_contradict_each_other_are_a_fault(tmp_path):
    rows = "video,start,end,label,duration,subset\na,1,2,x,9,train\na,3,4,x,8,test\n"
    videos, problems = faults(write(tmp_path / "own.csv", rows))
    assert videos == {}
    assert problems == [
        "own.csv: video 'a': duration of 9.0 and of 8.0 (line 3)",
        "own.csv: video 'a': subset of training and of test (line 3)",
    ]


def test_the_line_of_an_action_is_told_and_the_first_of_the_same(tmp_path):
    rows = "video,start,end,label,fps\na,1,1:75,x,z\na,1,2,x,z\nb,1,2,x,\nb,9,5,x,\n"
    _, problems = faults(write(tmp_path / "own.csv", rows))
    assert problems == [
        "own.csv: video 'a': expected a fps above 0, received 'z' (line 2)",
        "own.csv: video 'a': expected numbers, received ['1', '1:75'], below 60 after "
        "a colon (line 2)",
        "own.csv: video 'b': segment starts at 9.0 s, after its end at 5.0 s (line 5)",
    ]


def test_subsets_are_spelt_in_one_way(tmp_path):
    rows = "video,start,end,label,subset\na,1,2,x,Training\nb,3,4,x,TEST\nc,3,4,x,val\n"
    videos, counts = read(write(tmp_path / "own.csv", rows))
    found = [video.subset for video in videos.values()]
    assert found == ["training", "test", "validation"]
    assert counts["subset 'Training', now 'training'"] == 1


def test_frames_need_a_rate_which_may_be_the_videos_own(tmp_path):
    rows = "video,startFrame,endFrame,label,fps\na,60,150,x,30\nb,60,150,x,\n"
    path = write(tmp_path / "own.csv", rows)
    videos, problems = faults(path)
    assert videos["a"].instances == (Instance(2.0, 5.0, "x"),)
    what = "times in frames need its frame rate: give --fps or --video_info"
    assert problems == [f"own.csv: video 'b': {what}"]
    videos, _ = read(path, facts={"b": VideoFacts(fps=15.0)})
    assert videos["b"].instances == (Instance(4.0, 10.0, "x"),)
    videos, _ = read(path, fps=10.0)
    assert videos["b"].instances == (Instance(6.0, 15.0, "x"),)


def test_times_outside_most_videos_are_asked_about_and_can_be_told(tmp_path):
    content = activitynet([[30, 75], [300, 600], [15, 30]], duration=60.0)
    path = write(tmp_path / "a.json", content)
    videos, (problem,) = faults(path)
    assert videos == {}
    assert problem.startswith("a.json: the times of 2 of 3 segments lie outside their")
    videos, _ = read(path, times="frames", fps=30.0)
    assert [i.end_sec for i in videos["a"].instances] == [2.5, 20.0, 1.0]


def test_an_action_without_an_end_lasts_to_the_next_or_to_the_end(tmp_path):
    rows = "video,start,label,video_duration\n"
    rows += "k,0,menu,90\nk,5,load,90\nk,0:06,play,90\n"
    videos, counts = read(write(tmp_path / "own.csv", rows))
    assert [(i.start_sec, i.end_sec) for i in videos["k"].instances] == [
        (0.0, 5.0),
        (5.0, 6.0),
        (6.0, 90.0),
    ]
    assert counts["segments without an end, which end where the next begins"] == 3


def test_a_row_without_a_label_ends_the_last_action_of_starts_alone(tmp_path):
    rows = "video,start,label\na,0,x\na,5,y\na,8,\na,9,x\na,10.5,\n"
    videos, counts = read(write(tmp_path / "t.csv", rows))
    assert actions(videos) == {"a": [(0, 5, "x"), (5, 8, "y"), (9, 10.5, "x")]}
    assert counts["segments without an end, which end where the next begins"] == 3
    rows = "video,start,end,label\na,0,2,x\na,5,,\n"
    assert "has no label" in faults(write(tmp_path / "t.csv", rows))[1][0]


def test_the_last_action_needs_an_end(tmp_path):
    rows = "video,start,label\nk,0,menu\nk,5,load\n"
    _, (problem,) = faults(write(tmp_path / "own.csv", rows))
    assert "the segment at 5.0 s has no end" in problem


def test_durations_may_be_clock_times_and_rates_fractions(tmp_path):
    rows = "video,start,end,label,duration,fps\na,1,2,x,0:01:30,30000/1001\n"
    videos, _ = read(write(tmp_path / "own.csv", rows))
    assert videos["a"].duration_sec == 90.0
    assert videos["a"].fps == pytest.approx(29.97, abs=1e-3)
    rows = rows.replace("30000/1001", "30/0").replace("0:01:30", "1:2:3:4")
    _, problems = faults(write(tmp_path / "own.csv", rows))
    assert problems == [
        "own.csv: video 'a': expected a duration above 0, received '1:2:3:4' (line 2)",
        "own.csv: video 'a': expected a fps above 0, received '30/0' (line 2)",
    ]
