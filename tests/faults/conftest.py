"""What several tests of faults use."""

import pytest

from tests.data.tiny import TinyData
from tests.faults.forked_training import ForkedTraining


@pytest.fixture(scope="session")
def train(tmp_path_factory):
    """Trains on a tiny data set in a process of its own, once per call."""
    forked = ForkedTraining(TinyData().write(tmp_path_factory.mktemp("data") / "tiny"))
    yield forked
    forked.close()
