"""Data that is extreme but legal: a training of each ends, with finite losses."""

import json
import math

import numpy as np
import pytest

from tests.data.tiny import TinyData, features, video

SHORT = ("one class of each", "of 1e37", "no foreground")


def one_class_of_each(data):
    for records in (data.untrimmed, data.moments):
        for record in records.values():
            if record.get("label") == "jump":
                record["label"] = "wave"
            for annotation in record.get("annotations", []):
                renamed = {"sit": "run", "jump": "wave"}
                label = annotation["label"]
                annotation["label"] = renamed.get(label, label)
    for role in data.roles.values():
        role["classes"] = role["classes"][:1]


def many_instances(data):
    segments = [(0.03 * n, 0.03 * n + 1.0, "run") for n in range(500)]
    data.untrimmed["a1"] = video("training", segments)


def instance_of_one_frame(data):
    data.untrimmed["a1"] = video("training", [(2, 2.1, "run"), (8, 12, "sit")])


def video_of_one_clip(data):
    data.untrimmed["a1"] = video("training", [(0, 0.4, "run")], seconds=0.4)
    data.untrimmed_features["a1"] = features(1, 0.4)
    data.moments["a2_m0"]["duration"] = 0.4
    data.moment_features["a2_m0"] = features(2, 0.4)


def in_all_features(change):
    def apply(data):
        for found in (data.untrimmed_features, data.moment_features):
            for name, values in found.items():
                found[name] = change(values).astype(np.float32)

    return apply


def constant(values):
    values = values.copy()
    values[:, 1] = 7.0
    return values


def no_foreground(data):
    # No anchor is close enough to what the videos show.
    for name in ("a1", "a2", "b1", "c1"):
        label = data.untrimmed[name]["annotations"][0]["label"]
        data.untrimmed[name] = video("training", [(18.3, 19.5, label)])


def tenth_of_a_second(data):
    data.untrimmed["a1"] = video("training", [(0, 0.1, "run")], seconds=0.1, fps=60.0)
    data.untrimmed_features["a1"] = features(1, 0.1, 60.0)[:1]


def only_background(data):
    for name in ("a2", "b1", "b2"):
        data.untrimmed[name] = video("training", [])


CASES = {
    "one class of each": (one_class_of_each, []),
    "500 instances": (many_instances, []),
    "instance of one frame": (instance_of_one_frame, []),
    "video of one clip": (video_of_one_clip, []),
    "zeros": (in_all_features(np.zeros_like), []),
    "constant channel": (in_all_features(constant), ["data.standardize=true"]),
    "of 1e37": (in_all_features(lambda v: 1e37 * v), ["data.standardize=true"]),
    "no foreground": (no_foreground, ["loss.foreground_tiou=0.95"]),
    "tenth of a second": (tenth_of_a_second, []),
    "mostly background": (only_background, []),
}


@pytest.mark.parametrize(
    "case",
    [
        name if name in SHORT else pytest.param(name, marks=pytest.mark.long)
        for name in CASES
    ],
)
def test_training_ends_with_finite_losses(train, case, tmp_path):
    change, options = CASES[case]
    data = TinyData()
    change(data)
    directory = data.write(tmp_path / "data")
    order = {"data": str(directory), "options": options, "iterations": 2}
    status, said = train(tmp_path / "run", **order, eagerly=True)
    assert (status, said) == (0, "")
    lines = (tmp_path / "run" / "losses.jsonl").read_text().splitlines()
    assert len(lines) == 3
    for line in map(json.loads, lines):
        assert all(math.isfinite(v) for v in line.values() if isinstance(v, float))
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert 0 <= metrics["average_map"] <= 1
