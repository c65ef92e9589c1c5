import json

import numpy as np
import pytest

from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.create.video_facts import FactsOfFeatures, read_video_files
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel

# Clips of 4 frames every 2: 9 of them cover 20 frames.
MODEL = TimeModel(clip_frames=4, stride_frames=2)


@pytest.fixture
def store(tmp_path):
    for name in ("a", "b", "c"):
        np.save(tmp_path / f"{name}.npy", np.zeros((9, 3), np.float32))
    videos = {"a": {"fps": 5.0, "frames": 21, "duration_sec": 4.2}, "b": {"fps": 4.0}}
    description = {"clip_frames": 4, "stride_frames": 2, "videos": videos}
    (tmp_path / "features.json").write_text(json.dumps(description))
    return open_features(tmp_path.parent, {"path": tmp_path.name})


def test_features_say_how_long_videos_are_or_cover_them(store):
    facts = FactsOfFeatures(store, MODEL, {"c": VideoFacts(fps=10.0)})
    assert facts["a"] == VideoFacts(4.2, 21, 5.0)
    assert facts["b"] == VideoFacts(5.0, covered=True)
    assert facts["c"] == VideoFacts(2.0, None, 10.0, covered=True)
    assert (facts.found, facts.faults) == (3, {})


def test_without_a_rate_the_frames_are_known(store):
    facts = FactsOfFeatures(store, MODEL)
    assert facts["c"] == VideoFacts(frames=20)
    assert facts.frames_covered == {"c"}


def test_what_is_beside_goes_first(store):
    facts = FactsOfFeatures(store, MODEL, {"a": VideoFacts(duration_sec=4.0)})
    assert facts["a"] == VideoFacts(4.0, 21, 5.0)


def test_videos_without_features_are_faults_and_told_in_pairs(store):
    facts = FactsOfFeatures(store, MODEL)
    with pytest.raises(KeyError):
        facts["A.mp4"]
    assert "has no features" in facts.faults["A.mp4"]
    assert "'A.mp4' in the table, 'a' among the features" in facts.nothing_found()
    assert sorted(facts) == ["a", "b", "c"]
    assert len(facts) == 3


def test_names_of_files_in_place_of_videos_are_told_in_pairs(store):
    facts = FactsOfFeatures(store, MODEL)
    for video in ("clips/b.mp4", "clips/c.mp4"):
        assert facts.get(video) is None
    said = facts.nothing_found()
    assert "'clips/b.mp4' in the table, 'b' among the features; 'clips/c.mp4'" in said
    assert "call the column video_file" in said


def test_a_sequence_without_clips_is_empty(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 3), np.float32))
    facts = FactsOfFeatures(open_features(tmp_path, {"path": "."}), MODEL)
    assert facts.get("a") is None
    assert facts.faults["a"] == "the sequence is empty"


def test_what_features_say_must_make_sense(tmp_path, store):
    description = {"videos": {"a": {"fps": -5.0}}}
    (tmp_path / "features.json").write_text(json.dumps(description))
    facts = FactsOfFeatures(open_features(tmp_path, {"path": "."}), MODEL)
    with pytest.raises(KeyError):
        facts["a"]
    assert "fps of -5.0, expected a number above 0" in facts.faults["a"]


def test_video_files_are_found_in_folders_too(tmp_path):
    av = pytest.importorskip("av")
    for name in ("run/x.mp4", "sit/x.mp4", "y.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=5)
            stream.width = stream.height = 16
            for _ in range(10):
                frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    facts = read_video_files(tmp_path)
    assert sorted(facts) == ["run/x", "sit/x", "y"]
    assert facts["y"].fps == 5.0
    assert facts["y"].duration_sec == pytest.approx(2.0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no video"):
        read_video_files(tmp_path / "empty")


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["{}_i3d"], "--template '{video}_i3d')"),
        (["{}_rgb", "{}_flow"], "--parts {video}_flow,{video}_rgb)"),
        ([f"{{}}_{n:03d}" for n in range(9)], "np.stack)"),
    ],
)
def test_how_features_are_called_is_seen(tmp_path, names, hint):
    for video in ("cake", "tea"):
        for name in names:
            np.save(tmp_path / f"{name.format(video)}.npy", np.ones((2, 3), "float32"))
    store = open_features(tmp_path.parent, {"path": tmp_path.name})
    facts = FactsOfFeatures(store, MODEL)
    assert facts.get("cake") is None
    assert facts.get("tea") is None
    assert facts.nothing_found().endswith(hint)
