import collections
import json

import numpy as np
import pytest

from ahernet_tf.data.annotations import formats
from ahernet_tf.data.annotations.activitynet import Instance, Video, read_annotations
from ahernet_tf.data.annotations.formats import ReadOptions
from ahernet_tf.data.annotations.repairs import VideoFacts
from ahernet_tf.data.checks import Report
from ahernet_tf.data.features.time_model import TimeModel
from tests.conftest import shared_path


def read(reader, path, tables=(), **options):
    """Returns the videos and the report's counts, without the file's name."""
    report = Report()
    known = {}
    for table in tables:
        known |= formats.read_video_facts(table, report)
    options.setdefault("facts", known)
    videos = reader(path, report, ReadOptions(**options))
    report.require_clean()
    prefix = f"{path.name}: "
    return videos, {k.removeprefix(prefix): n for k, n in report.counts.items()}


def faults(reader, path, **options):
    report = Report()
    videos = reader(path, report, ReadOptions(**options))
    return videos, [str(p) for p in report.problems]


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def activitynet(segments, duration=20.0, label="run", **record):
    annotations = [{"segment": s, "label": label} for s in segments]
    return {"database": {"a": {"duration": duration, "annotations": annotations}}}


@pytest.mark.parametrize(
    ("segment", "expected", "count"),
    [
        ([2, 5], (2.0, 5.0), None),
        (["2.5", "5"], (2.5, 5.0), "segments written as text"),
        ([18, 20.05], (18.0, 20.0), "segments clamped to their video's duration"),
        ([15, 29], (15.0, 20.0), "segments far over their video's duration clamped"),
        ([-0.05, 4], (0.0, 4.0), "segments clamped to their video's duration"),
        ([4, 4], None, "segments of zero length dropped"),
        ([5, 4], None, "segments that end before they start dropped"),
        ([20, 22], None, "segments wholly outside their video dropped"),
        ([-3, -1], None, "segments wholly outside their video dropped"),
    ],
)
def test_each_quirk_of_a_segment_is_mended_or_dropped_and_counted(
    tmp_path, segment, expected, count
):
    path = write(tmp_path / "a.json", activitynet([segment, [1, 2]]))
    videos, counts = read(formats.read_activitynet, path)
    instances = [Instance(*expected, "run")] if expected else []
    assert videos["a"].instances == (*instances, Instance(1.0, 2.0, "run"))
    assert counts == ({count: 1} if count else {})


def test_repeated_segments_are_dropped_unless_kept_on_request(tmp_path):
    path = write(tmp_path / "a.json", activitynet([[1, 2], [3, 4], [1, 2]]))
    videos, counts = read(formats.read_activitynet, path)
    assert len(videos["a"].instances) == 2
    assert counts == {"repeated segments dropped": 1}
    videos, counts = read(formats.read_activitynet, path, keep_repeats=True)
    assert len(videos["a"].instances) == 3
    assert counts == {}


def test_video_whose_segments_are_all_void_stays_without_any(tmp_path):
    path = write(tmp_path / "a.json", activitynet([[4, 4]]))
    videos, counts = read(formats.read_activitynet, path)
    assert videos["a"].instances == ()
    assert counts["videos kept without any segment, all theirs were dropped"] == 1


def test_video_of_ignored_labels_only_is_left_out(tmp_path):
    path = write(tmp_path / "a.json", activitynet([[4, 5]], label="Ambiguous"))
    videos, counts = read(formats.read_activitynet, path)
    assert videos == {}
    assert counts == {
        "segments of label 'Ambiguous' dropped": 1,
        "videos with segments of ignored labels only left out": 1,
    }


def test_excluded_videos_are_found_with_and_without_prefix(tmp_path):
    database = {f"v_{i}": activitynet([[1, 2]])["database"]["a"] for i in "xyz"}
    path = write(tmp_path / "a.json", {"database": database})
    videos, counts = read(
        formats.read_activitynet, path, exclude=frozenset(["x", "v_y"])
    )
    assert list(videos) == ["z"]
    assert counts["videos left out on request"] == 2


