import json

import numpy as np
import pytest

from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.create.split_roles import RoleFiles
from ahernet_tf.data.dataset import Dataset
from data_tools import make_split
from tests import programs

LAYOUT = {"clip_frames": 16, "stride_frames": 8}
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


def run(annotations, by, out, features=None, layout=LAYOUT, **how):
    features = {"untrimmed": str(features)} if features else {}
    files = RoleFiles({"untrimmed": annotations}, features, layout)
    return make_split.run(files, by, out, **how)


def lists(out):
    return [
        (out / f"{part}_classes.txt").read_text().splitlines()
        for part in ("source", "target")
    ]


def test_activitynet_split_names_its_origin(annotations, tmp_path, capsys):
    run(annotations, "activitynet", tmp_path / "out")
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
    run(annotations, "category", out, source_categories=["Wet"])
    assert lists(out)[0] == ["Mooping floor", "Surfing"]
    assert "taxonomy of all.json: classes under 'Wet'" in capsys.readouterr().out


def test_table_of_categories_is_used(annotations, tmp_path):
    table = tmp_path / "table.csv"
    rows = [f"{c},{'loud' if c == 'Ballet' else 'quiet'}" for c in CLASSES]
    table.write_text("\n".join(["class,volume", *rows]))
    out = tmp_path / "out"
    run(
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
    run(annotations, "list", tmp_path / "a", source_list=names)
    assert lists(tmp_path / "a")[0] == ["Ballet", "Cricket"]
    for name in "bc":
        run(annotations, "random", tmp_path / name, source_count=1, seed=5)
    assert lists(tmp_path / "b") == lists(tmp_path / "c")
    assert len(lists(tmp_path / "b")[0]) == 1


def test_written_data_set_loads(annotations, tmp_path):
    out = tmp_path / "sets" / "mine"
    run(annotations, "activitynet", out, tmp_path / "features")
    config = DataConfig(minimum_foreground_clips=1, minimum_moment_clips=1)
    dataset = Dataset.load(out, config)
    assert dataset.source_classes == ("Cricket", "Surfing")
    assert dataset.target_classes == ("Ballet", "Mooping floor")
    counts = {name: len(role.videos) for name, role in dataset.roles.items()}
    assert counts == {"untrimmed": 4, "moments": 4, "test": 2, "oracle": 4}
    assert len(dataset.role("moments").instance_spans(1)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "list"}, "needs --source_list"),
        ({"by": "random"}, "needs --source_count"),
        ({"by": "category"}, "no taxonomy; give --category_table"),
        ({"by": "guess"}, "received 'guess'"),
        ({"by": "files"}, "needs --moments"),
        (
            {"by": "activitynet", "features": "nowhere"},
            "nowhere: does not exist",
        ),
        (
            {"by": "activitynet", "features": ".", "layout": {"clip_frames": 16}},
            "stride_frames: expected a whole number",
        ),
    ],
)
def test_nothing_is_written_where_something_is_missing(
    annotations, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        run(annotations, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_program_writes_a_data_set_and_refuses_a_bad_call(annotations, tmp_path):
    def call(*flags):
        paths = f"--annotations={annotations}", f"--out={tmp_path / 'out'}"
        return programs.run("data_tools.make_split", *paths, *flags)

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
    }
    assert written["moments"]["from"] == "untrimmed annotations"


def write_videos(path, labels, subset, instances):
    """Writes three videos of 16 s a class, and their features beside them."""
    videos = []
    folder = path.with_suffix("")
    folder.mkdir()
    for label in labels:
        for number in range(3):
            name = f"{label}_{subset}_{number}"
            actions = tuple(Instance(*times, label) for times in instances)
            videos.append(Video(name, subset, 16.0, actions, 400, 25.0))
            clips = np.random.default_rng(number).normal(size=(49, 3))
            np.save(folder / f"{name}.npy", clips.astype(np.float16))
    write_annotations(path, videos)
    return path


@pytest.mark.parametrize("trimmed", [True, False])
def test_moments_and_test_videos_of_other_files(annotations, tmp_path, trimmed):
    instances = [(0.0, 16.0)] if trimmed else [(1.0, 7.0), (8.0, 12.0)]
    paths = {
        "untrimmed": annotations,
        "moments": write_videos(tmp_path / "m.json", "ab", "training", instances),
        "test": write_videos(tmp_path / "t.json", "abc", "validation", [(2.0, 9.0)]),
    }
    features = {part: str(path.with_suffix("")) for part, path in paths.items()}
    features["untrimmed"] = str(tmp_path / "features")
    files = RoleFiles(paths, features, LAYOUT)
    make_split.run(files, "files", tmp_path / "out")
    dataset = Dataset.load(tmp_path / "out", DataConfig(minimum_moment_clips=1))
    assert dataset.source_classes == tuple(sorted(CLASSES))
    assert dataset.target_classes == ("a", "b")
    assert len(dataset.roles["untrimmed"].videos) == 8
    cuts = list(dataset.roles["moments"].instance_spans(1))
    assert len(cuts) == (6 if trimmed else 12)
    assert {cut.duration_sec for cut in cuts} == ({16.0} if trimmed else {6.0, 4.0})
    assert len(dataset.roles["test"].videos) == 6
    assert ("oracle" in dataset.roles) == (not trimmed)
    for role in dataset.roles.values():
        assert role.sequences.store.read(role.videos[0].id).shape == (49, 3)


def test_classes_on_both_sides_are_refused(annotations, tmp_path):
    other = write_videos(tmp_path / "m.json", ["Ballet"], "training", [(0.0, 16.0)])
    files = RoleFiles({"untrimmed": annotations, "moments": other})
    with pytest.raises(ValueError, match=r"m\.json: has classes of .*: 'Ballet'"):
        make_split.run(files, "files", tmp_path / "out")
    with pytest.raises(ValueError, match="need --by files"):
        make_split.run(files, "random", tmp_path / "out", source_count=1)


def test_a_subset_without_videos_is_named(annotations, tmp_path):
    features = {"untrimmed": str(tmp_path / "features")}
    files = RoleFiles({"untrimmed": annotations}, features, LAYOUT, test_subset="test")
    with pytest.raises(ValueError, match=r"'test' has .* \['training', 'validation'\]"):
        make_split.run(files, "activitynet", tmp_path / "out")
    files = RoleFiles({"untrimmed": annotations}, features, LAYOUT, test_subset="")
    make_split.run(files, "activitynet", tmp_path / "out")
    assert "test" not in json.loads((tmp_path / "out" / "dataset.json").read_text())


def test_a_published_set_goes_by_its_name(annotations, tmp_path):
    table = tmp_path / "video_info.csv"
    table.write_text("video\n")
    layout = {"preset": "cuhk_tsn", "covered_durations": str(table)}
    run(annotations, "activitynet", tmp_path / "out", tmp_path / "features", layout)
    written = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert written["test"]["features"] == {
        "preset": "cuhk_tsn",
        "covered_durations": "../video_info.csv",
        "path": "../features",
    }


def test_faulty_videos_stop_the_split_unless_skipped(tmp_path, capsys):
    videos = {
        name: {
            "subset": "training",
            "duration": 9,
            "annotations": [{"segment": [1, end], "label": label}],
        }
        for name, end, label in (("a", 2, "x"), ("b", 3, "y"), ("c", 99, "z"))
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"database": videos}))
    files = RoleFiles({"untrimmed": path}, test_subset="")
    with pytest.raises(ValueError, match="video 'c': segment ends at 99"):
        make_split.run(files, "random", tmp_path / "out", source_count=1)
    assert not (tmp_path / "out").exists()
    split = make_split.run(files, "random", tmp_path / "out", True, source_count=1)
    assert sorted(split.source + split.target) == ["x", "y"]
    assert "a.json: 1 bad videos left out (c)" in capsys.readouterr().out


def test_subsets_that_the_file_spells_otherwise_are_named(tmp_path):
    record = {"subset": "Training", "duration": 9}
    record["annotations"] = [{"segment": [1, 2], "label": n} for n in "xy"]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"database": {"a": record}}))
    with pytest.raises(ValueError, match="but of 'Training': give --training_subset"):
        make_split.run(
            RoleFiles({"untrimmed": path}), "random", tmp_path / "out", source_count=1
        )
