import json
import os
import re

import numpy as np
import pandas as pd
import pytest

from ahernet_tf.data.features.opening import open_store
from ahernet_tf.data.features.packed_store import (
    PackedStore,
    faults_in_shard,
    read_index,
    shard_path,
    write_shard,
)
from tests import programs

CHANNELS = 3
RANDOM = np.random.default_rng(0)
VIDEOS = {
    name: RANDOM.normal(size=(clips, CHANNELS)).astype(np.float16)
    for name, clips in {"a": 4, "v_b": 1, "NA": 7, 'comma, "quote"': 2, "ü": 3}.items()
}
SHARDS = (["a", "v_b"], ["NA", 'comma, "quote"', "ü"])


def write(directory, dtype="float16", shards=SHARDS, left_out=()):
    for number, names in enumerate(shards):
        planned = {name: len(VIDEOS[name]) for name in names}
        sequences = (
            (name, None, "cannot be read")
            if name in left_out
            else (name, VIDEOS[name].astype(dtype), "")
            for name in names
        )
        write_shard(shard_path(directory, number), CHANNELS, dtype, planned, sequences)
    description = {"format": "packed", "dim": CHANNELS, "dtype": dtype}
    description |= {"shards": len(shards), "videos": {"a": {"fps": 25.0}}}
    (directory / "features.json").write_text(json.dumps(description))
    return directory


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_all_videos_are_there_in_any_order(tmp_path, dtype):
    store = open_store(write(tmp_path / "s", dtype), {})
    assert isinstance(store, PackedStore)
    assert store.ids() == list(VIDEOS)
    for name in reversed(VIDEOS):
        assert store.shape(name) == VIDEOS[name].shape
        found = store.read(name)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, VIDEOS[name])
    assert store.find("b") == "v_b"
    assert store.info("a").fps == 25.0
    assert store.file_of("NA") == tmp_path / "s" / "00001.npy"
    assert "c" not in store


def test_shards_are_ordinary_npy_files(tmp_path):
    write(tmp_path)
    joined = np.concatenate([VIDEOS[name] for name in SHARDS[1]])
    np.testing.assert_array_equal(np.load(tmp_path / "00001.npy"), joined)


def test_a_video_that_is_left_out_is_not_there(tmp_path):
    store = PackedStore(write(tmp_path, left_out=["NA"]))
    assert "NA" not in store
    np.testing.assert_array_equal(store.read("ü"), VIDEOS["ü"])
    planned = {name: len(VIDEOS[name]) for name in SHARDS[1]}
    path = shard_path(tmp_path, 1)
    found = faults_in_shard(path, planned, CHANNELS, "float16")
    assert found == {"NA": "cannot be read"}


def test_a_shard_is_done_when_it_is_what_was_planned(tmp_path):
    write(tmp_path)
    path, planned = shard_path(tmp_path, 0), {"a": 4, "v_b": 1}
    assert faults_in_shard(path, planned, CHANNELS, "float16") == {}
    assert faults_in_shard(path, {"a": 4}, CHANNELS, "float16") is None
    assert faults_in_shard(path, planned, CHANNELS, "float32") is None
    path.with_suffix(".csv").unlink()
    assert faults_in_shard(path, planned, CHANNELS, "float16") is None


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    def sequences():
        yield "a", VIDEOS["a"], ""
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_shard(tmp_path / "0.npy", CHANNELS, "float16", {"a": 4}, sequences())
    assert not list(tmp_path.iterdir())


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 16
    path.write_bytes(data)


def test_a_changed_byte_is_noticed_when_its_video_is_read(tmp_path):
    store = PackedStore(write(tmp_path))
    flip(tmp_path / "00001.npy", -1)
    store.read("NA")
    with pytest.raises(ValueError, match=r"00001\.npy: video 'ü': the clips are damag"):
        store.read("ü")
    flip(tmp_path / "00001.npy", -1)
    np.testing.assert_array_equal(store.read("ü"), VIDEOS["ü"])


def replace(path, make):
    path.rename(path.parent.parent / path.name)
    make(path)


def link_elsewhere(path):
    path.symlink_to(path.parent.parent / path.name)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: os.truncate(d / "00001.npy", 150), r"00001\.npy: expected 12 clips"),
        (lambda d: (d / "00000.npy").unlink(), r"00000\.npy: is missing"),
        (lambda d: (d / "00000.csv").unlink(), r"00000\.csv: is missing"),
        (lambda d: replace(d / "00000.npy", os.mkfifo), r"00000\.npy: .*is no file"),
        (lambda d: replace(d / "00001.csv", os.mkfifo), r"00001\.csv: .*is no file"),
        (lambda d: replace(d / "00001.npy", link_elsewhere), "is a link out of the st"),
        (lambda d: (d / "00000.csv").write_text("video\na\n"), r"00000\.csv: "),
        (lambda d: (d / "00000.csv").write_bytes(b"\xff\n"), r"00000\.csv: cannot be"),
        (lambda d: flip(d / "00000.npy", 0), r"00000\.npy: expected 5 clips"),
        (lambda d: flip(d / "00000.npy", 9), r"00000\.npy: expected 5 clips"),
    ],
)
def test_damaged_files_are_named(tmp_path, damage, message):
    damage(write(tmp_path / "s"))
    with pytest.raises(ValueError, match=message):
        PackedStore(tmp_path / "s")


@pytest.mark.parametrize("value", [{"shards": "2"}, {"dim": 0}, {"dtype": "int8"}])
def test_a_senseless_description_is_refused(tmp_path, value):
    path = write(tmp_path) / "features.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **value}))
    with pytest.raises(ValueError, match="expected dim, dtype and shards"):
        PackedStore(tmp_path)


@pytest.mark.parametrize("clips", [1 << 40, 1 << 62])
def test_a_claimed_size_allocates_nothing(tmp_path, clips):
    write(tmp_path, shards=[["a"]])
    index = read_index(tmp_path / "00000.npy").assign(clips=[clips])
    index.to_csv(tmp_path / "00000.csv", index=False)
    code = "import resource as r; r.setrlimit(r.RLIMIT_AS, (4 << 30,) * 2);"
    code += "from ahernet_tf.data.features.packed_store import PackedStore;"
    code += f"PackedStore({str(tmp_path)!r})"
    result = programs.python(code)
    expected = rf"ValueError: .*00000\.npy: expected {clips} clips of 3"
    assert re.search(expected, result.stderr), result.stderr


def test_an_index_is_read_by_other_programs(tmp_path):
    write(tmp_path)
    table = pd.read_csv(tmp_path / "00000.csv")
    assert table[["video", "clips"]].values.tolist() == [["a", 4], ["v_b", 1]]
