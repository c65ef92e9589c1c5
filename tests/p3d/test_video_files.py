"""What is found where videos are said to be."""

import os

import pytest

from ahernet_tf.p3d.video_files import list_frames, list_videos, passed_over


def test_videos_of_folders_lists_and_files(tmp_path):
    deep = tmp_path / "x" / "deep"
    deep.mkdir(parents=True)
    for name in ("b.mp4", "a.MKV", "notes.md"):
        (tmp_path / "x" / name).write_bytes(b"")
    (deep / "c.avi").write_bytes(b"")
    assert list(list_videos(tmp_path / "x")) == ["a", "b", "c"]
    assert list(list_videos(tmp_path / "x" / "b.mp4")) == ["b"]
    listing = tmp_path / "list.txt"
    listing.write_text(f"# two\nx/b.mp4\n\n{deep / 'c.avi'}\n")
    assert list(list_videos(listing)) == ["b", "c"]
    listing.write_text("x/none.mp4\n")
    with pytest.raises(ValueError, match=r"x/none\.mp4 does not exist"):
        list_videos(listing)
    (deep / "b.avi").write_bytes(b"")
    with pytest.raises(ValueError, match="both be called 'b'"):
        list_videos(tmp_path / "x")
    assert list(list_videos(tmp_path / "x", keep_folders=True)) == [
        *("a", "b", "deep/b", "deep/c")
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no videos"):
        list_videos(tmp_path / "empty")
    with pytest.raises(ValueError, match="no such folder"):
        list_videos(tmp_path / "none")


def test_equal_names_in_two_folders_are_told_apart_by_the_folders(tmp_path):
    for name in ("dive/0001.mp4", "run/0001.mp4", "run/2.v1.mp4", "run/f/i_1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    names = ["dive/0001", "run/0001", "run/2.v1", "run/f"]
    assert list(list_videos(tmp_path)) == names
    (tmp_path / "run" / "0001.mp4").unlink()
    assert list(list_videos(tmp_path)) == ["0001", "2.v1", "f"]
    assert list(list_videos(tmp_path, keep_folders=True)) == [names[0], *names[2:]]


def test_a_dead_link_is_found_like_any_other(tmp_path):
    (tmp_path / "dead.mp4").symlink_to("/nowhere/at/all.mp4")
    (tmp_path / "a.mp4").write_bytes(b"")
    assert list(list_videos(tmp_path)) == ["a", "dead"]


def test_what_is_no_video_is_passed_over_and_counted(tmp_path):
    for name in ("a.mp4", "a.qt", "notes.TXT", "b.srt", "c.srt", "._a.mp4", "README"):
        (tmp_path / "x" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "x" / name).write_bytes(b"")
    (tmp_path / "x" / "a.qt").rename(tmp_path / "x" / "q.qt")
    assert list(list_videos(tmp_path)) == ["a", "q"]
    counted = {".mp4": 1, ".srt": 2, ".txt": 1, "without suffix": 1}
    assert passed_over(tmp_path) == counted


def test_a_folder_of_images_alone_is_a_video(tmp_path):
    for name in ("run/img_2.jpg", "run/img_10.jpg", "run/img_1.jpg", "films/cover.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "films" / "a.mp4").write_bytes(b"")
    videos = list_videos(tmp_path)
    assert videos == {
        "a": str(tmp_path / "films" / "a.mp4"),
        "run": str(tmp_path / "run"),
    }
    assert list(list_videos(tmp_path / "run")) == ["run"]
    frames = [os.path.basename(path) for path in list_frames(videos["run"])]
    assert frames == ["img_1.jpg", "img_2.jpg", "img_10.jpg"]


@pytest.mark.parametrize("address", ["rtsp://camera/1", "https://a.b/c.mp4"])
def test_addresses_are_refused(tmp_path, address):
    with pytest.raises(ValueError, match="save the video to a file first"):
        list_videos(address)
    (tmp_path / "list.txt").write_text(f"{address}\n")
    with pytest.raises(ValueError, match=r"list\.txt: .*received the address"):
        list_videos(tmp_path / "list.txt")


def test_names_that_no_features_can_bear_are_refused(tmp_path):
    (tmp_path / "a..b.mp4").write_bytes(b"")
    assert list(list_videos(tmp_path)) == ["a..b"]
    (tmp_path / "a\\b.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match=r"mp4: features cannot bear this name"):
        list_videos(tmp_path)
