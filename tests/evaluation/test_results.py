import gzip
import json
import os

import pandas as pd
import pytest

from ahernet_tf.evaluation import load_predictions, write_results


def item(start, end, label="x", score=0.5):
    return {"segment": [start, end], "label": label, "score": score}


def test_rows_follow_the_file():
    frame = load_predictions(
        {"results": {"v_b": [item(3, 4, "y", 0.25), item(1, 2)], "a": [item(5, 6)]}}
    )
    assert frame.to_numpy().tolist() == [
        ["b", 3.0, 4.0, "y", 0.25],
        ["b", 1.0, 2.0, "x", 0.5],
        ["a", 5.0, 6.0, "x", 0.5],
    ]
    assert list(frame) == ["video", "start_sec", "end_sec", "label", "score"]


def test_segments_and_scores_may_be_strings():
    frame = load_predictions({"results": {"a": [item("1.5", "2", score="0.75")]}})
    assert frame.iloc[0].tolist() == ["a", 1.5, 2.0, "x", 0.75]


@pytest.mark.parametrize("results", [{}, {"a": []}])
def test_no_predictions_give_an_empty_frame(results):
    frame = load_predictions({"results": results})
    assert len(frame) == 0
    assert list(frame) == ["video", "start_sec", "end_sec", "label", "score"]


def test_excluded_videos_are_left_out_and_counted():
    frame = load_predictions(
        {"results": {"a": [item(1, 2)] * 3, "v_b": [item(1, 2)] * 2}},
        excluded_videos=["b"],
    )
    assert set(frame["video"]) == {"a"}
    counts = {"source": "<dict>", "videos": 1, "excluded": 2}
    assert frame.attrs["info"] == counts


def test_proposals_need_no_label():
    results = {"results": {"a": [{"segment": [1, 2], "score": 0.5}]}}
    frame = load_predictions(results, with_labels=False)
    assert list(frame) == ["video", "start_sec", "end_sec", "score"]
    with pytest.raises(ValueError, match="'label' is missing"):
        load_predictions(results)
    for key, other in (("segment", "score"), ("score", "segment")):
        faulty = {"results": {"a": [{other: results["results"]["a"][0][other]}]}}
        with pytest.raises(ValueError, match=f"'{key}' is missing"):
            load_predictions(faulty, with_labels=False)


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (item(2, 1), "starts at 2 s, after its end at 1 s"),
        (item(1, 2, score=float("nan")), "finite score, received nan"),
        (item(1, 2, score=float("inf")), "finite score, received inf"),
        (item(1, 2, score="high"), "finite score, received 'high'"),
        (item(1, 2, score=[1]), "finite score"),
        (item(float("nan"), 2), "two finite numbers"),
        (item(None, 2), "two finite numbers"),
        ({**item(1, 2), "segment": [1]}, r"two finite numbers, received \[1\]"),
        ({**item(1, 2), "segment": {"a": 1}}, "two finite numbers"),
        ({"segment": [1, 2], "label": "x"}, "'score' is missing"),
        ({"score": 1, "label": "x"}, "'segment' is missing"),
        ({"segment": [1, 2], "score": 1}, "'label' is missing"),
        (item(1, 2, label=None), "'label' is missing"),
        ([1, 2], "expected an object"),
    ],
)
def test_faulty_prediction_names_file_and_video(tmp_path, faulty, message):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": {"ok": [item(1, 2)], "v_q": [faulty]}}))
    with pytest.raises(ValueError, match=message) as error:
        load_predictions(path)
    assert "results.json: video 'v_q'" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"database": {}}, "'results'"),
        ({"results": []}, "'results'"),
        ({"results": {"a": {}}}, "video 'a': expected a list"),
        ({"results": {"a": [], "v_a": []}}, "listed twice"),
    ],
)
def test_file_of_another_shape_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        load_predictions(content)


@pytest.mark.parametrize("name", ["out.json", "new/folder/out.json.gz"])
def test_written_results_are_read_back(tmp_path, name):
    path = tmp_path / name
    results = {"v_b": [item(0.1, 2 / 3, "y", 1 / 7)], "a": [item(5, 6)], "c": []}
    write_results(path, results, version="made up", external_data={"used": True})
    data = path.read_bytes()
    content = json.loads(gzip.decompress(data) if name.endswith(".gz") else data)
    assert list(content) == ["version", "results", "external_data"]
    assert content["version"] == "made up"
    assert content["external_data"] == {"used": True}
    assert list(content["results"]) == ["b", "a", "c"]
    frame = load_predictions(path)
    assert frame.iloc[0].tolist() == ["b", 0.1, 2 / 3, "y", 1 / 7]


def test_written_frame_is_read_back_equal(tmp_path):
    frame = load_predictions(
        {"results": {"b": [item(3, 4), item(1, 2)], "a": [item(5, 6)]}}
    )
    write_results(tmp_path / "out.json", frame)
    pd.testing.assert_frame_equal(load_predictions(tmp_path / "out.json"), frame)


def test_bare_youtube_id_that_begins_like_the_prefix_is_kept(tmp_path):
    path = tmp_path / "out.json"
    write_results(path, {"v_UmAH95xls": [], "v_v_Vg4a8igc0": [], "v_QOlSCBRmfWY": []})
    written = list(json.loads(path.read_text())["results"])
    assert written == ["v_UmAH95xls", "v_Vg4a8igc0", "QOlSCBRmfWY"]


@pytest.mark.parametrize(
    "results",
    [
        {"a": [item(1, 2)], "b": [item(1, 2, score=float("nan"))]},
        {"a": [item(2, 1)]},
        {"a": [item(1, 2)], "v_a": [item(1, 2)]},
    ],
)
def test_faulty_results_leave_the_old_file_alone(tmp_path, results):
    path = tmp_path / "out.json"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"out\.json"):
        write_results(path, results)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_interrupted_writing_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_results(path, {"a": [item(1, 2)]})
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.json"]
