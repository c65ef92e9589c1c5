"""Each kind of bad input gives its line in the one report before anything starts."""

import json

import numpy as np
import pytest

from ahernet_tf.config import small
from ahernet_tf.data.dataset import DataError, Dataset
from tests.data.tiny import TinyData, features

CONFIG = small().data


def missing_features(tiny):
    del tiny.untrimmed_features["b1"]


def wrong_channels(tiny):
    tiny.untrimmed_features["b1"] = np.zeros((99, 5), np.float32)


def nan(tiny):
    tiny.untrimmed_features["b1"][7, 2] = np.nan


def infinity(tiny):
    tiny.moment_features["c1_m1"][[0, 3], 1] = -np.inf


def too_large(tiny):
    values = tiny.untrimmed_features["b1"].astype(np.float64)
    values[7, 2] = 1e39
    tiny.untrimmed_features["b1"] = values


def empty(tiny):
    tiny.untrimmed_features["b1"] = np.zeros((0, 3), np.float32)


def not_a_matrix(tiny):
    tiny.untrimmed_features["b1"] = np.zeros((3,), np.float32)


def beyond(tiny):
    tiny.untrimmed["b1"]["annotations"][0]["segment"] = [4, 21]


def reversed_segment(tiny):
    tiny.untrimmed["b1"]["annotations"][0]["segment"] = [7, 4]


def unknown_class(tiny):
    tiny.untrimmed["a2"]["annotations"][0]["label"] = "fly"


def path_in_id(tiny):
    tiny.untrimmed["../x"] = tiny.untrimmed["b1"]


def zero_fps(tiny):
    tiny.untrimmed["b1"]["fps"] = 0


def no_fps(tiny):
    del tiny.moments["c1_m1"]["fps"]


def contradicting_fps(tiny):
    tiny.roles["moments"]["features"]["fps"] = 10.0
    tiny.moments["c1_m1"]["fps"] = 12.0


def two_actions_in_a_moment(tiny):
    record = tiny.moments["c1_m1"]
    del record["label"]
    record["annotations"] = [{"segment": [s, s + 1], "label": "jump"} for s in (0, 1)]


def past_the_features(tiny):
    tiny.untrimmed["b1"]["annotations"].append({"segment": [17, 19], "label": "sit"})
    tiny.untrimmed_features["b1"] = features(0, seconds=12.0)


# What is done, and the line of the report; each fault concerns one video.
FAULTS = {
    missing_features: "untrimmed.npz: video 'b1': has no features",
    wrong_channels: "untrimmed.npz: video 'b1': 5 channels, expected 3",
    nan: "untrimmed.npz: video 'b1': nan in the features (1 values, first at clip 7, "
    "channel 2)",
    too_large: "untrimmed.npz: video 'b1': 1e+39 in the features (1 values, first at "
    "clip 7, channel 2)",
    infinity: "moments.npz: video 'c1_m1': -inf in the features (2 values, first at "
    "clip 0, channel 1)",
    empty: "untrimmed.npz: video 'b1': the sequence is empty (shape (0, 3))",
    not_a_matrix: "untrimmed.npz: video 'b1': cannot be read (expected [clips, "
    "channels], received (3,): a file is a video, with a row per clip)",
    beyond: "annotations.json: video 'b1': segment ends at 21.0 s, the video lasts "
    "20.0 s",
    reversed_segment: "annotations.json: video 'b1': segment starts at 7.0 s, after "
    "its end at 4.0 s",
    unknown_class: "annotations.json: video 'a2': unknown class 'fly' (neither in the "
    "classes of a role nor in ignored_classes of dataset.json)",
    path_in_id: "annotations.json: video '../x': the id holds a path ('../x')",
    zero_fps: "annotations.json: video 'b1': expected a fps above 0, received 0",
    no_fps: "moments.json: video 'c1_m1': no fps: neither annotation nor feature store "
    "states one",
    contradicting_fps: "moments.json: video 'c1_m1': the annotation's fps (12) "
    "contradicts the feature store's fps (10); if videos were converted before the "
    "extraction, declare 'resampled'",
    past_the_features: "annotations.json: video 'b1': 'sit' begins at 17 s, but its "
    "features end at 12 s",
    two_actions_in_a_moment: "moments.json: video 'c1_m1': 2 annotations in a moment, "
    "expected one",
}


