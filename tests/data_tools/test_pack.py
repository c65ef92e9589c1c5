import shutil

import pytest

from tests import programs
from tests.data.packed.test_packing import files, packed
from tests.data.tiny import TinyData


@pytest.fixture
def directory(tmp_path):
    return TinyData().write(tmp_path / "d")


def program(directory, *options):
    return programs.run("data_tools.pack", "--data", directory, *options)


def test_the_program_packs_in_other_processes(directory):
    options = ["--workers=2", "--dtype=float32", "--units=2"]
    result = program(directory, *options, "--dry_run")
    assert result.returncode == 0, result.stderr
    assert "  pack moments: 5 videos in 2 shards\n" in result.stdout
    assert not (directory / "packed").exists()
    result = program(directory, *options)
    assert result.returncode == 0, result.stderr
    assert "moments: 5 videos, 0.0 MiB" in result.stdout
    assert "packing: 100%" in result.stderr
    other = files(directory / "packed")
    shutil.rmtree(directory / "packed")
    packed(directory)
    assert files(directory / "packed") == other
    result = program(directory, "--dtype=float16")
    assert result.returncode == 1
    assert "error: " in result.stderr
    result = program(directory, "--dtype=float16", "--workers=1", "--replace")
    assert result.returncode == 0, result.stderr


def test_the_program_verifies_what_is_packed(directory):
    packed(directory)
    result = program(directory, "--verify")
    assert result.returncode == 0, result.stderr
    assert "packed: 12 videos are as they were packed." in result.stdout
    shard = directory / "packed" / "moments" / "00000.npy"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x7f")
    result = program(directory, "--verify")
    assert result.returncode == 1
    assert "moments/00000.npy: video " in result.stderr
    assert "the clips are damaged" in result.stderr
