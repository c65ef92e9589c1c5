import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotation_formats import write_annotations
from ahernet_tf.data.annotations import Instance, Video
from ahernet_tf.data.dataset import Dataset
from data_tools import make_split

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CLASSES = ("Cricket", "Surfing", "Ballet", "Mooping floor")


@pytest.fixture
def annotations(tmp_path):
    """Two training videos and a validation video of each class, with features."""
    videos = []
    (tmp_path / "features").mkdir()
    for label in CLASSES:
        for number, subset in enumerate(("training", "training", "validation")):
            name = f"{label[:3]}{number}"
            instances = (Instance(2.0, 8.0, label),)
            videos.append(Video(name, subset, 16.0, instances, 400, 25.0))
            clips = np.random.default_rng(number).normal(size=(49, 3))
            np.save(tmp_path / "features" / f"{name}.npy", clips.astype(np.float16))
    path = tmp_path / "all.json"
    write_annotations(path, videos)
    return path


def lists(out):
    return [
        (out / f"{part}_classes.txt").read_text().splitlines()
        for part in ("source", "target")
    ]


def test_activitynet_split_names_its_origin(annotations, tmp_path, capsys):
    make_split.run(annotations, "activitynet", tmp_path / "out")
    expected = [["Cricket", "Surfing"], ["Ballet", "Mooping floor"]]
    assert lists(tmp_path / "out") == expected
    printed = capsys.readouterr().out
    assert "Split by supplied list" in printed
    line = "2 source classes: training 4 videos, 4 segments; validation 2 videos"
    assert line in printed
    origin = json.loads((tmp_path / "out" / "split.json").read_text())["origin"]
    assert origin.startswith("supplied list")
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_taxonomy_in_the_file_is_used(annotations, tmp_path, capsys):
    content = json.loads(annotations.read_text())
    nodes = [{"nodeId": 0, "nodeName": "Wet", "parentId": None}]
    nodes += [{"nodeId": 9, "nodeName": "Dry", "parentId": None}]
    for number, label in enumerate(CLASSES, 1):
        parent = 0 if label in ("Surfing", "Mooping floor") else 9
        nodes.append({"nodeId": number, "nodeName": label, "parentId": parent})
    annotations.write_text(json.dumps({**content, "taxonomy": nodes}))
    out = tmp_path / "out"
    make_split.run(annotations, "category", out, source_categories=["Wet"])
    assert lists(out)[0] == ["Mooping floor", "Surfing"]
    assert "taxonomy of all.json: classes under 'Wet'" in capsys.readouterr().out


def test_table_of_categories_is_used(annotations, tmp_path):
    table = tmp_path / "table.csv"
    rows = [f"{c},{'loud' if c == 'Ballet' else 'quiet'}" for c in CLASSES]
    table.write_text("\n".join(["class,volume", *rows]))
    out = tmp_path / "out"
    make_split.run(
        annotations,
        "category",
        out,
        category_table=table,
        source_categories=["loud"],
    )
    assert lists(out)[0] == ["Ballet"]


def test_list_and_random_splits(annotations, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Ballet\nCricket\n")
    make_split.run(annotations, "list", tmp_path / "a", source_list=names)
    assert lists(tmp_path / "a")[0] == ["Ballet", "Cricket"]
    for name in "bc":
        make_split.run(annotations, "random", tmp_path / name, source_count=1, seed=5)
    assert lists(tmp_path / "b") == lists(tmp_path / "c")
    assert len(lists(tmp_path / "b")[0]) == 1


def test_written_data_set_loads(annotations, tmp_path):
    out = tmp_path / "sets" / "mine"
    spec = {"path": str(tmp_path / "features"), "clip_frames": 16, "stride_frames": 8}
    make_split.run(annotations, "activitynet", out, features=spec)
    config = DataConfig(minimum_foreground_clips=1, minimum_moment_clips=1)
    dataset = Dataset.load(out, config)
    assert dataset.source_classes == ("Cricket", "Surfing")
    assert dataset.target_classes == ("Ballet", "Mooping floor")
    counts = {name: len(role.videos) for name, role in dataset.roles.items()}
    assert counts == {"untrimmed": 4, "moments": 4, "test": 2, "oracle": 4}
    assert len(dataset.role("moments").cuts(1)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "list"}, "needs --source_list"),
        ({"by": "random"}, "needs --source_count"),
        ({"by": "category"}, "no taxonomy; give --category_table"),
        ({"by": "guess"}, "received 'guess'"),
        (
            {"by": "activitynet", "features": {"path": "nowhere"}},
            "nowhere: does not exist",
        ),
        (
            {"by": "activitynet", "features": {"path": ".", "clip_frames": 16}},
            "stride_frames: expected a whole number",
        ),
    ],
)
def test_nothing_is_written_where_something_is_missing(
    annotations, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        make_split.run(annotations, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_program_writes_a_data_set_and_refuses_a_bad_call(annotations, tmp_path):
    def call(*flags):
        return subprocess.run(
            [
                *(sys.executable, "-m", "data_tools.make_split"),
                *(f"--annotations={annotations}", f"--out={tmp_path / 'out'}", *flags),
            ],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    bad = call("--by=random")
    assert bad.returncode == 1
    assert "needs --source_count" in bad.stderr
    assert "Traceback" not in bad.stderr
    done = call(
        "--by=activitynet",
        f"--features={tmp_path / 'features'}",
        "--clip_frames=16",
        "--stride_frames=8",
    )
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert written["untrimmed"]["features"] == {
        "path": "../features",
        "clip_frames": 16,
        "stride_frames": 8,
        "covers": "clips",
    }
    assert written["moments"]["from"] == "untrimmed annotations"
