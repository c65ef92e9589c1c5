"""Features of a setting: found by data set, timed, and asked for where absent."""

import numpy as np
import pytest

from ahernet_tf.data.create.setting_content import open_all_features
from ahernet_tf.settings import SETTINGS

SETTING = next(iter(SETTINGS.values()))
NAME = SETTING.untrimmed.count.dataset


@pytest.fixture
def features(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / f"{folder}_v.npy", np.ones((3, 2), np.float32))
    return tmp_path


def test_clips_of_the_paper_are_assumed_where_nothing_is_said(features):
    opened = open_all_features(SETTING, [str(features / "one")], [])[NAME]
    assert opened.assumed
    assert (opened.model.clip_frames, opened.model.stride_frames) == (16, 8)
    assert list(opened.store.ids()) == ["one_v"]


def test_what_is_said_of_one_data_set_goes_before_what_is_said_of_all(features):
    layout = ["clip_frames=32", "stride_frames=4", f"{NAME}.stride_frames=2"]
    opened = open_all_features(SETTING, [f"{NAME}={features / 'one'}"], layout)[NAME]
    assert not opened.assumed
    assert (opened.model.clip_frames, opened.model.stride_frames) == (32, 2)


def test_folders_of_a_directory_are_one_store(features):
    opened = open_all_features(SETTING, [str(features)], [])[NAME]
    assert sorted(opened.store.ids()) == ["one_v", "other_v"]


@pytest.mark.parametrize(
    ("paths", "layout", "message"),
    [
        (["nowhere"], [], "nowhere does not exist"),
        ([], [], f"give {NAME}=PATH"),
        (["."], ["stride_frames"], "expected key=value"),
        (["."], ["youtube.fps=3"], "expected key=value or DATASET.key=value"),
    ],
)
def test_what_cannot_be_understood_is_refused(paths, layout, message):
    with pytest.raises(ValueError, match=message):
        open_all_features(SETTING, paths, layout)
