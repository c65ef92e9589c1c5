"""Judges the tests: how many mutants of a module do they kill?

    make mutation
    python -m tests.mutation --sample 40 --seed 0 --json runs/mutation.json
    python -m tests.mutation --sample 0 ahernet_tf.losses ahernet_tf.anchors

A module is replaced by a mutant in a forked process, which runs the module's own tests
and no others: first those that run the wrong line, the quickest of them first. What
takes long to import is imported once, before the forks. The shared data are hidden, as
in a plain clone. `equivalent.json` lists the mutants that compute the same, each with
the reason; they do not count.
"""

import argparse
import ast
import gc
import importlib.abc
import importlib.util
import json
import os
import pathlib
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence

import coverage
import hypothesis
import keras  # noqa: F401
import pandas  # noqa: F401
import pytest
import tensorflow  # noqa: F401

from tests.conftest import REPOSITORY
from tests.mutation.mutants import mutants

#: The modules that are judged: all whose names begin so.
JUDGED = (
    "ahernet_tf.anchors",
    "ahernet_tf.losses",
    "ahernet_tf.evaluation",
    "ahernet_tf.inference",
    "ahernet_tf.data.features.resampling",
    "ahernet_tf.data.features.time_model",
)
EQUIVALENT = pathlib.Path(__file__).with_name("equivalent.json")
#: Of the tests of a mutant, so that an endless loop is killed, too.
MOST_PROCESSOR_SEC, MOST_SEC = 120, 1200
MOST_BYTES = 12 << 30


class Replacement(importlib.abc.MetaPathFinder):
    """Finds one module in another file."""

    def __init__(self, module: str, path: pathlib.Path):
        self._module, self._path = module, path

    def find_spec(self, name, path=None, target=None):
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, self._path)


def modules(prefixes: Sequence[str]) -> dict[str, pathlib.Path]:
    """Returns the files of the modules that bear one of the prefixes."""
    paths = sorted((REPOSITORY / "ahernet_tf").rglob("*.py"))
    names = {
        ".".join(p.relative_to(REPOSITORY).with_suffix("").parts): p for p in paths
    }
    return {
        name: path
        for name, path in names.items()
        if path.name != "__init__.py"
        and any(f"{name}.".startswith(f"{prefix}.") for prefix in prefixes)
    }


def tests_of(module: str) -> str:
    """Returns the test file of a module."""
    *folders, name = module.split(".")[1:]
    return str(pathlib.Path("tests", *folders, f"test_{name}.py"))


class Sound:
    """Watches the tests of a sound module.

    Attributes:
        seconds: How long each test took.
        lines: Of the module, which each test ran.
    """

    def __init__(self, path: pathlib.Path):
        self._path = str(path)
        self._coverage = coverage.Coverage(data_file=None, include=[self._path])
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, list[int]] = {}

    def pytest_sessionstart(self):
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self._coverage.switch_context(item.nodeid)
        begin = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - begin
        return result

    def pytest_sessionfinish(self):
        self._coverage.stop()
        contexts = self._coverage.get_data().contexts_by_lineno(self._path)
        for line, tests in contexts.items():
            for test in tests:
                self.lines.setdefault(test, []).append(line)
        found = json.dumps([self.seconds, self.lines])
        pathlib.Path(self._path).with_suffix(".json").write_text(found)


class Order:
    """Puts tests first that run a line, and of two the quicker one."""

    def __init__(self, seconds: dict, lines: dict, line: int):
        self._seconds, self._lines, self._line = seconds, lines, line

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items.sort(key=self._place)

    def _place(self, item) -> tuple:
        runs = self._line in self._lines.get(item.nodeid, ())
        return not runs, self._seconds[item.nodeid]


def passes(module: str, source: str, path: pathlib.Path, plugin: object) -> bool:
    """Tells whether all tests of a module pass with another source in its place."""
    path.write_text(source, encoding="utf-8")
    process = os.fork()
    if not process:
        try:
            _test(module, path, plugin)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def _test(module: str, path: pathlib.Path, plugin: object) -> None:
    """Runs a module's tests and ends the process, with 0 where all passed."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    signal.alarm(MOST_SEC)
    signal.setitimer(signal.ITIMER_PROF, MOST_PROCESSOR_SEC)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    sys.meta_path.insert(0, Replacement(module, path))
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(
        "mutants", phases=phases, derandomize=True, database=None
    )
    hypothesis.settings.load_profile("mutants")
    without = ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    arguments = ["-x", "-q", "--assert=plain", *without, tests_of(module)]
    os._exit(pytest.main(arguments, plugins=[plugin]))


def judge(
    module: str, source: str, sample: int, seed: int, folder: pathlib.Path
) -> dict:
    """Tries the mutants of a module, or a sample of them.

    Returns:
        Numbers of `mutants` and of those `tried`, and changes of the `survivors`.
    """
    path = folder / f"{module}.py"
    sound = ast.unparse(ast.parse(source))
    assert passes(module, sound, path, Sound(path)), f"{module} fails"
    seconds, lines = json.loads(path.with_suffix(".json").read_text())
    assert passes(module, sound, path, Order(seconds, lines, 0)), f"order in {module}"

    equivalent = json.loads(EQUIVALENT.read_text()).get(module, {})
    every = mutants(source)
    assert equivalent.keys() <= {mutant.change for mutant in every}, module
    left = [mutant for mutant in every if mutant.change not in equivalent]
    if 0 < sample < len(left):
        left = random.Random(f"{seed} {module}").sample(left, sample)
    alive = [
        mutant.change
        for mutant in left
        if passes(module, mutant.source, path, Order(seconds, lines, mutant.line))
    ]
    return {"mutants": len(every), "tried": len(left), "survivors": alive}


def main() -> None:
    """Judges the tests of modules, and prints what survived."""
    parser = argparse.ArgumentParser(prog="tests.mutation", description=__doc__)
    parser.add_argument("prefixes", nargs="*", default=JUDGED, help="modules")
    parser.add_argument("--sample", type=int, default=40, help="per module; 0: all")
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    parser.add_argument("--json", type=pathlib.Path, help="writes the result there")
    arguments = parser.parse_args()
    os.chdir(REPOSITORY)
    os.environ["AHERNET_SHARED"] = os.devnull
    gc.freeze()  # what was imported is no garbage of the forks
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for module, path in modules(arguments.prefixes).items():
            source, begin = path.read_text(encoding="utf-8"), _processor_sec()
            found[module] = judge(
                module, source, arguments.sample, arguments.seed, folder
            )
            _print(module, found[module], _processor_sec() - begin)
    tried = sum(one["tried"] for one in found.values())
    alive = sum(len(one["survivors"]) for one in found.values())
    print(f"killed {tried - alive} of {tried} mutants, {1 - alive / tried:.1%}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(found, indent=1))


def _processor_sec() -> float:
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _print(module: str, result: dict, seconds: float) -> None:
    tried, survivors = result["tried"], result["survivors"]
    killed = tried - len(survivors)
    print(f"{module}: {killed} of {tried}, {seconds:.0f} s", flush=True)
    for change in survivors:
        print(f"    {change}", flush=True)


if __name__ == "__main__":
    main()
