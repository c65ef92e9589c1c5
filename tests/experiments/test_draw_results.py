"""Pictures of any results file."""

from ahernet_tf import files
from tests import programs


def call(*arguments):
    return programs.run("experiments.draw_results", *arguments)


def test_results_are_drawn_beside_ground_truth(tmp_path):
    item = {"segment": [1, 3], "score": 0.5, "label": "run"}
    files.write_json(tmp_path / "results.json.gz", {"results": {"a": [item]}})
    annotation = {"segment": [4, 5], "label": "sit"}
    video = {"subset": "test", "duration": 9, "annotations": [annotation]}
    database = {"v_a": video, "b": video, "c": {**video, "subset": "training"}}
    files.write_json(tmp_path / "truth.json", {"database": database})
    flags = [f"--predictions={tmp_path / 'results.json.gz'}", f"--out={tmp_path / 'o'}"]
    truth = [f"--ground_truth={tmp_path / 'truth.json'}", "--subset=test"]
    done = call(*flags, *truth)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "a.png",
        "b.png",
    ]
    done = call(*flags, "--videos=nowhere")
    assert done.returncode == 1
    assert "--videos: 'nowhere'" in done.stderr
