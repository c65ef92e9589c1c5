"""The training part of a data set, parted once more."""

import pytest

from ahernet_tf.config import small
from ahernet_tf.data.create.development import play_targets, training_and_held_out
from ahernet_tf.data.dataset import Dataset
from tests.data.tiny import TinyData, features, video

CONFIG = small().data


@pytest.fixture
def dataset(tmp_path):
    """Four people, each with a video of both source classes."""
    tiny = TinyData()
    for name in ("b1", "b2"):
        del tiny.untrimmed[name], tiny.untrimmed_features[name]
    tiny.untrimmed |= {
        f"p{n}": video("training", [(2, 6, "run"), (8, 12, "sit")], subject=10 + n)
        for n in range(3)
    }
    tiny.untrimmed_features |= {f"p{n}": features(n) for n in range(3)}
    return Dataset.load(tiny.write(tmp_path / "d"), CONFIG)


def test_half_of_the_source_classes_play_target(dataset):
    split = play_targets(dataset, None, 0)
    assert len(split.source) == len(split.target) == 1
    assert {*split.source, *split.target} == {"run", "sit"}
    listed = play_targets(dataset, ["sit"], 0)
    assert (listed.source, listed.target) == (("run",), ("sit",))


@pytest.mark.parametrize("played", [0, 2, 3])
def test_both_kinds_of_classes_are_needed(dataset, played):
    with pytest.raises(ValueError, match=f"cannot let {played} of 2 source classes"):
        play_targets(dataset, played, 0)


def test_a_group_is_on_one_side_alone(dataset):
    split = play_targets(dataset, ["sit"], 0)
    for seed in range(4):
        training, held = training_and_held_out(dataset, split, 1, seed)
        groups = [{dataset.group(v) for v in role.videos} for role in (training, held)]
        assert len(groups[1]) == 1
        assert not groups[0] & groups[1]
        assert len(training.videos) + len(held.videos) == 5


@pytest.mark.parametrize("held_out", [1.5, 4])
def test_what_cannot_be_held_out_is_said(dataset, held_out):
    split = play_targets(dataset, ["sit"], 0)
    with pytest.raises(ValueError, match=f"hold out {held_out:g} of 4 groups"):
        training_and_held_out(dataset, split, held_out, 0)
