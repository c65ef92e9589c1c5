"""Which videos a role takes while it is loaded."""

import pytest

from ahernet_tf.data.checks import DataError
from tests.data.test_dataset import ids, load
from tests.data.tiny import TinyData


@pytest.mark.parametrize("spelling", ["Training", "train", "TRAIN"])
def test_a_subset_may_be_spelt_otherwise(tmp_path, spelling):
    tiny = TinyData()
    for record in tiny.untrimmed.values():
        if record["subset"] == "training":
            record["subset"] = spelling
    assert ids(load(tmp_path, tiny).roles["untrimmed"]) == ["a1", "a2", "b1", "b2"]


def test_an_unknown_class_is_named_with_the_known_one_that_it_resembles(tmp_path):
    tiny = TinyData()
    tiny.untrimmed["a1"]["annotations"][0]["label"] = "Run"
    with pytest.raises(DataError, match="there is 'run'"):
        load(tmp_path, tiny)


def test_instances_of_other_classes_are_left_out(tmp_path):
    roles = load(tmp_path).roles
    labels = {
        name: [[i.label for i in v.instances] for v in roles[name].videos]
        for name in ("untrimmed", "oracle", "test")
    }
    assert labels["untrimmed"] == [["run", "sit"], ["sit"], ["run"], []]
    assert labels["oracle"] == [["wave"], [], ["jump", "wave"]]
    assert labels["test"] == [["jump"]]


def test_roles_of_one_store_must_agree_on_its_times(tmp_path):
    tiny = TinyData()
    tiny.roles["test"]["features"]["stride_frames"] = 4
    with pytest.raises(DataError, match="'untrimmed' and 'test' share untrimmed"):
        load(tmp_path, tiny)


def test_a_moment_has_one_action(tmp_path):
    tiny = TinyData()
    record = tiny.moments["c1_m1"]
    del record["label"]
    record["annotations"] = [
        {"segment": [0, 1], "label": "jump"},
        {"segment": [1, 2], "label": "wave"},
    ]
    with pytest.raises(DataError, match="'c1_m1': 2 annotations in a moment"):
        load(tmp_path, tiny)
