"""A small data set, and programs that stand in for training, for tests of tables."""

import dataclasses
import pathlib
import sys

from experiments.paper.columns import Plan, columns
from tests.data.tiny import write_tiny_synthetic

FAKE = (sys.executable, "-m", "tests.experiments.fake_train")


def write_data(directory: pathlib.Path) -> pathlib.Path:
    return write_tiny_synthetic(directory, videos=2, test_videos=4)


def column_of(data, workdir, **changes):
    plan = dataclasses.replace(Plan("small", seeds=(0, 1)), **changes)
    return columns([str(data)], workdir, plan)[0]


def starts(workdir: pathlib.Path) -> dict[str, int]:
    """Returns how often each run was started, by its path."""
    return {
        str(path.parent.relative_to(workdir)): len(path.read_text().splitlines())
        for path in sorted(workdir.glob("**/starts.txt"))
    }
