"""What a user is told of a role before training starts."""

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.role_counts import wrong_labels
from tests.data.tiny import TinyData


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = TinyData().write(tmp_path_factory.mktemp("tiny"))
    return Dataset.load(path, Config().data)


def test_release_says_that_videos_of_several_classes_are_labelled_wrongly(dataset):
    loss = configuration.release().loss
    said = wrong_labels(dataset.role("untrimmed"), loss)
    assert said.startswith("1 of 4 untrimmed videos hold several classes.")
    assert "--set loss.anchor_cls=foreground" in said


@pytest.mark.parametrize("preset", sorted({*configuration.PRESETS} - {"release"}))
def test_labels_of_matched_instances_are_right_with_several_classes(dataset, preset):
    loss = configuration.preset(preset).loss
    assert wrong_labels(dataset.role("untrimmed"), loss) is None


def test_release_says_nothing_of_videos_of_one_class(tmp_path):
    data = TinyData()
    del data.untrimmed["a1"]["annotations"][1]
    dataset = Dataset.load(data.write(tmp_path / "d"), Config().data)
    assert wrong_labels(dataset.role("untrimmed"), configuration.release().loss) is None
