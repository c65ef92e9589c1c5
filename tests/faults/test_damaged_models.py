"""A damaged file of a trained network is named, or read as it was or as another."""

import shutil

import pytest
import tensorflow as tf

from ahernet_tf.inference.exemplars import read_exemplars
from ahernet_tf.inference.refinement import read_durations, read_second_look
from ahernet_tf.models import checkpoint, checkpoint_files
from tests.faults.mutations import read_damaged
from tests.inference.trained import write_trained

SHORT, LONG = 24, 700


def description(path):
    checkpoint.load_description(path.parent)


def tensors(path):
    """Reads the newest sound checkpoint as `restore` does, tensor by tensor."""
    found = checkpoint_files.latest_checkpoint(path.parents[1])
    if found is None:
        raise ValueError(f"{path}: no checkpoint")
    tensors = tf.train.load_checkpoint(found)
    for name in tensors.get_variable_to_shape_map():
        tensors.get_tensor(name)


def refused(path):
    """Fails where a damaged file of a checkpoint with checksums is taken."""
    tensors(path)
    assert path.read_bytes() == sound_bytes(path)


def sound_bytes(path):
    return path.with_name("sound" + path.name).read_bytes()


CASES = {
    "model.json": description,
    "config.json": description,
    "durations.json": read_durations,
    "second_look.npz": read_second_look,
    "exemplars.npz": lambda path: read_exemplars(path.parent),
    "checkpoints/ckpt-0.index": refused,
    "checkpoints/ckpt-0.data-00000-of-00001": refused,
    "checkpoints/ckpt-0.checksums.json": tensors,
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return write_trained(tmp_path_factory.mktemp("trained"))


def check(sound, directory, name, seed, count):
    shutil.copytree(sound, directory)
    path = directory / name
    shutil.copy(path, path.with_name("sound" + path.name))
    readable, messages = read_damaged(path, path.read_bytes(), CASES[name], seed, count)
    assert readable + len(messages) == count
    assert messages


@pytest.mark.parametrize("name", CASES)
def test_damage_ends_in_a_result_or_in_an_error_that_names_the_file(
    sound, tmp_path, name
):
    check(sound, tmp_path / "copy", name, 0, SHORT)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_much_damage_ends_in_a_result_or_in_an_error(sound, tmp_path, name):
    check(sound, tmp_path / "copy", name, 1, LONG)
