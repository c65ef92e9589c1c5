import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.config import NetworkConfig
from ahernet_tf.inference import Localizer
from ahernet_tf.models import AherNet, checkpoint
from ahernet_tf.models import release_names as release
from data_tools.import_release import import_release

NETWORK = NetworkConfig(
    untrimmed_steps=64,
    moment_steps=32,
    base_channels=(5, 4),
    level_channels=(4, 3, 4),
    proposal_classifier=True,
    generator_channels=6,
)


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(1)
    model = AherNet(7, 2, 3, NETWORK)
    model.build()
    for variable in model.trainable_variables:
        variable.assign(tf.random.normal(variable.shape, stddev=0.3))
    return model


def arrays_of(model) -> dict[str, np.ndarray]:
    """The release's arrays: 1x1 convolutions have a width, slots lie beside."""
    arrays = {}
    for name, variable in release.variables_by_release_name(model).items():
        value = variable.numpy()
        if "conv_action_an" in name and name.endswith("weights"):
            value = value[np.newaxis]
        arrays[name] = value
    arrays["aher/g_conv1/weights/Adam"] = arrays["aher/g_conv1/weights"] * 0
    arrays["beta1_power"] = np.float32(0.9)
    return arrays


def write_checkpoint(arrays, path, version) -> str:
    """Writes TensorFlow 1's format, as its Saver did."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for name, value in arrays.items():
            v1.get_variable(name, initializer=tf.constant(value), use_resource=False)
        session.run(v1.global_variables_initializer())
        return v1.train.Saver(write_version=version).save(session, str(path))


def config():
    return dataclasses.replace(configuration.release(), network=NETWORK)


@pytest.mark.parametrize("version", [1, 2])
def test_imported_network_predicts_what_the_release_would(model, tmp_path, version):
    prefix = write_checkpoint(arrays_of(model), tmp_path / "model.ckpt", version)
    imported = import_release(prefix, tmp_path / "out", config())
    assert sorted(imported.left_out) == ["aher/g_conv1/weights/Adam", "beta1_power"]
    assert imported.absent_parts == ()
    ours, description, read = checkpoint.load_model(tmp_path / "out")
    assert description.target_classes == ("class_000", "class_001", "class_002")
    assert read.network == NETWORK
    for a, b in zip(
        checkpoint.ordered_variables(ours),
        checkpoint.ordered_variables(model),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    features = np.random.default_rng(0).normal(size=(2, 64, 7)).astype(np.float32)
    assert Localizer.load(tmp_path / "out").detect(features)[0].score.size


def test_generators_and_discriminators_may_be_absent(model, tmp_path):
    arrays = {
        name: value
        for name, value in arrays_of(model).items()
        if not name.startswith("g_conv_") and "d_conv_adv" not in name
    }
    prefix = write_checkpoint(arrays, tmp_path / "model.ckpt", 2)
    imported = import_release(prefix, tmp_path / "out", config(), None, ["a", "b", "c"])
    assert imported.absent_parts == ("generators", "discriminators")
    names = json.loads((tmp_path / "out" / "model.json").read_text())
    assert names["target_classes"] == ["a", "b", "c"]


def test_a_missing_variable_is_named_and_nothing_is_written(model, tmp_path):
    arrays = arrays_of(model)
    del arrays["aher/conv_a2_box/conv_iou/biases"]
    prefix = write_checkpoint(arrays, tmp_path / "model.ckpt", 2)
    with pytest.raises(ValueError, match="conv_a2_box/conv_iou/biases"):
        import_release(prefix, tmp_path / "out", config())
    assert not (tmp_path / "out").exists()


def test_a_wrong_number_of_class_names_is_refused(model, tmp_path):
    prefix = write_checkpoint(arrays_of(model), tmp_path / "model.ckpt", 2)
    with pytest.raises(ValueError, match="2 source classes, the list 1"):
        import_release(prefix, tmp_path / "out", config(), ["one"])


def test_no_checkpoint_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="no readable checkpoint"):
        import_release(tmp_path / "nothing", tmp_path / "out", config())
