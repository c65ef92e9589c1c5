import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from ahernet_tf.command import PROGRAMS
from tests.conftest import REPOSITORY

NAMES = {name: module for group in PROGRAMS.values() for name, module in group.items()}
FOLDERS = ("ahernet_tf", "experiments", "data_tools")


def ahernet(*arguments, python=sys.executable, **options):
    return subprocess.run(
        [python, "-m", "ahernet_tf", *arguments],
        capture_output=True,
        text=True,
        **options,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A directory that `pip install` has installed the package into."""
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "target"))
    for folder in FOLDERS:
        shutil.copytree(
            REPOSITORY / folder,
            source / folder,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for file in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / file, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", f"--target={target}"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(source)], check=True
    )
    return target


def test_alone_it_lists_every_program_with_a_line_in_groups():
    done = ahernet(cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for group, programs in PROGRAMS.items():
        start = lines.index(group)
        listed = lines[start + 1 : start + 1 + len(programs)]
        for name, line in zip(programs, listed):
            assert line.split()[0] == name
            assert len(line.split()) > 3


def test_every_program_is_listed():
    def starts(path: pathlib.Path) -> bool:
        return '__name__ == "__main__"' in path.read_text()

    modules = set()
    for folder in FOLDERS[1:]:
        for path in filter(starts, (REPOSITORY / folder).rglob("*.py")):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            modules.add(".".join(parts).removesuffix(".__main__"))
    assert modules == set(NAMES.values())


def test_an_unknown_program_is_refused_with_the_closest_names():
    done = ahernet("make_datset", cwd=REPOSITORY)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no program 'make_datset'. Did you mean make-dataset" in done.stderr


@pytest.mark.parametrize(
    "name", ["export-localizer", "export_localizer", "experiments.export_localizer"]
)
def test_the_name_of_its_module_starts_a_program(name):
    done = ahernet(name, "--help", cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ahernet("export", "--help", cwd=REPOSITORY).stdout


def test_it_starts_a_program_and_passes_its_exit_status_on(tmp_path):
    done = ahernet("table1", "--help", cwd=REPOSITORY)
    assert done.returncode == 0
    usage, _, text = done.stdout.partition("\n\n")
    # As a checkout's own installation, or its lack, lets a user start it.
    assert usage in ("ahernet table1 [flags]", "python -m experiments.table1 [flags]")
    assert text.startswith("Table 1:")
    assert ahernet("table1", "--sedes=1", cwd=REPOSITORY).returncode == 1


@pytest.mark.parametrize("arguments", [(), ("table1", "--help")])
def test_whoever_reads_help_may_stop_early(arguments):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ahernet_tf", *arguments],
        cwd=REPOSITORY,
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_installation_holds_one_package_and_runs_from_anywhere(installed, tmp_path):
    packages = {path.name for path in installed.iterdir() if path.is_dir()}
    assert {p for p in packages if "dist-info" not in p} - {"bin"} == {"ahernet_tf"}
    assert (installed / "ahernet_tf" / "py.typed").exists()
    page = pathlib.Path("ahernet_tf", "visualization", "page")
    there = {path.name for path in (installed / page).glob("*.*")}
    assert there >= {path.name for path in (REPOSITORY / page).glob("*.*")}
    environment = {"PYTHONPATH": str(installed), "PATH": ""}
    for program in ("table1", "make-split", "parity", "benchmark-nms"):
        done = ahernet(program, "--help", cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"ahernet {program} [flags]")
        assert "python -m experiments" not in done.stdout


def test_an_installation_has_the_command(installed, tmp_path):
    done = subprocess.run(
        [installed / "bin" / "ahernet", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
    )
    assert done.stdout.startswith("ahernet_tf ")