def message_of(directory, **options):
    with pytest.raises(DataError) as error:
        Dataset.load(directory, CONFIG, **options)
    return str(error.value)


def damaged(tmp_path, *faults):
    tiny = TinyData()
    for fault in faults:
        fault(tiny)
    return tiny.write(tmp_path / "d")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_a_fault_is_named_with_file_video_and_value(tmp_path, fault):
    message = message_of(damaged(tmp_path, fault))
    assert message == f"1 problem in the data:\n  {FAULTS[fault]}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_skip_bad_goes_on_without_the_video_and_says_so(tmp_path, fault):
    dataset = Dataset.load(damaged(tmp_path, fault), CONFIG, skip_bad=True)
    file, rest = FAULTS[fault].split(": video '")
    video = rest.split("'")[0]
    assert dataset.report.skipped() == {file: [video]}
    assert f"{file}: 1 bad videos left out ({video})" in dataset.report.lines()
    videos = {v.id for role in dataset.roles.values() for v in role.videos}
    assert video not in videos
    assert len(videos - {video}) >= 9


def test_many_faults_are_in_one_report(tmp_path):
    faults = (missing_features, infinity, unknown_class, path_in_id)
    message = message_of(damaged(tmp_path, *faults))
    assert message.splitlines()[0] == "4 problems in the data:"
    for fault in faults:
        assert f"\n  {FAULTS[fault]}" in message


def test_faults_of_videos_are_reported_beside_those_of_the_structure(tmp_path):
    directory = damaged(tmp_path, nan, unknown_class)
    (directory / "moments.npz").write_text("x")
    message = message_of(directory, skip_bad=False)
    assert "role 'moments': features: moments.npz" in message
    for fault in (nan, unknown_class):
        assert f"\n  {FAULTS[fault]}" in message