def test_prefix_is_part_of_the_id_unless_all_ids_have_it(tmp_path):
    record = activitynet([[1, 2]])["database"]["a"]
    path = write(tmp_path / "a.json", {"database": {"v_x": record, "y": record}})
    assert list(read(formats.read_activitynet, path)[0]) == ["v_x", "y"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"duration": "nan"}, "duration of 'nan'"),
        ({"duration": -3}, "duration of -3"),
        ({"duration": 9, "fps": 0}, "fps of 0"),
        ({"duration": 9, "annotations": 7}, "expected a list, received 7"),
        ({"duration": 9, "annotations": [{"segment": [1]}]}, "expected segment"),
        (
            {"duration": 9, "annotations": [{"segment": [1, "x"], "label": "a"}]},
            "expected numbers, received [1, 'x']",
        ),
        ({"duration": 9, "annotations": [{"segment": [1, 2]}]}, "has no label"),
        ("text", "expected an object, received 'text'"),
    ],
)
def test_faulty_record_is_named_and_left_out(tmp_path, record, message):
    sound = activitynet([[1, 2]])["database"]["a"]
    path = write(tmp_path / "f.json", {"database": {"bad": record, "good": sound}})
    videos, problems = faults(formats.read_activitynet, path)
    assert list(videos) == ["good"]
    assert len(problems) == 1
    assert problems[0].startswith("f.json: video 'bad': ")
    assert message in problems[0]


def test_id_with_a_path_is_refused(tmp_path):
    record = activitynet([[1, 2]])["database"]["a"]
    path = write(tmp_path / "f.json", {"database": {"../x": record}})
    videos, problems = faults(formats.read_activitynet, path)
    assert videos == {}
    assert "the id holds a path ('../x')" in problems[0]


@pytest.mark.parametrize("content", ["{", "[]", '{"videos": {}}', '{"database": []}'])
def test_file_of_another_form_is_refused(tmp_path, content):
    path = write(tmp_path / "f.json", content)
    _, problems = faults(formats.read_activitynet, path)
    assert len(problems) == 1
    assert problems[0].startswith("f.json: ")


def test_moments_form_gives_an_instance_that_spans_the_clip(tmp_path):
    database = {"m": {"frames": 50, "fps": 25, "subset": "train", "label": "run"}}
    path = write(tmp_path / "m.json", {"database": database})
    videos, _ = read(formats.read_activitynet, path)
    instances = (Instance(0.0, 2.0, "run"),)
    assert videos["m"] == Video("m", "training", 2.0, instances, 50, 25.0)


def test_canonical_file_gives_back_the_same_videos(tmp_path):
    videos = {
        "a": Video(
            "a", "training", 20.1, (Instance(0.1, 1 / 3, "é"),), 603, 30.0, "p1"
        ),
        "b": Video("b", "testing", 7.0),
        "c": Video("c", "", 2.5, (Instance(0.0, 2.5, "x"), Instance(1.0, 2.0, "y"))),
    }
    path = tmp_path / "new" / "out.json"
    formats.write_annotations(path, videos, "test", taxonomy=[{"nodeId": 1}])
    assert read_annotations(path) == videos
    assert read(formats.read_activitynet, path) == (videos, {})
    assert json.loads(path.read_text())["taxonomy"] == [{"nodeId": 1}]
    assert [p.name for p in path.parent.iterdir()] == ["out.json"]


def test_bsn_takes_subset_and_rate_from_the_table_beside_it(tmp_path):
    record = {"duration_second": 10.0, "duration_frame": 240, "feature_frame": 240}
    record["annotations"] = [{"segment": [1.0, 4.0], "label": "run"}]
    path = write(tmp_path / "bsn.json", {"v_a": record})
    table = "video,numFrame,seconds,fps,rfps,subset,featureFrame\n"
    table = write(
        tmp_path / "info.csv", table + "v_a,240,10.0,25.0,24.0,validation,240"
    )
    videos, counts = read(formats.read_bsn, path, tables=[table])
    instances = (Instance(1.0, 4.0, "run"),)
    assert videos == {"a": Video("a", "validation", 10.0, instances, 240, 24.0)}
    assert counts == {"ids without their prefix 'v_'": 1}


