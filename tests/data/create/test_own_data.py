"""The walk-through of docs/OWN_DATA.md does what it says.

Its shell blocks run one after the other in an empty directory; the lines of a text
block are printed by the shell block before it.
"""

import os
import re
import subprocess
import sys

import pytest

from ahernet_tf.config import small
from ahernet_tf.data.annotations.export import FORMS_TO_WRITE
from ahernet_tf.data.annotations.forms import FORMS
from ahernet_tf.data.dataset import Dataset
from tests.conftest import REPOSITORY

# The training of the page with a network of two levels, which is built much faster.
QUICKER = "--pretrain_iterations 1 --set network.level_channels=8,8"


def blocks():
    """Returns the shell blocks of the page, each with the lines it should print."""
    text = (REPOSITORY / "docs" / "OWN_DATA.md").read_text(encoding="utf-8")
    found = []
    for kind, content in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
        if kind == "sh":
            found.append((content, []))
        else:
            assert kind == "text"
            found[-1][1].extend(content.splitlines())
    return found


def run(script, directory):
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    python = f'python() {{ "{sys.executable}" "$@"; }}\n'
    result = subprocess.run(
        ["bash", "-e", "-c", python + script],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{script}\n{result.stdout}\n{result.stderr[-4000:]}"
    return result.stdout


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The directory after all commands but the training."""
    directory = tmp_path_factory.mktemp("own")
    for script, expected in blocks():
        if "experiments.train" not in script:
            printed = run(script, directory).splitlines()
            missing = [
                line
                for line in expected
                if not any(p.startswith(line) for p in printed)
            ]
            assert not missing, f"{script} does not print {missing}, but {printed}"
    return directory


def test_the_page_makes_the_data_sets_that_it_describes(directory):
    kitchen = Dataset.load(directory / "kitchen", small().data)
    assert kitchen.target_classes == ("crack egg", "whisk")
    assert kitchen.roles["moments"].sequences.store.packed
    parted = Dataset.load(directory / "parted", small().data)
    assert parted.source_classes == ("pour", "stir")
    assert [v.id for v in parted.roles["test"].videos] == ["omelette"]
    assert (directory / "kitchen.html").stat().st_size > 10_000


def test_the_training_command_trains(directory):
    (script,) = [script for script, _ in blocks() if "experiments.train" in script]
    assert "--pretrain_iterations 1" in script
    run(script.replace("--pretrain_iterations 1", QUICKER), directory)
    assert (directory / "trial" / "metrics.json").exists()
    page = (REPOSITORY / "docs" / "OWN_DATA.md").read_text(encoding="utf-8")
    assert "`--workdir trained`; the run in `trial` is finished" in page


def test_the_page_names_all_forms():
    text = (REPOSITORY / "docs" / "OWN_DATA.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == {*FORMS, "class_folders"} - {"captions"}
    written = re.search(r"`--to` is (.*?), with", text, re.S).group(1)
    assert set(re.findall(r"`(\w+)`", written)) == set(FORMS_TO_WRITE)
