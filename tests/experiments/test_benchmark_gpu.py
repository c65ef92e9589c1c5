"""Everything for a GPU is tried at tiny sizes; a part that fails costs its row only."""

import json
import re
import sys

from experiments.benchmarks import gpu
from experiments.benchmarks.gpu import Measurement, Row
from tests import programs

WRITES = (
    "import pathlib, sys;"
    "pathlib.Path(sys.argv[-1].split('=')[1]).write_text('{\"failed\": []}');"
)


def python(code, limit_sec=30.0, row=lambda report: Row(2.0, 3e12, 0.5, 4 * 10**9)):
    return Measurement(code[-20:], (sys.executable, "-c", code), row, limit_sec)


def test_every_part_is_there_once():
    names = [part.name for part in gpu.parts(golden="somewhere")]
    assert len(set(names)) == len(names) == 12 + 3 + 2 + 1
    compiled = [name for name in names if name.endswith("xla")]
    assert len(compiled) == 6
    assert names[-6:] == compiled  # they take the longest
    assert not any("parity" in part.name for part in gpu.parts())


def test_what_fails_or_takes_too_long_costs_its_row_only():
    results = gpu.measure(
        [
            python("import sys; sys.exit('error: no memory')"),
            python("import time; time.sleep(30)", limit_sec=1.0),
            python(f"{WRITES} sys.exit(1)"),  # parity: some arrays failed
            python(WRITES, row=lambda report: f"failed: {report['failed']}"),
        ],
        budget_sec=60,
    )
    assert results[0]["fault"] == "exit status 1: error: no memory"
    assert results[1]["fault"] == "not done after 1 s"
    assert results[2]["ms"] == 2.0
    assert results[3]["result"] == "failed: []"
    table = gpu.describe(results).splitlines()
    assert "no memory" in table[1]
    assert "not done" in table[2]
    assert re.split(" +", table[3].strip())[-5:-1] == ["2.00", "3.000", "50.0%", "4.00"]
    assert "failed: []" in table[4]


def test_parts_beyond_the_budget_are_named():
    slow = python("import time; time.sleep(30)")
    results = gpu.measure([slow, slow], budget_sec=0.5)
    assert results[0]["fault"] == "not done after 0 s"
    assert results[1]["fault"] == "no time was left"
    assert sum(found["seconds"] for found in results) < 5


def test_dry_run(tmp_path):
    out = tmp_path / "gpu.json"
    options = ["--dry_run", f"--json={out}", "--parts=fused float32$|inference tf32"]
    ended = programs.run("experiments.benchmarks.gpu", *options)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(out.read_text())
    assert [part["part"] for part in report["parts"]] == [
        "iteration fused float32",
        "inference tf32",
    ]
    for part in report["parts"]:
        assert part["ms"] > 0, part
        assert part["peak_bytes"] > 1e8
        assert f"{part['ms']:.2f}" in ended.stdout


def test_unknown_part_is_an_error():
    ended = programs.run("experiments.benchmarks.gpu", "--parts=tf64")
    assert ended.returncode == 1
    assert "no part has such a name" in ended.stderr
