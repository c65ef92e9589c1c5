"""Frames out of real video files, generated here."""

import os

import numpy as np
import pytest

av = pytest.importorskip("av")

from ahernet_tf.p3d.clip_format import ClipFormat  # noqa: E402
from ahernet_tf.p3d.video import VideoReader, even_frames  # noqa: E402
from tests.p3d.videos import (  # noqa: E402
    counting,
    numbers,
    quadrants,
    turn_mp4,
    write_frames,
    write_video,
)

FORMAT = ClipFormat(16, 48, 64, 32)


def read(path, **arguments):
    """Returns the frames and the reader, after the last frame."""
    with VideoReader(path, FORMAT, **arguments) as reader:
        return list(reader.read()), reader


@pytest.mark.parametrize(
    ("suffix", "codec", "fps"),
    [
        (".mp4", "libx264", 25),
        (".mkv", "libx264", 30000 / 1001),
        (".avi", "mpeg4", 24),
        (".webm", "libvpx-vp9", 30),
        (".mov", "mjpeg", 10),
        (".ts", "libx264", 25),
    ],
)
def test_every_frame_comes_once_and_in_order(tmp_path, suffix, codec, fps):
    path = tmp_path / f"a{suffix}"
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    write_video(path, counting(40), codec, fps, pix_fmt)
    frames, reader = read(path)
    assert numbers(frames) == list(range(40))
    assert reader.frames == 40
    assert reader.fps == pytest.approx(fps, rel=1e-3)
    assert frames[0].shape == (48, 64, 3)
    assert frames[0].dtype == np.uint8


@pytest.mark.parametrize("size", [(47, 63), (121, 35)])
def test_odd_sizes_are_resized(tmp_path, size):
    write_video(tmp_path / "a.webm", counting(10, *size), "libvpx-vp9")
    frames, _ = read(tmp_path / "a.webm")
    assert numbers(frames) == list(range(10))
    assert frames[0].shape == (48, 64, 3)


def corners(image):
    """Returns the colours in the middles of the four quarters, as words."""
    words = {
        (1, 0, 0): "red",
        (0, 1, 0): "green",
        (0, 0, 1): "blue",
        (1, 1, 1): "white",
    }
    height, width = image.shape[:2]
    return [
        words[tuple(int(v > 128) for v in image[int(height * y), int(width * x)])]
        for y in (0.25, 0.75)
        for x in (0.25, 0.75)
    ]


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (0, ["red", "green", "blue", "white"]),
        (90, ["blue", "red", "white", "green"]),
        (180, ["white", "blue", "green", "red"]),
        (270, ["green", "white", "red", "blue"]),
        ("mirrored", ["green", "red", "white", "blue"]),
        ("mirrored, 90", ["red", "blue", "green", "white"]),
    ],
)
def test_turned_videos_come_upright(tmp_path, turn, expected):
    path = tmp_path / "a.mp4"
    write_video(path, [quadrants()] * 4)
    if turn:
        turn_mp4(path, turn)
    frames, _ = read(path)
    assert frames[0].shape == (48, 64, 3)
    assert corners(frames[0]) == expected


def test_variable_frame_rate_is_put_on_an_even_grid(tmp_path):
    # 25 frames a second, then a still of 0.4 s, then 25 frames a second again.
    times = [40 * i for i in range(10)] + [760 + 40 * i for i in range(10)]
    write_video(tmp_path / "a.mkv", counting(20), times=times)
    frames, reader = read(tmp_path / "a.mkv", fps=25)
    assert numbers(frames) == [*range(10), *[9] * 9, *range(10, 20)]
    assert reader.frames == 29


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (10, list(range(0, 40, 2))),
        (20, list(range(40))),
        # At 40 a second all come twice but the last: nobody knows how long it lasts.
        (40, [i // 2 for i in range(79)]),
        (12, [5 * k + i for k in range(8) for i in (0, 2, 3)]),
    ],
)
def test_rate_can_be_changed(tmp_path, fps, expected):
    write_video(tmp_path / "a.mp4", counting(40), fps=20)
    frames, reader = read(tmp_path / "a.mp4", fps=fps)
    assert numbers(frames) == expected
    assert reader.frames == len(expected)


