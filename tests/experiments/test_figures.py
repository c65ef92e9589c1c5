import csv
import dataclasses
import json
import shutil
import types

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
from matplotlib import image

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.data import pipelines
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.evaluation.detection_matching import temporal_iou
from ahernet_tf.inference import Localizer
from ahernet_tf.models import checkpoint, systems
from experiments import figure4, figure5, figure6, figure7
from experiments.paper import anchor_features, figures
from experiments.paper.anchor_features import FOREGROUND, REAL, SYNTHETIC, Sample
from experiments.paper.runs import directory_name
from tests.experiments.paper_runs import FAKE, column_of, starts, write_data
from tests.experiments.test_train import TINY
from tests.models.tiny import randomize


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "synthetic")


@pytest.fixture(scope="module")
def faked(data, tmp_path_factory):
    """Two systems of a table, and AherNet* on parts of the annotations."""
    column = column_of(data, tmp_path_factory.mktemp("faked"))
    percents = [20, 60, 100]
    content, failed = figure6.run(column, percents, 2, FAKE, progress=False)
    assert not failed
    shutil.copytree(
        column.workdir / "AherNet", column.workdir / "AherNet-minus", dirs_exist_ok=True
    )
    return column, content


@pytest.fixture(scope="module")
def networks(data, tmp_path_factory):
    """Runs whose networks have random weights."""
    workdir = tmp_path_factory.mktemp("networks")
    options = [*TINY, "loss.foreground_tiou=0.4"]
    base = configuration.with_overrides(configuration.small(), options)
    for number, system in enumerate(("AherNet", "AherNet-")):
        config = systems.configure(base, system)
        dataset = Dataset.load(data, config.data)
        description = checkpoint.Description(
            dataset.feature_channels, dataset.source_classes, dataset.target_classes
        )
        run = workdir / directory_name(system) / "0"
        checkpoint.save_description(run, description, config)
        model = description.build(config)
        randomize(model, number)
        checkpoint.save_weights(run, model)
        files.write_json(run / "run.json", {"data": str(data), "seed": 0})
        files.write_json(run / "metrics.json", {"average_map": 0.0})
        files.write_json(run / "predictions.json", {"results": {}})
    return workdir


