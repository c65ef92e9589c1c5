"""Small copies of the public files, and the real ones where they are there."""

import csv
import json

import numpy as np
import pytest

from ahernet_tf import config, settings
from ahernet_tf.data.dataset import Dataset
from data_tools import prepare_setting
from tests import programs

ANET = {"Cricket": "a", "Surfing": "b", "Ballet": "c", "Mooping floor": "d"}
BOTH = ("activitynet=anet", "kinetics600=kinetics")
TO_KINETICS = ("anet_to_k600", *BOTH)
SHARED_ID = "b_train_0"  # an ActivityNet video that is a Kinetics-600 video as well


def save(directory, name, seconds, fps=25.0):
    """Writes features of 16-frame clips, one every 8."""
    directory.mkdir(parents=True, exist_ok=True)
    clips = int(seconds * fps - 16) // 8 + 1
    values = np.random.default_rng(len(name)).normal(size=(clips, 3))
    np.save(directory / f"{name}.npy", values.astype(np.float16))


def write_table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def public(tmp_path):
    """Annotation files of the three data sets, and features of all videos."""
    files, features = tmp_path / "annotations", tmp_path / "features"
    files.mkdir()
    records, facts = {}, [("video", "numFrame", "seconds", "fps", "subset")]
    for label, letter in ANET.items():
        for subset, count in (("training", 3), ("validation", 2)):
            for number in range(count):
                name = f"v_{letter}_{subset[:5]}_{number}"
                segments = [[2.0, 14.0]] if number else [[1.0, 9.0], [11.0, 19.0]]
                records[name] = {
                    "duration_second": 20.0,
                    "duration_frame": 500,
                    "feature_frame": 496,
                    "annotations": [{"segment": s, "label": label} for s in segments],
                }
                facts.append((name, 500, 20.0, 25, subset))
                save(features / "anet", name, 20)
    records["v_a_train_1"]["annotations"].append(
        {"segment": [5.0, 5.0], "label": "Cricket"}
    )
    (files / "anet_anno_action.json").write_text(json.dumps(records))
    write_table(files / "video_info_new.csv", *facts)

    rows = [("video", "type", "type_idx", "start", "end")]
    for number, label in enumerate(("Diving", "CliffDiving", "Billiards")):
        name = f"video_validation_000000{number}"
        rows += [(name, label, 1, 1.0, 5.0), (name, "Ambiguous", 0, 6.0, 7.0)]
        save(features / "thumos", name, 20, fps=30.0)
    write_table(files / "val_Annotation.csv", *rows)
    write_table(
        files / "val_video_info.csv",
        ("video", "fps", "count"),
        *((f"video_validation_000000{n}", 30.0, 600) for n in range(3)),
    )

    names = ["air_drumming", "curling_(sport)", *(f"class_{n}" for n in range(598))]
    (files / "k600_category.txt").write_text("\n".join(names) + "\n")
    (files / "k600_val.txt").write_text(
        f"{SHARED_ID}\t2.0\t9.0\t0\nkv1\t0\t8\t1\nkv1\t9\t12\t1\nkv2\t1\t4\t1\n"
    )
    for name in (SHARED_ID, "kv1", "kv2"):
        save(features / "kinetics", name, 15)
    header = ("label", "youtube_id", "time_start", "time_end", "split")
    clips = [("air drumming", "k1", 5, 15, "train"), ("curling (sport)", "k2", 0, 10)]
    write_table(files / "train.csv", header, clips[0], (*clips[1], "train"))
    for name in ("k1_000005_000015", "k2_000000_000010"):
        save(features / "kinetics", name, 10)
    return tmp_path


def prepare(public, name, *features, layout=(), annotations=("annotations",)):
    features = [
        text.replace("=", f"={public}/features/")
        if "=" in text
        else str(public / "features" / text)
        for text in features
    ]
    out = public / "sets" / name
    paths = [public / path for path in annotations]
    return prepare_setting.run(name, paths, features, out, layout), out


def loaded(out, name):
    options = settings.setting(name).configured(config.preset("paper")).data
    return Dataset.load(out, options)


def sizes(dataset):
    return {name: len(role.videos) for name, role in dataset.roles.items()}


