"""From video files to detections with networks of random weights."""

import csv
import json

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("matplotlib")

import av
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf import evaluation
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import Localizer
from ahernet_tf.models import checkpoint
from ahernet_tf.p3d import (
    P3D,
    ClipFormat,
    read_p3d_metadata,
    save_p3d,
    video_features,
    weights_fingerprint,
)
from ahernet_tf.p3d.clip_decoding import ExtractionOptions
from ahernet_tf.p3d.feature_writer import describe_features
from experiments.localize_video import Request, run
from tests import programs
from tests.models.tiny import NETWORK, randomize
from tests.p3d.videos import write_video

FPS, SIZE = 25, ClipFormat(16, 18, 24, 16)
FRAMES = {"first": 60, "second": 44, "short": 9}
CLASSES = ("jump high", "run/away")


def save_networks(directory, p3d_width=1, channels=32, seed=3, stride_frames=None):
    """Writes a P3D of random weights and an AherNet for so many channels.

    With `stride_frames` the AherNet says that it learnt from features of this P3D.
    """
    tf.keras.utils.set_random_seed(seed)
    network = P3D((1, 1, 1, 1), "caffe", None, base_channels=p3d_width)
    network.build((None, 16, 16, 16, 3))
    directory.mkdir(exist_ok=True)
    save_p3d(network, directory / "p3d.npz", SIZE)
    config = configuration.from_dict({"network": vars(NETWORK)})
    extraction = None
    if stride_frames is not None:
        options = ExtractionOptions(stride_frames=stride_frames)
        metadata = read_p3d_metadata(directory / "p3d.npz")
        fingerprint = weights_fingerprint(directory / "p3d.npz")
        extraction = {"fps": None, **describe_features(metadata, options, fingerprint)}
    description = checkpoint.Description(
        channels, ("walk", "sit", "stand"), CLASSES, extraction
    )
    model = description.build(config)
    randomize(model)
    checkpoint.save_description(directory / "ahernet", description, config)
    checkpoint.save_weights(directory / "ahernet", model)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    directory = tmp_path_factory.mktemp("networks")
    save_networks(directory)
    return directory


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Returns a folder of three videos and a file that is none."""
    folder = tmp_path_factory.mktemp("videos")
    random = np.random.default_rng(0)
    kinds = ((".mp4", "libx264"), (".avi", "mpeg4"), (".webm", "libvpx-vp9"))
    for (name, frames), (suffix, codec) in zip(FRAMES.items(), kinds):
        images = random.integers(0, 255, (frames, 3, 4, 3), np.uint8)
        images = images.repeat(12, axis=1).repeat(12, axis=2)
        write_video(folder / f"{name}{suffix}", images, codec, FPS)
    (folder / "broken.mp4").write_bytes(b"broken" * 99)
    return folder


def request(networks, videos, out, **changes):
    arguments = {
        "video": str(videos),
        "checkpoint": networks / "ahernet",
        "p3d": str(networks / "p3d.npz"),
        "out": out,
        "progress": False,
    }
    return Request(**(arguments | changes))


@pytest.fixture(scope="module")
def done(networks, videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("done") / "out"
    return run(request(networks, videos, out, clips=True, top=5)), out


def test_every_readable_video_gets_detections_and_a_picture(done):
    report, out = done
    assert list(report.found) == sorted(FRAMES)
    assert list(report.failures) == ["broken"]
    assert "Invalid data found" in report.failures["broken"]
    pictures = sorted(path.name for path in (out / "timelines").iterdir())
    assert pictures == sorted(f"{name}.png" for name in FRAMES)
    frame = evaluation.load_predictions(out / "detections.json")
    with (out / "detections.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(frame) > 0
    for row, (_, other) in zip(table, frame.iterrows()):
        assert (row["video"], row["label"]) == (other["video"], other["label"])
        for name in ("start_sec", "end_sec", "score"):
            assert float(row[name]) == other[name]
    for name, items in report.found.items():
        assert 0 < len(items) <= 5
        scores = [item.score for item in items]
        assert scores == sorted(scores, reverse=True)
        for item in items:
            assert 0 <= item.start_sec < item.end_sec <= FRAMES[name] / FPS
            assert item.label in CLASSES


def test_detections_are_those_of_the_localizer_on_the_extracted_features(
    done, networks
):
    report, out = done
    localizer = Localizer.load(networks / "ahernet")
    features = np.load(out / "features" / "first.npy")
    assert features.shape == ((60 - 16) // 8 + 1, 32)
    time_model = TimeModel(clip_frames=16, stride_frames=8)
    expected = localizer.localize(features, time_model=time_model, fps=FPS)
    expected = [item for item in expected if item.start_sec < item.end_sec]
    assert report.found["first"] == expected[:5]


def test_clips_hold_the_detected_frames(done):
    report, out = done
    total = 0
    for name, items in report.found.items():
        paths = sorted((out / "clips" / name).iterdir())
        assert len(paths) == len(items)
        for rank, (path, item) in enumerate(zip(paths, items), 1):
            label = item.label.replace(" ", "-").replace("/", "-")
            assert path.name.startswith(f"{rank:03d}_{label}_{item.start_sec:.2f}-")
            with av.open(str(path)) as container:
                frames = sum(1 for _ in container.decode(video=0))
            assert abs(frames - (item.end_sec - item.start_sec) * FPS) < 2
            total += 1
    assert report.clips == total


def test_other_thresholds_do_not_compute_features_again(
    done, networks, videos, tmp_path, monkeypatch
):
    report, out = done
    monkeypatch.delattr(video_features, "extract")  # a second pass would need it
    (tmp_path / "list.txt").write_text(
        "".join(f"{p}\n" for p in sorted(videos.iterdir()) if p.stem != "broken")
    )
    least = report.found["first"][1].score
    changes = {"video": str(tmp_path / "list.txt"), "top": 0, "min_score": least}
    again = run(request(networks, videos, out, **changes))
    assert again.failures == {}
    assert again.found["first"] == report.found["first"][:2]
    assert all(item.score >= least for v in again.found.values() for item in v)


def test_windows_and_source_classes(done, networks, videos):
    _, out = done
    changes = {"video": str(videos / "first.mp4"), "classes": "source"}
    whole = run(request(networks, videos, out, **changes))
    assert {item.label for item in whole.found["first"]} <= {"walk", "sit", "stand"}
    cut = run(request(networks, videos, out, window_sec=1.0, **changes))
    assert cut.found["first"] != whole.found["first"]


def test_a_network_for_other_features_is_refused_before_decoding(
    networks, videos, tmp_path
):
    save_networks(tmp_path / "other", p3d_width=2)
    with pytest.raises(ValueError, match=r"features of 64 channels, .* trained on 32"):
        run(request(tmp_path / "other", videos, tmp_path / "out"))
    no_weights = str(videos / "broken.mp4")
    with pytest.raises(ValueError, match="convert_p3d"):
        run(request(networks, videos, tmp_path / "out", p3d=no_weights))
    with pytest.raises(ValueError, match="no trained model"):
        run(request(networks, videos, tmp_path / "out", checkpoint=videos))
    with pytest.raises(ValueError, match="no such folder"):
        run(request(networks, videos / "absent", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_other_weights_or_settings_than_the_trainings_are_refused(
    networks, videos, tmp_path, caplog
):
    save_networks(tmp_path / "one", stride_frames=8)
    save_networks(tmp_path / "two", stride_frames=8, seed=4)
    same = {"checkpoint": tmp_path / "one" / "ahernet", "video": videos / "short.webm"}
    same["p3d"] = str(tmp_path / "one" / "p3d.npz")
    other = {**same, "p3d": str(tmp_path / "two" / "p3d.npz")}
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"p3d\.npz does not give .*ahernet") as error:
        run(request(networks, videos, out, **other))
    for path in (same["p3d"], other["p3d"]):
        assert weights_fingerprint(path) in str(error.value)
    denser = ExtractionOptions(stride_frames=4, fps=12.5)
    with pytest.raises(ValueError, match=r"stride_frames: 8, 4; fps: None, 12\.5"):
        run(request(networks, videos, out, extraction=denser, **same))
    assert not out.exists()
    report = run(request(networks, videos, out, other_features=True, **other))
    assert list(report.found) == ["short"]
    assert list(run(request(networks, videos, out / "same", **same)).found) == ["short"]
    assert "does not say" not in caplog.text


def test_features_of_unknown_origin_are_warned_of_once(done, networks, videos, caplog):
    _, out = done
    run(request(networks, videos / "first.mp4", out))
    assert caplog.text.count("does not say which P3D weights") == 1


def test_another_video_of_the_same_name_is_refused(networks, tmp_path):
    source, out = tmp_path / "x.avi", tmp_path / "out"
    noise = np.random.default_rng(1).integers(0, 255, (30, 36, 48, 3), np.uint8)
    write_video(source, noise[:20], "mpeg4")
    run(request(networks, source, out))
    write_video(source, noise, "mpeg4")
    with pytest.raises(ValueError, match=r"videos\.json: the features of 'x'"):
        run(request(networks, source, out))


def test_names_that_become_one_in_results_are_refused(networks, tmp_path):
    for name in ("a.mp4", "v_a.mp4"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match="'a' and 'v_a' have one name"):
        run(request(networks, tmp_path, tmp_path / "out"))


def test_values_that_make_no_sense_are_refused(networks, videos, tmp_path):
    option = {"overrides": ("data.edge=clamp",)}
    for change in ({"top": -1}, {"window_sec": 0.0}, option):
        with pytest.raises(ValueError, match="Expected"):
            request(networks, videos, tmp_path, **change)
    with pytest.raises(ValueError, match="batch_size"):
        ExtractionOptions(batch_size=0)


def test_the_program(videos, tmp_path):
    networks, out = tmp_path / "networks", tmp_path / "out"
    save_networks(networks, stride_frames=3)  # the program then takes it, too
    chosen = tmp_path / "list.txt"
    chosen.write_text(f"{videos / 'short.webm'}\n{videos / 'broken.mp4'}\n")
    result = programs.run(
        *("experiments.localize_video", f"--video={chosen}", f"--out={out}"),
        *(f"--checkpoint={networks / 'ahernet'}", f"--p3d={networks / 'p3d.npz'}"),
        *("--clips", "--top=2", "--set=inference.nms_tiou=0.5"),
    )
    assert result.returncode == 0, result.stderr
    assert "2 detections in 1 videos" in result.stdout
    assert "2 clips were cut out; they have no sound" in result.stdout
    assert "failed: broken: " in result.stderr
    features = json.loads((out / "features" / "features.json").read_text())
    assert features["stride_frames"] == 3
    results = json.loads((out / "detections.json").read_text())
    assert len(results["results"]["short"]) == 2
