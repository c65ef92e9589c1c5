"""What a user is told of a role before training starts."""

import dataclasses

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.role_counts import out_of_reach, require_samples, wrong_labels
from tests.data.tiny import TinyData, features, video


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


def test_a_class_without_a_sample_that_is_long_enough_is_refused(dataset):
    """Moments of 1 to 4 s: 4 to 19 clips of "jump", 14 of "wave"."""

    def data(**minimums):
        return dataclasses.replace(Config().data, **minimums)

    moments, untrimmed = dataset.role("moments"), dataset.role("untrimmed")
    require_samples(moments, data(minimum_moment_clips=14))
    with pytest.raises(ValueError, match="1 of 2 classes of role 'moments' would") as e:
        require_samples(moments, data(minimum_moment_clips=15))
    assert str(e.value).endswith(
        "data.minimum_moment_clips = 15 clips, or none is left: 'wave' (longest: 14)."
    )
    require_samples(untrimmed, data(minimum_foreground_clips=19))
    with pytest.raises(ValueError, match=r"'run' \(longest: 20\)"):
        require_samples(untrimmed, data(minimum_foreground_clips=21))
    left = moments.with_videos(v for v in moments.videos if v.id.startswith("a2"))
    with pytest.raises(ValueError, match=r"'jump' \(longest: 0\)"):
        require_samples(left, data(minimum_moment_clips=0))


def test_instances_that_no_anchor_reaches_are_told_with_their_classes(dataset):
    """Of 20 s: "run" of 3 and 4 s, "sit" of 4 and 8 s."""

    def said(role="untrimmed", **options):
        named = {name.replace("__", "."): value for name, value in options.items()}
        config = configuration.with_values(configuration.small(), named)
        return out_of_reach(dataset.role(role), config)

    assert said() == []
    (line,) = said(loss__foreground_tiou=0.95)
    assert line.startswith("4 of 4 untrimmed instances; all of run, sit: no anchor")
    assert "by more than loss.foreground_tiou = 0.95" in line
    (line,) = said(loss__foreground_tiou=0.75)
    assert line.startswith("2 of 4 untrimmed instances: no anchor")


def test_windows_reach_what_is_short_beside_its_video(tmp_path):
    data = TinyData()
    actions = [(100, 102, "run"), (200, 202, "sit"), (300, 340, "sit")]
    data.untrimmed["a1"] = video("training", actions, seconds=2000.0)
    data.untrimmed_features["a1"] = features(0, 2000.0)
    role = Dataset.load(data.write(tmp_path / "d"), Config().data).role("untrimmed")
    role = role.with_videos(v for v in role.videos if v.id == "a1")
    config = configuration.small()
    (line,) = out_of_reach(role, config)
    assert line.startswith("2 of 3 untrimmed instances; all of run: no anchor")
    windows = configuration.with_values(config, {"data.window_sec": 60.0})
    assert out_of_reach(role, windows) == []
    windows = configuration.with_values(config, {"data.window_sec": 30.0})
    (line,) = out_of_reach(role, windows)
    assert line.startswith("1 of 3 untrimmed instances are longer than data.window_sec")
