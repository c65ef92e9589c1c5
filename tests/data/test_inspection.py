import numpy as np
import pytest

from ahernet_tf.config import small
from ahernet_tf.data.checks import DataError
from ahernet_tf.data.inspection import inspect, quantiles
from tests.data.tiny import TinyData

CONFIG = small()


def look(tmp_path, tiny=None, **options):
    return inspect((tiny or TinyData()).write(tmp_path / "d"), CONFIG, **options)


def test_a_role_is_counted(tmp_path):
    role = look(tmp_path).summary["roles"]["untrimmed"]
    assert (role["videos"], role["actions"], role["background_videos"]) == (4, 4, 1)
    assert role["classes"] == {
        "run": {"videos": 2, "actions": 2},
        "sit": {"videos": 2, "actions": 2},
    }
    assert role["fps"] == {"10.00": 4}
    assert role["duration_sec"]["50"] == 20.0
    assert role["action_sec"] == quantiles([4.0, 4.0, 8.0, 3.0])
    # 3 of 20 s in 512 steps
    assert role["action_steps"]["0"] == pytest.approx(76.8)
    assert role["actions_a_video"]["100"] == 2.0


def test_actions_that_no_anchor_can_match_are_found(tmp_path):
    tiny = TinyData()
    # 0.02 of 20 s is half a step
    tiny.untrimmed["b1"]["annotations"] = [{"segment": [4, 4.02], "label": "run"}]
    role = look(tmp_path, tiny).summary["roles"]["untrimmed"]
    assert role["no_anchor_reaches"]["0.5"] == 1
    hardest = role["hardest_for_anchors"][0]
    assert hardest["video"] == "b1"
    assert hardest["steps"] == pytest.approx(0.51)
    assert hardest["best_tiou"] == pytest.approx(0.128, abs=1e-3)
    assert role["shorter_than_minimum"] == 1


def test_constant_missing_and_damaged_features_are_found(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["a1"][:] = tiny.untrimmed_features["a1"][0]
    tiny.untrimmed_features["a2"][3, 1] = np.inf
    del tiny.moment_features["c1_m1"]
    summary = look(tmp_path, tiny).summary
    assert summary["roles"]["untrimmed"]["constant_features"] == ["a1"]
    assert [(p["video"], p["what"][:16]) for p in summary["problems"]] == [
        ("a2", "inf in the featu"),
        ("c1_m1", "has no features"),
    ]
    assert summary["roles"]["moments"]["videos"] == 4


def test_features_that_cover_less_than_the_video_are_found(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["a1"] = tiny.untrimmed_features["a1"][:40]
    role = look(tmp_path, tiny).summary["roles"]["untrimmed"]
    assert role["covered_other_than_duration"] == {"a1": 0.41}


def test_what_training_and_test_share_is_found(tmp_path):
    tiny = TinyData()
    tiny.untrimmed["t1"]["subject"] = 2  # of b1 and b2
    tiny.moments["t2_m5"] = {**tiny.moments["c1_m1"]}  # cut out of a test video
    tiny.moment_features["t2_m5"] = tiny.moment_features["c1_m1"] + 1
    tiny.untrimmed_features["a1"] = tiny.untrimmed_features["t2"].copy()
    overlap = look(tmp_path, tiny).summary["overlap"]
    assert overlap["same_person_or_source_video"] == ["b1", "b2", "t2_m5"]
    assert overlap["same_features"] == [("a1", "t2")]
    assert overlap["same_id"] == []


def test_a_video_on_both_sides_is_found(tmp_path):
    tiny = TinyData()
    tiny.roles["test"]["subset"] = "training"
    overlap = look(tmp_path, tiny).summary["overlap"]
    assert overlap["same_id"] == ["a1", "a2", "b1", "b2"]


def test_sizes_alone_find_what_sizes_tell(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["a2"][3, 1] = np.inf
    tiny.untrimmed_features["b1"] = np.zeros((0, 3), np.float32)
    summary = look(tmp_path, tiny, read_values=False).summary
    assert [p["video"] for p in summary["problems"]] == ["b1"]
    assert summary["roles"]["untrimmed"]["mean_of_features"] == {}


def test_what_cannot_be_read_at_all_is_an_error(tmp_path):
    tiny = TinyData()
    del tiny.roles["moments"]
    with pytest.raises(DataError, match="role 'moments' is missing"):
        look(tmp_path, tiny)
