import json

import pytest

from ahernet_tf.data.annotations.activitynet import (
    parse_annotations,
    read_annotations,
    write_annotations,
)
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.checks import DataError
from tests.conftest import shared_path
from tests.data.annotations.reading import faults
from tests.data.annotations.reading import write as save


def write(tmp_path, database):
    path = tmp_path / "anno.json"
    path.write_text(json.dumps({"database": database}))
    return path


def one(segment, duration=100.0, label="run", **facts):
    record = {"duration": duration, "annotations": [_annotation(segment, label)]}
    return {"v": {**record, **facts}}


def _annotation(segment, label="run"):
    return {"segment": segment, "label": label}


def test_reads_untrimmed_videos_and_moments(tmp_path):
    path = write(
        tmp_path,
        {
            "u": {
                "duration": "12.5",
                "subset": "training",
                "fps": "25",
                "frames": "312",
                "subject": 7,
                "annotations": [{"segment": ["1.5", "4"], "label": "run"}],
            },
            "m": {"duration": 3, "subset": "training", "label": "wave", "group": "x"},
            "b": {"duration": 5, "annotations": []},
        },
    )
    videos = read_annotations(path)
    assert videos["u"].instances == (Instance(1.5, 4.0, "run"),)
    assert (videos["u"].fps, videos["u"].frames, videos["u"].group) == (25.0, 312, "7")
    assert videos["m"].instances == (Instance(0.0, 3.0, "wave"),)
    assert (videos["m"].group, videos["m"].fps) == ("x", None)
    assert (videos["b"].instances, videos["b"].subset) == ((), "")


def test_a_small_overshoot_is_clamped_and_counted(tmp_path):
    videos, report = parse_annotations(write(tmp_path, one([-0.5, 100.9])))
    assert videos["v"].instances == (Instance(0.0, 100.0, "run"),)
    assert report.lines() == [
        "anno.json: segments clamped to their video's duration: 1"
    ]


def test_a_segment_of_zero_length_is_dropped_with_a_count(tmp_path):
    database = one([3, 3])
    database["v"]["annotations"].append(_annotation([4, 5]))
    videos, report = parse_annotations(write(tmp_path, database))
    assert videos["v"].instances == (Instance(4.0, 5.0, "run"),)
    assert report.lines() == ["anno.json: segments of zero length dropped: 1"]


def test_a_video_with_zero_length_segments_only_is_no_background(tmp_path):
    videos, report = parse_annotations(write(tmp_path, one([3, 3])))
    assert not videos
    what = "videos left out, as none of their segments can be used"
    assert f"anno.json: {what}: 1" in report.lines()


def test_duration_follows_from_frames_and_fps(tmp_path):
    path = write(tmp_path, {"v": {"fps": 25, "frames": 100, "annotations": []}})
    assert read_annotations(path)["v"].duration_sec == 4.0


@pytest.mark.parametrize(
    ("database", "line"),
    [
        (one([5, 101.5]), "segment ends at 101.5 s, the video lasts 100.0 s"),
        (one([150, 160]), "segment starts at 150.0 s, the video lasts 100.0 s"),
        (one([-3, 4]), "segment starts at -3.0 s, before the video"),
        (one([5, 4]), "segment starts at 5.0 s, after its end at 4.0 s"),
        (one(["x", 4]), "expected numbers, received ['x', 4]"),
        (one([float("nan"), 4]), "expected numbers, received [nan, 4]"),
        (one([1, 2, 3]), "expected segment [start, end], received"),
        (one([1, 2], duration=0), "expected a duration above 0, received 0"),
        (one([1, 2], duration=None), "has no duration, nor fps and frames"),
        (one([1, 2], fps=0), "expected a fps above 0, received 0"),
        (one([1, 2], frames=12.5), "whole number of frames"),
        (one([1, 2], fps="1_0"), "expected a fps above 0, received '1_0'"),
        ({"v": {"duration": 5}}, "has no 'annotations'"),
        (one([1, 2], label=["run", "sit"]), "expected one label, received ['run', "),
        ({"v": {"duration": 5, "annotations": [{"segment": [1, 2]}]}}, "no label"),
        ({"v": {"duration": 5, "annotations": 3}}, "expected a list of annotations"),
        ({"v": []}, "expected an object, received []"),
    ],
)
def test_a_faulty_record_is_named_with_its_value(tmp_path, database, line):
    with pytest.raises(DataError) as error:
        read_annotations(write(tmp_path, database))
    message = str(error.value)
    assert message.startswith("1 problem in the data:\n  anno.json: video 'v': ")
    assert line in message


