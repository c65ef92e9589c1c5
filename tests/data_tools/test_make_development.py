import json

import numpy as np
import pytest

from ahernet_tf.config import small
from ahernet_tf.data.checks import DataError
from ahernet_tf.data.dataset import Dataset
from data_tools import make_development
from tests import programs
from tests.data.tiny import TinyData, features, video
from tests.experiments.test_train import call, train_arguments

SOURCE = ["bow", "hop", "run", "sit"]


def tiny_data():
    """Four people with two videos of two source classes each, and two test videos."""
    tiny = TinyData()
    tiny.roles["untrimmed"]["classes"] = SOURCE
    test = {name: tiny.untrimmed[name] for name in ("t1", "t2")}
    tiny.untrimmed = {
        f"p{person}{part}": video(
            "training",
            [(2, 6, SOURCE[2 * part]), (8, 12, SOURCE[2 * part + 1]), (14, 17, "wave")],
            subject=person,
        )
        for person in range(1, 5)
        for part in range(2)
    }
    tiny.untrimmed["empty"] = video("training", [], subject=1)
    tiny.untrimmed["c1"] = video("training", [(3, 5, "jump")], subject=3)
    tiny.untrimmed |= test
    tiny.untrimmed_features = {
        name: features(seed) for seed, name in enumerate(tiny.untrimmed)
    }
    return tiny


@pytest.fixture
def data(tmp_path):
    return tiny_data().write(tmp_path / "tiny")


def ids(role):
    return [v.id for v in role.videos]


def labels(role):
    return {i.label for v in role.videos for i in v.instances}


def test_classes_and_people_change_their_role(data, tmp_path, capsys):
    out = tmp_path / "sets" / "development"
    make_development.run(data, out, held_out=1)
    dataset = Dataset.load(out, small().data)
    assert dataset.name == "development"
    source, target = dataset.source_classes, dataset.target_classes
    assert sorted(source + target) == SOURCE
    assert len(target) == 2
    roles = dataset.roles
    assert labels(roles["untrimmed"]) == set(source)
    for name in ("moments", "oracle", "test"):
        assert labels(roles[name]) == set(target)
    assert len(roles["moments"].instance_spans(1)) == 6
    held = {dataset.group(v) for v in roles["test"].videos}
    assert held == {dataset.group(v) for v in dataset.test(source).videos}
    assert len(held) == 1
    for name in ("untrimmed", "moments", "oracle"):
        assert not held & {dataset.group(v) for v in roles[name].videos}
    printed, said = capsys.readouterr()
    videos = len(roles["moments"].videos)
    assert f"moments: {videos} videos, 6 actions of 2 classes" in printed
    assert f"held out: 1 of 4 groups ({held.pop()})" in printed
    assert "test of the source classes: " in printed
    assert said.endswith(f"train --data {out} --workdir W\n")


def test_only_what_training_could_see_is_in_it(data, tmp_path):
    make_development.run(data, tmp_path / "out")
    text = (tmp_path / "out" / "annotations.json").read_text()
    written = json.loads(text)["database"]
    assert sorted(written) == ["empty", *(f"p{p}{n}" for p in "1234" for n in "01")]
    assert "wave" not in text
    assert "jump" not in text
    found = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"annotations.json", "dataset.json"} <= found
    assert found <= {"annotations.json", "dataset.json", "untrimmed.json", "untrimmed"}


