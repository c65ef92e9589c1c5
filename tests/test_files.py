"""Files that are written whole or not at all, and JSON as people have it."""

import gzip
import json
import os
import socket

import pytest

from ahernet_tf import files
from tests import programs


def names(directory):
    return sorted(os.listdir(directory))


def dead_process():
    """Returns the number of a process that has ended."""
    return int(programs.python("import os; print(os.getpid())").stdout)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_json_is_read_whatever_its_encoding(tmp_path, encoding, pack):
    path = tmp_path / "a.json"
    path.write_bytes(pack('{"grüßen": [1, 2.5]}'.encode(encoding)))
    assert files.read_json(path) == {"grüßen": [1, 2.5]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xd8\xff\xe0", "is not JSON"),
        pytest.param(b"[" * 100_000, "is not JSON", id="nested"),
        pytest.param(b"[1e5, " + b"9" * 301 + b"]", "is not JSON", id="large"),
        pytest.param(b"9" * 5000, "is not JSON", id="digits"),
        (gzip.compress(b"{}")[:-6], "cannot be read"),
        (b'{"v": {"a": 1, "b": 2, "a": 3}}', "the key 'a' is there twice"),
    ],
)
def test_unreadable_json_is_named(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.json: {message}"):
        files.read_json(path)


def test_absent_json_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"a\.json: cannot be read \(No such file"):
        files.read_json(tmp_path / "a.json")


def test_a_pipe_or_device_does_not_block_and_a_bomb_stops(tmp_path, monkeypatch):
    (tmp_path / "endless.json").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match=r"endless\.json: .*it is a device"):
        files.read_json(tmp_path / "endless.json")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match=r"pipe\.json: .*it is a pipe"):
        files.read_json(tmp_path / "pipe.json")
    monkeypatch.setattr(files, "_MOST_INFLATED", 1000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b"[" + b" " * 999))
    with pytest.raises(ValueError, match=r"gz: is not JSON"):
        files.read_json(tmp_path / "bomb.json.gz")
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b"[" + b" " * 1000))
    with pytest.raises(ValueError, match=r"gz: .*inflates to more than 1000 bytes"):
        files.read_json(tmp_path / "bomb.json.gz")


def test_repeated_keys_can_be_collected(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1, "b": {"c": 2, "c": 3}, "a": 4}')
    found = []
    content = files.read_json(path, lambda *pair: found.append(pair))
    assert content == {"a": 1, "b": {"c": 2}}
    assert found == [("c", 3), ("a", 4)]


@pytest.mark.parametrize("name", ["a.json", "new/folder/a.json.gz"])
def test_written_json_is_read_back(tmp_path, name):
    path = tmp_path / name
    files.write_json(path, {"a": [0.1, None]})
    data = path.read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    assert json.loads(text) == files.read_json(path) == {"a": [0.1, None]}
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("content", [{"a": float("nan")}, {"a": {1, 2}}])
def test_what_is_no_json_is_not_written(tmp_path, content):
    with pytest.raises(ValueError, match=r"a\.json: cannot be written"):
        files.write_json(tmp_path / "a.json", content)
    assert names(tmp_path) == []


def test_failed_writing_leaves_the_old_file_alone(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_what_dead_processes_left_is_removed(tmp_path):
    host, dead = socket.gethostname(), dead_process()
    gone = [f".a.json.{host}-{dead}.partial", ".b.elsewhere-7.partial"]
    kept = [f".c.{host}-{os.getpid()}.partial", ".d.elsewhere-7.partial", ".e.partial"]
    for name in gone + kept:
        (tmp_path / name).write_text("half")
    os.utime(tmp_path / gone[1], (0, 0))
    (tmp_path / f".f.{host}-{dead}.partial").mkdir()
    (tmp_path / f".f.{host}-{dead}.partial" / "part").write_text("half")
    files.write_text(tmp_path / "a.json", "whole")
    assert names(tmp_path) == sorted([*kept, "a.json"])


def test_new_directory_appears_whole(tmp_path):
    with files.new_directory(tmp_path / "out") as made:
        (made / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["a"]


def test_new_directory_leaves_nothing_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), files.new_directory(tmp_path / "out"):
        raise RuntimeError
    assert names(tmp_path) == []


def test_new_directory_does_not_overwrite(tmp_path):
    (tmp_path / "a").write_text("1")
    for path in (tmp_path, tmp_path / "a"):
        with pytest.raises(ValueError, match="new or empty"), files.new_directory(path):
            pass


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is a directory"),
        ("new/", "is a directory"),
        ("file/out.json", "is a file, not a directory"),
        ("out.txt", r"ends in \.json, \.json\.gz"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused(tmp_path, name, message):
    (tmp_path / "file").write_text("")
    path = f"{tmp_path}/{name}"
    with pytest.raises(ValueError, match=message) as error:
        files.check_output(path, (".json", ".json.gz"))
    assert str(error.value).startswith(path)


def test_outputs_that_can_be_written_are_not_made(tmp_path):
    files.check_output(tmp_path / "new" / "out.json.gz", (".json", ".json.gz"))
    files.check_directory(tmp_path / "new" / "folder")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("is no table"), "is no table"),
        (ValueError("a.x: is no table"), "is no table"),
        (OverflowError("too large"), "cannot be read (OverflowError: too large)"),
        (MemoryError(), "cannot be read (MemoryError: no reason given)"),
        (OSError(5, "Input/output error", "a.x"), "(OSError: Input/output error)"),
        (KeyError("k"), "cannot be read (KeyError: 'k')"),
    ],
)
def test_whatever_a_reader_raises_names_the_file(error, said):
    with pytest.raises(ValueError, match=r"^a\.x: ") as raised, files.naming("a.x"):
        raise error
    assert str(raised.value).endswith(said)
    assert str(raised.value).count("a.x") == 1


def test_messages_of_kilobytes_are_cut():
    with pytest.raises(ValueError, match=r"^a\.x: ") as raised, files.naming("a.x"):
        raise ValueError("0.25|\n" * 10_000)
    assert len(str(raised.value)) < 400


def test_a_long_name_is_written(tmp_path):
    path = tmp_path / ("n" * 250 + ".json")
    files.write_json(path, {"a": 1})
    assert files.read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="needs /proc")
def test_a_place_that_takes_no_files_is_refused_whatever_its_rights_say():
    for check in (files.check_directory, files.check_output):
        with pytest.raises(ValueError, match=r"nothing can be written to /proc "):
            check("/proc/out")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{"a": [1, ], "b": 2}', "remove the comma before ']'"),
        ('{"a": 1,\n}', "remove the comma before '}'"),
        ("{'a': 1}", "strings stand in double quotes"),
        ('{"a": 1, // one\n "b": 2}', "JSON has no comments"),
    ],
)
def test_json_of_other_languages_is_told_how_to_mend(tmp_path, text, hint):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not JSON") as error:
        files.read_json(path)
    assert hint in str(error.value)