def check_pictures(workdir, name):
    pixels = image.imread(workdir / f"{name}.png")
    assert min(pixels.shape[:2]) > 300
    assert pixels[..., :3].std() > 0.01
    assert (workdir / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    with (workdir / f"{name}.csv").open() as file:
        lines = list(csv.DictReader(file))
    content = json.loads((workdir / f"{name}.json").read_text())
    assert len(lines) == len(content["rows"]) > 0
    return content


def test_right_class_is_that_of_the_most_overlapping_instance_at_half_or_more():
    proposals = np.array([[0.0, 10], [0, 5], [0, 4.9], [9, 20], [30, 40]])
    segments = np.array([[0.0, 10], [10, 20]])
    found = figure4.right_class(proposals, segments, np.array([3, 1]))
    assert found.tolist() == [3, 3, -1, 1, -1]
    nothing = figure4.right_class(proposals, np.zeros([0, 2]), np.zeros(0, int))
    assert nothing.tolist() == [-1] * 5


def test_figure4_counts_the_classes_that_the_localizers_give(networks, data):
    runs = {s: networks / directory_name(s) / "0" for s in figure4.SYSTEMS}
    model, description, config = checkpoint.load_model(runs["AherNet"])
    role = Dataset.load(data, config.data).test()
    total, right = figure4.count_right(runs, role)
    localizer = Localizer(model, description.target_classes, config)
    steps = config.network.untrimmed_steps
    expected = expected_right = 0
    for number, batch in enumerate(pipelines.evaluation_batches(role, config, 1)):
        (found,) = localizer.candidates(batch["features"])
        segments, names = role.segments(role.videos[number], steps)
        labels = np.array([role.classes.index(name) for name in names])
        wanted = figure4.right_class(found.segments, segments, labels)
        expected += (wanted >= 0).sum()
        expected_right += ((found.label == wanted) & (wanted >= 0)).sum()
    assert total.sum() == expected > 10
    assert right["AherNet"].sum() == expected_right
    assert (right["AherNet-"] <= total).all()
    assert right["AherNet-"].sum() > 0


def test_figure4_is_drawn_and_its_numbers_written(networks):
    content = figure4.run(networks, progress=False)
    written = check_pictures(networks, "figure4")
    assert [row["level"] for row in written["rows"]] == [1, 2, 3] * 2
    for system, result in content["accuracy_of_all"].items():
        rows = [row for row in written["rows"] if row["system"] == system]
        right = sum(r["proposals"] * r["mean"] for r in rows if r["proposals"])
        total = sum(row["proposals"] for row in rows)
        assert result["mean"] == pytest.approx(right / total)
    assert content["chance"] == 0.5


def test_cells_of_each_kind_are_what_the_backbone_makes_of_them(networks, data):
    run = networks / "AherNet" / "0"
    model, _, config = checkpoint.load_model(run)
    dataset = Dataset.load(data, config.data)
    levels = anchor_features.collect(model, config, dataset, 8, 3)
    again = anchor_features.collect(model, config, dataset, 8, 3)
    role = dataset.test()
    batch = next(iter(pipelines.evaluation_batches(role, config, len(role.videos))))
    maps = model.backbone(model.standardization(batch["features"]))
    finest = levels[0]
    assert {kind: part.features.shape[1] for kind, part in finest.items()} == {
        FOREGROUND: 4,
        SYNTHETIC: 4,
        REAL: 4,
    }
    rows = maps[0].numpy().reshape(-1, 4)
    distance = np.abs(finest[REAL].features[:, np.newaxis] - rows).max(axis=-1)
    assert distance.min(axis=1).max() < 1e-5
    assert 0 < len(finest[REAL].features) < len(rows)
    assert set(finest[REAL].groups) <= set(range(len(role.videos)))
    # Two moments share a run: eight moments are four groups.
    assert set(finest[SYNTHETIC].groups) == set(range(4))
    np.testing.assert_array_equal(
        finest[SYNTHETIC].features, again[0][SYNTHETIC].features
    )


def test_real_background_is_where_no_anchor_of_a_cell_overlaps_an_instance(
    networks, data
):
    model, _, config = checkpoint.load_model(networks / "AherNet" / "0")
    dataset = Dataset.load(data, config.data)
    levels = anchor_features.collect(model, config, dataset, 8, 0)
    role = dataset.test()
    for number, video in enumerate(role.videos):
        segments, _ = role.segments(video, 64)
        expected = []
        for cells, unit in ((16, 4), (8, 8), (4, 16)):
            centre = (np.arange(cells) + 0.5)[:, np.newaxis] * unit
            half = unit * np.array([1, 1.26, 1.587]) / 2
            bounds = np.clip([centre - half, centre + half], 0, 63)
            pairs = np.broadcast_arrays(*bounds[..., np.newaxis], *segments.T)
            expected.append((temporal_iou(*pairs) < 0.3).all(axis=(1, 2)).sum())
        found = [(level[REAL].groups == number).sum() for level in levels]
        assert found == expected


def sample(random, mean, count=120, groups=20, channels=10):
    features = random.normal(mean, size=(count, channels))
    return Sample(features, np.arange(count) % groups)


def test_accuracy_is_one_where_kinds_lie_apart_and_a_half_where_they_are_alike():
    random = np.random.default_rng(0)
    a, alike, apart = (sample(random, mean) for mean in (0.0, 0.0, 3.0))
    assert figure5.accuracy(a, apart, 0) > 0.98
    assert figure5.accuracy(a, alike, 0) == pytest.approx(0.5, abs=0.12)


def test_what_marks_a_video_does_not_help_to_tell_the_kinds_apart():
    random = np.random.default_rng(1)

    def of_videos():
        part = sample(random, 0.0, 200, 10)
        marks = 20 * random.normal(size=(10, 10))
        return Sample(part.features + marks[part.groups], part.groups)

    scores = [figure5.accuracy(of_videos(), of_videos(), n) for n in range(4)]
    assert np.mean(scores) < 0.7
    alone = Sample(np.zeros([30, 10]), np.zeros(30, int))
    assert figure5.accuracy(alone, of_videos(), 0) is None


def test_figure5_is_drawn_with_equally_many_anchors_of_each_kind(networks):
    content = figure5.run(networks, anchors=60, moments=24, progress=False)
    written = check_pictures(networks, "figure5")
    row = next(r for r in written["rows"] if r["level"] == content["drawn_level"])
    assert 20 <= row["anchors"] <= 60
    measured = content["accuracy"]["synthetic_vs_real"]
    assert measured["values"] == [row["synthetic_vs_real"]]
    with pytest.raises(ValueError, match="level 9"):
        figure5.run(networks, level=9, anchors=60, moments=8, progress=False)


def test_crossing_is_interpolated():
    points = [(10, 0.1), (20, 0.3), (30, 0.2)]
    assert figure6.crossing(points, 0.2) == pytest.approx(15)
    assert figure6.crossing(points, 0.05) == 10
    assert figure6.crossing(points, 0.4) is None


def test_figure6_trains_on_parts_and_shares_the_whole_with_the_tables(faked):
    column, content = faked
    written = check_pictures(column.workdir, "figure6")
    expected = {
        f"AherNet{suffix}/{seed}": 1
        for suffix in ("", "-oracle", "-oracle-20", "-oracle-60")
        for seed in (0, 1)
    }
    found = {run: n for run, n in starts(column.workdir).items() if "minus" not in run}
    assert found == expected
    part = configuration.load(column.workdir / "AherNet-oracle-20" / "0/config.json")
    assert part.data.oracle_fraction == 0.2
    assert [row["percent"] for row in written["rows"]] == [20, 60, 100, None]
    for row, name in zip(written["rows"], ("-oracle-20", "-oracle-60", "-oracle", "")):
        metrics = json.loads(
            (column.workdir / f"AherNet{name}" / "1/metrics.json").read_text()
        )
        assert row["values"][1] == metrics["average_map"]
    assert content["ahernet"]["values"] == written["rows"][-1]["values"]


def test_fractions_are_whole_percents():
    assert figure6.percents_of(["1.0", "0.1", "0.29"]) == [10, 29, 100]
    for wrong in ("0", "1.1", "0.155", "x"):
        with pytest.raises(ValueError, match=r"fractions|float"):
            figure6.percents_of([wrong])


def make_video(*segments, name="v"):
    instances = tuple(Instance(start, end, "run") for start, end in segments)
    return Video(name, "validation", 20.0, instances)


def frame(*rows, video="v"):
    columns = ["video", "start_sec", "end_sec", "label", "score"]
    return pd.DataFrame([(video, *row) for row in rows], columns=columns)


def test_as_many_detections_as_instances_are_drawn_and_none_twice():
    video = make_video((1, 3), (10, 12))
    found = frame(
        (1.1, 3.1, "run", 0.8),
        (1.0, 3.0, "run", 0.9),
        (10.0, 12.0, "sit", 0.5),
        (5.0, 6.0, "run", 0.4),
    )
    best = figure7.best_detections(found, video)
    assert best["start_sec"].tolist() == [1.0, 10.0]
    assert figure7.share_found(best, video) == 0.5  # the second has another label
    assert figure7.share_found(best.head(0), video) == 0.0


def test_typical_and_good_videos_have_several_instances():
    videos = [make_video((1, 3), (10, 12), name=f"v{n}") for n in range(5)]
    videos.append(make_video((1, 3), name="single"))
    found = pd.concat(
        [frame((1, 3, "run", 1.0), video=f"v{n}") for n in (1, 3)]
        + [frame((1, 3, "run", 1.0), (10, 12, "run", 1.0), video="v2")]
        + [frame((1, 3, "run", 1.0), video="single")]
    )
    assert [v.id for v in figure7.choose(videos, found)] == ["v1", "v2"]


def test_figure7_draws_the_chosen_videos_and_writes_what_it_shows(faked):
    column, _ = faked
    drawn = figure7.run(column.workdir)
    content = check_pictures(column.workdir, "figure7")
    assert content["videos"] == drawn
    assert len(drawn) == 2
    shown = pd.DataFrame(content["rows"])
    for _, part in shown.groupby("video"):
        count = part["system"].value_counts()
        assert count["AherNet"] <= count["ground truth"]
        assert count["AherNet"] == count["AherNet-"]  # it is a copy
    with pytest.raises(ValueError, match="no annotated test videos: nobody"):
        figure7.run(column.workdir, names=["nobody"])
    with pytest.raises(ValueError, match="seed 5"):
        figure7.run(column.workdir, seed=5)


def test_the_runs_of_several_data_sets_are_found(tmp_path):
    assert figures.workdirs(tmp_path) == [tmp_path]
    for name in ("th14_to_anet_fg", "mine"):
        (tmp_path / name / "AherNet" / "0").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    places = [tmp_path / "mine", tmp_path / "th14_to_anet_fg"]
    assert figures.workdirs(tmp_path) == places
    assert figures.workdirs(places[0], "D") == [places[0]]
    with pytest.raises(ValueError, match="holds runs of 2 data sets; with --data"):
        figures.workdirs(tmp_path, "D")


def test_figure4_is_drawn_for_each_data_set_of_a_table(networks, tmp_path, capsys):
    for name in ("a", "b"):
        shutil.copytree(networks, tmp_path / name)
    values = types.SimpleNamespace(workdir=str(tmp_path), data=None)
    figure4.main(values)
    said = capsys.readouterr().out
    for name in ("a", "b"):
        assert str(tmp_path / name / "figure4") in said
        check_pictures(tmp_path / name, "figure4")


def test_figures_say_which_runs_they_lack(tmp_path, faked):
    for program in (figure4, figure5, figure7):
        with pytest.raises(ValueError, match=r"experiments\.table2 --workdir"):
            program.run(tmp_path)
    column = dataclasses.replace(faked[0], workdir=tmp_path)
    with pytest.raises(ValueError, match="no finished run of AherNet"):
        figure6.run(column, [50], train=False)
