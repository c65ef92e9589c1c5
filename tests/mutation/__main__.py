"""Judges the tests: how many mutants of a module do they kill?

    make mutation
    python -m tests.mutation --sample 40 --seed 0 --json runs/mutation.json
    python -m tests.mutation --sample 0 ahernet_tf.losses ahernet_tf.anchors

A module is replaced by a mutant in a forked process, which runs the module's own tests
and no others. What takes long to import is imported once, before the forks. The shared
data are hidden, as in a plain clone. `equivalent.json` lists the mutants that compute
the same, each with the reason; they do not count.
"""

import argparse
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

import hypothesis
import keras  # noqa: F401
import pandas  # noqa: F401
import pytest
import tensorflow  # noqa: F401

from tests.conftest import REPOSITORY
from tests.mutation.mutants import Mutant, mutants

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
MOST_SEC = 120  # of the tests of a mutant; an endless loop is killed, too
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


def survives(module: str, mutant: Mutant, folder: pathlib.Path) -> bool:
    """Tells whether all tests pass with a mutant in place of its module."""
    path = folder / f"{module}.py"
    path.write_text(mutant.source, encoding="utf-8")
    process = os.fork()
    if not process:
        try:
            _test(module, path)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def _test(module: str, path: pathlib.Path) -> None:
    """Runs a module's tests and ends the process, with 0 where all passed."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    signal.alarm(MOST_SEC)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    sys.meta_path.insert(0, Replacement(module, path))
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(
        "mutants", phases=phases, derandomize=True, database=None
    )
    hypothesis.settings.load_profile("mutants")
    without = ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    os._exit(pytest.main(["-x", "-q", *without, tests_of(module)]))


def judge(
    module: str, path: pathlib.Path, sample: int, seed: int, folder: pathlib.Path
) -> dict:
    """Tries the mutants of a module, or a sample of them.

    Returns:
        Numbers of `mutants` and of those `tried`, and changes of the `survivors`.
    """
    equivalent = json.loads(EQUIVALENT.read_text()).get(module, {})
    every = mutants(path.read_text(encoding="utf-8"))
    assert equivalent.keys() <= {mutant.change for mutant in every}, module
    left = [mutant for mutant in every if mutant.change not in equivalent]
    if 0 < sample < len(left):
        left = random.Random(f"{seed} {module}").sample(left, sample)
    alive = [m.change for m in left if survives(module, m, folder)]
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
            source = path.read_text(encoding="utf-8")
            assert survives(module, Mutant("", source), folder), f"{module} fails"
            begin = time.monotonic()
            found[module] = judge(
                module, path, arguments.sample, arguments.seed, folder
            )
            _print(module, found[module], time.monotonic() - begin)
    tried = sum(one["tried"] for one in found.values())
    alive = sum(len(one["survivors"]) for one in found.values())
    print(f"killed {tried - alive} of {tried} mutants, {1 - alive / tried:.1%}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(found, indent=1))


def _print(module: str, result: dict, seconds: float) -> None:
    tried, survivors = result["tried"], result["survivors"]
    killed = tried - len(survivors)
    print(f"{module}: {killed} of {tried}, {seconds:.0f} s", flush=True)
    for change in survivors:
        print(f"    {change}", flush=True)


if __name__ == "__main__":
    main()
