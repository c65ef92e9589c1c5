"""Clips of many videos through one function, and where their features end up."""

import threading

import numpy as np
import pytest
import tensorflow as tf

av = pytest.importorskip("av")

from ahernet_tf.p3d import P3D, ClipFormat, P3DMetadata  # noqa: E402
from ahernet_tf.p3d.clip_decoding import (  # noqa: E402
    ExtractionOptions,
)
from ahernet_tf.p3d.extraction import (  # noqa: E402
    FeatureSink,
    extract,
    feature_function,
)
from ahernet_tf.p3d.feature_writer import FeatureWriter, describe_features  # noqa: E402
from ahernet_tf.p3d.preprocessing import ClipNormalization  # noqa: E402

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


def writer(directory, **changes):
    description = describe_features(METADATA, ExtractionOptions(), "sha")
    return FeatureWriter(directory, description | changes)
