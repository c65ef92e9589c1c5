import subprocess
import sys

import numpy as np
import pytest

from ahernet_tf.data.checks import DataError
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.packed import packer
from ahernet_tf.data.packed.packing import PackOptions
from data_tools import pack
from tests.conftest import REPOSITORY
from tests.data.packed.test_packed import packed
from tests.data.test_pipelines import CONFIG
from tests.data.tiny import TinyData


def files(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def directory(tmp_path):
    return TinyData().write(tmp_path / "d")


def stop_after(monkeypatch, count):
    calls = []
    write = packer.Packer._write

    def interrupted(self, *arguments):
        if len(calls) == count:
            raise KeyboardInterrupt
        calls.append(arguments)
        return write(self, *arguments)

    monkeypatch.setattr(packer.Packer, "_write", interrupted)
    return calls


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(directory, monkeypatch):
    packed(directory)
    expected = files(directory / "packed")
    pack.shutil.rmtree(directory / "packed")
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            packed(directory)
    there = set(files(directory / "packed"))
    assert there < set(expected)
    assert not any("partial" in str(path) for path in there)
    report = Dataset.load(directory, CONFIG.data).report
    assert any("packing is not finished" in line for line in report.lines())
    with monkeypatch.context() as patch:
        written = stop_after(patch, -1)
        packed(directory)
    assert len(written) == 8 - 3
    assert files(directory / "packed") == expected


def test_what_a_killed_process_left_goes_away(directory):
    packed(directory)
    left = directory / "packed" / ".tiny-test.tfrecord-00000-of-00002.host-1.partial"
    left.write_bytes(b"half")
    packed(directory)
    assert not left.exists()


def test_a_damaged_shard_is_packed_again(directory):
    packed(directory)
    expected = files(directory / "packed")
    shard = directory / "packed" / "tiny-moments.tfrecord-00001-of-00002"
    shard.write_bytes(shard.read_bytes()[:-1])
    packed(directory)
    assert files(directory / "packed") == expected


def test_other_records_are_replaced_only_if_asked(directory):
    packed(directory)
    with pytest.raises(ValueError, match=r"another data set or form \(dtype differ\)"):
        packed(directory, dtype="float16")
    options = PackOptions(dtype="float16")
    pack.run(directory, None, CONFIG, options, replace=True, progress=False)
    records = Dataset.load(directory, CONFIG.data).roles["moments"].sequences.spans
    assert records.form.dtype == "float16"


def test_a_directory_of_something_else_is_left_alone(directory, tmp_path):
    other = tmp_path / "photos"
    other.mkdir()
    (other / "me.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="holds no packed records"):
        pack.run(directory, other, CONFIG, replace=True)
    assert (other / "me.jpg").exists()


def damaged(tmp_path):
    tiny = TinyData()
    tiny.moment_features["c1_m1"][2, 0] = np.nan
    tiny.untrimmed_features["b1"][5, 1] = 1e5
    return tiny.write(tmp_path / "d")


def test_all_faults_are_in_one_report_and_the_rest_is_packed(tmp_path):
    directory = damaged(tmp_path)
    with pytest.raises(DataError) as error:
        packed(directory, dtype="float16")
    assert str(error.value).splitlines() == [
        "2 problems in the data:",
        "  untrimmed: video 'b1': 100000.0 does not fit float16; pack as float32",
        "  moments: video 'c1_m1': nan in the features (1 values, first at clip 2, "
        "channel 0)",
    ]
    indices = [p.name for p in sorted((directory / "packed/index").iterdir())]
    assert "moments-00000-of-00002.npz" in indices
    assert "moments-00001-of-00002.npz" not in indices


def test_faulty_videos_can_be_left_out(tmp_path):
    directory = damaged(tmp_path)
    content = packed(directory, skip_bad=True)
    assert content["left_out"] == {"moments": ["c1_m1"]}
    dataset = Dataset.load(directory, CONFIG.data)
    ids = [v.id for v in dataset.roles["moments"].videos]
    assert ids == ["a2_m0", "c1_m2", "c1_m3", "a1_m4"]
    assert dataset.report.skipped() == {"moments": ["c1_m1"]}


def test_a_faulty_data_set_is_refused_before_packing_starts(tmp_path):
    tiny = TinyData()
    del tiny.moment_features["c1_m1"]
    directory = tiny.write(tmp_path / "d")
    with pytest.raises(DataError, match="video 'c1_m1': has no features"):
        packed(directory)
    assert not (directory / "packed").exists()


def test_an_unknown_split_is_named(directory):
    with pytest.raises(ValueError, match="received \\['monents'\\]"):
        packed(directory, splits=("monents",))


def test_the_program_packs_in_other_processes(directory):
    command = [sys.executable, "-m", "data_tools.pack", "--data", str(directory)]
    command += ["--workers=2", "--set=network.untrimmed_steps=64"]
    command += ["--set=network.moment_steps=32", "--set=data.max_segments=6"]
    result = subprocess.run(
        [*command, "--dtype=float32", "--units=2"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "moments: 5 sequences, 0.0 MiB" in result.stdout
    other = files(directory / "packed")
    pack.shutil.rmtree(directory / "packed")
    packed(directory)
    assert files(directory / "packed") == other
    result = subprocess.run(
        [*command, "--dtype=float16"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "error: " in result.stderr
