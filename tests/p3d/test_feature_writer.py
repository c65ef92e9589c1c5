"""Directories of features, written video by video."""

import json

import numpy as np
import pytest

av = pytest.importorskip("av")
from ahernet_tf.data.features.opening import open_store  # noqa: E402
from ahernet_tf.p3d.clip_decoding import (  # noqa: E402
    ExtractionOptions,
    VideoTiming,
)
from ahernet_tf.p3d.extraction import (  # noqa: E402
    extract,
)
from ahernet_tf.p3d.feature_writer import describe_features  # noqa: E402
from tests.p3d.test_extraction import (  # noqa: E402
    FORMAT,
    METADATA,
    means,
    writer,
)


def test_store_is_read_by_the_feature_store_with_its_times(tmp_path, videos):
    sink = writer(tmp_path / "out")
    extract(means, videos, sink, FORMAT)
    sink.close()
    store = open_store(tmp_path / "out", {"clip_frames": 16, "stride_frames": 8})
    assert sorted(store.ids()) == ["a", "b", "d", "e"]
    assert store.shape("a") == (4, 32)
    assert store.read("a").dtype == np.float16
    assert (store.info("a").fps, store.info("a").frames) == (25.0, 40)
    assert store.info("b").duration_sec == pytest.approx(7 / 25)
    failures = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert list(failures) == ["c"]
    assert "Invalid data found" in failures["c"]


def test_a_video_after_a_folder_lies_in_a_directory_of_its_own(tmp_path):
    for times in range(2):  # the second writer goes on
        sink = writer(tmp_path)
        for video in ("dive/1", "run/1"):
            assert sink.is_complete(video) == bool(times)
            sink.write(video, np.full(32, 1 + (video == "run/1")))
            sink.finish(video, VideoTiming(25.0, 16))
        sink.close()
    assert json.loads((tmp_path / "run" / "features.json").read_text())["videos"] == {
        "1": {"fps": 25.0, "frames": 16, "duration_sec": 0.64}
    }
    store = open_store(tmp_path, {})
    assert sorted(store.ids()) == ["dive/1", "run/1"]
    assert (store.read("run/1") == 2).all()
    assert store.info("run/1").fps == 25.0


def test_interrupted_video_leaves_nothing_and_complete_ones_stay(tmp_path):
    sink = writer(tmp_path)
    timing = VideoTiming(25.0, 24)
    for video in ("a", "b"):
        sink.write(video, np.zeros(32))
    sink.write("a", np.zeros(32))
    sink.finish("a", timing)
    sink.close()
    assert sorted(p.name for p in tmp_path.glob("**/*") if p.is_file()) == [
        "a.json", "a.npy", "features.json"
    ]  # fmt: skip
    again = writer(tmp_path)
    assert again.is_complete("a")
    assert not again.is_complete("b")


def test_partial_file_of_a_killed_run_is_removed(tmp_path):
    (tmp_path / ".a.npy.machine-7.partial").write_bytes(b"half")
    sink = writer(tmp_path)
    sink.write("a", np.zeros(32))
    sink.finish("a", VideoTiming(25.0, 16))
    sink.close()
    assert not list(tmp_path.glob(".*partial"))


def test_number_of_features_must_fit_the_frames(tmp_path):
    sink = writer(tmp_path)
    sink.write("a", np.zeros(32))
    with pytest.raises(RuntimeError, match="1 features for 24 frames, due 2"):
        sink.finish("a", VideoTiming(25.0, 24))
    assert not (tmp_path / "a.npy").exists()


def test_writers_of_several_machines_end_with_all_videos(tmp_path):
    first, second = writer(tmp_path), writer(tmp_path)
    for sink, video in ((first, "a"), (second, "b")):
        sink.write(video, np.zeros(32))
        sink.finish(video, VideoTiming(25.0, 16))
    second.close()
    first.close()
    content = json.loads((tmp_path / "features.json").read_text())
    assert sorted(content["videos"]) == ["a", "b"]
    assert content["videos"]["a"] == {"fps": 25.0, "frames": 16, "duration_sec": 0.64}


def test_directory_of_other_settings_is_refused(tmp_path):
    writer(tmp_path / "a").close()
    with pytest.raises(ValueError, match="stride_frames 8, now 4"):
        writer(tmp_path / "a", stride_frames=4)
    (tmp_path / "b").mkdir()
    np.save(tmp_path / "b" / "x.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"holds \.npy files but no features"):
        writer(tmp_path / "b")


def test_feature_that_cannot_be_stored_makes_its_video_broken(tmp_path, videos):
    sink = writer(tmp_path / "out")
    extract(lambda clips: means(clips) + 1e6, videos, sink, FORMAT)
    sink.close()
    assert sorted(sink.failures) == ["a", "b", "c", "d", "e"]
    assert "float16" in sink.failures["a"]
    assert not list((tmp_path / "out").glob("*.npy"))


def test_one_rate_for_all_is_declared(tmp_path):
    description = describe_features(METADATA, ExtractionOptions(fps=10.0), "sha")
    assert (description["fps"], description["resampled"]) == (10.0, True)
