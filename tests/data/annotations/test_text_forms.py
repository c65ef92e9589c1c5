import pytest

from ahernet_tf.data.annotations.videos import Instance, Video
from tests.data.annotations.reading import actions, faults, form_of, read, write


def test_thumos14_text_files(tmp_path):
    write(tmp_path / "Diving_val.txt", "video_validation_01  0.2 1.5\n\n")
    write(tmp_path / "Ambiguous_val.txt", "video_validation_01  3.0 4.0\n")
    write(tmp_path / "GolfSwing_test.txt", "video_test_02  2 3\n")
    videos, counts = read(tmp_path)
    assert videos["video_validation_01"].subset == "validation"
    assert videos["video_validation_01"].instances == (Instance(0.2, 1.5, "Diving"),)
    assert videos["video_test_02"] == Video(
        "video_test_02", "test", 3.0, (Instance(2.0, 3.0, "GolfSwing"),)
    )
    assert counts["segments of label 'Ambiguous' dropped"] == 1


def test_multithumos_has_a_file_per_class_and_the_subset_in_the_ids(tmp_path):
    write(tmp_path / "Diving.txt", "video_validation_01  0.2 1.5\n")
    write(tmp_path / "Clean_up.txt", "video_test_02 2 3\nclip_7 1 2\n")
    assert form_of(tmp_path) == "thumos14_text"
    videos, _ = read(tmp_path)
    subsets = {name: video.subset for name, video in videos.items()}
    known = {"video_validation_01": "validation", "video_test_02": "test", "clip_7": ""}
    assert subsets == known
    assert videos["clip_7"].instances == (Instance(1.0, 2.0, "Clean_up"),)


def test_k600_validation_needs_the_classes(tmp_path):
    path = write(tmp_path / "k.txt", "abc\t1.5\t2.5\t1\n")
    videos, _ = read(path, classes=("a", "b"))
    assert videos["abc"].instances == (Instance(1.5, 2.5, "b"),)
    _, problems = faults(path)
    assert problems == ["k.txt: needs the list of the classes (--classes)"]
    _, problems = faults(path, classes=("a",))
    assert problems == ["k.txt: video 'abc': class '1' of 1 classes"]


def test_a_label_per_frame_becomes_runs(tmp_path):
    folder = tmp_path / "groundTruth"
    folder.mkdir()
    write(folder / "P01.txt", "SIL\n" * 30 + "pour_milk\n" * 50 + "SIL\n" * 10)
    write(folder / "P02.txt", "stir\n" * 15 + "pour_milk\n" * 15)
    assert form_of(folder) == "frame_labels"
    videos, _ = read(folder, fps=10.0)
    assert actions(videos) == {
        "P01": [(3, 8, "pour_milk")],
        "P02": [(0, 1.5, "stir"), (1.5, 3, "pour_milk")],
    }
    assert (videos["P01"].duration_sec, videos["P01"].frames) == (9.0, 90)
    assert "times in frames need its frame rate" in faults(folder)[1][0]


def test_spans_of_frames_count_from_one(tmp_path):
    path = write(tmp_path / "P01.txt", "1-30 SIL\n31-80 pour_milk\n")
    assert form_of(path) == "frame_labels"
    assert actions(read(path, fps=10.0)[0]) == {"P01": [(3, 8, "pour_milk")]}


@pytest.mark.parametrize(
    "times",
    [
        "00:00:01.200\t00:00:04.700\t00:00:03.500",
        "1.2\t4.7\t3.5",
        "1200\t4700\t3500",
        "00:00:01.200\t1.2\t00:00:04.700\t4.7\t00:00:03.500\t3.5",
        "00:00:01.200\t1.2\t1200\t00:00:04.700\t4.7\t4700\t00:00:03.500\t3.5\t3500",
        "00:00:01.200\t1.2\t00:00:04.700\t4.7",
    ],
)
@pytest.mark.parametrize("header", ["", "Tier\tWho\tBegin\tEnd\tDuration\tValue\n"])
def test_elan_tabs_hold_times_in_any_of_its_forms(tmp_path, times, header):
    path = write(tmp_path / "clip.txt", f"{header}action\t\t{times}\twave\n")
    assert form_of(path) == "elan_tab"
    assert actions(read(path)[0]) == {"clip": [(1.2, 4.7, "wave")]}


