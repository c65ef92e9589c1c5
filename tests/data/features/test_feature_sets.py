"""Each published set of features under its name, as a user finds it on the disk."""

import json

import numpy as np
import pytest

from ahernet_tf.config import small
from ahernet_tf.data.dataset import DataError, Dataset
from ahernet_tf.data.features.covered_durations import read_covered_durations
from ahernet_tf.data.features.feature_sets import FEATURE_SETS, expand
from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.features.time_model import TimeModel
from tests.conftest import shared_path

# name: clips, channels, fps of the video, centres of the first two clips in seconds
NUMBERS = {
    "p3d": (9, 2048, 30.0, (8 / 30, 16 / 30)),
    "p3d_512": (512, 2048, None, (60 / 1024, 180 / 1024)),
    "cuhk_tsn": (100, 400, None, (0.3, 0.9)),
    "tsp": (9, 512, 15.0, (8 / 15, 24 / 15)),
    "anet_i3d": (9, 2048, 25.0, (8 / 25, 24 / 25)),
    "anet_slowfast": (9, 2304, 30.0, (8 / 30, 16 / 30)),
    "anet_videomae": (9, 1280, 30.0, (8 / 30, 16 / 30)),
    "anet_c3d": (9, 500, 30.0, (8 / 30, 16 / 30)),
    "thumos_i3d": (9, 2048, 30.0, (8 / 30, 12 / 30)),
    "thumos_tsn": (9, 2048, 30.0, (0.5 / 30, 1.5 / 30)),
}
DURATION_SEC = 60.0


def write_set(directory, name, values):
    """Writes the features of a video as the published set has them."""
    half = values.shape[1] // 2
    if name in ("p3d", "p3d_512", "cuhk_tsn"):
        header = ",".join(f"f{n}" for n in range(values.shape[1]))
        video = "x_1" if name.startswith("p3d") else "v_x_1"
        path = directory / f"{video}.csv"
        np.savetxt(path, values, "%.6g", ",", header=header, comments="")
    elif name == "anet_c3d":
        h5py = pytest.importorskip("h5py")
        with h5py.File(directory / "c3d.hdf5", "w") as file:
            file["v_x_1/c3d_features"] = values
        return directory / "c3d.hdf5"
    elif name == "thumos_tsn":
        h5py = pytest.importorskip("h5py")
        for kind, part in (("rgb", values[:, :half]), ("flow", values[:, half:])):
            for subset in ("val", "test"):
                with h5py.File(directory / f"{kind}_{subset}.h5", "w") as file:
                    file["x_1" if subset == "val" else "y"] = part
    elif name == "anet_videomae":
        torch = pytest.importorskip("torch")
        path = directory / "v_x_1_spatial_pool_feature_6.pt"
        torch.save(torch.tensor(values), path)
    else:
        video = "x_1" if name == "thumos_i3d" else "v_x_1"
        np.save(directory / f"{video}.npy", values)
    return directory


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_a_published_set_is_read_with_its_times(tmp_path, name):
    clips, channels, fps, centres = NUMBERS[name]
    values = np.random.default_rng(0).normal(size=(clips, channels)).astype(np.float32)
    directory = tmp_path / "features"
    directory.mkdir()
    path = write_set(directory, name, values)
    relative = str(path.relative_to(tmp_path))
    spec = expand({"preset": name, "path": relative})
    store = open_features(tmp_path, spec)
    np.testing.assert_allclose(store.read("x_1"), values, rtol=1e-5, atol=1e-5)
    if name != "thumos_tsn" and not name.startswith(("p3d", "thumos")):
        assert store.shape("v_x_1") == (clips, channels)
    model = TimeModel.from_spec(spec)
    found = model.centres_sec(clips, model.fps or fps, DURATION_SEC)
    np.testing.assert_allclose(found[:2], centres)
    assert model.fps in (None, fps)
    assert spec.get("dim", channels) == channels
    assert spec.get("length", clips) == clips


def test_what_is_written_goes_before_the_preset():
    spec = expand({"preset": "tsp", "path": "x", "fps": 25.0, "template": "f_{video}"})
    assert spec["fps"] == 25.0
    assert spec["stride_frames"] == 16
    assert "preset" not in spec
    with pytest.raises(ValueError, match=r"preset: expected one of \['anet_c3d'"):
        expand({"preset": "tps", "path": "x"})
    with pytest.raises(ValueError, match="path of one directory"):
        expand({"preset": "thumos_tsn", "path": ["x", "y"]})


