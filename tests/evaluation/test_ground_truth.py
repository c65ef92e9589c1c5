import gzip
import json

import pandas as pd
import pytest

from ahernet_tf.evaluation import PROTOCOLS, canonical_video_id, load_ground_truth
from tests.conftest import shared_path


def video(*segments, subset="validation", **more):
    """Returns a video's record from (start, end, label)."""
    annotations = [{"segment": [s, e], "label": label} for s, e, label in segments]
    return {"subset": subset, "annotations": annotations, **more}


def content(**videos):
    return {"version": "made up", "database": videos}


def test_rows_follow_the_file_and_other_subsets_are_ignored():
    frame = load_ground_truth(
        content(
            b=video((3, 4, "y"), (1, 2, "x"), duration=10.5),
            c=video((0, 9, "z"), subset="training"),
            a=video((5, 6, "y")),
        ),
        "validation",
    )
    expected = ["video", "start_sec", "end_sec", "label"]
    assert frame[expected].to_numpy().tolist() == [
        ["b", 3.0, 4.0, "y"],
        ["b", 1.0, 2.0, "x"],
        ["a", 5.0, 6.0, "y"],
    ]
    assert frame["duration_sec"].tolist()[:2] == [10.5, 10.5]
    assert frame["duration_sec"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["truth.json", "truth.json.gz"])
def test_file_plain_or_gzipped(tmp_path, name):
    data = json.dumps(content(a=video((1, 2, "x")))).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert load_ground_truth(path)["video"].tolist() == ["a"]


def test_segments_may_be_strings_and_subset_of_another_case():
    frame = load_ground_truth(
        content(a=video(("18.6", "24.8", "x"), subset="Valid.")), "val"
    )
    assert frame["start_sec"].tolist() == [18.6]
    assert frame["end_sec"].tolist() == [24.8]


def test_ids_lose_their_prefix():
    frame = load_ground_truth(content(v_abc=video((1, 2, "x")), d=video((1, 2, "x"))))
    assert frame["video"].tolist() == ["abc", "d"]


def test_every_spelling_of_an_id_that_begins_like_the_prefix_is_one_video():
    spellings = ("v_UmAH95xls", "v_v_UmAH95xls")
    assert len({canonical_video_id(video) for video in spellings}) == 1
    assert canonical_video_id("video_test_0000004") == "video_test_0000004"


def test_chosen_classes_leave_out_videos_of_other_classes():
    frame = load_ground_truth(
        content(
            a=video((1, 2, "x"), (3, 4, "y")), b=video((1, 2, "y")), c=video((0, 1, 7))
        ),
        classes=["x", "7", "never"],
    )
    assert frame[["video", "label"]].to_numpy().tolist() == [["a", "x"], ["c", "7"]]
    assert frame.attrs["info"]["classes_absent"] == ["never"]
    assert frame.attrs["info"]["steps"][-1] == ("with one of 3 classes", 2)


def test_ignored_labels_and_excluded_videos_are_steps():
    frame = load_ground_truth(
        content(
            a=video((1, 2, "x"), (1, 2, "Ambiguous")),
            b=video((1, 2, "Ambiguous")),
            v_c=video((1, 2, "x")),
            d=video(),
            e=video(),
        ),
        ignored_labels=["Ambiguous"],
        excluded_videos=["c", "e", "absent"],
    )
    assert frame[["video", "label"]].to_numpy().tolist() == [["a", "x"]]
    info = frame.attrs["info"]
    assert info["steps"] == [
        ("listed", 5),
        ("annotated", 3),
        ("without 'Ambiguous'", 2),
        ("without c", 1),
    ]
    assert info["background_videos"] == ["d"]


def test_long_block_list_is_one_step():
    videos = {f"n{i}": video((1, 2, "x")) for i in range(9)}
    blocked = [f"n{i}" for i in range(7)]
    frame = load_ground_truth(content(**videos), excluded_videos=blocked)
    assert frame.attrs["info"]["steps"][-1] == ("without 7 excluded videos", 2)
    frame = load_ground_truth(content(**videos), excluded_videos=blocked[:5])
    steps = frame.attrs["info"]["steps"]
    assert steps[-2:] == [("without n3", 5), ("without n4", 4)]