def test_elan_tabs_of_several_files_name_theirs(tmp_path):
    lines = [
        "act\t\t1.0\t2.0\t1.0\twave\tx/one.eaf",
        "mood\t\t1.5\t3.0\t1.5\tsad\tx/two.eaf",
    ]
    path = write(tmp_path / "all.txt", "\n".join(lines))
    assert actions(read(path)[0]) == {"one": [(1, 2, "wave")], "two": [(1.5, 3, "sad")]}
    assert actions(read(path, tiers=("act",))[0]) == {"one": [(1, 2, "wave")]}
    path = write(tmp_path / "all.txt", "\n".join([lines[0], "act\t\tx\ty", lines[1]]))
    assert "line 2: expected begin, end and value" in faults(path)[1][0]


def test_labels_of_audacity_are_read(tmp_path):
    lines = "1.2\t4.7\twave\n\\\t200.0\t3000.0\n6.0\t9.05\tclap\n"
    path = write(tmp_path / "clip.txt", lines)
    assert actions(read(path)[0]) == {"clip": [(1.2, 4.7, "wave"), (6, 9.05, "clap")]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1\t4\twave\n", "1 and 4 may be seconds or milliseconds"),
        ("v1\t1\t4\twave\nv2\t1\t4\twave\n", "'v1' may be a video or a tier"),
    ],
)
def test_lines_of_tabs_that_may_mean_two_things_are_asked_about(
    tmp_path, lines, message
):
    videos, (problem,) = faults(write(tmp_path / "clip.txt", lines))
    assert videos == {}
    assert message in problem


def test_chapters_end_where_the_next_begins(tmp_path):
    lines = "0:00 menu\n(0:05) - loading\n1:02:06.5 play\n"
    path = write(tmp_path / "game.txt", lines)
    assert "the segment at 3726.5 s has no end" in faults(path)[1][0]
    path = write(tmp_path / "game.txt", f"{lines}1:03:00\n")
    assert form_of(path) == "chapters"
    expected = [(0, 5, "menu"), (5, 3726.5, "loading"), (3726.5, 3780, "play")]
    assert actions(read(path)[0]) == {"game": expected}


SRT = """1
00:00:01,200 --> 00:00:04,700
wave

2
00:01:00,000 --> 00:01:09,050
<i>clap
hands</i>
"""
VTT = """WEBVTT - actions

NOTE made by hand

00:01.200 --> 00:04.700 line:0
wave

one
00:01:00.000 --> 00:01:09.050
clap hands
"""


@pytest.mark.parametrize(("ending", "text"), [("srt", SRT), ("vtt", VTT)])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_subtitles_are_actions(tmp_path, ending, text, line_end):
    path = write(tmp_path / f"clip.{ending}", text.replace("\n", line_end))
    assert form_of(path) == "subtitles"
    expected = [(1.2, 4.7, "wave"), (60, 69.05, "clap hands")]
    assert actions(read(path)[0]) == {"clip": expected}


def test_a_block_that_is_no_cue_is_a_fault(tmp_path):
    path = write(tmp_path / "clip.srt", f"{SRT}\n3\n00:02:00,000 - 00:03:00,000\nx\n")
    assert "expected a cue, received '3" in faults(path)[1][0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "act\t\t1.x\t2.0\t1.0\twave\nact\t\t4.0\t5.0\t1.0\twave\n"),
        ("a.txt", "6.0\t7.0\n6.0\t7.0\twave\n"),
        ("a.srt", SRT.replace("04,700", '04,7"00')),
    ],
)
def test_a_damaged_first_line_is_no_header(tmp_path, name, text):
    assert len(faults(write(tmp_path / name, text))[1]) == 1
