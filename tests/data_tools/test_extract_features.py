"""The extraction program on generated video files."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("av")

from ahernet_tf.p3d import P3D, ClipFormat, ClipNormalization, load_p3d, save_p3d
from ahernet_tf.p3d.clip_decoding import ExtractionOptions
from ahernet_tf.p3d.clips import center_crop
from ahernet_tf.p3d.video import VideoReader
from ahernet_tf.p3d.video_features import extract_videos
from data_tools.extract_features import parse_shard
from tests import programs
from tests.p3d.videos import write_frames, write_video

FORMAT = ClipFormat(16, 36, 48, 32)


def network(fusion="caffe"):
    model = P3D((1, 1, 1, 1), fusion, base_channels=2)
    model.build((None, 16, 32, 32, 3))
    return model


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.npz"
    save_p3d(network(), path, FORMAT)
    return str(path)


@pytest.fixture
def videos(tmp_path):
    """Two codecs, a short video, and one that is broken."""
    folder = tmp_path / "videos"
    (folder / "deep").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    images = [np.roll(noise, 3 * i, axis=1) for i in range(40)]
    write_video(folder / "a.mp4", images)
    write_video(folder / "deep" / "b.webm", images[:26], "libvpx-vp9", 30)
    write_video(folder / "c.avi", images[:5], "mpeg4", 24)
    (folder / "d.mp4").write_bytes(b"broken" * 100)
    return folder


def test_features_are_the_networks_of_frames_8i_to_8i_plus_16(
    tmp_path, videos, weights
):
    out = tmp_path / "out"
    report = extract_videos(str(videos), weights, str(out), dtype="float32")
    assert (report.extracted, report.skipped) == (3, 0)
    assert list(report.failures) == ["d"]
    description = json.loads((out / "features.json").read_text())
    assert {v: e["frames"] for v, e in description["videos"].items()} == {
        "a": 40, "b": 26, "c": 5
    }  # fmt: skip
    assert description["videos"]["b"]["fps"] == 30.0
    assert description["videos"]["a"]["duration_sec"] == pytest.approx(1.6)
    assert (description["clip_frames"], description["stride_frames"]) == (16, 8)
    assert (description["format"], description["dim"]) == ("npy", 64)
    assert np.load(out / "b.npy").shape == (2, 64)
    assert np.load(out / "c.npy").shape == (1, 64)

    with VideoReader(videos / "a.mp4", FORMAT) as reader:
        frames = np.stack([center_crop(image, FORMAT) for image in reader.read()])
    clips = np.stack([frames[8 * i : 8 * i + 16] for i in range(4)])
    expected = load_p3d(weights)(ClipNormalization("caffe")(clips))["features"]
    got = np.load(out / "a.npy")
    assert np.std(got, axis=0).max() > 0
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-2)


def test_second_run_does_only_what_is_missing(tmp_path, videos, weights):
    out = tmp_path / "out"
    extract_videos(str(videos), weights, str(out))
    assert np.load(out / "a.npy").dtype == np.float16
    before = {p.name: p.stat().st_mtime_ns for p in out.glob("*.npy")}
    (out / "b.npy").unlink()
    shutil.copy(videos / "a.mp4", videos / "d.mp4")
    report = extract_videos(str(videos), weights, str(out))
    assert (report.extracted, report.skipped, report.failures) == (2, 2, {})
    after = {p.name: p.stat().st_mtime_ns for p in out.glob("*.npy")}
    assert {n for n in before if before[n] == after[n]} == {"a.npy", "c.npy"}
    assert not (out / "failures.json").exists()
    np.testing.assert_array_equal(np.load(out / "d.npy"), np.load(out / "a.npy"))


def test_shards_share_the_videos_and_one_description(tmp_path, videos, weights):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    (videos / "d.mp4").unlink()
    extract_videos(str(videos), weights, str(whole))
    done = [
        extract_videos(str(videos), weights, str(parts), shard=(i, 2)) for i in range(2)
    ]
    assert [r.extracted for r in done] == [2, 1]
    for name in ("features.json", "extracted/a.json"):
        assert json.loads((parts / name).read_text()) == json.loads(
            (whole / name).read_text()
        )
    for path in whole.glob("*.npy"):
        got, expected = np.load(parts / path.name), np.load(path)
        np.testing.assert_allclose(got, expected, rtol=2e-3)


def test_other_weights_do_not_mix_into_a_directory(tmp_path, videos, weights):
    extract_videos(str(videos / "a.mp4"), weights, str(tmp_path / "out"))
    save_p3d(network(), tmp_path / "other.npz", FORMAT)
    with pytest.raises(ValueError, match="weights_sha256"):
        extract_videos(str(videos), str(tmp_path / "other.npz"), str(tmp_path / "out"))


def test_one_rate_for_all(tmp_path, videos, weights):
    out = tmp_path / "out"
    extract_videos(
        str(videos / "a.mp4"), weights, str(out), ExtractionOptions(fps=12.5)
    )
    description = json.loads((out / "features.json").read_text())
    assert (description["fps"], description["resampled"]) == (12.5, True)
    assert description["videos"]["a"]["frames"] == 20


@pytest.mark.parametrize("text", ["4/4", "1", "a/2", "-1/2", "0/0", "1/2/3"])
def test_wrong_shards_are_refused(text):
    with pytest.raises(ValueError, match="--shard"):
        parse_shard(text)


def program(*arguments):
    return programs.run("data_tools.extract_features", *arguments)


def test_program_reports_broken_videos_and_goes_on(tmp_path, videos, weights):
    out = tmp_path / "out"
    done = program("--videos", videos, "--weights", weights, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "3 videos extracted, 0 were complete, 1 broken." in done.stdout
    assert "Invalid data found" in done.stderr
    assert "videos/hour" in done.stderr
    assert json.loads((out / "failures.json").read_text()).keys() == {"d"}


def test_program_fails_when_nothing_can_be_read(tmp_path, videos, weights):
    out = tmp_path / "out"
    done = program("--videos", videos / "d.mp4", "--weights", weights, "--out", out)
    assert done.returncode == 1
    done = program("--videos", videos, "--weights", videos / "a.mp4", "--out", out)
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "a.mp4" in done.stderr.splitlines()[-1]


def test_unusual_folders_are_extracted_and_counted(tmp_path, videos, weights):
    long = "n" * 246
    (videos / "a.mp4").rename(videos / f"{long}.mp4")
    (videos / "deep" / "dead.mkv").symlink_to("/nowhere.mkv")
    (videos / "notes.txt").write_text("")
    (videos / "clip.flac").write_text("")
    report = extract_videos(str(videos), weights, str(tmp_path / "out"))
    assert report.extracted == 3
    assert report.failures.keys() == {"d", "dead"}
    assert "does not exist, a link" in report.failures["dead"]
    assert report.passed_over == {".flac": 1, ".txt": 1}
    assert np.load(tmp_path / "out" / f"{long}.npy").shape == (4, 64)


def test_folders_of_frames_need_a_rate_and_get_it(tmp_path, weights):
    noise = np.random.default_rng(0).integers(0, 255, (36, 48, 3), np.uint8)
    write_frames(tmp_path / "videos" / "run", [np.roll(noise, i, 1) for i in range(24)])
    out = str(tmp_path / "out")
    with pytest.raises(ValueError, match=r"run: a folder of frames .*--fps"):
        extract_videos(str(tmp_path / "videos"), weights, out)
    assert not (tmp_path / "out").exists()
    extract_videos(str(tmp_path / "videos"), weights, out, ExtractionOptions(fps=10))
    description = json.loads((tmp_path / "out" / "features.json").read_text())
    entry = {"fps": 10, "frames": 24, "duration_sec": 2.4}
    assert description["videos"] == {"run": entry}


def test_a_name_that_is_too_long_is_one_failure(tmp_path, videos, weights):
    (videos / "a.mp4").rename(videos / f"{'n' * 251}.mp4")
    report = extract_videos(str(videos), weights, str(tmp_path / "out"))
    assert report.extracted == 2
    assert "name is too long" in report.failures["n" * 251]
