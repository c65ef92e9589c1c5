"""Model directories: what is written is read back, what does not fit is refused."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.config import Config
from ahernet_tf.inference import Localizer
from ahernet_tf.models import checkpoint as storage
from tests.models import tiny

CONFIG = Config(network=tiny.NETWORK)
EXTRACTION = {"extractor": None, "clip_frames": 16, "stride_frames": 8, "fps": 12.5}
DESCRIPTION = storage.Description(
    6, ("run", "jump", "fall"), ("a", "b", "c", "d"), EXTRACTION
)


@pytest.fixture
def saved(tmp_path):
    """A model directory, and the network whose weights it holds."""
    model = tiny.network()
    model.standardization.set_statistics(np.arange(6.0), np.arange(6.0) + 1)
    storage.save_description(tmp_path, DESCRIPTION, CONFIG)
    storage.save_weights(tmp_path, model)
    return tmp_path, model


def test_loaded_network_is_the_saved_one(saved):
    directory, model = saved
    loaded, description, config = storage.load_model(directory)
    assert (description, config) == (DESCRIPTION, CONFIG)
    for a, b in zip(
        storage.ordered_variables(loaded), storage.ordered_variables(model)
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    features = tiny.features(2, tiny.STEPS, tiny.CHANNELS)
    for name, output in model(features).items():
        np.testing.assert_array_equal(loaded(features)[name], output, name)


def test_checkpoint_holds_every_weight(saved):
    directory, model = saved
    stored = tf.train.list_variables(storage.latest_checkpoint(directory))
    weights = [shape for name, shape in stored if name.startswith("weights/")]
    assert len(weights) == len(model.weights) == len(storage.ordered_variables(model))
    size = sum(int(np.prod(shape)) for shape in weights)
    assert size == sum(int(np.prod(w.shape)) for w in model.weights)


def test_files_are_written_whole(saved):
    directory, _ = saved
    names = {path.name for path in directory.iterdir()}
    assert names == {storage.DESCRIPTION, storage.CONFIG, storage.CHECKPOINTS}


def test_chosen_checkpoint_is_read(saved, tmp_path):
    directory, _ = saved
    other = tiny.network(seed=5)
    storage.save_weights(tmp_path / "elsewhere", other)
    path = storage.latest_checkpoint(tmp_path / "elsewhere")
    loaded, *_ = storage.load_model(directory, path)
    np.testing.assert_array_equal(
        loaded.backbone.base[0].kernel.numpy(), other.backbone.base[0].kernel.numpy()
    )


def test_model_of_version_0_1_0_is_read(saved):
    # Its configuration lacks the options that came later.
    directory, model = saved
    values = json.loads((directory / storage.CONFIG).read_text())
    del values["network"]["proposal_classifier"]
    del values["loss"]["segment_cls_norm"], values["loss"]["overlap_anchors"]
    (directory / storage.CONFIG).write_text(json.dumps(values))
    loaded, _, config = storage.load_model(directory)
    assert config.network == tiny.NETWORK
    features = tiny.features(2, tiny.STEPS, tiny.CHANNELS)
    np.testing.assert_array_equal(
        loaded(features)["overlap"], model(features)["overlap"]
    )
    assert Localizer.load(directory).detect(features)[0].score.size


def test_directory_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"model\.json: no such file"):
        storage.load_model(tmp_path)


def test_directory_without_a_checkpoint_is_named(tmp_path):
    storage.save_description(tmp_path, DESCRIPTION, CONFIG)
    with pytest.raises(ValueError, match="no checkpoint yet"):
        storage.load_model(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"feature_channels": 3}'])
def test_unreadable_description_is_named(saved, content):
    directory, _ = saved
    (directory / storage.DESCRIPTION).write_text(content)
    with pytest.raises(ValueError, match=r"model\.json: not a model description"):
        storage.load_description(directory)


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
    storage.save_description(directory, description, Config(network=network))
    with pytest.raises(ValueError, match="another configuration"):
        storage.load_model(directory)


def test_damaged_checkpoint_is_refused(saved):
    directory, _ = saved
    path = storage.latest_checkpoint(directory)
    (directory / storage.CHECKPOINTS / f"{path.split('/')[-1]}.index").write_bytes(b"x")
    with pytest.raises(ValueError, match="no sound checkpoint"):
        storage.load_model(directory)


def test_description_is_plain_json(saved):
    directory, _ = saved
    assert json.loads((directory / storage.DESCRIPTION).read_text()) == {
        "feature_channels": 6,
        "source_classes": ["run", "jump", "fall"],
        "target_classes": ["a", "b", "c", "d"],
        "extraction": EXTRACTION,
        "added_classes": [],
    }


# Damage


@pytest.fixture
def two(tmp_path):
    """A model directory with checkpoints 1 and 2."""
    model = tiny.network()
    state = tf.train.Checkpoint(weights=storage.ordered_variables(model))
    for number in (1, 2):
        storage.write_checkpoint(state, tmp_path, number, keep=2)
    return tmp_path


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "empty": lambda path: path.write_bytes(b""),
    "one bit": flip,
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        *((".data-00000-of-00001", damage) for damage in DAMAGES),
        *((".index", damage) for damage in DAMAGES if damage != "gone"),
    ],
)
def test_damaged_checkpoint_is_named_and_the_older_one_taken(two, part, damage, caplog):
    DAMAGES[damage](two / storage.CHECKPOINTS / f"ckpt-2{part}")
    assert storage.latest_checkpoint(two).endswith("ckpt-1")
    assert "ckpt-2" in caplog.text


def test_where_all_are_damaged_all_are_named(two):
    for number in (1, 2):
        flip(two / storage.CHECKPOINTS / f"ckpt-{number}.index")
    with pytest.raises(ValueError, match=r"ckpt-2.*ckpt-1"):
        storage.latest_checkpoint(two)


def test_checkpoints_are_found_by_their_own_files(two):
    (two / storage.CHECKPOINTS / "checkpoint").write_text("nonsense")
    assert storage.latest_checkpoint(two).endswith("ckpt-2")


def test_newest_is_the_largest_number_not_the_largest_name(tmp_path):
    state = tf.train.Checkpoint(weights=storage.ordered_variables(tiny.network()))
    for number in (9, 10, 11):
        storage.write_checkpoint(state, tmp_path, number, keep=2)
    paths = storage.checkpoint_paths(tmp_path)
    assert [path.name for path in paths] == ["ckpt-11", "ckpt-10"]
    assert not list((tmp_path / storage.CHECKPOINTS).glob("ckpt-9.*"))


def test_checkpoint_without_checksums_is_read_as_before(two):
    for number in (1, 2):
        name = f"ckpt-{number}{storage.CHECKSUMS}"
        (two / storage.CHECKPOINTS / name).unlink()
    assert storage.latest_checkpoint(two).endswith("ckpt-2")
    (two / storage.CHECKPOINTS / "ckpt-2.index").write_bytes(b"x")
    assert storage.latest_checkpoint(two).endswith("ckpt-1")
