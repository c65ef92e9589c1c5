"""The program that makes the page."""

import json

import pytest

from experiments import report
from experiments.ground_truth_flags import GroundTruth, of_data, protocol_of
from tests import programs
from tests.experiments.paper_runs import write_data
from tests.visualization.page.made_up import content_of, made_up

TRUTH, FOUND = made_up(videos=4)


@pytest.fixture
def files(tmp_path):
    """Writes ground truth and two results."""
    database = {
        str(video): {
            "subset": "validation",
            "duration": float(rows["duration_sec"].iloc[0]),
            "annotations": [
                {"segment": [row.start_sec, row.end_sec], "label": row.label}
                for row in rows.itertuples()
            ],
        }
        for video, rows in TRUTH.groupby("video")
    }
    (tmp_path / "truth.json").write_text(json.dumps({"database": database}))
    for number in (1, 2):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        frame = made_up(videos=4, seed=number)[1]
        report.evaluation.write_results(folder / "found.json", frame)
    return tmp_path


def start(*arguments):
    return programs.run("experiments.report", *arguments)


def test_program_writes_the_page_and_says_where(files):
    done = start(
        f"--ground_truth={files / 'truth.json'}",
        f"--predictions=before={files / 'run1' / 'found.json'}",
        f"--predictions=after={files / 'run2' / 'found.json'}",
        "--bootstrap=5",
        "--quiet",
        "--title=Mine",
        f"--out={files / 'new' / 'page.html'}",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{files / 'new' / 'page.html'}: open it in a browser.\n"
    assert done.stderr.splitlines() == [
        f"warning: {name}: {number} of {all_of_it} predictions are of 1 labels that "
        "the ground truth does not have, such as 'class 2'."
        for name, number, all_of_it in (("before", 10, 47), ("after", 14, 46))
    ]
    content = content_of(files / "new" / "page.html")
    assert [result["name"] for result in content["results"]] == ["before", "after"]
    assert content["title"] == "Mine"
    assert content["notes"]["Protocol"].startswith("anet_v1.3: ")
    assert content["notes"]["Scored videos"] == "4 listed → 4 annotated"


def test_detections_alone_need_no_ground_truth(files):
    out = files / "page.html"
    done = start(f"--predictions={files / 'run1' / 'found.json'}", f"--out={out}")
    assert done.returncode == 0, done.stderr
    content = content_of(out)
    assert content["truth"] is None
    assert content["results"][0]["scores"] is None
    assert content["results"][0]["name"] == "found"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out=page.txt", "--predictions=x.json"], "page.txt: expected a name"),
        (["--out=p.html", "--predictions=x.json"], "x.json: cannot be read"),
        (["--out=p.html", "--predictions=a=x", "--predictions=a=y"], "'a' is there"),
        (
            ["--out=p.html", "--predictions=x", "--data=D", "--ground_truth=g.json"],
            "either --ground_truth or --data",
        ),
    ],
)
def test_wrong_flags_are_told(files, flags, message):
    done = start(*flags)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a/found.json", "b/found.json.gz", "c/x.json"], ["a", "b", "x"]),
        (["W/A/0/p.json", "W/B/0/p.json", "W/B/1/p.json"], ["A/0", "B/0", "B/1"]),
        (["/runs/W/A/0/p.json", "/runs/W/B/0/p.json"], ["A", "B"]),
        (["p.json", "old/p.json"], ["p", "old"]),
        (["ours=a/p.json", "b/p.json"], ["ours", "b"]),
    ],
)
def test_files_of_one_name_are_told_apart_by_what_differs(files, names):
    assert list(report.named(files)) == names


def test_a_file_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="'p' is there twice"):
        report.named(["a/p.json", "a/p.json"])


def test_files_that_belong_to_other_videos_are_told_on_the_page(files):
    out = files / "page.html"
    other = FOUND.assign(video=FOUND["video"] + "_other")
    report.evaluation.write_results(files / "other.json", other)
    truth = GroundTruth(str(files / "truth.json"), protocol_of("anet_v1.3"))
    with pytest.warns(UserWarning, match="can be evaluated"):
        said = report.make_report(
            out, {"r": files / "other.json"}, truth, samples=5, progress=False
        )
    assert said[0].startswith("r: 4 of 4 annotated videos have no prediction")
    assert said[0] in content_of(out)["notes"]["Warning"]


def test_data_set_gives_its_test_videos(tmp_path):
    truth = of_data(str(write_data(tmp_path / "data"))).load()
    assert truth["video"].nunique() == 8
    assert truth["duration_sec"].notna().all()
