"""A trained network with all that stands beside it, written and read."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import files
from ahernet_tf.inference import Localizer
from ahernet_tf.inference.trained_network import TrainedNetwork, find_model
from ahernet_tf.models import checkpoint_files
from tests.inference.trained import TIMES, clips_of, write_trained


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_what_is_saved_is_loaded(tmp_path, ema_decay):
    workdir = write_trained(tmp_path, ema_decay=ema_decay)
    network = TrainedNetwork.load(workdir)
    network.save(tmp_path / "W2")
    again = TrainedNetwork.load(tmp_path / "W2")
    assert again.description == network.description
    assert again.config == network.config
    assert again.durations == network.durations
    assert again.classes == ("wave", "jump", "run", "sit")
    clips = clips_of(60)
    found, expected = (
        Localizer.load(path).localize(clips, time_model=TIMES)
        for path in (tmp_path / "W2", workdir)
    )
    assert found == expected
    for one, other in zip(again.exemplars, network.exemplars):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        again.second_look.segments.discriminant.covariance,
        network.second_look.segments.discriminant.covariance,
    )


def test_nothing_is_overwritten_or_left_in_part(tmp_path, monkeypatch):
    workdir = write_trained(tmp_path)
    network = TrainedNetwork.load(workdir)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(ValueError, match="new or empty directory"):
        network.save(workdir)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "write_json", full)
    with pytest.raises(OSError, match="No space"):
        network.save(tmp_path / "W2")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_chosen_checkpoint_has_no_exemplars(tmp_path):
    """They are as the network of the end sees them, which it may not be."""
    workdir = write_trained(tmp_path)
    path = checkpoint_files.latest_checkpoint(workdir)
    localizer = Localizer.load(workdir, checkpoint=path)
    with pytest.raises(ValueError, match="no exemplars"):
        localizer.add_classes({"fly": [clips_of(5)]}, time_model=TIMES)


def test_what_the_options_ask_for_must_be_there(tmp_path):
    workdir = write_trained(tmp_path)
    (workdir / "second_look.npz").unlink()
    network = TrainedNetwork.load(workdir)
    with pytest.raises(ValueError, match="no second look"):
        Localizer.of(network)


def test_checkpoints_are_found_or_named(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "ckpt-3.index").touch()
    assert find_model(tmp_path) == (tmp_path, None)
    for name in ("ckpt-3", "ckpt-3.index"):
        assert find_model(folder / name) == (tmp_path, str(folder / "ckpt-3"))
    state = tf.train.Checkpoint(value=tf.Variable(0.0))
    best = checkpoint_files.write_checkpoint(state, tmp_path / "best", 2)
    assert find_model(tmp_path / "best") == find_model(best) == (tmp_path, best)
    (tmp_path / "best" / "model.json").touch()  # a work directory of that name
    assert find_model(tmp_path / "best") == (tmp_path / "best", None)
    with pytest.raises(ValueError, match="nonexistent: no such work directory"):
        find_model("nonexistent")
