"""A small data set, and its packed form beside it."""

import shutil

import pytest

from tests.data.packed.test_packing import packed
from tests.data.tiny import TinyData


@pytest.fixture(scope="session")
def directory(tmp_path_factory):
    """A packed data set that no test changes."""
    directory = TinyData().write(tmp_path_factory.mktemp("packed") / "d")
    content = packed(directory)
    assert content["videos"] == {"untrimmed": 7, "moments": 5}
    return directory


@pytest.fixture
def copy(directory, tmp_path):
    """A packed data set that a test may change."""
    return shutil.copytree(directory, tmp_path / "d")


@pytest.fixture
def fresh(tmp_path):
    """A data set that is not packed."""
    return TinyData().write(tmp_path / "d")
