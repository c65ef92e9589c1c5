"""A packed data set that is damaged anywhere is refused by name, or read as it was."""

import json
import shutil

import numpy as np
import pytest

from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from tests.data.packed.test_packing import packed
from tests.data.tiny import TinyData
from tests.faults.mutations import read_damaged

FILES = (
    "packed.json",
    "dataset.json",
    "annotations/annotations.json",
    "annotations/moments.json",
    "untrimmed/features.json",
    "untrimmed/00000.csv",
    "untrimmed/00001.npy",
    "moments/00000.csv",
    "moments/00001.npy",
)
SHORT, LONG = 24, 200


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    directory = TinyData().write(tmp_path_factory.mktemp("faults") / "d")
    packed(directory, dtype="float16")
    return directory / "packed"


def everything(directory):
    """Reads all that a data set holds."""
    dataset = Dataset.load(directory, Config().data)
    clips = {
        (name, video.id): role.sequences.clips(role.whole_span(video))
        for name, role in dataset.roles.items()
        for video in role.videos
    }
    return {name: list(role.videos) for name, role in dataset.roles.items()}, clips


def refusal_of(directory):
    """Returns the message of the ValueError, if there is one."""
    try:
        everything(directory)
    except ValueError as error:
        return str(error)
    return None


def damage(sound, directory, name, count):
    """Damages a file in many ways; what can be read all the same is as it was."""
    videos, clips = everything(sound)
    shutil.copytree(sound, directory)

    def read(_):
        found, values = everything(directory)
        assert found == videos
        for key, expected in clips.items():
            np.testing.assert_array_equal(values[key], expected)

    data = (sound / name).read_bytes()
    _, messages = read_damaged(directory / name, data, read, FILES.index(name), count)
    assert len(messages) > count // 4


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_named_or_change_nothing(sound, tmp_path, name):
    damage(sound, tmp_path / "copy", name, SHORT)


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_many_more_damages(sound, tmp_path, name):
    damage(sound, tmp_path / "copy", name, LONG)


@pytest.mark.parametrize("name", FILES[1:])
def test_missing_and_empty_files_are_named(sound, tmp_path, name):
    directory = shutil.copytree(sound, tmp_path / "copy")
    for damage in (lambda path: path.write_bytes(b""), lambda path: path.unlink()):
        damage(directory / name)
        with pytest.raises(ValueError, match=name):
            everything(directory)


SENSELESS = (None, [], {}, -1, 1 << 40, "x", {"a": None})


@pytest.mark.parametrize("value", SENSELESS)
def test_senseless_values_are_named(sound, tmp_path, value):
    directory = shutil.copytree(sound, tmp_path / "copy")
    content = json.loads((directory / "packed.json").read_text())
    for key in ("version", "sha256", "skip_bad"):
        changed = {**content, key: value}
        (directory / "packed.json").write_text(json.dumps(changed))
        refusal = refusal_of(directory)
        if refusal is None:
            assert (key, value) == ("sha256", {})
        else:
            assert str(directory) in refusal
