"""Ids, segments and scores of ActivityNet's files."""

import pytest

from ahernet_tf.evaluation.entries import (
    check_item,
    content_of,
    is_pair,
    result_video_id,
)

ITEM = {"segment": [1, 2], "label": "x", "score": 0.5}


@pytest.mark.parametrize(
    ("video", "plain"),
    [
        ("v_QOlSCBRmfWY", "QOlSCBRmfWY"),
        ("v_UmAH95xls", "v_UmAH95xls"),  # 11 characters: an id of YouTube
        ("v_", "v_"),
        ("v_v_b", "v_b"),
        ("video_test_0000004", "video_test_0000004"),
        (7, "7"),
    ],
)
def test_ids_lose_one_prefix(video, plain):
    assert result_video_id(video) == plain


def test_content_is_named():
    assert content_of({"a": 1}) == ("<dict>", {"a": 1})


def test_pairs_are_two_finite_numbers_or_their_strings():
    assert is_pair([0, 1])
    assert is_pair(("1.5", "2"))
    for value in ([1], [1, 2, 3], "12", [1, None], [float("nan"), 2], [1, "inf"], 5):
        assert not is_pair(value)


@pytest.mark.parametrize("score", [0, -1.5, "0.25"])
def test_finite_scores_pass(score):
    check_item("f", "v", ITEM | {"score": score}, ("segment", "label", "score"))


@pytest.mark.parametrize("score", [float("nan"), "inf", "high", [1]])
def test_other_scores_are_named(score):
    keys = ("segment", "score")
    with pytest.raises(ValueError, match="f: video 'v': expected a finite score"):
        check_item("f", "v", ITEM | {"score": score}, keys)
    check_item("f", "v", ITEM | {"score": score}, ("segment",))


def test_a_segment_may_have_no_length():
    check_item("f", "v", {"segment": [2, 2]}, ("segment",))
    with pytest.raises(ValueError, match="starts at 3 s, after its end at 2 s"):
        check_item("f", "v", {"segment": [3, 2]}, ("segment",))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ([1, 2], "f: video 'v': expected an object with .*, received"),
        ({"segment": [1, 2]}, "f: video 'v': 'label' is missing in"),
        ({"segment": [1, 2], "label": None}, "'label' is missing"),
        ({"segment": [1], "label": "x"}, "segment of two finite numbers"),
    ],
)
def test_what_is_missing_is_named(item, message):
    with pytest.raises(ValueError, match=message):
        check_item("f", "v", item, ("segment", "label"))
