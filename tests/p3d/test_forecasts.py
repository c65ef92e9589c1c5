"""What extraction and training would take, from headers and arithmetic."""

import pytest

pytest.importorskip("av")

from ahernet_tf.p3d import P3D, ClipFormat, forecasts, save_p3d
from ahernet_tf.p3d.clip_decoding import ExtractionOptions

FORMAT = ClipFormat(16, 36, 48, 32)


@pytest.fixture(autouse=True)
def _rate(monkeypatch):
    monkeypatch.setattr(forecasts, "measure_gflops", lambda: 1.0)


@pytest.fixture(scope="module")
def network():
    model = P3D((1, 1, 1, 1), base_channels=2)
    model.build((None, 16, 32, 32, 3))
    return model


def test_extraction_counts_the_clips_of_what_is_missing(videos, network, tmp_path):
    weights, out = tmp_path / "w.npz", tmp_path / "out"
    save_p3d(network, weights, FORMAT)
    (tmp_path / "c.mp4").unlink()
    options = ExtractionOptions(stride_frames=8)
    found = forecasts.forecast_extraction(
        str(tmp_path), str(weights), str(out), options, "float32"
    )
    # 40, 7, 31 and 24 frames: clips of 16 at 0, 8, ...; a short video is one.
    assert found.does == ("extract 9 clips of 4 videos",)
    assert not out.exists()
    out.mkdir()
    for name in "abde":
        (out / f"{name}.npy").touch()
    found = forecasts.forecast_extraction(
        str(tmp_path), str(weights), str(out), options
    )
    assert (found.does, found.seconds) == ((), 0.0)


def test_broken_videos_count_for_nothing(videos):
    assert forecasts.stated_frames(videos["c"]) == 0
    assert forecasts.stated_frames(videos["a"]) == 40


def test_training_takes_three_passes_an_epoch(network, tmp_path):
    one, two = (
        forecasts.forecast_training(network, FORMAT, 10, epochs, 2, tmp_path)
        for epochs in (1, 2)
    )
    gflop = forecasts.gflop_per_clip(network, FORMAT)
    assert two.seconds - one.seconds == pytest.approx(30 * gflop / forecasts.TRAINING)
    assert one.size == 4 * network.count_params() * 8
