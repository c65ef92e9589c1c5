"""Checkpoints on disk: the newest sound one is found, a damaged one is named."""

import pytest
import tensorflow as tf

from ahernet_tf.models import checkpoint, checkpoint_files
from tests.models import tiny


@pytest.fixture
def two(tmp_path):
    """A model directory with checkpoints 1 and 2."""
    model = tiny.network()
    state = tf.train.Checkpoint(weights=checkpoint.ordered_variables(model))
    for number in (1, 2):
        checkpoint_files.write_checkpoint(state, tmp_path, number, keep=2)
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
        *((".index", damage) for damage in DAMAGES),
    ],
)
def test_damaged_checkpoint_is_named_and_the_older_one_taken(two, part, damage, caplog):
    DAMAGES[damage](two / checkpoint_files.CHECKPOINTS / f"ckpt-2{part}")
    assert checkpoint_files.latest_checkpoint(two).endswith("ckpt-1")
    assert f"the file ckpt-2{part} is" in caplog.text
    assert "ckpt-1 is taken" in caplog.text


def test_where_all_are_damaged_all_are_named(two):
    for number in (1, 2):
        flip(two / checkpoint_files.CHECKPOINTS / f"ckpt-{number}.index")
    with pytest.raises(ValueError, match=r"ckpt-2.*ckpt-1"):
        checkpoint_files.latest_checkpoint(two)


def test_checkpoints_are_found_by_their_own_files(two):
    (two / checkpoint_files.CHECKPOINTS / "checkpoint").write_text("nonsense")
    assert checkpoint_files.latest_checkpoint(two).endswith("ckpt-2")


def test_newest_is_the_largest_number_not_the_largest_name(tmp_path):
    state = tf.train.Checkpoint(weights=checkpoint.ordered_variables(tiny.network()))
    for number in (9, 10, 11):
        checkpoint_files.write_checkpoint(state, tmp_path, number, keep=2)
    paths = checkpoint_files.checkpoint_paths(tmp_path)
    assert [path.name for path in paths] == ["ckpt-11", "ckpt-10"]
    assert not list((tmp_path / checkpoint_files.CHECKPOINTS).glob("ckpt-9.*"))


def test_checkpoint_without_checksums_is_read_as_before(two):
    for number in (1, 2):
        name = f"ckpt-{number}{checkpoint_files.CHECKSUMS}"
        (two / checkpoint_files.CHECKPOINTS / name).unlink()
    assert checkpoint_files.latest_checkpoint(two).endswith("ckpt-2")
    (two / checkpoint_files.CHECKPOINTS / "ckpt-2.index").write_bytes(b"x")
    assert checkpoint_files.latest_checkpoint(two).endswith("ckpt-1")
