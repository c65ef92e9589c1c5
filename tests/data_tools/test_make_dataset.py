import json
import pathlib

import numpy as np
import pytest

from ahernet_tf.config import small
from ahernet_tf.data.checks import DataError
from ahernet_tf.data.create.own_inputs import OwnInputs
from ahernet_tf.data.dataset import Dataset
from data_tools import make_dataset
from tests import programs
from tests.data.tiny import TinyData, features

LAYOUT = {"clip_frames": 4, "stride_frames": 2, "fps": 10.0}
SEGMENTS = """video,start,end,label,subset
a,2,6,run,
a,8,12,sit,
b,1,9,wave,
c,,,,
t,3,7,wave,test
t,9,12,run,test
"""


@pytest.fixture
def files(tmp_path):
    """Features of four videos of 20 s, their table, and folders of two classes."""
    folder = tmp_path / "features"
    folder.mkdir()
    for seed, name in enumerate("abct"):
        np.save(folder / f"{name}.npy", features(seed))
    (tmp_path / "segments.csv").write_text(SEGMENTS)
    for seed, name in enumerate(("wave/w1", "wave/w2", "jump/j1")):
        path = tmp_path / "clips" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, features(10 + seed, seconds=3.0))
    return tmp_path


def inputs(files, **changes):
    values = {
        "segments": files / "segments.csv",
        "features": files / "features",
        "moments": files / "clips",
        "layout": LAYOUT,
        **changes,
    }
    return OwnInputs(**values)


def facts(role):
    return [
        (v.id, v.duration_sec, [(i.start_sec, i.end_sec, i.label) for i in v.instances])
        for v in role.videos
    ]


def test_a_table_and_folders_become_a_data_set(files, capsys):
    dataset = make_dataset.run(files / "out", inputs(files))
    assert dataset.name == "out"
    assert dataset.source_classes == ("run", "sit")
    assert dataset.target_classes == ("jump", "wave")
    assert facts(dataset.roles["untrimmed"]) == [
        ("a", 20.0, [(2, 6, "run"), (8, 12, "sit")]),
        ("c", 20.0, []),
    ]
    assert facts(dataset.roles["moments"]) == [
        ("j1", 3.0, [(0, 3, "jump")]),
        ("w1", 3.0, [(0, 3, "wave")]),
        ("w2", 3.0, [(0, 3, "wave")]),
    ]
    assert facts(dataset.roles["test"]) == [("t", 20.0, [(3, 7, "wave")])]
    assert facts(dataset.roles["oracle"])[0] == ("b", 20.0, [(1, 9, "wave")])
    assert "moments: 3 videos, 3 actions of 2 classes" in capsys.readouterr().out
    again = Dataset.load(files / "out", small().data)
    values = again.roles["moments"].sequences.store.read("w2")
    np.testing.assert_array_equal(values, np.load(files / "clips/wave/w2.npy"))


def test_features_of_zeros_alone_are_said(files, capsys):
    np.save(files / "features" / "a.npy", np.zeros_like(features(0)))
    make_dataset.run(files / "out", inputs(files))
    line = "videos whose features are zeros alone: 1 (a)"
    assert line in capsys.readouterr().out


def test_the_directory_can_be_moved_with_its_features(files):
    inner = files / "inner"
    make_dataset.run(inner / "out", inputs(files))
    content = (inner / "out" / "dataset.json").read_text()
    assert str(files) not in content
    moved = files.rename(files.parent / "moved")
    Dataset.load(moved / "inner" / "out", small().data)


def test_classes_of_the_table_can_be_the_moments(files):
    given = inputs(files, moments=None, target_classes=("wave",))
    dataset = make_dataset.run(files / "out", given)
    assert dataset.target_classes == ("wave",)
    assert [c.label for c in dataset.roles["moments"].instance_spans()] == ["wave"]
    assert [v.id for v in dataset.roles["test"].videos] == ["t"]


