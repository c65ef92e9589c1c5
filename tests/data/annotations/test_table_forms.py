import pytest

from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.annotations.videos import Instance, Video
from tests.data.annotations.reading import actions, faults, form_of, read, write


def test_plain_csv_with_and_without_durations(tmp_path):
    rows = 'video,start,end,label\na,1,2,"run, fast"\nb,3,4.5,sit\na,5,6,sit\n'
    path = write(tmp_path / "own.csv", rows)
    videos, counts = read(path, subset="train")
    expected = (Instance(1.0, 2.0, "run, fast"), Instance(5.0, 6.0, "sit"))
    assert videos["a"] == Video("a", "training", 6.0, expected)
    unknown = "videos of unknown duration: the end of the last segment taken"
    assert counts == {unknown: 2}
    facts = {i: VideoFacts(duration_sec=9.0, fps=30.0) for i in "ab"}
    videos, counts = read(path, facts=facts)
    assert (videos["b"].duration_sec, videos["b"].fps) == (9.0, 30.0)
    assert counts == {}


def test_csv_row_without_times_is_a_video_without_actions(tmp_path):
    rows = "video,start,end,label,duration,fps,subset\na,,,,12,25,val\n"
    path = write(tmp_path / "own.csv", rows)
    videos, _ = read(path)
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
    videos, problems = faults(path)
    assert videos == {}
    assert len(problems) == 1
    assert message in problems[0]


def test_kinetics_clips_are_named_by_their_cut(tmp_path):
    rows = "label,youtube_id,time_start,time_end,split,is_cc\n"
    rows += "abseiling,-3B32lodo2M,59,69,train,0\n" * 2
    rows += ",xyzxyzxyz00,0,10,test,0\n"
    videos, counts = read(write(tmp_path / "k.csv", rows))
    instances = (Instance(0.0, 10.0, "abseiling"),)
    name = "-3B32lodo2M_000059_000069"
    assert videos[name] == Video(name, "training", 10.0, instances)
    assert videos["xyzxyzxyz00_000000_000010"].instances == ()
    assert counts["repeated clips dropped"] == 1


@pytest.mark.parametrize("label", ["", "background", "None"])
def test_a_row_without_times_may_say_that_it_is_none(tmp_path, label):
    rows = f"video,start,end,label,duration\na,,,{label},12\n"
    assert read(write(tmp_path / "own.csv", rows))[0]["a"].instances == ()


def test_an_action_without_times_is_no_background(tmp_path):
    rows = "video,start,end,label,duration\na,,,pour,12\na,1,2,pour,12\n"
    videos, (problem,) = faults(write(tmp_path / "own.csv", rows))
    assert videos == {}
    assert problem == "own.csv: video 'a': line 2: an action 'pour' without times"


def test_tsp_rows_without_action_make_none(tmp_path):
    header = (
        "filename,fps,video-duration,t-start,t-end,temporal-region-label,action-label"
    )
    rows = "a.mp4,30,60,0,12,No action,\na.mp4,30,60,12,20,Action,dig\n"
    rows += "b.mp4,25,40,0,9,No action,\n"
    videos, _ = read(write(tmp_path / "tsp.csv", f"{header}\n{rows}"))
    assert videos == {
        "a": Video("a", "", 60.0, (Instance(12.0, 20.0, "dig"),), None, 30.0),
        "b": Video("b", "", 40.0, (), None, 25.0),
    }


def test_a_score_below_the_minimum_is_dropped(tmp_path):
    rows = "video,start,end,label,score\na,1,2,x,0.9\na,3,4,x,0.1\n"
    path = write(tmp_path / "own.csv", rows)
    videos, counts = read(path, minimum_score=0.5)
    assert actions(videos) == {"a": [(1, 2, "x")]}
    assert counts["detections of too low a score dropped"] == 1
    assert len(read(path)[0]["a"].instances) == 2


def test_a_row_that_cannot_be_read_leaves_its_video_out(tmp_path):
    rows = "video,start,end,label\nk1,1,2,mix, then pour\nk1,3,4,x\nk2,1,2,x\n"
    videos, (problem,) = faults(write(tmp_path / "own.csv", rows))
    assert list(videos) == ["k2"]
    assert problem.startswith("own.csv: video 'k1': line 2: expected 4 cells")


def test_hacs_clips_are_of_their_class_or_not(tmp_path):
    header = "classname,youtube_id,subset,start,end,label"
    rows = "mow,a,training,10,12,1\nmow,a,training,30,32,-1\nknit,b,training,1,3,-1\n"
    path = write(tmp_path / "h.csv", f"{header}\n{rows}")
    assert form_of(path) == "hacs_clips"
    assert read(path, "csv") == read(path)  # a table, of a kind that is known
    videos, counts = read(path)
    assert actions(videos) == {"a": [(10, 12, "mow")]}
    assert counts["videos that only have rejected clips left out"] == 1
    _, problems = faults(write(tmp_path / "h.csv", f"{header}\nmow,a,training,1,2,3\n"))
    assert problems == [
        "h.csv: video 'a': line 2: expected label 1 or -1, received '3'"
    ]


