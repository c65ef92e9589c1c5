"""Which files the features of a directory came from."""

import pytest

from ahernet_tf.p3d.sources import check_sources, note_sources


def test_features_of_another_file_of_the_name_are_refused(tmp_path):
    features = tmp_path / "features"
    features.mkdir()
    (features / "a.npy").write_bytes(b"")
    for name, content in (("one", b"1"), ("other", b"22")):
        (tmp_path / name).write_bytes(content)
    note_sources(tmp_path, {"a": str(tmp_path / "one")})
    check_sources(tmp_path, features, {"a": str(tmp_path / "one")})
    check_sources(tmp_path, features, {"b": str(tmp_path / "other")})
    with pytest.raises(ValueError, match=r"videos\.json: the features of 'a'"):
        check_sources(tmp_path, features, {"a": str(tmp_path / "other")})


def test_a_link_to_nothing_is_left_to_who_reads_it(tmp_path):
    (tmp_path / "dead.mp4").symlink_to("/nowhere.mp4")
    videos = {"dead": str(tmp_path / "dead.mp4")}
    note_sources(tmp_path, videos)
    check_sources(tmp_path, tmp_path / "features", videos)
