import json
import pathlib

import pytest

from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.checks import DataError
from ahernet_tf.data.create.class_splits import ClassSplit
from ahernet_tf.data.create.split_roles import RoleFiles, are_trimmed, dataset_json

KNOWN = {"clip_frames": 16, "stride_frames": 8}
SUBSETS = {"a": "training", "b": "validation"}


def video(name, subset, *rows):
    return Video(name, subset, 9.0, tuple(Instance(*row) for row in rows))


def test_a_part_without_a_file_has_that_of_the_part_before():
    one, two = pathlib.Path("one.json"), pathlib.Path("two.json")
    files = RoleFiles({"untrimmed": one, "moments": two}, {"untrimmed": "features"})
    assert [files.annotations_of(p) for p in ("untrimmed", "moments", "test")] == [
        *(one, two, two),
    ]
    entry = files.features_of("test", pathlib.Path("sets"))
    assert entry == {"path": "../features"}


def test_videos_are_trimmed_where_each_is_one_action():
    whole = video("a", "training", (0.0, 9.0, "x"))
    assert are_trimmed([whole, video("b", "test", (1.0, 2.0, "x"))], "training")
    assert not are_trimmed([whole, video("b", "training", (1.0, 9.0, "x"))], "training")


def test_moments_of_one_file_are_cut_out_of_it(tmp_path):
    path = tmp_path / "a.json"
    rows = [(1.0, 2.0, "x"), (3.0, 4.0, "y"), (5.0, 6.0, "z")]
    of_file = {n: video(n, subset, *rows) for n, subset in SUBSETS.items()}
    files = RoleFiles({"untrimmed": path}, {"untrimmed": str(tmp_path)}, KNOWN)
    split = ClassSplit(("x",), ("y",), "why")
    content = dataset_json(split, files, {path: of_file}, tmp_path)
    assert content["moments"] == {"from": "untrimmed annotations", "classes": ["y"]}
    assert content["oracle"]["classes"] == content["test"]["classes"] == ["y"]
    assert content["ignored_classes"] == ["z"]


def test_faulty_files_are_refused_or_counted(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps(
            {"database": {"a": {"duration": 9, "label": "x"}, "b": {"annotations": []}}}
        )
    )
    files = RoleFiles({"untrimmed": path}, test_subset="")
    with pytest.raises(DataError, match="video 'b': has no duration"):
        files.read(skip_bad=False)
    videos, (report,) = files.read(skip_bad=True)
    assert list(videos[path]) == ["a"]
    assert report.lines() == ["a.json: 1 bad videos left out (b)"]