def test_first_setting_splits_the_classes_of_one_file(public, capsys):
    found, out = prepare(public, "anet_un_to_anet_am", "anet")
    dataset = loaded(out, "anet_un_to_anet_am")
    assert dataset.source_classes == ("Cricket", "Surfing")
    assert dataset.target_classes == ("Ballet", "Mooping floor")
    assert sizes(dataset) == {"untrimmed": 6, "moments": 6, "test": 4, "oracle": 6}
    assert len(dataset.role("moments").instance_spans(8)) == 8
    source_test = dataset.test(dataset.source_classes)
    assert len(source_test.videos) == 4
    counts = {row["part"]: row for row in found["counts"]}
    whole = counts["ActivityNet v1.3 training"]
    assert whole["videos"] == {
        "paper": None,
        "published": 10_024,
        "found": 12,
        "with_features": 12,
    }
    assert whole["instances"] == {
        "published": 15_410,
        "found": 16,
        "with_features": 16,
    }
    assert counts["moments"]["classes"] == {
        "published": 113,
        "found": 2,
        "with_features": 2,
    }
    printed = capsys.readouterr().out
    assert "12 videos in the file: not explained" in printed
    assert "17 instances in the file, 1 of zero length or outside" in printed
    assert "split by supplied list" in printed
    assert "the paper's are assumed, 16 frames every 8" in printed
    assert (out / "source_classes.txt").read_text() == "Cricket\nSurfing\n"
    assert json.loads((out / "setting.json").read_text()) == found


def test_second_setting_takes_each_data_set_with_its_own_times(public):
    found, out = prepare(
        public,
        "th14_to_anet_fg",
        "thumos14=thumos",
        "activitynet=anet",
        layout=["thumos14.clip_frames=24", "thumos14.stride_frames=8"],
    )
    dataset = loaded(out, "th14_to_anet_fg")
    assert dataset.source_classes == ("Billiards", "CliffDiving", "Diving")
    assert sizes(dataset) == {"untrimmed": 3, "moments": 12, "test": 8, "oracle": 12}
    assert dataset.role("untrimmed").time_model.clip_frames == 24
    assert dataset.role("moments").time_model.clip_frames == 16
    assert set(dataset.role("untrimmed").features["fps"]) == {30.0}
    assert "data.minimum_foreground_clips=8" in found["options"]
    assert dataset.role("untrimmed").most_instances() == 1
    assert dataset.role("oracle").most_instances() == 2


def test_third_setting_brings_names_ids_and_durations_together(public, capsys):
    found, out = prepare(public, *TO_KINETICS, layout=["kinetics600.fps=24"])
    dataset = loaded(out, "anet_to_k600")
    assert dataset.target_classes == ("air_drumming", "curling_(sport)")
    assert sizes(dataset) == {"untrimmed": 12, "moments": 2, "test": 3}
    moments = dataset.role("moments")
    assert moments.trimmed
    assert [v.id for v in moments.videos] == ["k1_000005_000015", "k2_000000_000010"]
    # A table of another data set holds this id; its frame rate does not count here.
    assert set(dataset.role("test").features["fps"]) == {24.0}
    covered = (44 * 8 + 16) / 24
    assert {v.duration_sec for v in dataset.role("test").videos} == {covered}
    assert found["options"] == ["training.decay_every=15000"]
    notes = "\n".join(found["notes"])
    assert "Kinetics-600 training clips: 2 videos in the file: not explained" in notes
    assert "1 test videos are untrimmed training videos" in capsys.readouterr().out


