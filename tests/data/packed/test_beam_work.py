"""A work in parts is done with Apache Beam's direct runner."""

import functools
import pathlib
import shutil
import sys

import pytest

from ahernet_tf.data.checks import DataError
from ahernet_tf.data.packed import packing
from ahernet_tf.data.packed.beam_work import run_parts
from tests.data.packed.test_packing import files, packed
from tests.data.tiny import TinyData

OPTIONS = ("--runner=DirectRunner",)


def beam_packed(directory, **options):
    pytest.importorskip("apache_beam")
    run = functools.partial(
        run_parts,
        directory=directory / "packed" / packing.BEAM,
        options=OPTIONS,
        progress=False,
    )
    return packed(directory, run, **options)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_files_are_those_of_one_machine(fresh, monkeypatch, dtype):
    monkeypatch.setattr(packing, "_VIDEOS", 2)
    content = beam_packed(fresh, dtype=dtype)
    found = files(fresh / "packed")
    shutil.rmtree(fresh / "packed")
    assert packed(fresh, dtype=dtype) == content
    assert found == files(fresh / "packed")


def test_shards_that_are_there_are_not_packed_again(fresh):
    packed(fresh)
    expected = files(fresh / "packed")
    shard = fresh / "packed" / "moments" / "00001.npy"
    shard.unlink()
    others = {p: p.stat().st_mtime_ns for p in (fresh / "packed").rglob("*.npy")}
    beam_packed(fresh)
    assert files(fresh / "packed") == expected
    assert others == {p: p.stat().st_mtime_ns for p in others}


def test_missing_features_are_found_before_packing_starts(tmp_path):
    tiny = TinyData()
    del tiny.moment_features["c1_m1"]
    fresh = tiny.write(tmp_path / "d")
    with pytest.raises(DataError, match="video 'c1_m1': has no features"):
        beam_packed(fresh)
    assert not list((fresh / "packed").glob("*"))


def note(folder, part):
    """Does a part: leaves a file, and fails where one is in the way."""
    path = pathlib.Path(folder, f"{part['name']}.done")
    if path.exists():
        raise RuntimeError(f"{part['name']} was done before")
    path.touch()
    return part["number"] * 2


def test_an_interrupted_work_goes_on_where_it_ended(tmp_path):
    pytest.importorskip("apache_beam")
    parts = [{"name": f"p{n}", "number": n} for n in range(6)]
    work = functools.partial(note, str(tmp_path))
    (tmp_path / "p4.done").touch()
    with pytest.raises(RuntimeError, match="p4 was done before"):
        run_parts(work, parts, tmp_path / "work", OPTIONS, progress=False)
    done = sorted(p.stem for p in tmp_path.glob("*.done"))
    results = list((tmp_path / "work").glob("*/result-*.json"))
    assert len(results) == len(done) - 1
    (tmp_path / "p4.done").unlink()
    assert run_parts(work, parts, tmp_path / "work", OPTIONS, progress=False) == [
        *(0, 2, 4, 6, 8, 10)
    ]
    assert not (tmp_path / "work").exists()


def test_without_beam_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ValueError, match="needs Apache Beam"):
        run_parts(note, [1], tmp_path / "work")
    assert not (tmp_path / "work").exists()