def test_videos_are_cut_where_actions_of_target_classes_lie(files, capsys):
    more = "a,12,14,wave,\nb,0,1,wave,\nb,3,5,run,\n"
    (files / "segments.csv").write_text(SEGMENTS + more)
    given = inputs(files, moments=None, target_classes=("wave",))
    dataset = make_dataset.run(files / "out", given)
    role = dataset.roles["untrimmed"]
    assert [(v.id, len(v.instances)) for v in role.videos] == [("a_c0", 2), ("c", 0)]
    assert role.videos[0].duration_sec == pytest.approx(12.0)
    whole = np.load(files / "features" / "a.npy")
    cut = role.sequences.store.read("a_c0")
    np.testing.assert_array_equal(cut, whole[: len(cut)])
    assert len(dataset.roles["moments"].instance_spans()) == 3
    assert [v.id for v in dataset.roles["oracle"].videos] == ["a", "b", "c"]
    said = capsys.readouterr().out
    assert "cut where actions of target classes lie: 1 videos" in said
    assert "without an action beside these, left out: 1" in said


def test_untrimmed_videos_of_another_data_set(files):
    tiny = TinyData().write(files / "tiny")
    given = inputs(files, segments=None, features=None, source=tiny)
    (files / "clips" / "wave").rename(files / "clips" / "skip")
    (files / "clips" / "jump").rename(files / "clips" / "hop")
    dataset = make_dataset.run(files / "out", given)
    assert dataset.source_classes == ("run", "sit")
    assert dataset.target_classes == ("hop", "skip")
    assert [v.id for v in dataset.roles["untrimmed"].videos] == ["a1", "a2", "b1", "b2"]
    content = json.loads((files / "out" / "dataset.json").read_text())
    assert content["ignored_classes"] == ["jump", "wave"]


def test_untrimmed_videos_of_another_data_set_with_features_in_two_files(files):
    tiny = TinyData()
    tiny.roles["untrimmed"]["features"]["path"] = ["one.npz", "two.npz"]
    directory = tiny.write(files / "tiny")
    kept = list(tiny.untrimmed_features.items())
    np.savez(directory / "one.npz", **dict(kept[:3]))
    np.savez(directory / "two.npz", **dict(kept[3:]))
    given = inputs(files, segments=None, features=None, source=directory)
    (files / "clips" / "wave").rename(files / "clips" / "skip")
    (files / "clips" / "jump").rename(files / "clips" / "hop")
    role = make_dataset.run(files / "out", given).roles["untrimmed"]
    np.testing.assert_array_equal(
        role.sequences.store.read("b2"), tiny.untrimmed_features["b2"]
    )


def test_a_class_on_both_sides_is_refused(files):
    tiny = TinyData().write(files / "tiny")
    given = inputs(files, segments=None, features=None, source=tiny)
    (files / "clips" / "wave").rename(files / "clips" / "run")
    with pytest.raises(ValueError, match=r"has classes of yours as well: \['run'\]"):
        make_dataset.run(files / "out", given)
    (files / "clips" / "run").rename(files / "clips" / "Run")
    with pytest.raises(ValueError, match="'Run' of yours, 'run' of its own"):
        make_dataset.run(files / "out", given)


def test_durations_of_the_table_go_before_those_of_the_features(files):
    table = "video,start,end,label,duration\na,2,6,run,20.4\nb,1,9,sit,20.1\n"
    (files / "segments.csv").write_text(table)
    dataset = make_dataset.run(files / "out", inputs(files))
    found = [v.duration_sec for v in dataset.roles["untrimmed"].videos]
    assert found == [20.4, 20.1]


def test_what_features_say_of_themselves_is_read(files):
    videos = {name: {"fps": 10.0, "frames": 205} for name in "abct"}
    for entry in videos.values():
        entry["duration_sec"] = 20.5
    description = {"clip_frames": 4, "stride_frames": 2, "videos": videos}
    (files / "features" / "features.json").write_text(json.dumps(description))
    given = inputs(files, moments=None, target_classes=("wave",), layout={})
    dataset = make_dataset.run(files / "out", given)
    role = dataset.roles["untrimmed"]
    assert role.videos[0].duration_sec == 20.5
    assert role.fps(role.videos[0]) == 10.0


