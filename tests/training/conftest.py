"""What several tests of training use."""

import pytest

from tests.data.tiny import write_tiny_synthetic


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The directory of a tiny data set."""
    directory = tmp_path_factory.mktemp("data") / "synthetic"
    return write_tiny_synthetic(directory)