def test_test_videos_stay_out_though_they_are_untrimmed_videos_too(tmp_path, capsys):
    tiny = tiny_data()
    del tiny.roles["untrimmed"]["subset"]
    tiny.untrimmed["nothing"] = video("validation", [], subject=4)
    tiny.untrimmed_features["nothing"] = features(50)
    data = tiny.write(tmp_path / "tiny")
    before = Dataset.load(data, small().data)
    assert {"t1", "t2", "nothing"} <= set(ids(before.roles["untrimmed"]))
    make_development.run(data, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert not {"t1", "t2", "nothing"} & set(written["database"])
    assert "being test videos of tiny: 3 videos" in capsys.readouterr().out


def test_the_same_seed_makes_the_same_bytes(data, tmp_path):
    def files(name, seed):
        out = tmp_path / name / "out"
        make_development.run(data, out, seed=seed)
        files = (path for path in out.rglob("*") if path.is_file())
        return {str(path.relative_to(out)): path.read_bytes() for path in files}

    first = files("first", 0)
    assert files("again", 0) == first
    assert any(files(f"seed {seed}", seed) != first for seed in (1, 2))


def test_listed_classes_play_target_and_videos_without_group_are_their_own(tmp_path):
    tiny = tiny_data()
    for record in tiny.untrimmed.values():
        record.pop("subject")
    names = tmp_path / "names.txt"
    names.write_text("run\nbow\nhop\n")
    data = tiny.write(tmp_path / "tiny")
    make_development.run(data, tmp_path / "out", target_classes=names, held_out=0.3)
    dataset = Dataset.load(tmp_path / "out", small().data)
    assert dataset.source_classes == ("sit",)
    assert dataset.target_classes == ("bow", "hop", "run")
    records = json.loads((tmp_path / "out" / "annotations.json").read_text())
    subsets = [record["subset"] for record in records["database"].values()]
    assert subsets.count("validation") == 3  # of nine


def test_features_in_several_places_are_referred_to(tmp_path):
    tiny = tiny_data()
    tiny.roles["untrimmed"]["features"]["path"] = ["one.npz", "more/two.npz"]
    data = tiny.write(tmp_path / "tiny")
    (data / "more").mkdir()
    kept = list(tiny.untrimmed_features.items())
    np.savez(data / "one.npz", **dict(kept[:5]))
    np.savez(data / "more" / "two.npz", **dict(kept[5:]))
    make_development.run(data, tmp_path / "sets" / "out")
    content = json.loads((tmp_path / "sets" / "out" / "dataset.json").read_text())
    paths = ["../../tiny/one.npz", "../../tiny/more/two.npz"]
    assert content["test"]["features"]["path"] == paths
    role = Dataset.load(tmp_path / "sets" / "out", small().data).roles["oracle"]
    video = role.videos[0].id
    values = role.sequences.store.read(video)
    np.testing.assert_array_equal(values, tiny.untrimmed_features[video])


@pytest.mark.parametrize("template", [None, "{video}"])
def test_training_videos_are_cut_where_played_target_classes_lie(
    tmp_path, capsys, template
):
    tiny = tiny_data()
    if template is not None:  # then the features of whole videos are copied, too
        tiny.roles["untrimmed"]["features"]["template"] = template
    names = tmp_path / "names.txt"
    names.write_text("hop\nsit\n")  # with bow and run in the same videos
    out = tmp_path / "out"
    data = tiny.write(tmp_path / "tiny")
    make_development.run(data, out, target_classes=names, held_out=1)
    dataset = Dataset.load(out, small().data)
    untrimmed, oracle = dataset.roles["untrimmed"], dataset.roles["oracle"]
    assert labels(untrimmed) == {"bow", "run"}
    assert labels(oracle) == {"hop", "sit"}
    assert len(dataset.roles["moments"].instance_spans(1)) == 6
    for piece in untrimmed.videos:
        if piece.id != "empty":
            # Actions of 4 s from 2 s on; the played target class begins at 8 s.
            assert [(i.start_sec, i.end_sec) for i in piece.instances] == [(2.0, 6.0)]
            assert piece.duration_sec == pytest.approx(8.0)
            values = untrimmed.sequences.store.read(piece.id)
            whole = tiny.untrimmed_features[piece.id.removesuffix("_c0")]
            np.testing.assert_array_equal(values, whole[: len(values)])
            assert untrimmed.covered_sec(piece) == pytest.approx(8.0)
    groups = {dataset.group(v) for v in untrimmed.videos}
    assert groups == {dataset.group(v) for v in oracle.videos}
    assert "cut where actions of played target classes lie: 6 videos" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"played_targets": 0}, "tiny: cannot let 0 of 4 source classes play target"),
        ({"played_targets": 4}, "tiny: cannot let 4 of 4 source classes play target"),
        ({"held_out": 4}, "tiny: cannot hold out 4 of 4 groups"),
        ({"held_out": 1.5}, "tiny: cannot hold out 1.5 of 4 groups"),
        ({"held_out": 0}, "tiny: cannot hold out 0 of 4 groups"),
        ({"held_out": 0.99}, "tiny: cannot hold out 0.99 of 4 groups"),
    ],
)
def test_what_is_impossible_is_named_and_nothing_is_written(
    data, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        make_development.run(data, tmp_path / "out", **options)
    assert [p.name for p in tmp_path.iterdir()] == ["tiny"]


def test_class_lists_are_checked(data, tmp_path):
    names = tmp_path / "names.txt"
    for text, message in (
        ("run\nwave\n", "tiny: listed classes: the data has no class 'wave'"),
        ("\n".join(SOURCE), "0 target|0 source|both are needed"),
    ):
        names.write_text(text)
        with pytest.raises(ValueError, match=message):
            make_development.run(data, tmp_path / "out", target_classes=names)
    with pytest.raises(ValueError, match="exclude one another"):
        make_development.run(data, tmp_path / "out", 2, names)


def test_classes_of_one_person_are_refused_on_the_wrong_side(tmp_path):
    tiny = tiny_data()
    for name, record in tiny.untrimmed.items():
        if name[0] == "p":
            record["annotations"][0]["label"] = "run" if name[1] == "1" else "sit"
            record["annotations"][1]["label"] = "bow" if name[1] == "2" else "hop"
    data = tiny.write(tmp_path / "tiny")
    names = tmp_path / "names.txt"
    names.write_text("run")
    found = set()
    for seed in range(20):
        try:
            make_development.run(
                data, tmp_path / str(seed), target_classes=names, held_out=1, seed=seed
            )
        except ValueError as error:
            found.add(str(error).partition(";")[0])
    assert found == {
        "tiny: only held-out groups have videos of ['run']",
        "tiny: only held-out groups have videos of ['bow']",
        "tiny: no held-out video has one of ['run'], which play target",
    }


def test_directories_in_use_are_left_alone(data, tmp_path):
    before = sorted(data.iterdir())
    with pytest.raises(ValueError, match="tiny: is the data set itself"):
        make_development.run(data, data)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ValueError, match="full: expected a new or empty directory"):
        make_development.run(data, tmp_path / "full")
    assert sorted(data.iterdir()) == before


