"""What is said of a setting's data: counts, and what a user should know."""

import dataclasses
import pathlib

import pytest

from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.create.public_annotations import AnnotatedSubset
from ahernet_tf.data.create.setting_content import SettingContent
from ahernet_tf.data.create.setting_report import SettingReport
from ahernet_tf.settings import SETTINGS

SETTING = SETTINGS["anet_un_to_anet_am"]
LABELS = {"a": "Cricket", "b": "Cricket", "c": "Ballet"}


def subset_of(count):
    videos = {
        name: Video(name, count.subset, 20.0, (Instance(1.0, 5.0, label),))
        for name, label in LABELS.items()
    }
    path = pathlib.Path(f"{count.subset}.json")
    return AnnotatedSubset(path, videos, DataReport(), 0, 0, None)


@pytest.fixture
def content():
    """Three videos per subset; the training video b has no features."""
    subsets = {count: subset_of(count) for count in SETTING.counts()}
    present = {count: list(s.videos.values()) for count, s in subsets.items()}
    training = SETTING.untrimmed.count
    present[training] = [v for v in present[training] if v.id != "b"]
    classes = {"source": ("Cricket",), "target": ("Ballet",)}
    missing = [(training.dataset, training.subset, "b", "no features")]
    return SettingContent(
        SETTING, subsets, {}, present, missing, classes, classes, "a list"
    )


def test_subsets_come_whole_and_then_the_roles(content):
    rows = SettingReport.of(content, "missing.csv").rows
    assert [(row.title, row.videos) for row in rows] == [
        ("ActivityNet v1.3 training", (3, 2)),
        ("ActivityNet v1.3 validation", (3, 3)),
        ("untrimmed", (2, 1)),
        ("moments", (1, 1)),
        ("test", (1, 1)),
        ("oracle", (1, 1)),
    ]


def test_notes_name_what_is_missing_and_what_is_shared(content):
    notes = SettingReport.of(content, "missing.csv").notes
    assert "Classes: split by a list." in notes
    assert "1 videos lack features and are left out: missing.csv." in notes
    assert "1 test videos are untrimmed training videos as well." not in notes
    assert any(note.endswith("well.") and note.startswith("2") for note in notes)


def test_classes_without_videos_make_results_not_comparable(content):
    listed = content.listed | {"source": ("Cricket", "Diving", "Golf")}
    content = dataclasses.replace(content, listed=listed)
    (note,) = (
        note
        for note in SettingReport.of(content, "missing.csv").notes
        if "not comparable" in note
    )
    assert note.startswith("2 source classes")
    assert "(Diving, Golf)" in note


def test_setting_json_keeps_protocol_options_and_counts(content):
    report = SettingReport.of(content, "missing.csv")
    found = report.description()
    assert found["setting"] == SETTING.name
    assert found["protocol"] == SETTING.protocol
    assert found["options"] == SETTING.assignments()
    assert list(found["annotations"].values()) == ["training.json", "validation.json"]
    assert len(found["counts"]) == 6
    assert f"{SETTING.title}, evaluated by" in report.lines()[0]
