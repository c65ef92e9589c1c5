"""The commands of README and docs run as they stand there.

Each runs in a directory of its own, which holds what it reads under the names that the
page gives it. Flags in `SHORTER` go behind those of the page. All run in one process,
after one training whose network they share. docs/OWN_DATA.md has a test of its own,
`tests/data/create/test_own_data.py`.
"""

import argparse
import csv
import itertools
import json
import pathlib
import shlex
import subprocess
import sys
from collections.abc import Iterable

import numpy as np
import pytest

from ahernet_tf.files import write_json
from tests.conftest import REPOSITORY
from tests.data.tiny import FEATURES, TinyData, features
from tests.experiments import fake_train
from tests.test_docs import PAGES, commands

SMALL = " ".join(
    f"--set {option}"
    for option in (
        "network.untrimmed_steps=64",
        "network.moment_steps=32",
        "network.base_channels=4,4",
        "network.level_channels=4,4",
        "network.generator_channels=4",
        "training.pretrain_iterations=1",
        "training.iterations=1",
        "training.batch_size=4",
        "synthesis.moments_per_class=2",
    )
)
#: Flags behind those of the page, so that a command takes a second.
SHORTER = {
    "experiments.train": f"--preset small --nodeterministic {SMALL}",
    "experiments.table1": f"--dry_run --systems AherNet0 {SMALL}",
    "experiments.table2": f"--dry_run --systems AherNet --seeds 0 {SMALL}",
    "experiments.report": "--bootstrap 20",
    "experiments.compare": "--bootstrap 20",
    "data_tools.make_synthetic": "--channels 8 --moments_per_class 2 "
    "--videos_per_class 2 --test_videos_per_class 2",
    "data_tools.pack": "--workers 1",
}
#: Commands that do not run here, by how they begin, and why.
NOT_RUN = {
    "data_tools.beam_pack": "needs a cluster; tests/data_tools/test_beam_pack.py",
    "data_tools.convert_p3d": "needs a download; tests/data_tools/test_convert_p3d.py",
    "data_tools.prepare_setting": "needs the public annotation files; "
    "tests/data_tools/test_prepare_setting.py makes some",
    "experiments.benchmarks": "measure for minutes; "
    "tests/experiments/test_benchmarks.py takes small sizes",
    "experiments.figure4": "needs two trained networks; "
    "tests/experiments/test_figures.py has them",
    "experiments.parity": "needs the recording; tests/experiments/test_parity.py",
    "experiments.train --strategy multi_worker": "needs several machines; "
    "tests/training/test_distribution.py starts two processes",
    "experiments.train_p3d": "trains on videos for a minute; "
    "tests/experiments/test_train_p3d.py",
}
#: What a command reads, by flag; a program's own meaning comes first.
INPUTS = {
    "data_tools.make_dataset --features": "bare_features",
    "data_tools.make_dataset --moments": "bare_classes",
    "experiments.add_classes --moments": "classes",
    "experiments.refine --workdir": "network",
    "experiments.localize_video --checkpoint": "video_network/ahernet",
    "experiments.compare --a": "AherNet",
    "experiments.compare --b": "AherNet",
    "data_tools.inspect": "data",
    "data_tools.make_development --data": "synthetic",
    "--checkpoint": "network",
    "--data": "data",
    "--features": "features",
    "--init": "network",
    "--p3d": "video_network/p3d.npz",
    "--predictions": "results.json",
    "--segments": "segments.csv",
    "--video": "videos/x.mp4",
    "--videos": "videos",
    "--weights": "video_network/p3d.npz",
}
#: What commands leave for others to read; these run first.
OUTPUTS = {
    "network": ("experiments.train --data DIR --workdir W", "W"),
    "results.json": (
        "experiments.predict --checkpoint W --data DIR --out results.json",
        "results.json",
    ),
    "synthetic": ("data_tools.make_synthetic --out DIR", "DIR"),
}
# Runs commands one after the other; prints what each wrote and its exit status.
RUN = """
import contextlib, io, json, os, runpy, sys, traceback
from absl import flags
known = set(flags.FLAGS)
for directory, module, arguments in json.load(sys.stdin):
    os.chdir(directory)
    sys.argv = [module, *arguments]
    status, text = 0, io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            status = end.code
        except BaseException:
            status = traceback.format_exc()
    print(json.dumps([status, text.getvalue()]), flush=True)
    for name in set(flags.FLAGS) - known:
        delattr(flags.FLAGS, name)
"""


