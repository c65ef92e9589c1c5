"""A small P3D learns to tell motions apart, stops, goes on, and serves extraction."""

import json

import numpy as np
import pytest

pytest.importorskip("av")

from ahernet_tf.p3d import load_p3d, read_p3d_metadata
from ahernet_tf.p3d.video_features import extract_videos
from ahernet_tf.p3d.weights import read_arrays
from experiments import train_p3d as program
from experiments.train_p3d import P3DTrainingConfig, run
from tests.p3d.videos import write_video

CLASSES = ("across", "blink", "down")
SMALL = P3DTrainingConfig(
    depths=(1, 1, 1, 1),
    width=1 / 16,
    size=32,
    epochs=8,
    batch_size=6,
    optimizer="adam",
    learning_rate=0.01,
    validation_share=0.25,
    dropout=0.0,
)


def motion(name, seed, frames=20, height=36, width=48):
    """Returns images of stripes that move across or down, or of a blinking light."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    phase, speed = rng.uniform(0, 6), rng.choice([-0.6, 0.6])
    images = []
    for i in range(frames):
        place = {"across": x, "down": y, "blink": 0 * x}[name]
        wave = np.sin(place * 0.8 + phase + speed * i)
        image = 128 + 90 * wave[..., None] + rng.normal(0, 10, (height, width, 3))
        images.append(np.clip(image, 0, 255).astype(np.uint8))
    return images


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for k, name in enumerate(CLASSES):
        (folder / name).mkdir()
        for i in range(12):
            suffix, codec = ((".mp4", "libx264"), (".avi", "mpeg4"))[i % 2]
            path = folder / name / f"{name}{i}{suffix}"
            write_video(path, motion(name, 100 * k + i), codec)
    (folder / "down" / "broken.mp4").write_bytes(b"broken" * 99)
    return folder


@pytest.fixture(scope="module")
def trained(clips, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    return run(SMALL, str(clips), str(workdir)), workdir


def test_motions_are_learnt(trained):
    metrics, workdir = trained
    assert metrics["epoch"] == 8
    history = json.loads((workdir / "metrics.json").read_text())
    assert [entry["epoch"] for entry in history] == list(range(1, 9))
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert history[-1]["top1"] > 0.7  # chance is 1/3
    assert history[-1]["val_top1"] > 0.7
    assert history[-1]["top5"] == 1.0
    assert {"val_loss", "val_top1", "val_top5"} <= metrics.keys()


def test_weights_load_and_extract(trained, clips, tmp_path):
    _, workdir = trained
    metadata = read_p3d_metadata(workdir / "weights.npz")
    assert metadata.class_names == CLASSES
    assert metadata.clip_format.crop_size == 32
    assert load_p3d(workdir / "best.npz", fusion="caffe").classes == 3
    report = extract_videos(
        str(clips / "blink"), str(workdir / "weights.npz"), str(tmp_path / "out")
    )
    assert report.extracted == 12
    assert np.load(tmp_path / "out" / "blink0.npy").shape == (1, 128)


def test_finished_run_is_not_repeated(trained, clips):
    metrics, workdir = trained
    before = (workdir / "weights.npz").read_bytes()
    assert run(SMALL, str(clips), str(workdir)) == metrics
    assert (workdir / "weights.npz").read_bytes() == before


class Interruption(Exception):
    pass


def test_interrupted_run_ends_like_an_uninterrupted_one(clips, tmp_path, monkeypatch):
    changes = {"epochs": 3, "optimizer": "sgd", "learning_rate": 0.02}
    config = P3DTrainingConfig(**{**vars(SMALL), **changes})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = run(config, str(clips), str(whole))
    original = program.Progress.on_epoch_end

    def interrupted(self, epoch, logs=None):
        original(self, epoch, logs)
        raise Interruption

    with monkeypatch.context() as patch:
        patch.setattr(program.Progress, "on_epoch_end", interrupted)
        with pytest.raises(Interruption):
            run(config, str(clips), str(parts))
    early, _ = read_arrays(parts / "weights.npz")
    metrics = run(config, str(clips), str(parts))
    assert len(json.loads((parts / "metrics.json").read_text())) == 3
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=0.02, abs=1e-3), name
    once, _ = read_arrays(whole / "weights.npz")
    twice, _ = read_arrays(parts / "weights.npz")
    for name in ("stem/kernel", "res3/0/temporal/kernel", "classifier/kernel"):
        moved = np.abs(once[name] - early[name]).max()
        assert np.abs(once[name] - twice[name]).max() < 0.02 * moved, name


def test_fine_tuning_begins_with_the_given_features(trained, clips, tmp_path):
    _, workdir = trained
    config = P3DTrainingConfig(
        weights=str(workdir / "weights.npz"),
        epochs=1,
        batch_size=6,
        learning_rate=1e-4,
        freeze_batch_norm=True,
    )
    metrics = run(config, str(clips), str(tmp_path), validation=str(clips))
    assert metrics["epoch"] == 1
    before, after = (load_p3d(d / "weights.npz").stem for d in (workdir, tmp_path))
    np.testing.assert_array_equal(before.batch_norm.gamma, after.batch_norm.gamma)
    change = np.abs(before.kernel.numpy() - after.kernel.numpy()).max()
    assert 0 < change < 0.01


def test_other_settings_in_the_same_directory_are_refused(trained, clips):
    _, workdir = trained
    other = P3DTrainingConfig(**{**vars(SMALL), "seed": 1})
    with pytest.raises(ValueError, match=r"config\.json: seed is 0, this run has 1"):
        run(other, str(clips), str(workdir))


def test_too_few_clips_are_refused(clips, tmp_path):
    config = P3DTrainingConfig(**{**vars(SMALL), "batch_size": 500})
    with pytest.raises(ValueError, match="too few for batches of 500"):
        run(config, str(clips), str(tmp_path))
    assert list(tmp_path.iterdir()) == []