def test_oddities_are_kept_and_counted():
    frame = load_ground_truth(
        content(
            a=video((1, 1, "x"), (2, 3, "x"), (2, 3, "x"), (8, 12, "x"), duration=9)
        )
    )
    assert len(frame) == 4
    info = frame.attrs["info"]
    assert (info["zero_length"], info["repeated"], info["past_duration"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ([5, 4], "starts at 5 s, after its end at 4 s"),
        ([1], "segment of two finite numbers"),
        ([1, 2, 3], "segment of two finite numbers"),
        ("12", "segment of two finite numbers"),
        ([1, "late"], "segment of two finite numbers"),
        ([1, float("inf")], "segment of two finite numbers"),
        (["nan", 2], "segment of two finite numbers"),
    ],
)
def test_faulty_segment_names_file_and_video(tmp_path, segment, message):
    path = tmp_path / "anno.json"
    record = {"subset": "x", "annotations": [{"segment": segment, "label": "y"}]}
    path.write_text(json.dumps(content(v_q=record)))
    with pytest.raises(ValueError, match=message) as error:
        load_ground_truth(path)
    assert "anno.json: video 'v_q'" in str(error.value)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"annotations": []}, "'subset' is missing"),
        ({"subset": "validation"}, "'annotations' is missing"),
        ({"subset": "validation", "annotations": [{"label": "x"}]}, "'segment' is mis"),
        (
            {"subset": "validation", "annotations": [{"segment": [1, 2]}]},
            "'label' is mis",
        ),
        ({"subset": "validation", "annotations": [3]}, "expected an object"),
        (video((1, 2, "x"), duration=-1), "duration above 0"),
        (video((1, 2, "x"), duration="long"), "duration above 0"),
        ([], "expected an object"),
    ],
)
def test_incomplete_record_names_the_video(record, message):
    with pytest.raises(ValueError, match=message) as error:
        load_ground_truth(content(q=record), "validation")
    assert "video 'q'" in str(error.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[]", "'database'"),
        (b'{"results": {}}', "'database'"),
    ],
)
def test_unreadable_file_is_named(tmp_path, data, message):
    path = tmp_path / "anno.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as error:
        load_ground_truth(path)
    assert "anno.json" in str(error.value)


def test_absent_and_cut_off_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: cannot be read"):
        load_ground_truth(tmp_path / "none.json")
    path = tmp_path / "cut.json.gz"
    path.write_bytes(gzip.compress(b'{"database": {}}' * 50)[:-12])
    with pytest.raises(ValueError, match=r"cut\.json\.gz: cannot be read"):
        load_ground_truth(path)


def test_unknown_subset_lists_those_of_the_file():
    with pytest.raises(ValueError, match=r"'test'.*\{'validation': 1\}"):
        load_ground_truth(content(a=video((1, 2, "x"))), "test")


def test_nothing_left_says_how():
    with pytest.raises(ValueError, match="1 annotated -> 0 with one of 1 classes"):
        load_ground_truth(content(a=video((1, 2, "x"))), classes=["y"])


def test_video_listed_twice_is_refused():
    with pytest.raises(ValueError, match="listed twice"):
        load_ground_truth(content(v_a=video((1, 2, "x")), a=video((1, 2, "x"))))


def test_thumos_test_videos_go_from_213_to_210():
    rows = pd.read_csv(shared_path("data/annotations/thumos14_test_Annotation.csv"))
    database = {
        name: video(*part[["start", "end", "type"]].to_numpy().tolist(), subset="test")
        for name, part in rows.groupby("video")
    }
    frame = PROTOCOLS["thumos14"].load_ground_truth({"database": database})
    counts = [count for _, count in frame.attrs["info"]["steps"]]
    assert counts == [213, 213, 212, 211, 210]
    assert frame["label"].nunique() == 20
    without = rows["video"].isin(["video_test_0000270", "video_test_0001496"])
    assert len(frame) == int((~without & (rows["type"] != "Ambiguous")).sum())


def test_published_thumos_json_has_string_segments():
    path = shared_path("data/annotations/thumos14_210_test_200_val.json")
    frame = PROTOCOLS["thumos14"].load_ground_truth(path)
    assert frame["video"].nunique() == 210
    first = frame[frame["video"] == "video_test_0000896"].iloc[0]
    assert (first["start_sec"], first["end_sec"]) == (18.6, 24.8)


def test_a_label_that_removes_no_video_is_no_step():
    videos = {
        "a": video((1, 2, "x")),
        "b": video((1, 2, "dim")),
        "c": video((1, 2, "odd"), (3, 4, "x")),
    }
    frame = load_ground_truth(content(**videos), ignored_labels=["dim", "odd"])
    steps = frame.attrs["info"]["steps"]
    assert steps == [("listed", 3), ("annotated", 3), ("without 'dim'", 2)]


def test_a_table_is_sent_to_its_converter(tmp_path):
    (tmp_path / "segments.csv").write_text("video,start,end,label\na,1,2,x\n")
    with pytest.raises(ValueError, match=r"is not JSON .*; convert-annotations makes"):
        load_ground_truth(tmp_path / "segments.csv")