def test_faulty_videos_are_left_out_on_request_only(tmp_path, capsys):
    tiny = tiny_data()
    tiny.untrimmed["p10"]["duration"] = -1
    data = tiny.write(tmp_path / "tiny")
    with pytest.raises(DataError, match="video 'p10': expected a duration above 0"):
        make_development.run(data, tmp_path / "out")
    make_development.run(data, tmp_path / "out", skip_bad=True)
    assert "being faulty in tiny: 1 videos" in capsys.readouterr().out
    assert "p10" not in (tmp_path / "out" / "annotations.json").read_text()


def test_the_program_makes_a_data_set_that_trains(data, tmp_path):
    def make(*more):
        return programs.run("data_tools.make_development", f"--data={data}", *more)

    result = make(f"--out={tmp_path}/out", "--held_out=7")
    assert result.returncode == 1
    assert result.stderr.endswith("error: tiny: cannot hold out 7 of 4 groups\n")
    result = make(f"--out={tmp_path}/out", "--held_out=2", "--played_targets=1")
    assert result.returncode == 0, result.stderr
    assert "held out: 2 of 4 groups" in result.stdout
    arguments = train_arguments(tmp_path / "out", tmp_path / "run", iterations=2)
    trained = call("train", *arguments, "--preset=small")
    assert trained.returncode == 0, trained.stderr[-4000:]
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["videos"] >= 2
    assert metrics["source"]["videos"] == 4
