import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahernet_tf import spelling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Whisk", "whisk"),
        ("crack egg", "crack_egg"),
        ("crack egg", "CrackEgg"),
        ("crack  egg ", "crack egg"),
        ("cake.mp4", "cake"),
        ("cake.npy", "cake.mp4"),
        ("v_cake", "cake"),
        ("v_v_cake", "cake"),
        ("r\u00fchren", unicodedata.normalize("NFD", "r\u00fchren")),
        ("pour\u200b", "pour"),
        ("\ufeffpour", "pour"),
        ("pour\u00a0", "pour"),
        ("p1-0", "p1_0"),
    ],
)
def test_spellings_of_one_name_are_plainly_the_same(one, other):
    assert spelling.plain(one) == spelling.plain(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("p1_0", "p10"),
        ("run", "ran"),
        ("v1.2", "v1.3"),
        ("a_1", "a1"),
        ("v_", ""),
        ("-1", "1"),
    ],
)
def test_other_names_stay_apart(one, other):
    assert spelling.plain(one) != spelling.plain(other)


def test_pairs_are_of_names_that_the_others_lack():
    pairs = spelling.near_pairs(["Whisk", "pour", "stir", "Whisk"], ["whisk", "pour"])
    assert pairs == [("Whisk", "whisk")]
    look_alike = [("u\u0308", "\u00fc"), ("a", "a\u200b")]
    said = spelling.said_of_pairs(look_alike, "here", "there")
    assert said == "'u\\u0308' here, '\\xfc' there; 'a' here, 'a\\u200b' there"
    assert spelling.said_of_pairs(pairs, "in the table", "among the folders") == (
        "'Whisk' in the table, 'whisk' among the folders"
    )


def test_only_the_first_pairs_are_said():
    pairs = [(f"A{n}", f"a{n}") for n in range(7)]
    said = spelling.said_of_pairs(pairs, "here", "there")
    assert said.count("there") == 5
    assert said.endswith("; and 2 more")


def test_twins_name_the_earlier():
    assert spelling.twins(["a", "b", "v_a", "A", "a"]) == [("v_a", "a"), ("A", "a")]


@pytest.mark.parametrize(
    ("text", "subset"),
    [
        ("Training", "training"),
        ("TRAIN", "training"),
        ("train set", "training"),
        (" val ", "validation"),
        ("Valid", "validation"),
        ("TEST", "test"),
        ("testing", "testing"),
        ("Fold 2", "Fold 2"),
        ("", ""),
    ],
)
def test_subsets_have_one_name(text, subset):
    assert spelling.subset_name(text) == subset


@given(st.text())
def test_a_plain_name_is_plain(name):
    assert spelling.plain(spelling.plain(name)) == spelling.plain(name)


@pytest.mark.parametrize("video", ["UmAH95xls", "v_UmAH95xls", "v_v_UmAH95xls"])
def test_videos_are_compared_without_their_prefix(video):
    assert spelling.canonical_video_id(video) == "UmAH95xls"
    assert spelling.canonical_video_id("v_") == "v_"


def test_names_are_quoted_so_that_they_can_be_told_apart():
    quoted = spelling.told_apart
    assert quoted("Caf\u00e9", "caf\u00e9") == (
        "'Caf\u00e9'",
        "'caf\u00e9'",
    )
    assert quoted("caf\u00e9", "cafe\u0301") == (
        r"'caf\xe9'",
        r"'cafe\u0301'",
    )
    assert quoted("run", "run\u200b") == ("'run'", r"'run\u200b'")
