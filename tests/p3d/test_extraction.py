"""Clips of many videos through one function, and where their features end up."""

import json
import threading

import numpy as np
import pytest
import tensorflow as tf

av = pytest.importorskip("av")

from ahernet_tf.data.features.opening import open_store  # noqa: E402
from ahernet_tf.p3d import P3D, ClipFormat, P3DMetadata  # noqa: E402
from ahernet_tf.p3d.clip_decoding import (  # noqa: E402
    ExtractionOptions,
    VideoTiming,
    read_clips,
)
from ahernet_tf.p3d.extraction import (  # noqa: E402
    FeatureSink,
    extract,
    feature_function,
)
from ahernet_tf.p3d.feature_writer import FeatureWriter, describe_features  # noqa: E402
from ahernet_tf.p3d.preprocessing import ClipNormalization  # noqa: E402
from tests.p3d.videos import counting, write_video  # noqa: E402

FORMAT = ClipFormat(16, 18, 24, 16)
METADATA = P3DMetadata("caffe", (1, 1, 1, 1), base_channels=1, clip_format=FORMAT)


def means(clips):
    """Stands for a network: 32 numbers that tell a clip's mean brightness."""
    brightness = tf.reduce_mean(tf.cast(clips, tf.float32), axis=[1, 2, 3, 4])
    return brightness[:, None] + tf.range(32, dtype=tf.float32)


class Notes(FeatureSink):
    """Keeps everything it is told."""

    def __init__(self):
        self.rows, self.timings, self.errors = {}, {}, {}

    def write(self, video, row):
        assert video not in self.timings
        self.rows.setdefault(video, []).append(row)

    def finish(self, video, timing):
        self.timings[video] = timing

    def fail(self, video, error):
        self.errors[video] = error


@pytest.fixture
def videos(tmp_path):
    """Four good videos of 40, 7, 31 and 24 frames, and a broken one among them."""
    paths = {}
    for name, frames in (("a", 40), ("b", 7), ("d", 31), ("e", 24)):
        paths[name] = str(tmp_path / f"{name}.mp4")
        write_video(paths[name], counting(frames, 32, 48, step=4))
    paths["c"] = str(tmp_path / "c.mp4")
    (tmp_path / "c.mp4").write_bytes(b"broken" * 100)
    return dict(sorted(paths.items()))


@pytest.mark.parametrize("decoders", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_batches_across_videos_keep_every_videos_order(videos, batch_size, decoders):
    sink = Notes()
    options = ExtractionOptions(batch_size=batch_size, decoders=decoders)
    extract(means, videos, sink, FORMAT, options)
    assert {v: t.frames for v, t in sink.timings.items()} == {
        "a": 40, "b": 7, "d": 31, "e": 24
    }  # fmt: skip
    assert {v: len(rows) for v, rows in sink.rows.items()} == {
        "a": 4, "b": 1, "d": 2, "e": 2
    }  # fmt: skip
    for video, rows in sink.rows.items():
        if video == "b":  # 7 frames, the last of them 10 times
            shown = [(sum(range(7)) + 9 * 6) / 16]
        else:
            shown = [8 * i + 7.5 for i in range(len(rows))]
        brightness = [20 + 4 * n for n in shown]
        np.testing.assert_allclose([row[0] for row in rows], brightness, atol=1.5)
    assert list(sink.errors) == ["c"]
    assert "Invalid data found" in str(sink.errors["c"])


def test_every_batch_has_the_same_shape(videos):
    shapes = []

    def compute(clips):
        shapes.append(clips.shape)
        assert clips.dtype == np.uint8
        return means(clips)

    extract(compute, videos, Notes(), FORMAT, ExtractionOptions(batch_size=4))
    assert set(shapes) == {(4, 16, 16, 16, 3)}
    assert len(shapes) == 3  # 9 clips


def test_error_of_the_network_ends_the_run_and_its_threads(videos):
    def compute(clips):
        raise RuntimeError("no memory")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="no memory"):
        extract(compute, videos, Notes(), FORMAT, ExtractionOptions(batch_size=1))
    assert threading.active_count() == before


def test_too_short_a_part_counts_as_broken(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    write_video(path, counting(30, 32, 48))
    assert list(read_clips(path, FORMAT, ExtractionOptions()))[-1].frames == 30
    monkeypatch.setattr(
        "ahernet_tf.p3d.video.stated_duration", lambda *_: 30 / 25 * 2.0
    )
    with pytest.raises(ValueError, match=r"a\.mp4: 1\.20 s could .*2\.40 s"):
        list(read_clips(path, FORMAT, ExtractionOptions()))
    tolerant = ExtractionOptions(min_decoded=0.4)
    assert list(read_clips(path, FORMAT, tolerant))[-1].frames == 30


def test_flow_networks_are_refused():
    network = P3D((1, 1, 1, 1), base_channels=1, in_channels=2)
    with pytest.raises(ValueError, match="2 channels"):
        feature_function(network, FORMAT)


@pytest.mark.parametrize("fusion", ["caffe", "torch"])
def test_feature_function_normalises_and_does_not_train(fusion):
    network = P3D((1, 1, 1, 1), fusion, base_channels=2)
    network.build((None, 16, 16, 16, 3))
    clips = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 16, 3), np.uint8)
    got = feature_function(network, FORMAT)(clips)
    expected = network(ClipNormalization(fusion)(clips))["features"]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    compiled = feature_function(network, FORMAT, jit=True)(clips)
    np.testing.assert_allclose(compiled, expected, rtol=1e-3, atol=1e-3)


def test_options_are_checked():
    for wrong in ({"batch_size": 0}, {"fps": 0.0}, {"min_decoded": 2.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ExtractionOptions(**wrong)


def writer(directory, **changes):
    description = describe_features(METADATA, ExtractionOptions(), "sha")
    return FeatureWriter(directory, description | changes)


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
