"""What `pip install` asks for is what the tests run on, for every Python."""

import itertools
import runpy

import pytest
import setuptools
from packaging.requirements import Requirement

from tests.conftest import REPOSITORY

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OPTIONAL = {"tensorflow-addons", "torch"}  # of one stack; converts weights only


@pytest.fixture(scope="module")
def setup() -> dict:
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **arguments: found.update(arguments))
        patch.chdir(REPOSITORY)
        runpy.run_path(str(REPOSITORY / "setup.py"))
    return found


def wanted(lines, python: str) -> list[Requirement]:
    parsed = map(Requirement, lines)
    environment = {"python_version": python}
    return [r for r in parsed if r.marker is None or r.marker.evaluate(environment)]


def pins(python: str) -> dict[str, str]:
    text = (REPOSITORY / "requirements.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = {}
    for requirement in wanted(lines, python):
        (pin,) = requirement.specifier
        found[requirement.name] = pin.version
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_tested_satisfies_what_is_asked_for(setup, python):
    tested = pins(python)
    extras = itertools.chain(*setup["extras_require"].values())
    lines = [*setup["install_requires"], *extras]
    for requirement in wanted(lines, python):
        if requirement.name not in OPTIONAL:
            assert requirement.specifier.contains(tested[requirement.name]), requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_another_generation_of_tensorflow_is_not_installed(setup, python):
    asked = {r.name: r.specifier for r in wanted(setup["install_requires"], python)}
    other = "2.21.0" if python in PYTHONS[:2] else "2.15.1"
    assert not asked["tensorflow"].contains(other)
    assert python in PYTHONS[2:] or not asked["numpy"].contains("2.0.0")
