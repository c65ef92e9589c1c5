import pathlib

import pytest

from ahernet_tf.data.create.own_inputs import OwnInputs


def test_what_is_there_is_accepted(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "note.txt").write_text("")
    inputs = OwnInputs(tmp_path, tmp_path, tmp_path, videos=(tmp_path,))
    inputs.check()
    assert inputs.class_folders() == [tmp_path / "run"]
    assert OwnInputs(source=tmp_path).class_folders() == []


@pytest.mark.parametrize("name", ["videos", "video_info"])
def test_every_path_must_exist(tmp_path, name):
    given = {name: (tmp_path, pathlib.Path("none"))}
    inputs = OwnInputs(tmp_path, tmp_path, tmp_path, **given)
    with pytest.raises(ValueError, match="none: does not exist"):
        inputs.check()


def test_folders_of_subsets_are_no_classes(tmp_path):
    for name in ("Train", "val"):
        (tmp_path / "clips" / name / "run").mkdir(parents=True)
    inputs = OwnInputs(tmp_path, tmp_path, tmp_path / "clips")
    with pytest.raises(ValueError, match="found Train, val; give one of them, such as"):
        inputs.check()
