"""The program packs with Apache Beam what `data_tools.pack` packs."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.data.packed.test_packing import files, packed
from tests.data.tiny import TinyData


def test_the_program_packs_in_two_worker_processes(tmp_path):
    pytest.importorskip("apache_beam")
    directory = TinyData().write(tmp_path / "d")
    command = [sys.executable, "-m", "data_tools.beam_pack", "--data", str(directory)]
    command += ["--dtype=float32", "--units=2", "--beam=direct_num_workers=2"]
    command += ["--beam=direct_running_mode=multi_processing"]
    result = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert "moments: 5 videos" in result.stdout
    found = files(directory / "packed")
    shutil.rmtree(directory / "packed")
    packed(directory)
    assert found == files(directory / "packed")
