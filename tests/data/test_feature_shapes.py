"""Features of a data set must fit each other, and cover what happens."""

import numpy as np

from tests.data.test_bad_input import message_of
from tests.data.test_dataset import load
from tests.data.tiny import TinyData, features, video


def test_stores_of_different_width_do_not_fit_together(tmp_path):
    tiny = TinyData()
    for name in tiny.moment_features:
        tiny.moment_features[name] = np.zeros((9, 5), np.float32)
    message = message_of(tiny.write(tmp_path / "d"))
    assert "differ in their channels: untrimmed.npz 3, moments.npz 5" in message


def test_a_declared_width_counts_more_than_what_is_there(tmp_path):
    tiny = TinyData()
    tiny.roles["moments"]["features"]["dim"] = 3
    for name in list(tiny.moment_features)[1:]:
        tiny.moment_features[name] = np.zeros((9, 5), np.float32)
    message = message_of(tiny.write(tmp_path / "d"))
    assert message.startswith("4 problems")
    assert "5 channels, expected 3; so of 3 more videos" in message


def test_segments_behind_the_last_clip_are_left_out_of_a_test_with_a_count(tmp_path):
    tiny = TinyData()
    tiny.untrimmed["t1"] = video("validation", [(1, 3, "jump"), (9, 12, "wave")])
    tiny.untrimmed_features["t1"] = features(0, seconds=8.0)
    dataset = load(tmp_path, tiny)
    role = dataset.roles["test"]
    assert role.segments(role.videos[0], 100)[1] == ["jump"]
    lines = dataset.report.lines()
    assert "test: instances behind the last clip, left out: 1" in lines
    assert any("cover over 10%" in line for line in lines)


def test_an_action_past_the_features_of_a_training_video_is_named(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["a1"] = features(0, seconds=7.0)
    message = message_of(tiny.write(tmp_path / "d"))
    assert "video 'a1': 'sit' begins at 8 s, but its features end at 7 s" in message


def test_a_stated_length_holds_for_every_sequence(tmp_path):
    tiny = TinyData()
    tiny.roles["moments"]["features"]["length"] = 14
    message = message_of(tiny.write(tmp_path / "d"))
    assert "video 'c1_m1': 9 clips, expected 14" in message
    assert "'a2_m0'" not in message
