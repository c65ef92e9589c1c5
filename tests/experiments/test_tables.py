import csv
import dataclasses
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.models import systems
from experiments import compare
from experiments.paper import (
    pages,
    published,
    runs,
    significance,
    table_rows,
    tables,
)
from experiments.paper.columns import Column, Plan, columns
from experiments.paper.published import TABLE_2
from tests import programs
from tests.conftest import REPOSITORY
from tests.data.tiny import TinyData
from tests.experiments.paper_runs import FAKE, column_of, starts, write_data
from tests.visualization.page.made_up import content_of

TABLES = (
    published.TABLE_1,
    published.TABLE_2,
    published.TABLE_3,
    published.TABLE_4,
)
PAIR = dataclasses.replace(published.TABLE_2, systems=("AherNet-", "AherNet"))
DRIVER = """
import pathlib, sys
from experiments.paper import runs, tables
from tests.experiments.paper_runs import FAKE, column_of
from tests.experiments.test_tables import PAIR
workdir = pathlib.Path(sys.argv[2])
column = column_of(sys.argv[1], workdir)
try:
    tables.make_table(PAIR, [column], workdir, column.plan, 2, 0, FAKE, progress=False)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "synthetic")


def make(table, column, samples=0, **changes):
    return tables.make_table(
        table,
        [column],
        column.workdir,
        column.plan,
        jobs=2,
        samples=samples,
        trainer=FAKE,
        progress=False,
        **changes,
    )


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """Table 2 with two seeds."""
    column = column_of(data, tmp_path_factory.mktemp("made"))
    text, failed = make(published.TABLE_2, column, samples=200)
    assert not failed
    return column, text


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_and_column_of_the_paper_is_there(table):
    for rows in table.published.values():
        assert set(rows) == set(table.systems)
        assert {len(row) for row in rows.values()} == {len(table.metrics)}
    assert {len(o.values) for o in table.others} <= {len(table.metrics)}
    assert set(table.systems) <= set(systems.NAMES)


def test_tables_agree_where_the_paper_prints_a_number_twice():
    for setting in published.TABLE_2.published:
        for system in ("AherNet0", "AherNet-", "AherNet*"):
            one, two = (
                table.value(setting, system, "average_map")
                for table in (published.TABLE_1, published.TABLE_2)
            )
            assert one == two
        best = published.TABLE_1.value(setting, "AherNet/2-elu", "average_map")
        assert best == published.TABLE_2.value(setting, "AherNet", "average_map")
    assert published.TABLE_3.value("th14_to_anet_fg", "AherNet", "average_map") == (
        pytest.approx(best, abs=0.05)
    )


def test_some_systems_of_a_table_stand_in_its_order():
    some = tables.of_systems(TABLE_2, ["AherNet*", "AherNet"])
    assert some.systems == ("AherNet", "AherNet*")
    assert tables.of_systems(TABLE_2, []) == TABLE_2
    with pytest.raises(ValueError, match="--systems: 'AherNet/1-elu' is not in table2"):
        tables.of_systems(TABLE_2, ["AherNet/1-elu"])


def test_directories_are_plain_names_and_no_two_are_equal():
    names = [runs.directory_name(system) for system in systems.NAMES]
    assert len({name.lower() for name in names}) == len(systems.NAMES)
    assert not set("".join(names)) & set('*/\\:?"<>| ')


def test_a_variant_that_is_the_default_is_trained_as_ahernet():
    config = configuration.small()
    assert runs.trained_as("AherNet/2-elu", config) == "AherNet"
    assert runs.trained_as("AherNet/1-relu", config) == "AherNet/1-relu"
    other = configuration.with_overrides(
        config, ["network.transfer_layers=1", "network.transfer_activation=relu"]
    )
    assert runs.trained_as("AherNet/1-relu", other) == "AherNet"
    assert runs.trained_as("AherNet/2-elu", other) == "AherNet/2-elu"


def test_rows_hold_what_the_runs_measured(made):
    column, text = made
    content = json.loads((column.workdir / "table2.json").read_text())
    assert [row["system"] for row in content["rows"]] == list(published.LADDER)
    for row in content["rows"]:
        directory = column.workdir / runs.directory_name(row["system"])
        found = [
            json.loads((directory / seed / "metrics.json").read_text()) for seed in "01"
        ]
        for key in ("average_map", "auc"):
            values = [metrics[key] for metrics in found]
            assert row[key]["values"] == values
            assert row[key]["mean"] == pytest.approx(statistics.mean(values))
            assert row[key]["std"] == pytest.approx(statistics.stdev(values))
        at_half = [metrics["map_at_tiou"]["0.50"] for metrics in found]
        assert row["map_at_0.50"]["values"] == at_half
    assert (column.workdir / "table2.md").read_text() == text


def test_the_table_stands_in_the_papers_order_beside_its_numbers(made):
    column, text = made
    lines = [line for line in text.splitlines() if line.startswith("| Aher")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [line[0] for line in cells] == list(published.LADDER)
    row = json.loads((column.workdir / "table2.json").read_text())["rows"][4]
    ours = []
    for key, scale in (("auc", 1), ("average_map", 100)):
        mean, std = (scale * row[key][part] for part in ("mean", "std"))
        ours.append(f"{mean:.1f} ± {std:.1f}")
    assert cells[4] == ["AherNet", *ours, "58.3", "17.2", "55.5", "24.3"]


def test_csv_holds_percent_and_marks_what_is_published(made):
    column, _ = made
    with (column.workdir / "table2.csv").open() as file:
        lines = list(csv.DictReader(file))
    content = json.loads((column.workdir / "table2.json").read_text())
    first = content["rows"][0]["average_map"]["mean"]
    assert float(lines[0]["average_map_percent_mean"]) == pytest.approx(
        100 * first, abs=1e-3
    )
    paper = [line for line in lines if line["published"] == "yes"]
    assert len(paper) == 12
    assert paper[4]["system"] == "AherNet"
    assert paper[4]["auc_percent_mean"] == "58.3"


def test_neighbours_are_compared_and_the_better_one_is_said_to_be(made):
    column, text = made
    content = json.loads((column.workdir / "table2.json").read_text())
    pairs = [(entry["b"], entry["a"]) for entry in content["comparisons"]]
    assert pairs == list(zip(published.LADDER, published.LADDER[1:]))
    last = content["comparisons"][-1]
    means = {row["system"]: row["average_map"]["mean"] for row in content["rows"]}
    expected = means["AherNet*"] - means["AherNet"]
    assert last["difference"] == pytest.approx(expected)
    assert last["low"] < last["difference"] < last["high"]
    assert "AherNet* less AherNet: " in text
    assert f"reaches {100 * means['AherNet'] / means['AherNet*']:.0f}% of" in text


def test_finished_runs_are_not_run_again_and_tables_share_them(made):
    column, _ = made
    before = starts(column.workdir)
    assert set(before.values()) == {1}
    make(published.TABLE_4, column)
    transfers = dataclasses.replace(
        published.TABLE_1, systems=("AherNet/1-relu", "AherNet/2-elu", "AherNet*")
    )
    text, _ = make(transfers, column)
    new = {"AherNet-1-relu/0": 1, "AherNet-1-relu/1": 1}
    assert starts(column.workdir) == before | new
    assert "AherNet, 2-fc, ELU" in text
    rows = json.loads((column.workdir / "table1.json").read_text())["rows"]
    ahernet = json.loads((column.workdir / "table2.json").read_text())["rows"][4]
    assert rows[1]["average_map"]["values"] == ahernet["average_map"]["values"]


def test_table_3_prints_other_methods_as_published(made):
    column, _ = made
    text, _ = make(published.TABLE_3, column)
    line = next(line for line in text.splitlines() if "Nguyen" in line)
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    numbers = ["36.40", "19.20", "2.90", "-"]
    assert cells == ["Nguyen et al. [38] *", "", "", "", "", *numbers]
    assert "not run here" in text


def test_runs_of_other_options_data_or_seed_are_refused(made, data, tmp_path):
    column, _ = made
    other = column_of(data, column.workdir, assignments=("loss.adv_mask=separate",))
    with pytest.raises(ValueError, match="adv_mask: joint != separate"):
        make(PAIR, other)
    elsewhere = write_data(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="data: "):
        make(PAIR, column_of(elsewhere, column.workdir))
    run = column.runs("AherNet")[0]
    with pytest.raises(ValueError, match="seed: 0 != 7"):
        runs.check(dataclasses.replace(run, seed=7))


def test_a_failing_run_is_reported_and_the_others_go_on(
    data, tmp_path, monkeypatch, capfd
):
    column = column_of(data, tmp_path)
    monkeypatch.setenv("FAKE_FAIL", "AherNet-")
    text, failed = make(PAIR, column, samples=100)
    assert [run.seed for run in failed] == [0, 1]
    assert "the moon is in the wrong house" in capfd.readouterr().err
    first, second = (ln for ln in text.splitlines() if ln.startswith("| Aher"))
    assert first.split("|")[2].strip() == "-"
    assert "±" in second
    monkeypatch.delenv("FAKE_FAIL")
    assert make(PAIR, column)[1] == []
    assert starts(tmp_path) == {
        "AherNet-minus/0": 2,
        "AherNet-minus/1": 2,
        "AherNet/0": 1,
        "AherNet/1": 1,
    }


def start_driver(data, workdir, sleep_sec):
    environment = os.environ | {"FAKE_SLEEP": str(sleep_sec)}
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(data), str(workdir)],
        cwd=REPOSITORY,
        env=environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(starts(workdir)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)  # the runs catch signals by now
    return process


def test_ctrl_c_lets_every_run_save_once_and_the_same_command_continues(data, tmp_path):
    process = start_driver(data, tmp_path, 60)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(60) == 130
    begun = starts(tmp_path)
    assert len(begun) == 2
    assert all((tmp_path / run / "saved").exists() for run in begun)
    assert not list(tmp_path.glob("*/*/metrics.json"))
    column = column_of(data, tmp_path)
    assert make(PAIR, column)[1] == []
    assert starts(tmp_path) == dict.fromkeys(begun, 2) | {
        run: 1 for run in starts(tmp_path) if run not in begun
    }
    assert len(list(tmp_path.glob("*/*/metrics.json"))) == 4


def test_after_a_kill_the_runs_that_go_on_are_waited_for(data, tmp_path):
    process = start_driver(data, tmp_path, 4)
    process.kill()
    process.wait(60)
    assert len(starts(tmp_path)) == 2
    assert make(PAIR, column_of(data, tmp_path))[1] == []
    assert set(starts(tmp_path).values()) == {1}
    assert len(starts(tmp_path)) == 4


def test_data_flags_name_the_columns(data, tmp_path):
    plan = Plan(assignments=("training.iterations=5",))
    texts = [f"th14_to_anet_fg={data}", f"mine={data}"]
    paper, mine = columns(texts, tmp_path, plan)
    assert paper.title == "TH14 -> ANet-FG"
    assert (paper.preset, mine.preset) == ("paper", "auto")
    assert paper.assignments[0] == "data.minimum_foreground_clips=8"
    assert paper.assignments[-1] == "training.iterations=5"
    assert mine.assignments == ("training.iterations=5",)
    released = dataclasses.replace(paper, plan=Plan("release"))
    assert released.runs("AherNet")[0].config().training.decay_unit == "samples"
    run = mine.runs("AherNet*")[2]
    start = tmp_path / "mine" / "auto" / "config.json"
    assert run.preset == str(start)
    assert configuration.load(start).preset == run.config().preset == "auto"
    # One choice for all: made once.
    before = start.stat().st_mtime_ns
    assert mine.runs("AherNet-")[0].preset == run.preset
    assert start.stat().st_mtime_ns == before
    assert run.workdir == tmp_path / "mine" / "AherNet-oracle" / "2"
    assert run.config().training.system == "AherNet*"
    for wrong, message in (
        ([str(data), str(data)], "several data sets are named"),
        ([f"a={data}", f"a={data}"], "twice"),
        ([f"a={tmp_path / 'no'}"], "no such directory"),
    ):
        with pytest.raises(ValueError, match=message):
            columns(wrong, tmp_path, plan)


def test_our_column_of_a_setting_stands_beside_its_published_one(made, data, tmp_path):
    column, _ = made
    named = dataclasses.replace(column, name="anet_un_to_anet_am")
    text, _ = tables.make_table(
        PAIR, [named], tmp_path, named.plan, samples=0, train=False, progress=False
    )
    heads = [head.strip() for head in text.splitlines()[2].split("|")[1:-1]]
    assert heads[1:3] == [
        "ANet-UN -> ANet-AM: AUC",
        "paper, ANet-UN -> ANet-AM: AUC",
    ]
    row = json.loads((tmp_path / "table2.json").read_text())["rows"][1]
    assert row["average_map"]["published"] == pytest.approx(0.172)
    assert row["auc"]["published"] == 58.3


def test_the_page_of_a_table_shows_its_systems_side_by_side(made, tmp_path):
    column, _ = made
    page = tmp_path / "table2.html"
    assert pages.write_page(published.TABLE_2, column, page, 20, progress=False)
    content = content_of(page)
    assert content["notes"]["Seed"] == "0; the table has the mean over it and 1"
    systems = published.TABLE_2.systems
    assert [r["name"] for r in content["results"]] == [*map(published.label, systems)]
    for system, result in zip(systems, content["results"]):
        metrics = column.runs(system)[0].metrics()
        average_map = 100 * metrics["average_map"]
        assert result["scores"]["average_map"][0] == pytest.approx(
            average_map, abs=1e-4
        )
    empty = dataclasses.replace(column, workdir=tmp_path / "other")
    assert not pages.write_page(published.TABLE_2, empty, tmp_path / "no.html")
    assert not (tmp_path / "no.html").exists()


def test_the_program_ends_with_its_page_and_what_is_next(made):
    column, _ = made
    arguments = [f"--data={column.data}", f"--workdir={column.workdir}"]
    options = ["--preset=small", "--seeds=0,1", "--bootstrap=5", "--notrain"]
    result = programs.run("experiments.table2", *arguments, *options)
    assert result.returncode == 0, result.stderr
    page, following = result.stdout.splitlines()[-1], result.stderr.splitlines()[-1]
    assert page == f"{column.workdir / 'table2.html'}: open it in a browser."
    expected = f"--a {column.workdir / 'AherNet-oracle'} --b {column.workdir}/AherNet"
    assert following.endswith(f"compare {expected}")


def test_one_value_has_no_deviation():
    assert table_rows.summary([0.5]) == {"mean": 0.5, "std": None, "values": [0.5]}
    assert table_rows.summary([]) == {"mean": None, "std": None, "values": []}


def test_compare_finds_a_clear_difference_and_none_with_itself(made):
    column, _ = made
    better, worse = column.workdir / "AherNet-oracle", column.workdir / "AherNet0"
    clear = compare.run(better, worse, samples=200)
    assert clear.p_value < 0.05 < clear.low
    assert clear.seeds == 2
    back = compare.run(worse, better, samples=200)
    assert back.difference == -clear.difference
    same = compare.run(better, better, samples=200)
    assert (same.difference, same.low, same.high) == (0.0, 0.0, 0.0)
    assert same.p_value == 1.0
    single = compare.run(better / "0", worse / "1", samples=50)
    assert single.seeds == 1
    assert "p < 0.04" in single.sentence("a", "b")


def test_compare_refuses_what_cannot_be_compared(made, tmp_path):
    column, _ = made
    with pytest.raises(ValueError, match="no finished run"):
        compare.run(tmp_path, column.workdir / "AherNet")
    seeds = [significance.finished_runs(column.workdir / "AherNet")[s] for s in (0, 1)]
    resamples = significance.Resamples(column.data, 10)
    assert significance.compare(resamples, {0: seeds[0]}, {1: seeds[1]}) is None


def test_the_program_names_what_is_wrong(tmp_path):
    arguments = [f"--data={tmp_path / 'no'}", f"--workdir={tmp_path / 'w'}"]
    result = programs.run("experiments.table2", *arguments)
    assert result.returncode == 1
    assert "no such directory" in result.stderr
    assert not (tmp_path / "w").exists()


def test_data_without_what_a_system_learns_from_are_refused_at_once(tmp_path):
    data = TinyData()
    del data.roles["oracle"]
    directory = data.write(tmp_path / "data")
    own = [Column("mine", directory, tmp_path / "W", Plan())]
    with pytest.raises(ValueError, match=r"no role 'oracle', which AherNet\* learns"):
        tables._check_roles(TABLE_2, own)
    tables._check_roles(tables.of_systems(TABLE_2, ["AherNet"]), own)