def clocked(path, times_ms, **arguments):
    """Writes a video whose frames are shown at some times, and reads it."""
    write_video(path, counting(len(times_ms)), times=times_ms)
    frames, reader = read(path, **arguments)
    return numbers(frames), reader


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_a_clock_that_begins_late_is_no_missing_part(tmp_path, suffix):
    times = [3_600_000 + 40 * i for i in range(20)]
    shown, reader = clocked(tmp_path / f"a{suffix}", times, fps=25)
    assert shown == list(range(20))
    assert reader.stated_sec == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_still_of_minutes_is_true_where_the_video_states_its_length(tmp_path, suffix):
    times = [1000 * i for i in range(10)] + [200_000 + 1000 * i for i in range(10)]
    shown, reader = clocked(tmp_path / f"a{suffix}", times, fps=1)
    assert shown == [*range(10), *[9] * 190, *range(10, 20)]
    assert reader.stated_sec == pytest.approx(210, abs=1)


def test_times_that_jump_in_a_recording_are_a_splice(tmp_path):
    times = [40 * i for i in range(10)] + [200_000 + 40 * i for i in range(10)]
    shown, _ = clocked(tmp_path / "a.ts", times, fps=25)
    assert shown == list(range(20))


def test_a_last_frame_that_states_to_last_is_a_still():
    def frames(duration):
        yield from ((i / 10, i) for i in range(5))
        yield 0.4 + duration, None

    assert list(even_frames(frames(0.5), 10.0)) == [0, 1, 2, 3, *[4] * 5]
    assert list(even_frames(frames(900.0), 10.0)) == [0, 1, 2, 3, 4]
    assert len(list(even_frames(frames(900.0), 10.0, 901.0))) == 4 + 9000


@pytest.mark.parametrize("fps", [0.5, 240, 500])
def test_high_and_low_rates_that_are_stated_are_plausible(tmp_path, fps):
    write_video(tmp_path / "a.mp4", counting(12), fps=fps)
    frames, reader = read(tmp_path / "a.mp4")
    assert numbers(frames) == list(range(12))
    assert reader.fps == pytest.approx(fps)


def test_a_rate_that_is_not_plausible_is_measured(tmp_path):
    path = tmp_path / "a.mkv"
    write_video(path, counting(12), fps=1000, times=range(12))
    frames, reader = read(path)
    assert (numbers(frames), reader.fps) == (list(range(12)), 1000.0)


def test_a_folder_of_frames_has_the_rate_that_is_given(tmp_path):
    write_frames(tmp_path, counting(12))
    (tmp_path / "5.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("")
    frames, reader = read(tmp_path, fps=10)
    assert numbers(frames) == [0, 1, 2, 3, 4, 4, *range(6, 12)]
    assert (reader.fps, reader.frames, reader.corrupt_packets) == (10, 12, 1)
    with pytest.raises(ValueError, match="give fps"):
        VideoReader(tmp_path)


def test_frames_of_billions_of_pixels_are_refused(tmp_path):
    path = tmp_path / "a.mkv"
    write_video(path, counting(3), "ffv1", pix_fmt="bgr0")
    data = bytearray(path.read_bytes())
    for name, size in ((b"\xb0", 64), (b"\xba", 48)):  # PixelWidth, PixelHeight
        at = data.index(name + b"\x81" + bytes([size]))
        data[at : at + 3] = name + b"\x81\xff"
    path.write_bytes(data)
    VideoReader(path).__exit__()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ahernet_tf.p3d.video._MOST_PIXELS", 255 * 254)
        with pytest.raises(ValueError, match=r"a\.mkv: states frames of 255x255"):
            VideoReader(path)


@pytest.mark.parametrize("fps", [23.976, 25, 29.97, 59.94, 120])
def test_times_rounded_to_milliseconds_lose_no_frame(fps):
    times = [round(1000 * i / fps + 7) / 1000 for i in range(5000)]
    assert list(even_frames(zip(times, range(5000)), fps)) == list(range(5000))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 0.1, 0.2, 0.3], "abcd"),
        ([5.0, 5.1, 5.2], "abc"),
        ([0, 0.3, 0.4], "aaabc"),
        ([0, 0.11, 0.19, 0.31], "abcd"),
        ([0, 0.1, 0.12, 0.2], "acd"),
        ([0, 0.1, 0.13, 0.2], "abd"),
        ([0, 0.06, 0.1], "ac"),
        ([0, 0.06], "a"),
        ([None, None, None], "abc"),
        ([0, 0.1, None, 0.3], "abcd"),
        ([0, 0.1, 9999.0, 9999.1], "abcd"),
        ([0, 0.1, 0.2, 0.0, 0.1], "abcde"),
        ([None, 7.0, 7.1], "abc"),
        ([], ""),
    ],
)
def test_even_frames_at_ten_a_second(times, expected):
    assert "".join(even_frames(zip(times, "abcdefgh"), 10.0)) == expected


