"""Model directories: what is written is read back, what does not fit is refused."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.inference import Localizer
from ahernet_tf.models import checkpoint, checkpoint_files
from tests.models import tiny

CONFIG = Config(network=tiny.NETWORK)
EXTRACTION = {"extractor": None, "clip_frames": 16, "stride_frames": 8, "fps": 12.5}
DESCRIPTION = checkpoint.Description(
    6, ("run", "jump", "fall"), ("a", "b", "c", "d"), EXTRACTION
)


@pytest.fixture
def saved(tmp_path):
    """A model directory, and the network whose weights it holds."""
    model = tiny.network()
    model.standardization.set_statistics(np.arange(6.0), np.arange(6.0) + 1)
    checkpoint.save_description(tmp_path, DESCRIPTION, CONFIG)
    checkpoint.save_weights(tmp_path, model)
    return tmp_path, model


def test_loaded_network_is_the_saved_one(saved):
    directory, model = saved
    loaded, description, config = checkpoint.load_model(directory)
    assert (description, config) == (DESCRIPTION, CONFIG)
    for a, b in zip(
        checkpoint.ordered_variables(loaded), checkpoint.ordered_variables(model)
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    features = tiny.features(2, tiny.STEPS, tiny.CHANNELS)
    for name, output in model(features).items():
        np.testing.assert_array_equal(loaded(features)[name], output, name)


def test_checkpoint_holds_every_weight(saved):
    directory, model = saved
    stored = tf.train.list_variables(checkpoint_files.latest_checkpoint(directory))
    weights = [shape for name, shape in stored if name.startswith("weights/")]
    assert (
        len(weights) == len(model.weights) == len(checkpoint.ordered_variables(model))
    )
    size = sum(int(np.prod(shape)) for shape in weights)
    assert size == sum(int(np.prod(w.shape)) for w in model.weights)


def test_files_are_written_whole(saved):
    directory, _ = saved
    names = {path.name for path in directory.iterdir()}
    assert names == {
        checkpoint.DESCRIPTION,
        checkpoint.CONFIG,
        checkpoint_files.CHECKPOINTS,
    }


def test_chosen_checkpoint_is_read(saved, tmp_path):
    directory, _ = saved
    other = tiny.network(seed=5)
    checkpoint.save_weights(tmp_path / "elsewhere", other)
    path = checkpoint_files.latest_checkpoint(tmp_path / "elsewhere")
    loaded, *_ = checkpoint.load_model(directory, path)
    np.testing.assert_array_equal(
        loaded.backbone.base[0].kernel.numpy(), other.backbone.base[0].kernel.numpy()
    )


def test_model_of_version_0_1_0_is_read(saved):
    # Its configuration lacks the options that came later.
    directory, model = saved
    values = json.loads((directory / checkpoint.CONFIG).read_text())
    del values["network"]["proposal_classifier"]
    del values["loss"]["segment_cls_norm"], values["loss"]["overlap_anchors"]
    (directory / checkpoint.CONFIG).write_text(json.dumps(values))
    loaded, _, config = checkpoint.load_model(directory)
    assert config.network == tiny.NETWORK
    features = tiny.features(2, tiny.STEPS, tiny.CHANNELS)
    np.testing.assert_array_equal(
        loaded(features)["overlap"], model(features)["overlap"]
    )
    assert Localizer.load(directory).detect(features)[0].score.size


def test_directory_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"model\.json: no such file"):
        checkpoint.load_model(tmp_path)


def test_directory_without_a_checkpoint_is_named(tmp_path):
    checkpoint.save_description(tmp_path, DESCRIPTION, CONFIG)
    with pytest.raises(ValueError, match="no checkpoint yet"):
        checkpoint.load_model(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"feature_channels": 3}'])
def test_unreadable_description_is_named(saved, content):
    directory, _ = saved
    (directory / checkpoint.DESCRIPTION).write_text(content)
    with pytest.raises(
        ValueError, match=r"model\.json: (is not JSON|not a model desc)"
    ):
        checkpoint.load_description(directory)


@pytest.mark.parametrize("change", ["wider", "more classes", "deeper transfer"])
def test_checkpoint_of_another_configuration_is_refused(saved, change):
    directory, _ = saved
    network, description = tiny.NETWORK, DESCRIPTION
    if change == "wider":
        network = dataclasses.replace(network, level_channels=(4, 3, 5))
    elif change == "deeper transfer":
        network = dataclasses.replace(network, transfer_layers=3)
    else:
        description = dataclasses.replace(description, target_classes=("a", "b"))
    checkpoint.save_description(directory, description, Config(network=network))
    with pytest.raises(ValueError, match="another configuration"):
        checkpoint.load_model(directory)


def test_damaged_checkpoint_is_refused(saved):
    directory, _ = saved
    path = checkpoint_files.latest_checkpoint(directory)
    (
        directory / checkpoint_files.CHECKPOINTS / f"{path.split('/')[-1]}.index"
    ).write_bytes(b"x")
    with pytest.raises(ValueError, match="no sound checkpoint"):
        checkpoint.load_model(directory)


def test_description_is_plain_json(saved):
    directory, _ = saved
    assert json.loads((directory / checkpoint.DESCRIPTION).read_text()) == {
        "feature_channels": 6,
        "source_classes": ["run", "jump", "fall"],
        "target_classes": ["a", "b", "c", "d"],
        "extraction": EXTRACTION,
        "added_classes": [],
    }