def test_features_of_zeros_alone_are_counted(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["a2"][:] = 0
    tiny.moment_features["c1_m1"][:] = 0
    dataset = Dataset.load(tiny.write(tmp_path / "d"), CONFIG)
    line = "videos whose features are zeros alone: 2 (a2, c1_m1)"
    assert line in dataset.report.counted()


def test_what_belongs_to_no_video_is_said_where_bad_videos_are_left_out(tmp_path):
    tiny = TinyData()
    tiny.roles["untrimmed"]["classes"].append("Run")
    dataset = Dataset.load(tiny.write(tmp_path / "d"), CONFIG, skip_bad=True)
    line = "dataset.json: role 'untrimmed': class 'Run' has no video"
    assert line in dataset.report.lines()


def test_looking_at_shapes_only_does_not_see_nan_but_the_channels(tmp_path):
    Dataset.load(damaged(tmp_path, nan), CONFIG, check_features="shape")
    directory = damaged(tmp_path, wrong_channels)
    message = message_of(directory, check_features="shape")
    assert FAULTS[wrong_channels] in message


def test_missing_files_of_a_directory_store_are_named(tmp_path):
    directory = damaged(tmp_path)
    (directory / "npy").mkdir()
    for name, values in TinyData().untrimmed_features.items():
        np.save(directory / "npy" / f"{name}.npy", values)
    (directory / "npy" / "a1.npy").unlink()
    (directory / "npy" / "b1.npy").write_bytes(b"\x93NUMPY\x01\x00")
    text = (directory / "dataset.json").read_text().replace("untrimmed.npz", "npy")
    (directory / "dataset.json").write_text(text)
    message = message_of(directory)
    assert "npy/a1.npy: video 'a1': has no features" in message
    assert "npy/b1.npy: video 'b1': cannot be read (is no npy array" in message


def remove(name):
    return lambda directory: (directory / name).unlink()


def write(name, text):
    return lambda directory: (directory / name).write_text(text)


def change(function):
    def edit(directory):
        path = directory / "dataset.json"
        content = json.loads(path.read_text())
        function(content)
        path.write_text(json.dumps(content))

    return edit


STRUCTURE = [
    (remove("dataset.json"), "dataset.json: cannot be read"),
    (write("dataset.json", "{"), "dataset.json: is not JSON"),
    (write("dataset.json", "[]"), "dataset.json: expected an object"),
    (
        write("dataset.json", '{"a": {}, "a": {}}'),
        "the key 'a' is there twice",
    ),
    (write("annotations.json", "{]"), "annotations.json: is not JSON"),
    (write("moments.json", "{}"), "moments.json: holds no object 'database'"),
    (remove("moments.json"), "moments.json: cannot be read"),
    (remove("moments.npz"), "role 'moments': features: moments.npz: does not exist"),
    (write("moments.npz", "x"), "role 'moments': features: moments.npz: is no npz"),
    (change(lambda c: c.pop("moments")), "role 'moments' is missing"),
    (change(lambda c: c.pop("untrimmed")), "role 'untrimmed' is missing"),
    (change(lambda c: c.update(test=3)), "role 'test': expected an object, received 3"),
    (change(lambda c: c["test"].pop("classes")), "role 'test': classes: expected"),
    (change(lambda c: c["test"].pop("features")), "role 'test': features: expected"),
    (change(lambda c: c["test"].pop("annotations")), "role 'test': annotations: exp"),
    (
        change(lambda c: c["test"].update(classes=["wave", "wave"])),
        "role 'test': classes: a name is there twice",
    ),
    (
        change(lambda c: c["test"]["features"].pop("clip_frames")),
        "role 'test': features: clip_frames: expected a whole number, got None",
    ),
    (
        change(lambda c: c["test"]["features"].update(clip_frames=8)),
        "roles 'untrimmed' and 'test' share untrimmed.npz, but not its clip_frames",
    ),
    (
        change(lambda c: c["moments"]["features"].update(fps=0)),
        "role 'moments': features: fps of 0",
    ),
    (change(lambda c: c["moments"].update({"from": "x"})), "from 'x' is not known"),
    (change(lambda c: c["test"].update(subset="none")), "role 'test': no video"),
    (change(lambda c: c.update(tests=c.pop("test"))), "'tests': no such field; there"),
    (
        change(lambda c: c["test"].update(subsets="x")),
        "role 'test': 'subsets': no such field",
    ),
    (change(lambda c: c["test"].update(subset=3)), "role 'test': subset: expected a"),
    (
        change(lambda c: c.update(ignored_classes="fly")),
        "ignored_classes: expected a list of names",
    ),
]


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    ("damage", "line"), STRUCTURE, ids=[line for _, line in STRUCTURE]
)
def test_faults_of_the_structure_are_always_fatal(tmp_path, damage, line, skip_bad):
    directory = damaged(tmp_path)
    damage(directory)
    assert line in message_of(directory, skip_bad=skip_bad)


def test_a_class_of_training_without_any_video_is_named(tmp_path):
    tiny = TinyData()
    tiny.roles["untrimmed"]["classes"].append("Run")
    message = message_of(tiny.write(tmp_path / "d"))
    assert "dataset.json: role 'untrimmed': class 'Run' has no video" in message


def test_ignored_classes_are_no_unknown_classes(tmp_path):
    tiny = TinyData()
    unknown_class(tiny)
    tiny.extra["ignored_classes"] = ["fly"]
    dataset = Dataset.load(tiny.write(tmp_path / "d"), CONFIG)
    assert "a2" not in {v.id for v in dataset.roles["untrimmed"].videos}


def test_a_repeated_id_is_named(tmp_path):
    directory = damaged(tmp_path)
    path = directory / "moments.json"
    twice = path.read_text()[:-2] + ', "c1_m1": {"duration": 1, "label": "jump"}}}'
    path.write_text(twice)
    assert "moments.json: video 'c1_m1': duplicate id" in message_of(directory)


def test_faults_of_unused_videos_do_not_matter(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["spare"] = features(0) * np.nan
    Dataset.load(tiny.write(tmp_path / "d"), CONFIG)


def test_an_unknown_check_is_refused(tmp_path):
    with pytest.raises(ValueError, match="check_features"):
        Dataset.load(damaged(tmp_path), CONFIG, check_features="some")