def test_numbers_that_are_not_known_are_asked_for(files):
    answers = {"clip see": "4", "to the next": "2", "second": "10"}
    asked = []

    def ask(question):
        asked.append(question)
        return next(a for words, a in answers.items() if words in question)

    dataset = make_dataset.run(files / "out", inputs(files, layout={}), ask=ask)
    assert len(asked) == 3
    model = dataset.roles["moments"].time_model
    assert (model.clip_frames, model.stride_frames, model.fps) == (4, 2, 10.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layout": {"clip_frames": 4}}, "stride_frames is not known: give --stride"),
        ({"layout": {**LAYOUT, "fps": None}}, "fps is not known: give --fps, or --vid"),
        ({"moments": None}, "give --moments, a folder a class, or --target_classes"),
        ({"features": None}, "--segments and --features go together"),
        ({"segments": None, "features": None}, "another data set as --source"),
        ({"target_classes": ("wave",)}, "exclude one another"),
        ({"moments": pathlib.Path("none")}, "none: does not exist"),
        (
            {"moments": None, "target_classes": ("wve",)},
            r"no training video has an action of \['wve'\]",
        ),
        (
            {"moments": None, "target_classes": ("run", "sit", "wave")},
            "none is left with annotations",
        ),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(files, changes, message):
    with pytest.raises(ValueError, match=message):
        make_dataset.run(files / "out", inputs(files, **changes))
    assert not [p for p in files.iterdir() if "out" in p.name]


def test_faults_of_the_features_are_in_one_report(files):
    np.save(files / "clips" / "jump" / "j1.npy", np.full((9, 3), np.nan, np.float32))
    np.save(files / "features" / "c.npy", np.zeros((9, 5), np.float32))
    with pytest.raises(DataError) as error:
        make_dataset.run(files / "out", inputs(files))
    assert "2 problems in the data" in str(error.value)
    place = files / "clips" / "jump" / "j1.npy"
    assert f"{place}: video 'j1': nan in the features" in str(error.value)
    assert not (files / "out").exists()


def with_table(files, text):
    (files / "segments.csv").write_text(text)
    return inputs(files)


def message(files, given, **more):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the caller looks at it)
        make_dataset.run(files / "out", given, **more)
    assert not (files / "out").exists()
    return str(error.value)