def test_plain_csv_with_and_without_durations(tmp_path):
    rows = 'video,start,end,label\na,1,2,"run, fast"\nb,3,4.5,sit\na,5,6,sit\n'
    path = write(tmp_path / "own.csv", rows)
    videos, counts = read(formats.read_segment_csv, path, subset="train")
    expected = (Instance(1.0, 2.0, "run, fast"), Instance(5.0, 6.0, "sit"))
    assert videos["a"] == Video("a", "training", 6.0, expected)
    unknown = "videos of unknown duration: the end of the last segment taken"
    assert counts == {unknown: 2, "videos of subset 'train', now 'training'": 2}
    facts = {i: VideoFacts(duration_sec=9.0, fps=30.0) for i in "ab"}
    videos, counts = read(formats.read_segment_csv, path, facts=facts)
    assert (videos["b"].duration_sec, videos["b"].fps) == (9.0, 30.0)
    assert counts == {}


def test_csv_row_without_times_is_a_video_without_actions(tmp_path):
    rows = "video,start,end,label,duration,fps,subset\na,,,,12,25,val\n"
    path = write(tmp_path / "own.csv", rows)
    videos, _ = read(formats.read_segment_csv, path)
    assert videos == {"a": Video("a", "validation", 12.0, (), None, 25.0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("video,start,end\na,1,2\n", "has no column label"),
        ("name,label\na,b\n", "has no column end, start, video"),
        ("video,start,end,label\na,1,2\n", "line 2: expected 4 cells, received 3"),
        ("video,start,end,label\na,one,2,x\n", "expected numbers, received ['one'"),
        ("video,start,end,label-idx\na,1,2,20\n", "class '20' of 20 classes"),
    ],
)
def test_faulty_csv_is_named(tmp_path, content, message):
    path = write(tmp_path / "own.csv", content)
    videos, problems = faults(formats.read_segment_csv, path)
    assert videos == {}
    assert len(problems) == 1
    assert message in problems[0]


def test_missing_file_is_one_problem(tmp_path):
    for reader in (formats.read_segment_csv, formats.read_activitynet):
        _, problems = faults(reader, tmp_path / "none")
        assert len(problems) == 1
        assert "none: cannot be read" in problems[0]


def test_thumos14_text_files(tmp_path):
    write(tmp_path / "Diving_val.txt", "video_validation_01  0.2 1.5\n\n")
    write(tmp_path / "Ambiguous_val.txt", "video_validation_01  3.0 4.0\n")
    write(tmp_path / "GolfSwing_test.txt", "video_test_02  2 3\n")
    videos, counts = read(formats.read_thumos14_text, tmp_path)
    assert videos["video_validation_01"].subset == "validation"
    assert videos["video_validation_01"].instances == (Instance(0.2, 1.5, "Diving"),)
    assert videos["video_test_02"] == Video(
        "video_test_02", "test", 3.0, (Instance(2.0, 3.0, "GolfSwing"),)
    )
    assert counts["segments of label 'Ambiguous' dropped"] == 1


def test_kinetics_clips_are_named_by_their_cut(tmp_path):
    rows = "label,youtube_id,time_start,time_end,split,is_cc\n"
    rows += "abseiling,-3B32lodo2M,59,69,train,0\n" * 2
    rows += ",xyzxyzxyz00,0,10,test,0\n"
    videos, counts = read(formats.read_kinetics, write(tmp_path / "k.csv", rows))
    instances = (Instance(0.0, 10.0, "abseiling"),)
    name = "-3B32lodo2M_000059_000069"
    assert videos[name] == Video(name, "training", 10.0, instances)
    assert videos["xyzxyzxyz00_000000_000010"].instances == ()
    assert counts["repeated clips dropped"] == 1


def test_k600_validation_needs_the_classes(tmp_path):
    path = write(tmp_path / "k.txt", "abc\t1.5\t2.5\t1\n")
    videos, _ = read(formats.read_k600_validation, path, classes=("a", "b"))
    assert videos["abc"].instances == (Instance(1.5, 2.5, "b"),)
    _, problems = faults(formats.read_k600_validation, path)
    assert problems == ["k.txt: needs the list of the classes"]
    _, problems = faults(formats.read_k600_validation, path, classes=("a",))
    assert problems == ["k.txt: video 'abc': class '1' of 1 classes"]


