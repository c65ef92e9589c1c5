import pytest

from ahernet_tf.data.annotations.companion_files import (
    listed_classes,
    read_classes,
    read_video_facts,
)
from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.checks import DataReport
from tests.data.annotations.reading import activitynet, write


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ("video;seconds;rfps\na;20,5;25\n", VideoFacts(20.5, None, 25.0)),
        ("filename,count,fps\na.mp4,50,25\n", VideoFacts(None, 50, 25.0)),
        (activitynet([[1, 2]]), VideoFacts(20.0)),
        ({"videos": {"a": {"fps": 25, "frames": 50}}}, VideoFacts(None, 50, 25.0)),
    ],
    ids=["table", "files", "annotations", "features.json"],
)
def test_facts_come_from_tables_annotations_and_features(tmp_path, content, facts):
    report = DataReport()
    assert read_video_facts(write(tmp_path / "f", content), report) == {"a": facts}
    assert report.problems == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("video,colour\na,red\n", "has no column duration"),
        ("name,duration\na,1\n", "has no column video"),
        ("video,duration\na,-1\n", "expected a duration above 0, received '-1'"),
        ("video,duration\na,1\na,2\n", "duration of 1.0 and of 2.0"),
        ({"videos": {"a": 3}}, "int"),
        ({}, "holds no object 'database'"),
    ],
)
def test_faulty_facts_are_reported(tmp_path, content, message):
    report = DataReport()
    assert read_video_facts(write(tmp_path / "f", content), report) == {}
    assert [p for p in map(str, report.problems) if message in p]


def test_class_list_refuses_repetition(tmp_path):
    assert read_classes(write(tmp_path / "a", "\ufeffx\n\ny z\n")) == ("x", "y z")
    with pytest.raises(ValueError, match=r"\['x'\] twice"):
        read_classes(write(tmp_path / "b", "x\nx\n"))
    with pytest.raises(ValueError, match="is empty"):
        read_classes(write(tmp_path / "c", "\n"))
    with pytest.raises(ValueError, match="none: cannot be read"):
        read_classes(tmp_path / "none")


def test_classes_may_be_listed_or_in_a_file(tmp_path):
    assert listed_classes(["pour", "stir"]) == ("pour", "stir")
    path = write(tmp_path / "classes.txt", "pour\nstir\n")
    assert listed_classes([str(path)]) == ("pour", "stir")
    with pytest.raises(ValueError, match=r"misspelt\.txt"):
        listed_classes([str(tmp_path / "misspelt.txt")])


def test_classes_that_are_named_or_listed_have_single_blanks(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("G2  Duck\nrun\n")
    assert listed_classes([str(path)]) == ("G2 Duck", "run")
    assert listed_classes(["G2  Duck"]) == ("G2 Duck",)
