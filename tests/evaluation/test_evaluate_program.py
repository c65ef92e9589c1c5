"""The program end to end, and what the package imports."""

import json

import pytest

from tests import programs
from tests.conftest import shared_path
from tests.data.tiny import TinyData

TRUTH = {
    "database": {
        "v_a": {
            "subset": "validation",
            "duration": 50,
            "annotations": [{"segment": [0, 10], "label": "x"}],
        },
        "b": {
            "subset": "validation",
            "annotations": [{"segment": ["20", "30"], "label": "y"}],
        },
        "c": {"subset": "validation", "annotations": []},
        "d": {
            "subset": "training",
            "annotations": [{"segment": [0, 1], "label": "z"}],
        },
    }
}
FOUND = {
    "results": {
        "a": [
            {"segment": [0, 10], "score": 0.9, "label": "x"},
            {"segment": [0, 10], "score": 0.8, "label": "unknown"},
        ],
        "c": [{"segment": [0, 10], "score": 0.95, "label": "x"}],
        "nowhere": [{"segment": [0, 10], "score": 0.9, "label": "x"}],
    }
}


def evaluate(*arguments):
    """Runs the program; returns the completed process."""
    return programs.run("experiments.evaluate", *arguments, COLUMNS="200")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "found.json").write_text(json.dumps(FOUND))
    return [
        f"--ground_truth={tmp_path / 'truth.json'}",
        f"--predictions={tmp_path / 'found.json'}",
    ]


def test_program_prints_and_writes_the_scores(files, tmp_path):
    out = tmp_path / "out.json"
    done = evaluate(*files, "--errors", "--bootstrap=20", f"--json={out}")
    assert done.returncode == 0, done.stderr
    for line in (
        "anet_v1.3",
        "3 listed -> 2 annotated",
        "0.50 0.55 0.60",
        "average  50.000",
        "20 resamples of the videos",
        "true positive",
        "missed instances by length",
    ):
        assert line in done.stdout
    report = json.loads(out.read_text())
    assert report["detection"]["average_mAP"] == 0.5
    assert report["detection"]["AP_per_class"] == {"x": [1.0] * 10, "y": [0.0] * 10}
    assert report["proposal"]["AR@5"] == 0.5
    assert report["protocol"]["name"] == "anet_v1.3"
    assert report["bootstrap"]["samples"] == 20
    counts = report["counts"]
    assert counts["predictions_of_unknown_videos"] == 2
    assert counts["predictions_of_unknown_labels"] == 1
    assert counts["videos_without_predictions"] == 1
    assert counts["background_videos"] == 1


def test_quiet_shows_no_bar(files):
    done = evaluate(*files, "--bootstrap=20", "--quiet")
    assert done.returncode == 0
    assert "bootstrap" not in done.stderr


def test_background_videos_and_classes_change_the_score(files, tmp_path):
    out = tmp_path / "out.json"
    done = evaluate(*files, "--background_videos", "--classes=x", f"--json={out}")
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["detection"]["average_mAP"] == 0.5  # the hit comes second
    assert list(report["detection"]["AP_per_class"]) == ["x"]