def test_epic_kitchens_are_verbs_or_other_columns(tmp_path):
    header = "narration_id,participant_id,video_id,start_timestamp,stop_timestamp,"
    header += "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class"
    rows = "P01_01_0,P01,P01_01,00:00:00.14,00:00:03.37,8,202,open door,open,3,door,3\n"
    path = write(tmp_path / "epic.csv", f"{header}\n{rows}")
    assert form_of(path) == "epic_kitchens"
    videos, _ = read(path)
    assert actions(videos) == {"P01_01": [(0.14, 3.37, "open")]}
    assert videos["P01_01"].group == "P01"
    videos, _ = read(path, tiers=("verb", "noun_class"))
    assert videos["P01_01"].instances[0].label == "open 3"
    _, (problem,) = faults(path, tiers=("colour",))
    assert "has no column colour" in problem


def test_charades_holds_all_actions_of_a_video_in_a_cell(tmp_path):
    header = "id,subject,scene,actions,length"
    rows = 'ABC,S1,"Den, hall",c006 0.00 3.60;c008 0.00 5.00,3.5\nDEF,S2,Den,,9\n'
    path = write(tmp_path / "c.csv", f"{header}\n{rows}")
    assert form_of(path) == "charades"
    videos, counts = read(path)
    assert actions(videos) == {"ABC": [(0, 3.5, "c006"), (0, 3.5, "c008")], "DEF": []}
    assert videos["ABC"].group == "S1"
    assert sum(n for what, n in counts.items() if "clamped" in what) == 2
    videos, _ = read(path, classes=("c006 Closing a door", "c008 Opening a door"))
    assert videos["ABC"].instances[1].label == "c008 Opening a door"
    _, (problem,) = faults(write(path, f"{header}\nABC,S1,Den,c006 0,3\n"))
    assert "line 2: expected 'class start end', received 'c006 0'" in problem


def test_a_table_without_a_video_is_of_the_video_that_its_file_is_called(tmp_path):
    write(tmp_path / "k1.csv", "start,end,label\n1,2,x\n")
    write(tmp_path / "k2.csv", "start,end,label\n3,4,x\n")
    videos, counts = read(tmp_path)
    assert actions(videos) == {"k1": [(1, 2, "x")], "k2": [(3, 4, "x")]}
    assert counts["tables of one video, called as the file"] == 2
    _, (problem,) = faults(
        write(tmp_path / "k1.csv", "movie,start,end,label\na,1,2,x\n")
    )
    assert "has no column video; its columns are movie, start, end, label" in problem


@pytest.mark.parametrize(
    "header", ["video,start,action_duration,label", "video,onset,duration,label"]
)
def test_an_action_may_have_a_length_in_place_of_an_end(tmp_path, header):
    path = write(tmp_path / "own.csv", f"{header}\na,2,3.5,x\na,8,1,x\nb,,,\n")
    videos, (problem,) = faults(path)
    assert actions(videos) == {"a": [(2, 5.5, "x"), (8, 9, "x")]}
    assert "video 'b': neither a duration nor an action is known" in problem
    path = write(tmp_path / "own.csv", f"{header}\na,2,,x\n")
    assert "received ['2', '2 + ']" in faults(path)[1][0]


def test_a_duration_that_could_be_of_action_or_video_is_asked_about(tmp_path):
    rows = "video,start,duration,label\na,2,3.5,x\n"
    _, (problem,) = faults(write(tmp_path / "own.csv", rows))
    assert "call it action_duration or video_duration" in problem


def test_a_clip_of_kinetics_needs_a_label_but_in_its_test_subset(tmp_path):
    rows = "text,youtube_id,time_start,time_end,split\n"
    rows += "x,a,1,11,train\nx,b,1,11,test\n"
    videos, problems = faults(write(tmp_path / "k.csv", rows))
    assert list(videos) == ["b_000001_000011"]
    assert "video 'a_000001_000011': the segment [0.0, 10.0] has no" in problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "video;start;Ende;label\nk;1;2,5;x\nk;3;4,5;y\n",
            "'Ende' may be it: call it end",
        ),
        ("id,start,end,label\n1,1,2,x\n2,3,4,y\n", "'id' counts the rows"),
        ("video,start,end,label\nk,10:00:01 AM,10:00:02 AM,x\n", "a time of day"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(tmp_path, text, message):
    assert message in faults(write(tmp_path / "own.csv", text))[1][0]


def test_what_is_not_available_is_not_there(tmp_path):
    text = "video,start,end,label,duration\na,1,2,run,NA\nb,NA,n/a,NA,9\n"
    videos, _ = read(write(tmp_path / "own.csv", text))
    assert actions(videos) == {"a": [(1, 2, "run")], "b": []}