def test_videos_without_features_are_listed_and_left_out(public, capsys):
    features = public / "features" / "anet"
    (features / "v_a_train_2.npy").unlink()
    for path in features.glob("v_d_train_*"):
        path.unlink()
    found, out = prepare(public, "anet_un_to_anet_am", "anet")
    lines = (out / "missing_features.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["dataset", "subset", "video", "why"]
    listed = [line.split("\t") for line in lines[1:]]
    assert [row[2] for row in listed] == [
        "a_train_2",
        "d_train_0",
        "d_train_1",
        "d_train_2",
    ]
    assert listed[0] == ["activitynet", "training", "a_train_2", "no features"]
    printed = capsys.readouterr().out
    assert "4 videos lack features" in printed
    assert "1 target classes have no training video with features" in printed
    dataset = loaded(out, "anet_un_to_anet_am")
    assert dataset.target_classes == ("Ballet",)
    assert sizes(dataset) == {"untrimmed": 5, "moments": 3, "test": 2, "oracle": 3}
    assert found["counts"][0]["videos"]["with_features"] == 8


def test_features_that_end_before_the_first_action_are_listed(public):
    save(public / "features" / "kinetics", "kv2", 0.7)
    _, out = prepare(public, *TO_KINETICS, layout=["kinetics600.fps=25"])
    listed = (out / "missing_features.tsv").read_text()
    assert "kinetics600\tvalidation\tkv2\tfeatures end before" in listed
    assert len(loaded(out, "anet_to_k600").role("test").videos) == 2


def test_folders_of_classes_are_one_store(public):
    kinetics = public / "features" / "kinetics"
    for number, path in enumerate(sorted(kinetics.glob("*.npy"))):
        (kinetics / f"folder{number % 2}").mkdir(exist_ok=True)
        path.rename(kinetics / f"folder{number % 2}" / path.name)
    _, out = prepare(public, *TO_KINETICS, layout=["kinetics600.fps=25"])
    assert sizes(loaded(out, "anet_to_k600"))["moments"] == 2


def test_a_directory_that_it_made_is_made_again(public):
    prepare(public, "anet_un_to_anet_am", "anet")
    (public / "features" / "anet" / "v_a_train_2.npy").unlink()
    _, out = prepare(public, "anet_un_to_anet_am", "anet")
    assert sizes(loaded(out, "anet_un_to_anet_am"))["untrimmed"] == 5
    assert [path.name for path in out.parent.iterdir()] == ["anet_un_to_anet_am"]


def test_the_file_with_most_videos_is_taken_and_others_are_named(public, capsys):
    record = {"subset": "train", "annotations": []}
    segments = [{"segment": ["1.0", "5.0"], "label": "Diving"}]
    names = ("video_validation_0000000", "video_test_0000001")
    database = {name: {**record, "annotations": segments} for name in names}
    path = public / "annotations" / "thumos_anno.json"
    path.write_text(json.dumps({"database": database}))
    prepare(public, "th14_to_anet_fg", "thumos14=thumos", "activitynet=anet")
    printed = capsys.readouterr().out
    assert "val_Annotation.csv (also there, not used: thumos_anno.json)" in printed


@pytest.mark.parametrize(
    ("name", "features", "options", "message"),
    [
        ("anet_to_k600", BOTH, {}, "validation: it is not known|training: the frame"),
        ("anet_to_k600", BOTH[:1], {}, "none of Kinetics-600; give kinetics600=PATH"),
        ("anet_to_k600", ("anet",), {}, "none of the 2 videos of Kinetics-600"),
        ("th14_to_anet_fg", ("nowhere",), {}, "nowhere does not exist"),
        (
            "th14_to_anet_fg",
            ("anet",),
            {"annotations": ["annotations/anet_anno_action.json"]},
            "no file holds THUMOS14 validation; expected the directory",
        ),
        (
            "anet_to_k600",
            ("anet",),
            {"annotations": ["annotations/anet_anno_action.json", "annotations/nix"]},
            "nix does not exist",
        ),
        (
            "anet_to_k600",
            BOTH,
            {
                "annotations": [
                    f"annotations/{name}"
                    for name in (
                        "anet_anno_action.json",
                        "video_info_new.csv",
                        "train.csv",
                        "k600_val.txt",
                    )
                ]
            },
            "and the list of the 600 classes",
        ),
        (
            "anet_un_to_anet_am",
            ("anet",),
            {"layout": ["ucf.fps=25"]},
            "a data set of .*'ucf.fps=25'",
        ),
        (
            "anet_un_to_anet_am",
            ("anet",),
            {"layout": ["clip_frames=16"]},
            "stride_frames: expected a whole number",
        ),
        (
            "anet_un_to_anet_am",
            ("anet",),
            {"layout": ["fps=30"]},
            "fps .25. contradicts the feature store",
        ),
    ],
)
def test_nothing_is_written_where_something_is_missing(
    public, name, features, options, message
):
    with pytest.raises(ValueError, match=message):
        prepare(public, name, *features, **options)
    sets = public / "sets"
    assert not sets.exists() or not list(sets.iterdir())


def test_a_directory_of_something_else_is_left_alone(public):
    (public / "sets" / "anet_un_to_anet_am").mkdir(parents=True)
    (public / "sets" / "anet_un_to_anet_am" / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="one that this program made"):
        prepare(public, "anet_un_to_anet_am", "anet")


def test_program_explains_itself_and_refuses_a_bad_call(public):
    def call(*arguments):
        return programs.run("data_tools.prepare_setting", *arguments)

    paths = [
        f"--annotations={public / 'annotations'}",
        f"--features={public / 'features' / 'anet'}",
        f"--out={public / 'out'}",
    ]
    done = call("--setting=anet_un_to_anet_am", *paths)
    assert done.returncode == 0, done.stderr
    assert f"train --data {public / 'out'}" in done.stderr
    bad = call("--setting=th14_to_anet_fg", *paths)
    assert bad.returncode == 1
    assert bad.stderr.startswith("error: --features: none of the 3 videos of THUMOS14")