def test_folders_of_clips_follow_the_time_model(tmp_path):
    for label, name, clips in (("run", "a", 5), ("sit", "b", 1), ("sit", "a", 2)):
        (tmp_path / label).mkdir(exist_ok=True)
        np.save(tmp_path / label / f"{name}.npy", np.zeros((clips, 3), np.float32))
    model = TimeModel(clip_frames=16, stride_frames=8, fps=24.0)
    report = Report()
    videos = formats.read_class_folders(tmp_path, report, ReadOptions(), model)
    # Clips of 16 frames every 8 at 24 fps; 'a' is in both folders.
    report.require_clean()
    assert videos == {
        name: Video(
            name, "", frames / 24, (Instance(0, frames / 24, label),), frames, 24
        )
        for name, label, frames in (("run/a", "run", 48), ("sit/a", "sit", 24))
    } | {"b": Video("b", "", 16 / 24, (Instance(0.0, 16 / 24, "sit"),), 16, 24.0)}


def test_class_list_refuses_repetition(tmp_path):
    assert formats.read_classes(write(tmp_path / "a", "x\n\ny z\n")) == ("x", "y z")
    with pytest.raises(ValueError, match=r"\['x'\] twice"):
        formats.read_classes(write(tmp_path / "b", "x\nx\n"))


def test_real_activitynet_has_its_published_counts():
    path = shared_path("data/annotations/activitynet_v1.3_bsn.json")
    table = shared_path("data/annotations/activitynet_v1.3_video_info.csv")
    videos, counts = read(formats.read_bsn, path, tables=[table])
    subsets = collections.Counter(v.subset for v in videos.values())
    assert subsets == {"training": 9649, "validation": 4728, "testing": 4851}
    labels = {i.label for v in videos.values() for i in v.instances}
    names = shared_path("data/annotations/activitynet_category_name.txt")
    assert labels == set(formats.read_classes(names))
    assert counts["segments of zero length dropped"] == 12
    raw = json.loads(path.read_text())
    assert {f"v_{i}" for i in videos} == set(raw)  # some ids begin with "v_" themselves
    instances = sum(len(v.instances) for v in videos.values())
    dropped = 12 + counts["repeated segments dropped"]
    assert instances + dropped == sum(len(r["annotations"]) for r in raw.values())


def test_real_thumos14_files_agree_with_each_other():
    folder = shared_path("data/annotations")
    tables = [folder / f"thumos14_{s}_video_info.csv" for s in ("test", "val")]
    test, counts = read(
        formats.read_segment_csv,
        folder / "thumos14_test_Annotation.csv",
        tables=tables,
        subset="test",
    )
    assert len(test) == 212  # 213 without the one that is ambiguous throughout
    assert counts["segments of label 'Ambiguous' dropped"] == 99
    again, _ = read(
        formats.read_segment_csv,
        folder / "thumos14_test_groundtruth.csv",
        subset="test",
    )
    assert {i: v.instances for i, v in again.items()} == {
        i: v.instances for i, v in test.items()
    }
    validation, _ = read(
        formats.read_segment_csv,
        folder / "thumos14_val_Annotation.csv",
        tables=tables,
        subset="validation",
    )
    assert len(validation) == 200
    peers = {"video_test_0000270", "video_test_0001496"}
    both, counts = read(
        formats.read_activitynet,
        folder / "thumos14_210_test_200_val.json",
        tables=tables,
    )
    assert len(both) == 410
    assert counts["segments written as text"] == 6318
    assert set(both) == (set(test) - peers) | set(validation)
    for video_id, video in both.items():
        other = {**test, **validation}[video_id]
        assert set(video.instances) == set(other.instances)
        assert video.fps == other.fps
    rates = collections.Counter(round(v.fps, 2) for v in test.values())
    assert rates == {30.0: 195, 29.97: 11, 25.0: 5, 24.0: 1}


def test_real_k600_validation_has_its_published_counts():
    path = shared_path("data/annotations/k600_val_annotation.txt")
    names = shared_path("data/annotations/k600_category.txt")
    classes = formats.read_classes(names)
    videos, counts = read(
        formats.read_k600_validation, path, classes=classes, keep_repeats=True
    )
    assert len(videos) == 6461
    assert sum(len(v.instances) for v in videos.values()) == 9638
    assert len({i.label for v in videos.values() for i in v.instances}) == 600
    assert set(counts) == {
        "videos of unknown duration: the end of the last segment taken"
    }
