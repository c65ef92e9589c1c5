import json

import numpy as np

from ahernet_tf.data.annotations.class_folders import read_class_folders
from ahernet_tf.data.annotations.read_options import ReadOptions, VideoFacts
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.features.time_model import TimeModel

MODEL = TimeModel(clip_frames=16, stride_frames=8, fps=24.0)


def make(folder, *clips):
    for label, name, count in clips:
        (folder / label).mkdir(exist_ok=True)
        np.save(folder / label / f"{name}.npy", np.zeros((count, 3), np.float32))


def test_folders_of_clips_follow_the_time_model(tmp_path):
    make(tmp_path, ("run", "a", 5), ("sit", "b", 1), ("sit", "a", 2))
    report = DataReport()
    videos = read_class_folders(tmp_path, report, ReadOptions(), MODEL)
    # Clips of 16 frames every 8 at 24 fps; 'a' is in both folders.
    report.require_clean()
    assert videos == {
        name: Video(
            name, "", frames / 24, (Instance(0, frames / 24, label),), frames, 24
        )
        for name, label, frames in (("run/a", "run", 48), ("sit/a", "sit", 24))
    } | {"b": Video("b", "", 16 / 24, (Instance(0.0, 16 / 24, "sit"),), 16, 24.0)}


def test_each_clip_has_its_own_rate(tmp_path):
    make(tmp_path, ("run", "a", 2), ("run", "b", 2), ("run", "c", 2), ("run", "d", 2))
    description = {
        "videos": {"a": {"fps": 12.0}, "b": {"frames": 48, "duration_sec": 2}}
    }
    (tmp_path / "run" / "features.json").write_text(json.dumps(description))
    model = TimeModel(clip_frames=16, stride_frames=8)
    options = ReadOptions(facts={"c": VideoFacts(fps=6.0)})
    report = DataReport()
    videos = read_class_folders(tmp_path, report, options, model)
    assert {i: v.fps for i, v in videos.items()} == {"a": 12.0, "b": 24.0, "c": 6.0}
    assert {i: v.duration_sec for i, v in videos.items()} == {"a": 2, "b": 1, "c": 4}
    assert [p.video for p in report.problems] == ["d"]
    assert "its frame rate is not known" in report.problems[0].what


def test_a_directory_without_folders_is_refused(tmp_path):
    report = DataReport()
    assert read_class_folders(tmp_path, report, ReadOptions(), MODEL) == {}
    assert [p.what for p in report.problems] == ["holds no folder of a class"]


def test_a_damaged_clip_is_a_fault_of_its_own(tmp_path):
    make(tmp_path, ("run", "a", 5), ("run", "b", 2))
    (tmp_path / "run" / "a.npy").write_bytes(b"damaged")
    report = DataReport()
    videos = read_class_folders(tmp_path, report, ReadOptions(), MODEL)
    assert list(videos) == ["b"]
    assert [(p.file, p.video, p.fatal) for p in report.problems] == [
        ("run", "a", False)
    ]
