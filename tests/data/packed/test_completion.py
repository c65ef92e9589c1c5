import json

import numpy as np
import pytest

from ahernet_tf.data.dataset import Dataset
from tests.data.packed.test_packing import packed, quietly
from tests.data.test_pipelines import CONFIG
from tests.data.tiny import TinyData


def test_a_table_of_covered_durations_is_copied_and_used(tmp_path):
    tiny = TinyData()
    for name in ("untrimmed", "test", "oracle"):
        entry = tiny.roles[name]["features"]
        tiny.roles[name]["features"] = {
            "path": entry["path"],
            "covers": "duration",
            "covered_durations": "table.csv",
        }
    directory = tiny.write(tmp_path / "d")
    rows = [f"v_{video},20,200,{190 + n}" for n, video in enumerate(tiny.untrimmed)]
    (directory / "table.csv").write_text(
        "\n".join(["video,seconds,numFrame,featureFrame", *rows])
    )
    packed(directory)
    alone = (directory / "packed").rename(tmp_path / "alone")
    one, two = (Dataset.load(d, CONFIG.data) for d in (directory, alone))
    for a, b in zip(one.roles["untrimmed"].videos, two.roles["untrimmed"].videos):
        assert one.roles["untrimmed"].covered_sec(a) != 20.0
        assert one.roles["untrimmed"].covered_sec(a) == two.roles[
            "untrimmed"
        ].covered_sec(b)


def test_what_the_features_say_of_each_video_is_kept(tmp_path):
    tiny = TinyData()
    for record in tiny.moments.values():
        del record["fps"]
    tiny.roles["moments"]["features"] = {"path": "clips"}
    directory = tiny.write(tmp_path / "d")
    (directory / "clips").mkdir()
    for name, values in tiny.moment_features.items():
        np.save(directory / "clips" / f"{name}.npy", values)
    description = {"clip_frames": 4, "stride_frames": 2, "format": "npy"}
    description["videos"] = {name: {"fps": 10.0} for name in tiny.moment_features}
    (directory / "clips" / "features.json").write_text(json.dumps(description))
    packed(directory)
    alone = (directory / "packed").rename(tmp_path / "alone")
    role = Dataset.load(alone, CONFIG.data).roles["moments"]
    assert {role.fps(video) for video in role.videos} == {10.0}


def test_annotations_that_change_while_features_are_packed_are_named(tmp_path):
    directory = TinyData().write(tmp_path / "d")

    def run(work, parts, title):
        if title == "packing":
            (directory / "moments.json").write_text("{}")
        return quietly(work, parts, title)

    with pytest.raises(ValueError, match=r"moments\.json: has changed while"):
        packed(directory, run)
    assert not (directory / "packed" / "packed.json").exists()
