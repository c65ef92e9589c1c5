import ast
import os
import pathlib
import re
import subprocess
import sys

import pytest

from ahernet_tf.command import PROGRAMS
from tests import programs

REPOSITORY = pathlib.Path(__file__).parents[1]
MADE_UP = '''
"""Adds numbers up."""
import sys
from absl import flags
from ahernet_tf import extras, program

extras.EXTRA_OF["not_there"] = "video"

def define_flags():
    flags.DEFINE_integer("number", None, "What is added.", required=True)
    flags.DEFINE_enum("kind", "soft", ["soft", "hard"], "How.")
    flags.DEFINE_float("rate", None, "How fast.", lower_bound=0.1)

def main(values, file):
    print(file, values.number, values.kind)
    print("working", file=sys.stderr)
    if values.number == 1:
        raise ValueError(f"{file}: 1 is too few.")
    if values.number == 2:
        raise FileNotFoundError(2, "No such file", file)
    if values.number == 3:
        raise KeyboardInterrupt("Stopped and saved.")
    if values.number == 4:
        raise TypeError("a fault")
    return 7 if values.number == 5 else None

if __name__ == "__main__":
    program.start(define_flags, main, ["FILE"], needs={needs})
'''


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))

    def run(*arguments, needs=()):
        (tmp_path / "adds.py").write_text(MADE_UP.replace("{needs}", repr(needs)))
        return subprocess.run(
            [sys.executable, "-m", "adds", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_results_go_to_stdout_and_the_rest_to_stderr(call):
    done = call("--number=6", "a.txt")
    assert (done.returncode, done.stdout) == (0, "a.txt 6 soft\n")
    assert done.stderr == "working\n"


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        (1, 1, "error: a.txt: 1 is too few.\n"),
        (2, 1, "error: [Errno 2] No such file: 'a.txt'\n"),
        (3, 130, "\nStopped and saved.\n"),
        (5, 7, ""),
    ],
)
def test_how_the_work_ended_is_the_exit_status(call, number, status, message):
    done = call(f"--number={number}", "a.txt")
    assert done.returncode == status
    assert done.stderr == "working\n" + message


def test_a_fault_of_the_program_keeps_its_traceback(call):
    done = call("--number=4", "a.txt")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "TypeError: a fault" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--number=6", "--knd=hard", "f"], "Unknown command line flag 'knd'"),
        (["--number=x", "f"], "flag --number=x"),
        (["--number=6", "--kind=no", "f"], "value should be one of <soft|hard>"),
        (["f"], "--number"),
        (["--number=6", "--rate=nan", "f"], "--rate: expected a finite number"),
        (["--number=6", "--rate=inf", "f"], "--rate: expected a finite number"),
        (["--number=6"], "Expected the argument FILE."),
        (["--number=6", "f", "g"], "Unexpected argument 'g'."),
    ],
)
def test_a_wrong_command_line_is_refused(call, arguments, message):
    done = call(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "python -m adds --help lists all flags." in done.stderr


def test_help_describes_the_program_and_its_flags(call):
    done = call("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "python -m adds FILE [flags]\n\nAdds numbers up." in done.stdout
    assert "--number=INT\n        What is added. (required)" in done.stdout
    assert "--kind=soft|hard\n        How. (default: 'soft')" in done.stdout
    assert "verbosity" not in done.stdout


def test_bars_and_notes_are_hidden(call, tmp_path):
    (tmp_path / "counts.py").write_text(
        "import tqdm\n"
        "from absl import flags\n"
        "from ahernet_tf import program\n"
        "def define_flags():\n"
        "    flags.DEFINE_bool('progress', True, 'Bars.')\n"
        "def main(values):\n"
        "    program.note('begins')\n"
        "    list(tqdm.tqdm(range(2), disable=False))\n"
        "    list(tqdm.tqdm(range(2), disable=not values.progress))\n"
        "program.start(define_flags, main)\n"
    )
    for argument, lines in (("--progress", 2), ("--noprogress", 1), ("--quiet", 0)):
        done = subprocess.run(
            [sys.executable, "-m", "counts", argument],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0
        assert ("2/2" in done.stderr) == (lines > 1)
        assert ("begins" in done.stderr) == (lines > 0)
        assert bool(done.stderr) == (lines > 0)


def test_version(call):
    assert call("--version").stdout.startswith("ahernet_tf ")


def test_a_missing_extra_is_named_before_the_work_starts(call):
    done = call("--number=6", "f", needs=["not_there"])
    assert (done.returncode, done.stdout) == (1, "")
    assert "not_there, which is not installed: pip install 'ahernet_tf[video]'" in (
        done.stderr
    )
    assert call("--help", needs=["not_there"]).returncode == 0


@pytest.mark.parametrize("level", [{}, {"TF_CPP_MIN_LOG_LEVEL": "3"}])
def test_tensorflow_starts_without_a_line(tmp_path, level):
    (tmp_path / "adds.py").write_text(
        "from ahernet_tf import program\n"
        "def main(values):\n"
        "    import tensorflow as tf\n"
        "    print(int(tf.constant(1) + 1))\n"
        "program.start(lambda: None, main)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-m", "adds"],
        cwd=tmp_path,
        env=environment | level | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


def test_no_program_imports_tensorflow_to_print_its_help():
    modules = [module for group in PROGRAMS.values() for module in group.values()]
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    assert 'tensorflow' not in sys.modules, name\n"
    )
    modules = [m + ".__main__" if m == "experiments.parity" else m for m in modules]
    programs.python(code, *modules, check=True)


def test_examples_in_help_keep_their_lines():
    for module in (m for group in PROGRAMS.values() for m in group.values()):
        path = REPOSITORY / f"{module.replace('.', '/')}.py"
        if path.is_file():
            text = ast.get_docstring(ast.parse(path.read_text()))
            assert not re.search(r"\S {8,}--", text), module


def test_bars_fill_no_logs(tmp_path):
    code = (
        "from ahernet_tf import program\n"
        "program._slow_bars()\n"
        "import tqdm\n"
        "assert tqdm.tqdm(range(1), disable=False).mininterval == 10\n"
    )
    programs.python(code, check=True)
