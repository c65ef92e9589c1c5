"""A small data set, and programs that stand in for training, for tests of tables."""

import dataclasses
import pathlib
import sys

from ahernet_tf.data.synthetic.difficulty import synthetic_config
from ahernet_tf.data.synthetic.synthetic_dataset import write_synthetic
from experiments.paper.columns import Plan, columns

FAKE = (sys.executable, "-m", "tests.experiments.fake_train")


def write_data(directory: pathlib.Path) -> pathlib.Path:
    counts = {
        "videos_per_class": 2,
        "test_videos_per_class": 4,
        "moments_per_class": 4,
    }
    config = synthetic_config(
        "easy", source_classes=2, target_classes=2, channels=6, **counts
    )
    write_synthetic(directory, config)
    return directory


def column_of(data, workdir, **changes):
    plan = dataclasses.replace(Plan("small", seeds=(0, 1)), **changes)
    return columns([str(data)], workdir, plan)[0]


def starts(workdir: pathlib.Path) -> dict[str, int]:
    """Returns how often each run was started, by its path."""
    return {
        str(path.parent.relative_to(workdir)): len(path.read_text().splitlines())
        for path in sorted(workdir.glob("**/starts.txt"))
    }