def write_dataset(directory, features, rows=100, annotations=None):
    """Writes a data set of CUHK's features of two videos and their classes."""
    (directory / "csv").mkdir(parents=True)
    header = ",".join(f"f{n}" for n in range(400))
    for video in ("v_a", "v_b"):
        values = np.random.default_rng(0).normal(size=(rows, 400))
        path = directory / "csv" / f"{video}.csv"
        np.savetxt(path, values, "%.3f", ",", header=header, comments="")
    database = {
        video: {
            "duration": 50.0,
            "subset": "training",
            "annotations": [{"segment": [10.0, 40.0], "label": label}],
        }
        for video, label in (("a", "run"), ("b", "sit"))
    }
    (directory / "annotations.json").write_text(json.dumps({"database": database}))
    role = {"annotations": "annotations.json", "subset": "training"}
    role["features"] = {"preset": "cuhk_tsn", "path": "csv", **features}
    content = {
        "untrimmed": {**role, "classes": ["run"]},
        "moments": {"from": "untrimmed annotations", "classes": ["sit"]},
    }
    (directory / "dataset.json").write_text(json.dumps(content))
    return directory


TABLE = "video,numFrame,seconds,fps,rfps,subset,featureFrame\n"


def test_segments_are_placed_in_the_covered_duration(tmp_path):
    directory = write_dataset(tmp_path / "d", {"covered_durations": "info.csv"})
    rows = "v_a,1000,50.0,20,20,training,800\nv_b,1000,50.0,20,20,training,1000\n"
    (directory / "info.csv").write_text(TABLE + rows)
    dataset = Dataset.load(directory, small().data)
    role = dataset.roles["untrimmed"]
    video = role.videos[0]
    assert role.covered_sec(video) == 40.0
    segments, _ = role.segments(video, 512)
    np.testing.assert_allclose(segments, [[128, 512]])
    assert (
        dataset.roles["moments"].covered_sec(dataset.roles["moments"].videos[0]) == 50
    )


def test_a_video_without_a_covered_duration_is_named(tmp_path):
    directory = write_dataset(tmp_path / "d", {"covered_durations": "info.csv"})
    (directory / "info.csv").write_text(TABLE + "v_a,1000,50.0,20,20,training,800\n")
    with pytest.raises(DataError, match=r"video 'b': has no duration in info\.csv"):
        Dataset.load(directory, small().data)
    (directory / "info.csv").write_text("video,seconds\nv_a,50\n")
    with pytest.raises(DataError, match=r"info\.csv: expected columns"):
        Dataset.load(directory, small().data)


def test_a_set_of_fixed_length_has_it(tmp_path):
    directory = write_dataset(tmp_path / "d", {}, rows=99)
    with pytest.raises(DataError, match=r"v_a\.csv: video 'a': 99 clips, expected 100"):
        Dataset.load(directory, small().data)


def test_an_unknown_preset_is_named(tmp_path):
    directory = write_dataset(tmp_path / "d", {"preset": "tsn"})
    with pytest.raises(DataError, match="role 'untrimmed': features: preset: expected"):
        Dataset.load(directory, small().data)


def test_published_covered_durations_agree_in_both_files():
    table = read_covered_durations(
        shared_path("data/annotations/activitynet_v1.3_video_info.csv")
    )
    file = read_covered_durations(
        shared_path("data/annotations/activitynet_v1.3_bsn.json")
    )
    assert len(table) == 19_228
    assert table["UmAH95xls"] == pytest.approx(3504 / 3510 * 117.05)  # v_v_UmAH95xls
    # the first row of the table: 400 of 418 frames in 14.07 s
    assert table["---9CpRcKoU"] == pytest.approx(400 / 418 * 14.07)
    assert file["QOlSCBRmfWY"] == pytest.approx(2064 / 2067 * 82.73)
    both = [abs(table[v] / file[v] - 1) for v in file]
    assert len(both) > 19_000
    assert np.mean(np.array(both) < 0.01) > 0.95
