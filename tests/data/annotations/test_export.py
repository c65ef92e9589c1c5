import dataclasses
from xml.etree import ElementTree

import pytest

from ahernet_tf.data.annotations.export import WRITERS, write_form
from ahernet_tf.data.annotations.videos import Instance, Video
from tests.data.annotations.reading import actions, form_of, read

OVERLAPPING = (
    Instance(1.2, 4.725, "crack egg"),
    Instance(3.0, 6.0, "r\u00fchren, \u201elangsam\u201c"),
    Instance(8.5, 9.0, "crack egg"),
)
VIDEOS = {
    "a": Video("a", "training", 20.04, OVERLAPPING, 501, 25.0, "p1"),
    "b 1": Video("b 1", "test", 7.0, (Instance(0.0, 0.04, "stir"),), None, 25.0),
}
ALL = sorted(["activitynet", *WRITERS])
KEEP_FACTS = {"activitynet", "csv", "label_studio"}
IN_MILLISECONDS = {"elan", "srt", "vtt"}


def written(tmp_path, form, videos):
    path = tmp_path / ("out" if form in IN_MILLISECONDS else "out.txt")
    write_form(path, videos.values(), form)
    return path


@pytest.mark.parametrize("form", ALL)
def test_what_is_written_is_recognised_and_read_again(tmp_path, form):
    path = written(tmp_path, form, VIDEOS)
    assert form_of(path) in (form, "subtitles")
    videos, _ = read(path, ignored_labels=())
    assert list(videos) == list(VIDEOS)
    slack = {"label_studio": 0.5 / 25, **dict.fromkeys(IN_MILLISECONDS, 5e-4)}
    for name, video in VIDEOS.items():
        found = sorted(actions(videos)[name])
        expected = sorted(actions(VIDEOS)[name])
        assert [label for *_, label in found] == [label for *_, label in expected]
        for (*times, _), (*wanted, _) in zip(found, expected):
            assert times == pytest.approx(wanted, abs=slack.get(form, 0) + 1e-9)
        if form in KEEP_FACTS:
            for fact in ("subset", "duration_sec", "fps", "frames", "group"):
                assert getattr(videos[name], fact) == getattr(video, fact)


@pytest.mark.parametrize("form", ["activitynet", "csv", "label_studio"])
def test_videos_without_actions_stay_so(tmp_path, form):
    videos = {**VIDEOS, "c": Video("c", "training", 5.0, (), None, 25.0)}
    assert read(written(tmp_path, form, videos))[0]["c"].instances == ()


def test_actions_of_one_tier_of_elan_do_not_overlap(tmp_path):
    path = tmp_path / "a.eaf"
    write_form(path, [VIDEOS["a"]], "elan", "videos/{video}.mkv")
    root = ElementTree.parse(path).getroot()
    tiers = {t.get("TIER_ID"): len(list(t)) for t in root.iter("TIER")}
    assert tiers == {"action": 2, "action 2": 1}
    assert root.find(".//MEDIA_DESCRIPTOR").get("MEDIA_URL") == "videos/a.mkv"
    names = [e.get("LINGUISTIC_TYPE_ID") for e in root.iter("LINGUISTIC_TYPE")]
    assert names == [t.get("LINGUISTIC_TYPE_REF") for t in root.iter("TIER")][:1]


@pytest.mark.parametrize("form", sorted(IN_MILLISECONDS))
def test_one_file_holds_one_video(tmp_path, form):
    path = tmp_path / f"a{WRITERS[form].ending}"
    with pytest.raises(ValueError, match="holds one video, there are 2"):
        write_form(path, VIDEOS.values(), form)
    write_form(path, [VIDEOS["a"]], form)
    assert list(read(path)[0]) == ["a"]


def test_an_id_with_a_folder_cannot_be_a_file(tmp_path):
    with pytest.raises(ValueError, match="'run/a': cannot be a file's name"):
        write_form(tmp_path / "o", [Video("run/a", "", 5.0)], "srt")
    assert list(tmp_path.iterdir()) == []


def test_label_studio_needs_frame_rates(tmp_path):
    with pytest.raises(ValueError, match="frame rate of 1 videos"):
        write_form(tmp_path / "o", [Video("d", "", 5.0)], "label_studio")
    assert list(tmp_path.iterdir()) == []


def test_the_media_file_is_of_the_video(tmp_path):
    with pytest.raises(ValueError, match="--media"):
        write_form(tmp_path / "o", VIDEOS.values(), "label_studio", "a.mp4")


@pytest.mark.parametrize("form", ["elan", "label_studio", "srt", "vtt"])
def test_signs_that_mean_more_elsewhere_are_part_of_labels_and_ids(tmp_path, form):
    videos = {"what?": Video("what?", "", 9.0, (Instance(1, 2, "<b>a</b> &amp; b"),))}
    videos["what?"] = dataclasses.replace(videos["what?"], fps=25.0)
    found, _ = read(written(tmp_path, form, videos))
    assert actions(found) == actions(videos)