def test_missing_end_gives_what_is_there(tmp_path):
    path = tmp_path / "a.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    images = [np.roll(noise, i, axis=1) for i in range(50)]
    write_video(path, images, options={"g": "10"})
    data = moov_first(path.read_bytes())
    path.write_bytes(data)
    with av.open(str(path)) as container:
        last = max(p.pos for p in container.demux(video=0) if p.size)
    path.write_bytes(data[: last + 3])
    frames, reader = read(path)
    assert 45 <= len(frames) < 50
    assert reader.frames == len(frames)
    assert reader.stated_sec == pytest.approx(2.0)


def test_damaged_middle_leaves_times_right(tmp_path):
    path = tmp_path / "a.mkv"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    images = [np.roll(noise, 8 * i, axis=1) // 2 + 2 * i for i in range(50)]
    write_video(path, images, "mpeg4", options={"g": "5"})
    whole, _ = read(path)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    at = packets[25].pos + 100
    data[at : at + 100] = bytes(100)
    path.write_bytes(data)
    frames, _ = read(path)
    assert len(frames) == len(whole) == 50
    assert any(np.any(f != w) for f, w in zip(frames[25:30], whole[25:30]))
    for i in [*range(25), *range(30, 50)]:
        np.testing.assert_array_equal(frames[i], whole[i])


def test_files_without_video_are_refused(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match=r"a\.wav: holds no video"):
        VideoReader(path)
    (tmp_path / "b.mp4").write_bytes(b"no video at all" * 50)
    with pytest.raises(ValueError, match=r"b\.mp4: .*Invalid data found"):
        VideoReader(tmp_path / "b.mp4")
    with pytest.raises(ValueError, match=r"none\.mp4: does not exist"):
        VideoReader(tmp_path / "none.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(ValueError, match=r"pipe\.mp4: no regular file"):
        VideoReader(tmp_path / "pipe.mp4")
    (tmp_path / "dead.mp4").symlink_to(tmp_path / "gone.mp4")
    with pytest.raises(ValueError, match=r"dead\.mp4: does not exist, a link"):
        VideoReader(tmp_path / "dead.mp4")


def test_reading_can_start_later(tmp_path):
    write_video(tmp_path / "a.mp4", counting(20))
    with VideoReader(tmp_path / "a.mp4", FORMAT) as reader:
        assert numbers(reader.read(start=15)) == [15, 16, 17, 18, 19]
        assert reader.frames == 20


def test_colours_are_red_green_blue(tmp_path):
    write_video(tmp_path / "a.mp4", [quadrants()] * 3)
    frames, _ = read(tmp_path / "a.mp4")
    assert corners(frames[0]) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("luma", [16, 60, 128, 200, 235])
def test_resizing_keeps_the_brightness(tmp_path, luma):
    frame = av.VideoFrame(96, 72, "yuv420p")
    for plane, value in zip(frame.planes, (luma, 128, 128)):
        plane.update(bytes([value]) * plane.buffer_size)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames, _ = read(tmp_path / "a.mkv")
    assert np.abs(frames[0] - (luma - 16) * 255 / 219).max() <= 1.0


def moov_first(data):
    """Moves an mp4's index before its pictures, so that its end can be cut off."""
    boxes, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        boxes.append(data[at : at + size])
        at += size
    index = bytearray(next(b for b in boxes if b[4:8] == b"moov"))
    rest = [b for b in boxes if b[4:8] != b"moov"]
    table = index.index(b"stco") + 8
    count = int.from_bytes(index[table : table + 4], "big")
    for i in range(count):
        entry = table + 4 + 4 * i
        moved = int.from_bytes(index[entry : entry + 4], "big") + len(index)
        index[entry : entry + 4] = moved.to_bytes(4, "big")
    return rest[0] + bytes(index) + b"".join(rest[1:])
