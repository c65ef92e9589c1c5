"""What several tests of faults use."""

import pytest

from tests.data.tiny import TinyData
from tests.faults.forked_programs import ForkedPrograms


@pytest.fixture(scope="session")
def forked(tmp_path_factory):
    """Runs programs, each in a process of its own; trains on a tiny data set."""
    data = TinyData().write(tmp_path_factory.mktemp("data") / "tiny")
    programs = ForkedPrograms(data)
    yield programs
    programs.close()


@pytest.fixture(scope="session")
def train(forked):
    """Trains on the tiny data set in a process of its own, once per call."""
    return forked.train
