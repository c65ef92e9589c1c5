import numpy as np
import pytest

pytest.importorskip("av")

import av

from ahernet_tf.visualization.cutting import cut_moments, frames_of
from tests.p3d.videos import counting, numbers, quadrants, turn_mp4, write_video


def read(path):
    """Returns the images of a file; every frame is decoded."""
    with av.open(str(path)) as container:
        assert not container.streams.audio
        return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "libx264"), (".avi", "mpeg4"), (".webm", "libvpx-vp9")],
)
def test_moments_hold_exactly_their_frames(tmp_path, suffix, codec):
    source = tmp_path / f"source{suffix}"
    write_video(source, counting(40), codec, options={"g": "100"})
    folder = tmp_path / "clips"
    # Overlapping moments, one frame, and one that the end of the video cuts short.
    expected = {
        folder / "a.mp4": ((0.4, 0.8), range(10, 20)),
        folder / "b.mp4": ((0.6, 1.0), range(15, 25)),
        folder / "c.mp4": ((0.41, 0.79), range(10, 20)),
        folder / "d.mp4": ((0.0, 0.0), range(1)),
        folder / "e.mp4": ((1.4, 9.0), range(35, 40)),
    }
    cut_moments(source, {path: times for path, (times, _) in expected.items()})
    assert sorted(folder.iterdir()) == sorted(expected)
    for path, (_, frames) in expected.items():
        assert numbers(read(path)) == list(frames), path.name


def test_a_clip_lasts_as_long_as_its_moment(tmp_path):
    write_video(tmp_path / "s.mp4", counting(40), fps=30000 / 1001)
    cut_moments(tmp_path / "s.mp4", {tmp_path / "c.mp4": (0.2, 1.2)})
    with av.open(str(tmp_path / "c.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(30000 / 1001)
        assert stream.frames in (30, 31)


def test_frames_of_variable_rate_come_at_the_clock_of_the_features(tmp_path):
    times = [0, 40, 80, 480, 520, 560, 600, 640]  # the third is shown for 0.4 s
    write_video(tmp_path / "s.mkv", counting(8, step=25), times=times)
    cut_moments(tmp_path / "s.mkv", {tmp_path / "c.mp4": (0.2, 0.6)}, fps=25)
    shown = numbers(read(tmp_path / "c.mp4"), step=25)
    assert shown == [2] * 7 + [3, 4, 5]


def test_turned_odd_and_anamorphic_videos_stay_as_they_look(tmp_path):
    source = tmp_path / "s.mp4"
    write_video(source, [quadrants()] * 5)
    turn_mp4(source, 90)
    cut_moments(source, {tmp_path / "c.mp4": (0, 1)})
    image = read(tmp_path / "c.mp4")[0]
    assert image.shape == (96, 64, 3)
    corners = [image[r, c] for r in (10, -10) for c in (10, -10)]
    seen = [tuple(int(v > 128) for v in corner) for corner in corners]
    assert seen == [(0, 0, 1), (1, 0, 0), (1, 1, 1), (0, 1, 0)]

    odd = tmp_path / "odd.avi"
    write_video(odd, counting(3, 49, 65), "ffv1", pix_fmt="bgr0")
    cut_moments(odd, {tmp_path / "odd.mp4": (0, 1)})
    images = read(tmp_path / "odd.mp4")
    assert images[0].shape == (48, 64, 3)
    assert numbers(images) == [0, 1, 2]


def test_a_moment_behind_the_end_is_named_and_leaves_nothing(tmp_path):
    source = tmp_path / "s.mp4"
    write_video(source, counting(20))
    folder = tmp_path / "clips"
    moments = {folder / "good.mp4": (0.1, 0.2), folder / "bad.mp4": (3.0, 4.0)}
    with pytest.raises(ValueError, match=r"bad\.mp4: begins at frame 75, .* has 20"):
        cut_moments(source, moments)
    assert [path.name for path in folder.iterdir()] == ["good.mp4"]


def test_a_video_that_breaks_off_leaves_no_part_of_a_clip(tmp_path, monkeypatch):
    source = tmp_path / "s.mp4"
    write_video(source, counting(20))

    def write(self, frame, original=cut_moments.__globals__["_Clip"].write):
        original(self, frame)
        if self._frames == 5:
            raise OSError("no space left")

    monkeypatch.setattr("ahernet_tf.visualization.cutting._Clip.write", write)
    with pytest.raises(OSError, match="no space"):
        cut_moments(source, {tmp_path / "clips" / "a.mp4": (0, 0.7)})
    assert list((tmp_path / "clips").iterdir()) == []


def test_frames_of_moments():
    assert frames_of(1.0, 2.0, 25) == (25, 50)
    assert frames_of(float(np.float32(0.7)), float(np.float32(1.1)), 10) == (7, 11)
    assert frames_of(1.01, 1.02, 25) == (25, 26)
    for start, end in ((-1, 2), (2, 1), (0, float("inf")), (float("nan"), 1)):
        with pytest.raises(ValueError, match="moment"):
            frames_of(start, end, 25)