@pytest.mark.parametrize(("factor", "unit"), [(10, "frames"), (1000, "milliseconds")])
def test_times_in_another_unit_are_asked_about_and_can_be_told(files, factor, unit):
    rows = [line.split(",") for line in SEGMENTS.splitlines()]
    for row in rows[1:]:
        row[1:3] = [str(int(t) * factor) if t else "" for t in row[1:3]]
    table = "\n".join(map(",".join, rows))
    assert f"are they {unit}" in message(files, with_table(files, table))
    given = inputs(files, reading={"times": unit})
    dataset = make_dataset.run(files / "out", given)
    assert facts(dataset.roles["untrimmed"])[0][2] == [(2, 6, "run"), (8, 12, "sit")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_any_table_will_do(files, delimiter, encoding):
    text = SEGMENTS.replace(",", delimiter)
    (files / "segments.csv").write_bytes(text.encode(encoding))
    dataset = make_dataset.run(files / "out", inputs(files))
    assert [v.id for v in dataset.roles["untrimmed"].videos] == ["a", "c"]


def test_annotations_of_any_form_will_do(files, capsys):
    segments = [{"segment": [2, 6], "label": "run"}]
    record = {"subset": "train", "annotations": segments}
    (files / "segments.csv").write_text(json.dumps({"database": {"a": record}}))
    dataset = make_dataset.run(files / "out", inputs(files))
    assert facts(dataset.roles["untrimmed"]) == [("a", 20.0, [(2, 6, "run")])]
    assert "segments.csv: videos read as activitynet: 1" in capsys.readouterr().out


def test_a_row_that_cannot_be_read_leaves_its_video_out_and_is_said(files, capsys):
    text = SEGMENTS.replace("a,2,6,run,", "a,2,6,run, fast,")
    given = with_table(files, text)
    assert "video 'a': line 2: expected 5 cells, received 6" in message(files, given)
    given = with_table(files, text + "b,10,12,run,\n")
    dataset = make_dataset.run(files / "out", given, skip_bad=True)
    assert "a" not in [v.id for v in dataset.roles["untrimmed"].videos]
    printed = capsys.readouterr().out
    assert "segments.csv: 1 row left out\n" in printed
    assert "segments.csv: 1 bad videos left out (a)" in printed


@pytest.mark.parametrize("clips", [3, 40])
def test_features_that_end_before_an_action_are_a_fault(files, clips):
    np.save(files / "features" / "a.npy", features(0)[:clips])
    assert "video 'a': segment" in message(files, inputs(files))
    np.save(files / "features" / "d.npy", features(9))
    given = with_table(files, SEGMENTS + "d,1,3,sit,\nd,4,6,run,\n")
    dataset = make_dataset.run(files / "out", given, skip_bad=True)
    assert [v.id for v in dataset.roles["untrimmed"].videos] == ["c", "d"]


def test_subsets_may_be_spelt_in_many_ways_but_not_in_any(files):
    text = SEGMENTS.replace("sit,", "sit,Train").replace("run,\n", "run,TRAINING\n")
    text = text.replace("run,test", "run,Val").replace(",test", ",VAL")
    given = with_table(files, text)
    dataset = make_dataset.run(files / "out", given)
    assert [v.id for v in dataset.roles["untrimmed"].videos] == ["a", "c"]
    assert [v.id for v in dataset.roles["test"].videos] == ["t"]
    (files / "out").rename(files / "old")
    given = with_table(files, SEGMENTS.replace(",test", ",trian"))
    assert "video 't': subset 'trian': expected training" in message(files, given)


@pytest.mark.parametrize("spelling", ["Wave", "wave ", "WAVE", "wa ve"])
def test_classes_that_folders_spell_otherwise_are_named_in_pairs(files, spelling):
    given = with_table(files, SEGMENTS.replace("wave", f'"{spelling}"'))
    if spelling.strip() == "wave":
        make_dataset.run(files / "out", given)  # blanks at the ends are no part of it
        return
    said = f"'{spelling}' in the table, 'wave' among the folders of clips"
    assert said in message(files, given)


def test_a_test_class_that_nothing_shows_must_be_named(files):
    given = with_table(files, SEGMENTS + "t,14,16,fly,test\n")
    assert "test videos have actions of ['fly']" in message(files, given)
    dataset = make_dataset.run(files / "out", inputs(files, ignored_classes=("fly",)))
    assert facts(dataset.roles["test"])[0][2] == [(3, 7, "wave")]
    (files / "out").rename(files / "old")
    given = inputs(files, ignored_classes=("fly", "flee"))
    assert "--ignored_classes: no action is of ['flee']" in message(files, given)


def test_features_that_are_called_otherwise_are_named_in_pairs(files):
    for path in (files / "features").iterdir():
        path.rename(path.with_name(f"{path.stem}.mp4.npy"))
    text = message(files, inputs(files))
    assert "none of the 4 videos has features of its name" in text
    assert "'a' in the table, 'a.mp4' among the features" in text
    layout = {**LAYOUT, "template": "{video}.mp4"}
    make_dataset.run(files / "out", inputs(files, layout=layout))


def test_names_that_begin_alike_are_paired(files):
    for path in list((files / "features").iterdir()):
        for stream in ("rgb", "flow"):
            np.save(path.with_name(f"{path.stem}_{stream}.npy"), np.load(path)[:, :2])
        path.unlink()
    text = message(files, inputs(files))
    assert "'b' in the table, 'b_flow' among the features" in text
    parts = ["{video}_rgb", "{video}_flow"]
    text = message(files, inputs(files, layout={**LAYOUT, "parts": parts}))
    assert "differ in their channels: features + features 4, jump 3" in text


def test_endings_in_the_table_alone_are_told(files):
    text = (files / "segments.csv").read_text()
    head, *rows = text.splitlines()
    rows = [row.replace(",", ".mp4,", 1) for row in rows]
    text = message(files, with_table(files, "\n".join([head, *rows])))
    assert "leave the endings out of the table" in text


def test_clips_without_a_folder_per_class_are_refused(files):
    for path in (files / "clips").glob("*/*.npy"):
        path.rename(files / "clips" / path.name)
    for folder in ("jump", "wave"):
        (files / "clips" / folder).rmdir()
    (files / "clips" / "extracted").mkdir()
    assert "holds no folder of a class" in message(files, inputs(files))


def test_all_faults_of_annotations_moments_and_features_are_in_one_report(files):
    np.save(files / "clips" / "jump" / "j1.npy", np.full((9, 3), np.nan, np.float32))
    np.save(files / "features" / "c.npy", np.zeros((9, 5), np.float32))
    text = message(files, with_table(files, SEGMENTS + "t,x,9,run,test\nz,1,2,run,\n"))
    assert "4 problems in the data" in text
    for part in ("video 't': expected numbers", "video 'z': has no features"):
        assert part in text
    assert "video 'j1': nan in the features" in text
    assert "video 'c': 5 channels, expected 3" in text


def test_the_report_comes_before_what_goes_wrong_later(files):
    text = "video,start,end,label\na,2,x,run\nb,1,9,wave\n"
    given = with_table(files, text)
    said = "video 'a': expected numbers, received ['2', 'x']"
    assert said in message(files, given)
    said = message(files, given, skip_bad=True)
    assert said.startswith("segments.csv: 1 bad videos left out (a)\n")
    assert said.endswith("none is left with annotations")


def test_rates_of_moments_may_be_in_a_table(files):
    clips = "video;fps\nw1;10\nw2;5\nj1;10\n" + "".join(f"{v};10\n" for v in "abct")
    (files / "rates.csv").write_text(clips)
    layout = {"clip_frames": 4, "stride_frames": 2}
    given = inputs(files, layout=layout, video_info=(files / "rates.csv",))
    role = make_dataset.run(files / "out", given).roles["moments"]
    assert [v.duration_sec for v in role.videos] == [3.0, 3.0, 6.0]
    assert [v.fps for v in role.videos] == [10.0, 10.0, 5.0]


def test_a_directory_with_something_in_it_is_left_alone(files):
    with pytest.raises(ValueError, match="expected a new or empty directory"):
        make_dataset.run(files / "clips", inputs(files))


def test_video_files_tell_length_and_rate(files):
    av = pytest.importorskip("av")
    (files / "videos").mkdir()
    for name in "abct":
        path = str(files / "videos" / f"{name}.mp4")
        with av.open(path, "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = 16
            for _ in range(200):
                frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    given = inputs(
        files,
        moments=None,
        target_classes=("wave",),
        videos=(files / "videos",),
        layout={"clip_frames": 4, "stride_frames": 2},
    )
    role = make_dataset.run(files / "out", given).roles["untrimmed"]
    assert role.videos[0].duration_sec == pytest.approx(20.0)
    assert role.fps(role.videos[0]) == pytest.approx(10.0)


def test_the_program_makes_a_data_set_or_says_why_not(files):
    arguments = [f"--out={files}/out", f"--segments={files}/segments.csv"]
    arguments += [f"--features={files}/features", f"--moments={files}/clips"]
    arguments += ["--clip_frames=4", "--stride_frames=2"]

    def call(*more):
        return programs.run("data_tools.make_dataset", *arguments, *more)

    result = call()
    assert result.returncode == 1
    assert "error: fps is not known: give --fps" in result.stderr
    result = call("--fps=10")
    assert result.returncode == 0, result.stderr
    assert "untrimmed: 2 videos, 2 actions of 2 classes (run, sit)" in result.stdout


def test_two_streams_of_one_name_offer_to_join_them(files):
    for path in [files / "features", *(files / "clips").iterdir()]:
        for stream in ("rgb", "flow"):
            (path / stream).mkdir()
        for file in path.glob("*.npy"):
            np.save(path / "flow" / file.name, np.load(file)[:, :2])
            file.rename(path / "rgb" / file.name)
    with pytest.raises(DataError) as error:
        make_dataset.run(files / "out", inputs(files))
    assert "video 'a': is in flow and rgb" in str(error.value)
    assert str(error.value).count("--parts flow,rgb") == 1
    assert "so of 3 more videos" in str(error.value)
    parts = {**LAYOUT, "parts": ["rgb", "flow"]}
    dataset = make_dataset.run(files / "out", inputs(files, layout=parts))
    values = dataset.roles["moments"].sequences.store.read("w1")
    alone = np.load(files / "clips/wave/rgb/w1.npy")
    np.testing.assert_array_equal(values, np.hstack([alone, alone[:, :2]]))


def test_the_flags_reach_the_features(files):
    for path in [*(files / "features").iterdir(), *(files / "clips").glob("*/*.npy")]:
        np.savez(path.with_suffix(".npz"), rgb=np.load(path), n=np.zeros(3))
        path.unlink()
    arguments = ["--out", "out", "--segments", "segments.csv", "--features", "features"]
    arguments += ["--moments", "clips"]
    arguments += [f"--{name}={value}" for name, value in LAYOUT.items()]
    for more, status, message in (([], 1, "--array"), (["--array", "rgb"], 0, "")):
        result = programs.run("data_tools.make_dataset", *arguments, *more, cwd=files)
        assert result.returncode == status, result.stderr
        assert message in result.stderr


def test_rates_of_moments_are_taken_from_features_json(files):
    def describe(folder, rates):
        videos = {}
        for path in folder.glob("*.npy"):
            frames, rate = 2 * len(np.load(path)) + 2, rates.get(path.stem, 10.0)
            seconds = frames / rate
            videos[path.stem] = {"fps": rate, "frames": frames, "duration_sec": seconds}
        described = {"format": "npy", "clip_frames": 4, "stride_frames": 2}
        content = json.dumps({**described, "videos": videos})
        (folder / "features.json").write_text(content)

    for folder in [files / "features", *(files / "clips").iterdir()]:
        describe(folder, {"w2": 20.0})
    dataset = make_dataset.run(files / "out", inputs(files, layout={}))
    moments = {v.id: v.duration_sec for v in dataset.roles["moments"].videos}
    assert moments == {"j1": 3.0, "w1": 3.0, "w2": 1.5}
    assert dataset.roles["moments"].features.at["w2", "fps"] == 20.0
    (files / "clips" / "jump" / "features.json").unlink()
    with pytest.raises(DataError, match="video 'j1': its frame rate is not known"):
        make_dataset.run(files / "again", inputs(files, layout={}))


def test_damaged_features_do_not_hide_what_else_is_wrong(files):
    (files / "features" / "a.npy").write_bytes(b"nonsense")
    (files / "features" / "c.npy").rename(files / "features" / "c_rgb.npy")
    (files / "features" / "other.npy").write_bytes(b"nobody annotated it")
    with pytest.raises(DataError) as error:
        make_dataset.run(files / "out", inputs(files))
    message = str(error.value)
    assert "video 'a': is no npy array" in message
    assert "video 'c': has no features; there are c_rgb" in message
    assert "other" not in message


def test_a_clip_that_may_be_a_test_video_is_said(files, capsys):
    (files / "clips/wave/w1.npy").rename(files / "clips/wave/t.npy")
    make_dataset.run(files / "out", inputs(files))
    said = "test videos that clips of moments are called as: 1"
    assert said in capsys.readouterr().out.splitlines()


def test_rates_in_the_table_are_enough_where_no_clips_are(files):
    lines = (files / "segments.csv").read_text().splitlines()
    text = "\n".join([f"{lines[0]},fps", *(f"{line},10" for line in lines[1:])])
    (files / "segments.csv").write_text(text)
    layout = {name: LAYOUT[name] for name in ("clip_frames", "stride_frames")}
    given = {"moments": None, "target_classes": ("wave",), "layout": layout}
    dataset = make_dataset.run(files / "out", inputs(files, **given))
    assert [v.duration_sec for v in dataset.roles["untrimmed"].videos] == [20.0, 20.0]
    (files / "segments.csv").write_text(text.replace("c,,,,,10", "c,,,,,"))
    with pytest.raises(DataError, match="video 'c'"):
        make_dataset.run(files / "other", inputs(files, **given))


def test_nothing_more_is_said_of_videos_whose_features_are_bad(files, capsys):
    for name in "ac":  # with actions and without
        (files / "features" / f"{name}.npy").write_bytes(b"nonsense")
    extra = "d,1,3,sit,training\nd,4,7,run,training\n"
    np.save(files / "features" / "d.npy", features(9))
    given = with_table(files, SEGMENTS + extra)
    assert "2 problems in the data" in message(files, given)
    make_dataset.run(files / "out", given, skip_bad=True)
    assert "unknown duration" not in capsys.readouterr().out


@pytest.mark.parametrize("moments", [False, True])
def test_transposed_features_are_told_before_times_are_doubted(files, moments):
    for path in (files / "features").glob("*.npy"):
        length = 5.0 + "abct".index(path.stem)
        np.save(path, features(1, seconds=length).T)
    for path in (files / "clips").rglob("*.npy") if moments else ():
        np.save(path, np.load(path).T)
    said = message(files, inputs(files))
    assert "[channels, clips] = [3, ...] instead of [clips, channels]? Say" in said
    assert "durations wrong" not in said


def test_moments_alone_may_be_transposed(files):
    for path in (files / "clips").rglob("*.npy"):
        np.save(path, np.load(path).T)
    assert "differ in their channels" in (said := message(files, inputs(files)))
    assert "--transposed_moments" in said
    given = inputs(files, transposed_moments=True)
    dataset = make_dataset.run(files / "out", given)
    assert dataset.roles["moments"].videos[0].duration_sec == 3.0
