"""What several tests of training use."""

import pytest

from ahernet_tf.data.synthetic.difficulty import synthetic_config
from ahernet_tf.data.synthetic.synthetic_dataset import write_synthetic


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The directory of a tiny data set."""
    directory = tmp_path_factory.mktemp("data") / "synthetic"
    sizes = {"source_classes": 2, "target_classes": 2, "channels": 6}
    counts = {
        "videos_per_class": 3,
        "test_videos_per_class": 2,
        "moments_per_class": 4,
    }
    write_synthetic(directory, synthetic_config("easy", **sizes, **counts))
    return directory
