"""Packing with Apache Beam's direct runner gives what packing on one machine gives."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ahernet_tf.data.checks import DataError
from ahernet_tf.data.packed.beam_work import run_parts
from ahernet_tf.data.packed.packing import PackOptions
from data_tools import beam_pack
from tests.conftest import REPOSITORY
from tests.data.packed.test_packed import packed
from tests.data.test_pipelines import CONFIG
from tests.data.tiny import TinyData
from tests.data_tools.test_pack import files

OPTIONS = ("--runner=DirectRunner",)


@pytest.fixture
def directory(tmp_path):
    return TinyData().write(tmp_path / "d")


def beam_packed(directory, **options):
    pytest.importorskip("apache_beam")
    options = PackOptions(**{"dtype": "float32", "units": 2, **options})
    return beam_pack.run(directory, None, CONFIG, options, OPTIONS, progress=False)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_files_are_those_of_one_machine(directory, monkeypatch, dtype):
    monkeypatch.setattr(beam_pack, "_VIDEOS", 2)
    content = beam_packed(directory, dtype=dtype)
    found = files(directory / "packed")
    shutil.rmtree(directory / "packed")
    assert packed(directory, dtype=dtype) == content
    assert found == files(directory / "packed")


def test_units_that_are_there_are_not_packed_again(directory, monkeypatch):
    packed(directory)
    expected = files(directory / "packed")
    shard = directory / "packed" / "tiny-moments.tfrecord-00001-of-00002"
    shard.unlink()
    others = {p: p.stat().st_mtime_ns for p in shard.parent.glob("tiny-*")}
    beam_packed(directory)
    assert files(directory / "packed") == expected
    assert others == {p: p.stat().st_mtime_ns for p in others}


def test_faults_of_all_workers_are_in_one_report(tmp_path):
    tiny = TinyData()
    tiny.moment_features["c1_m1"][2, 0] = np.nan
    tiny.untrimmed_features["b1"][5, 1] = 1e5
    directory = tiny.write(tmp_path / "d")
    with pytest.raises(DataError) as error:
        beam_packed(directory, dtype="float16")
    assert "video 'b1': 100000.0 does not fit float16" in str(error.value)
    assert "video 'c1_m1': nan in the features" in str(error.value)
    assert not (directory / "packed" / "beam").exists()


def test_missing_features_are_found_before_packing_starts(tmp_path):
    tiny = TinyData()
    del tiny.moment_features["c1_m1"]
    directory = tiny.write(tmp_path / "d")
    with pytest.raises(DataError, match="video 'c1_m1': has no features"):
        beam_packed(directory)


def note(folder, part):
    """Does a part: leaves a file, and fails where one is in the way."""
    path = pathlib.Path(folder, f"{part['name']}.done")
    if path.exists():
        raise RuntimeError(f"{part['name']} was done before")
    path.touch()
    return part["number"] * 2


def test_an_interrupted_work_goes_on_where_it_ended(tmp_path):
    pytest.importorskip("apache_beam")
    import functools

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


def test_the_program_packs_in_two_worker_processes(directory):
    pytest.importorskip("apache_beam")
    command = [sys.executable, "-m", "data_tools.beam_pack", "--data", str(directory)]
    command += ["--set=network.untrimmed_steps=64", "--set=network.moment_steps=32"]
    command += ["--set=data.max_segments=6", "--dtype=float32", "--units=2"]
    command += ["--beam=direct_num_workers=2"]
    command += ["--beam=direct_running_mode=multi_processing"]
    result = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert "moments: 5 sequences" in result.stdout
    found = files(directory / "packed")
    shutil.rmtree(directory / "packed")
    packed(directory)
    assert found == files(directory / "packed")
    assert json.loads((directory / "packed" / "records.json").read_text())
