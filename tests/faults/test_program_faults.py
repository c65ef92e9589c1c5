"""Whenever a program is killed, its files are whole or absent, and it can go on."""

import dataclasses

import pytest

from ahernet_tf.config import small
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.files import PARTIAL
from ahernet_tf.models.checkpoint import Description, save_description, save_weights
from ahernet_tf.p3d import P3D, ClipFormat, save_p3d
from tests.data.tiny import CHANNELS
from tests.models import tiny

KILLED = -9
MANY = 40  # files: no program here writes as many


class Pack:
    """Packs the tiny data set."""

    grows = ()

    def __init__(self, forked, folder):
        self.data = forked.data

    def arguments(self, out):
        options = ["--workers=1", "--units=2"]
        return "data_tools.pack", f"--data={self.data}", f"--out={out}", *options


class Extract:
    """Extracts features of two videos."""

    #: Put together anew whenever videos were added.
    grows = ("features.json",)

    def __init__(self, forked, folder):
        pytest.importorskip("av")
        from tests.p3d.videos import counting, write_video

        network = P3D((1, 1, 1, 1), base_channels=1)
        network.build((None, 16, 32, 32, 3))
        self.weights, self.videos = folder / "w.npz", folder / "videos"
        save_p3d(network, self.weights, ClipFormat(16, 36, 48, 32))
        self.videos.mkdir()
        for name in ("a", "b"):
            write_video(self.videos / f"{name}.mp4", counting(20, 32, 32), "mpeg4")

    def arguments(self, out):
        given = [f"--videos={self.videos}", f"--weights={self.weights}"]
        return "data_tools.extract_features", *given, f"--out={out}"


class Predict:
    """Localises in the test videos; writes results, a table and pictures."""

    grows = ()

    def __init__(self, forked, folder):
        self.model, self.data = folder / "model", forked.data
        config = dataclasses.replace(small(), network=tiny.NETWORK)
        data = Dataset.load(forked.data, config.data)
        description = Description(CHANNELS, data.source_classes, data.target_classes)
        save_description(self.model, description, config)
        save_weights(self.model, description.build(config))

    def arguments(self, out):
        given = [f"--checkpoint={self.model}", f"--data={self.data}"]
        outputs = [f"--out={out}/found.json", f"--csv={out}/found.csv"]
        pictures = f"--timelines={out}/pictures"
        return "experiments.predict", *given, *outputs, pictures, "--noprogress"


class MakeTable:
    """Makes a table and the runs that it needs."""

    #: Of processes, which say how often they were started.
    grows = ("train.log",)

    def __init__(self, forked, folder):
        self.data = forked.data

    def arguments(self, out):
        return "tests.faults.made_up_table", f"--data={self.data}", f"--workdir={out}"


def files_in(out):
    """Returns the content of all files, by their paths."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.suffix not in (PARTIAL, ".lock")
    }


@pytest.fixture(scope="module", params=[Pack, Extract, Predict, MakeTable])
def program(request, forked, tmp_path_factory):
    """A program, a folder for its outputs, and what it wrote undisturbed."""
    folder = tmp_path_factory.mktemp("program")
    found = request.param(forked, folder)
    assert forked.run(*found.arguments(folder / "undisturbed")) == (0, "")
    return found, folder, files_in(folder / "undisturbed")


def check(forked, program, *numbers):
    """Kills a program before it writes its n-th file, for each n in one directory.

    Returns:
        Whether the last run was killed; it may have come to its end before.
    """
    found, folder, expected = program
    out = folder / f"killed_{'_'.join(map(str, numbers))}"
    for number in numbers:
        order = {"kill": "replacement", "times": number}
        status, said = forked.run(*found.arguments(out), **order)
        assert status in (0, KILLED), said
        for name, content in files_in(out).items():
            assert content == expected[name] or name.endswith(found.grows), name
    assert forked.run(*found.arguments(out)) == (0, "")
    finished = files_in(out)
    assert finished.keys() == expected.keys()
    for name, content in finished.items():
        assert content == expected[name] or name.endswith("train.log"), name
    assert not list(out.rglob(f"*{PARTIAL}"))
    return status == KILLED


def test_killed_twice_it_ends_as_if_undisturbed(forked, program):
    assert check(forked, program, 1, 3)


@pytest.mark.long
def test_killed_before_every_file_it_ends_as_if_undisturbed(forked, program):
    count = next(n for n in range(1, MANY) if not check(forked, program, n))
    assert count > 3


def test_full_disk_names_the_file_and_loses_nothing(forked, program):
    found, folder, expected = program
    out = folder / "full"
    largest = max(map(len, expected.values()))
    status, said = forked.run(*found.arguments(out), most_bytes=largest - 1)
    assert status == 1, said
    assert str(out) in said
    assert "large" in said
    assert forked.run(*found.arguments(out)) == (0, "")
    assert files_in(out).keys() == expected.keys()