def test_block_list_thresholds_and_comparison_are_used(files, tmp_path):
    out, blocked = tmp_path / "out.json", tmp_path / "blocked.txt"
    blocked.write_text("v_a\nnever_listed\n")
    worse = tmp_path / "worse.json"
    worse.write_text(json.dumps({"results": {}}))
    of_b = [{"segment": [20, 26], "score": 0.5, "label": "y"}]
    found = {"results": {**FOUND["results"], "b": of_b}}
    (tmp_path / "found.json").write_text(json.dumps(found))
    done = evaluate(
        *files,
        "--protocol=custom",
        "--subset=validation",
        "--tiou=0.5,0.7",
        f"--block_list={blocked}",
        f"--compare_with={worse}",
        "--bootstrap=10",
        f"--json={out}",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["detection"]["AP_per_class"] == {"y": [1.0, 0.0]}
    assert report["counts"]["predictions_of_excluded_videos"] == 2
    assert report["comparison"]["estimate"] == 0.5
    assert report["comparison"]["average_map_b"] == 0.0
    assert "difference 50.000, 95% interval" in done.stdout


def test_what_does_not_fit_is_said_first(files, tmp_path):
    done = evaluate(*files)
    assert "1 of 2 annotated videos have no prediction" in done.stderr
    assert "such as 'b'" in done.stderr
    assert "2 of 4 predictions are of 2 videos that the ground truth does not" in (
        done.stderr
    )
    assert "1 of 2 annotated labels have no prediction" in done.stderr
    assert "--data DIR scores what training scored" in done.stderr


def test_data_set_is_scored_as_in_training(tmp_path):
    data = TinyData()
    data.write(tmp_path / "data")
    found = {"t1": [{"segment": [2, 6], "score": 0.9, "label": "jump"}]}
    found["a2"] = [{"segment": [12, 15], "score": 0.8, "label": "wave"}]
    predictions, out = tmp_path / "found.json", tmp_path / "out.json"
    predictions.write_text(json.dumps({"results": found}))
    flags = [f"--predictions={predictions}", f"--json={out}"]
    done = evaluate(*flags, f"--data={tmp_path / 'data'}")
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["detection"]["AP_per_class"] == {"jump": [1.0] * 10}
    assert report["counts"]["predictions_of_unknown_videos"] == 1
    assert report["ground_truth"] == str(tmp_path / "data")
    done = evaluate(*flags, f"--data={tmp_path / 'data'}", "--classes=source")
    assert set(json.loads(out.read_text())["detection"]["AP_per_class"]) == {
        "run",
        "sit",
    }
    done = evaluate(*flags, f"--data={tmp_path / 'data'}", "--classes=jump")
    assert "expected target or source" in done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "Expected either --ground_truth or --data"),
        (["--ground_truth=a.json", "--data=b"], "Expected either"),
        (["--ground_truth=a.json", "--json=."], ".: is a directory"),
    ],
)
def test_flags_are_checked_before_files_are_read(flags, message):
    done = evaluate("--predictions=nowhere.json", *flags)
    assert done.returncode == 1
    assert message in done.stderr


def test_faulty_input_ends_with_one_line(files, tmp_path):
    faulty = {"results": {"a": [{"segment": [9, 1], "score": 1, "label": "x"}]}}
    (tmp_path / "found.json").write_text(json.dumps(faulty))
    done = evaluate(*files)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "found.json: video 'a': segment starts at 9 s" in done.stderr


def test_program_writes_the_official_numbers(tmp_path):
    results = json.loads(shared_path("golden/eval/thumos_results.json").read_text())
    out = tmp_path / "out.json"
    done = evaluate(
        "--ground_truth",
        shared_path("golden/eval/thumos_gt.json"),
        "--predictions",
        shared_path("golden/eval/thumos_predictions.json.gz"),
        "--protocol=custom",
        "--tiou=0.5:0.05:0.95",
        f"--subset={results['subset']}",
        f"--json={out}",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    for part in ("detection", "proposal"):
        assert set(results[part]) <= set(report[part])
        for key, value in results[part].items():
            assert report[part][key] == (
                {k: pytest.approx(v, rel=0, abs=1e-9) for k, v in value.items()}
                if isinstance(value, dict)
                else [pytest.approx(row, rel=0, abs=1e-9) for row in value]
                if isinstance(value, list)
                else pytest.approx(value, rel=0, abs=1e-9)
            )


def test_package_imports_no_tensorflow_and_of_ours_files_alone():
    code = (
        "import sys, ahernet_tf.evaluation; "
        "print(sorted({n.split('.')[0] for n in sys.modules} & "
        "{'tensorflow', 'keras', 'absl', 'tqdm', 'h5py', 'scipy', 'sklearn'})); "
        "print(sorted(n for n in sys.modules if n.startswith('ahernet_tf.') "
        "and not n.startswith('ahernet_tf.evaluation')))"
    )
    done = programs.python(code, check=True)
    others, ours = done.stdout.split("\n")[:2]
    assert others == "[]"
    assert (
        ours == "['ahernet_tf.files', 'ahernet_tf.lazy_names', 'ahernet_tf.spelling']"
    )


def test_benchmark_runs_small_and_agrees_with_the_plain_loop(tmp_path):
    out = tmp_path / "times.json"
    done = programs.run(
        "experiments.benchmarks.evaluation",
        *("--videos=20", "--predictions_per_video=20", "--classes=4"),
        *("--loop_videos=5", f"--json={out}"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["whole"]["predictions"] == 400
    assert report["part"]["videos"] == 5
    assert report["part"]["largest_difference"] < 1e-9