@pytest.mark.parametrize("name", ["../x", "/a", "a/", "a//b", "a/./b", "a\\b", ""])
def test_an_id_that_is_a_path_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="the id"):
        read_annotations(write(tmp_path, {name: {"duration": 5}}))


def test_dots_within_an_id_are_no_path(tmp_path):
    path = write(tmp_path, {"dive/so..": {"duration": 5, "annotations": []}})
    assert list(read_annotations(path)) == ["dive/so.."]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"database": {"v": {"duration": 1}, "v": {"duration": 2}}}', "duplicate id"),
        ('{"database": {"v": {"duration": 1}, "v_v": {"duration": 2}}}', "duplicate"),
        ('{"database": {"v": {"duration": 1, "duration": 2}}}', "key 'duration'"),
        ('{"database": {', "anno.json: is not JSON"),
        ("[]", "no object 'database'"),
    ],
)
def test_a_faulty_file_is_named(tmp_path, text, line):
    path = tmp_path / "anno.json"
    path.write_text(text)
    with pytest.raises(DataError, match=line):
        read_annotations(path)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: cannot be read"):
        read_annotations(tmp_path / "none.json")


def test_all_faults_are_in_one_message(tmp_path):
    database = {f"v{n:03}": {"duration": -n - 1, "annotations": []} for n in range(60)}
    with pytest.raises(DataError) as error:
        read_annotations(write(tmp_path, database))
    lines = str(error.value).splitlines()
    assert lines[0] == "60 problems in the data:"
    assert (
        lines[1]
        == "  anno.json: video 'v000': expected a duration above 0, received -1"
    )
    assert (len(lines), lines[-1]) == (52, "  and 10 more")


def test_a_gzipped_file_is_written_and_read_again(tmp_path):
    path = tmp_path / "a.json.gz"
    videos = {"a": Video("a", "training", 9.0, (Instance(1.0, 2.0, "é"),))}
    write_annotations(path, videos)
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert read_annotations(path) == videos


def test_the_actions_of_coin_are_under_another_name(tmp_path):
    record = {"duration": 9, "annotation": [{"segment": [1, 2], "label": "run"}]}
    videos = read_annotations(write(tmp_path, {"v": record}))
    assert videos["v"].instances == (Instance(1.0, 2.0, "run"),)


def test_reads_the_gestures():
    videos = read_annotations(shared_path("data/gestures/annotations.json"))
    moments = read_annotations(shared_path("data/gestures/moments.json"))
    assert (len(videos), len(moments)) == (591, 2564)
    assert len({video.group for video in videos.values()}) == 30
    assert all(len(moment.instances) == 1 for moment in moments.values())


def test_annotations_under_another_name_do_not_make_background(tmp_path):
    record = {"duration": 9, "annotatons": [{"segment": [1, 2], "label": "run"}]}
    withheld = {"duration": 9, "subset": "testing"}
    records = {"a": record, "b": {"duration": 9}, "c": withheld}
    videos, problems = faults(save(tmp_path / "a.json", {"database": records}))
    assert list(videos) == ["c"]
    assert problems[0] == "a.json: video 'a': has no 'annotations', but 'annotatons'"
    assert "video 'b': has no 'annotations'; an empty" in problems[1]


def test_labels_of_the_canonical_json_stay_as_they_are(tmp_path):
    """Two blanks are two blanks, as in the classes of dataset.json."""
    record = {
        "duration": 9.0,
        "annotations": [{"segment": [1, 2], "label": "G8  Throw"}],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"database": {"a": record}}))
    (instance,) = read_annotations(path)["a"].instances
    assert instance.label == "G8  Throw"


def test_a_sentence_is_no_label(tmp_path):
    annotations = [{"segment": [1, 2], "sentence": "He runs."}]
    database = {"a": {"duration": 9, "annotations": annotations}}
    _, (problem,) = faults(save(tmp_path / "a.json", {"database": database}))
    assert "an action has a sentence in place of a label" in problem