def written() -> dict[str, str]:
    """Returns the commands of the pages, and the page on which each stands first."""
    found: dict[str, str] = {}
    for page in PAGES:
        if page.name != "OWN_DATA.md":
            for module, rest in commands(page.read_text()):
                if module.partition(".")[0] in ("experiments", "data_tools"):
                    found.setdefault(" ".join([module, *rest.split()]), page.name)
    return {command: page for command, page in found.items() if not is_pattern(command)}


def is_pattern(command: str) -> bool:
    """Whether it names a program, or stands for several commands."""
    return " " not in command or "..." in command or "|" in command


def runs_here(command: str) -> bool:
    return not any(command.startswith(beginning) for beginning in NOT_RUN)


def kinds(written: Iterable[str]) -> list[str]:
    """Returns a command for each program and set of flags; names and seeds differ."""
    found: dict[tuple, str] = {}
    for command in written:
        flags = {word for word in command.split() if word.startswith("--")}
        found.setdefault((command.split()[0], *sorted(flags - {"--seed"})), command)
    return list(found.values())


COMMANDS = kinds(filter(runs_here, written()))


def run(steps, directory) -> list[tuple]:
    """Returns exit status and text of each, as far as the process went."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps([(str(place), *step) for place, *step in steps]),
        cwd=directory,
        env={"PATH": "", "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def write_inputs(directory: pathlib.Path) -> None:
    """Writes what the commands read, but for the network and its detections."""
    from tests.experiments.test_localize_video import FPS, save_networks
    from tests.p3d.videos import write_video

    directory.mkdir()
    TinyData().write(directory / "data")
    for folder, seconds in (("features", 20.0), ("classes/fly", 3.0)):
        for name in (folder, f"bare_{folder}"):
            (directory / name).mkdir(parents=True)
            for number in range(1, 4):
                clips = features(number, seconds)
                np.save(directory / name / f"v{number}.npy", clips)
        write_json(directory / folder / "features.json", {**FEATURES, "fps": 10.0})
    with (directory / "segments.csv").open("w") as file:
        rows = [("v1", 1, 4, "pour"), ("v2", 2, 6, "stir"), ("v3", 3, 5, "stir")]
        csv.writer(file).writerows([("video", "start", "end", "label"), *rows])
    save_networks(directory / "video_network")
    (directory / "videos").mkdir()
    images = np.random.default_rng(0).integers(0, 255, (40, 36, 48, 3), np.uint8)
    write_video(directory / "videos" / "x.mp4", images, "libx264", FPS)
    workdir = directory / "AherNet" / "0"
    workdir.mkdir(parents=True)
    values = {"data": str(directory / "data"), "preset": "small", "seed": 0, "set": []}
    fake_train.train(
        argparse.Namespace(workdir=str(workdir), system="AherNet", **values)
    )


def prepared(command: str, inputs: pathlib.Path, place: pathlib.Path) -> tuple:
    """Makes a directory in which a command finds what it reads."""
    module, *arguments = shlex.split(command)
    place.mkdir()
    for flag, value in itertools.pairwise(["", *arguments]):
        if kind := INPUTS.get(f"{module} {flag}".strip()) or INPUTS.get(flag):
            path = place / value
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(inputs / kind)
    return place, module, [*arguments, *shlex.split(SHORTER.get(module, ""))]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Runs the commands; returns exit status and text of each."""
    pytest.importorskip("av")
    pytest.importorskip("matplotlib")
    directory = tmp_path_factory.mktemp("commands")
    inputs = directory / "inputs"
    write_inputs(inputs)
    places = {c: directory / str(number) for number, c in enumerate(COMMANDS)}
    for name, (command, output) in OUTPUTS.items():
        (inputs / name).symlink_to(places[command] / output)
    first = [command for command, _ in OUTPUTS.values()]
    order = [*first, *(command for command in COMMANDS if command not in first)]
    found = run([prepared(c, inputs, places[c]) for c in order], directory)
    return dict(zip(order, found))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_pages_runs(command, done):
    status, text = done[command]
    assert status == 0, f"{written()[command]}: {status}\n{text[-4000:]}"


def test_what_is_not_run_is_there_and_is_tested_elsewhere():
    for beginning, why in NOT_RUN.items():
        assert any(command.startswith(beginning) for command in written()), beginning
        for part in why.split():
            if part.startswith("tests/"):
                assert (REPOSITORY / part).exists(), part
