"""Features of videos of which no action is known."""

import json

import numpy as np
import pytest

from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.unannotated import unannotated_role

CLIPS = {"path": "features", "clip_frames": 4, "stride_frames": 2, "fps": 10.0}


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "features").mkdir()
    for name, clips in {"b": 9, "a": 4}.items():
        np.save(tmp_path / "features" / f"{name}.npy", np.ones((clips, 3), np.float32))
    return tmp_path


def test_all_videos_last_as_long_as_their_features(directory):
    role, report = unannotated_role(directory, CLIPS, DataConfig(), 3)
    assert not report.problems
    assert [video.id for video in role.videos] == ["a", "b"]
    assert [video.duration_sec for video in role.videos] == [1.0, 2.0]
    assert role.features["clips"].tolist() == [4, 9]
    assert not len(role.instances())


def test_features_of_zeros_alone_are_counted(directory):
    np.save(directory / "features" / "c.npy", np.zeros((5, 3), np.float32))
    _, report = unannotated_role(directory, CLIPS, DataConfig(), 3)
    assert report.counted() == ["videos whose features are zeros alone: 1 (c)"]


def test_chosen_videos_keep_their_durations(directory):
    role, _ = unannotated_role(
        directory, CLIPS, DataConfig(), 3, [Video("b", "test", 2.5, fps=10.0)]
    )
    assert [(v.id, v.duration_sec) for v in role.videos] == [("b", 2.5)]
    assert role.covered_sec(role.videos[0]) == 2.0


def test_resized_features_need_durations(directory):
    entry = {"path": "features", "covers": "duration"}
    with pytest.raises(ValueError, match="duration is not known"):
        unannotated_role(directory, entry, DataConfig(), 3)
    videos = {"a": {"duration_sec": 30.0}, "b": {"duration_sec": 60.0}}
    content = json.dumps({"videos": videos})
    (directory / "features" / "features.json").write_text(content)
    role, _ = unannotated_role(directory, entry, DataConfig(), 3)
    assert [role.covered_sec(video) for video in role.videos] == [30.0, 60.0]


def test_times_of_the_training_count_last(directory):
    entry = {"path": "features", "fps": 10.0}
    with pytest.raises(ValueError, match="clip_frames"):
        unannotated_role(directory, entry, DataConfig(), 3)
    times = {"clip_frames": 4, "stride_frames": 2, "fps": 99.0}
    role, _ = unannotated_role(directory, entry, DataConfig(), 3, times=times)
    assert role.videos[0].duration_sec == 1.0
