import pytest

from ahernet_tf.data.annotations.xml_forms import SHARED
from tests.data.annotations.reading import actions, faults, form_of, read, write

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" FORMAT="3.0" VERSION="3.0">
<HEADER TIME_UNITS="milliseconds">{media}</HEADER>
<TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1200"/><TIME_SLOT TIME_SLOT_ID="ts2"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="4700"/>
</TIME_ORDER>
<TIER TIER_ID="action">{first}</TIER><TIER TIER_ID="mood">{second}</TIER>
</ANNOTATION_DOCUMENT>"""
MEDIA = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///v/clip.mp4" MIME_TYPE="video/mp4"/>'


def aligned(start, end, value):
    return (
        '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" '
        f'TIME_SLOT_REF1="{start}" TIME_SLOT_REF2="{end}">'
        f"<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>"
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


WAVE = aligned("ts1", "ts3", "wave")


def eaf(media=MEDIA, first=WAVE, second=""):
    return EAF.format(media=media, first=first, second=second)


def test_elan_documents_are_of_their_media_file(tmp_path):
    path = write(tmp_path / "notes.eaf", eaf())
    assert form_of(path) == "elan"
    assert actions(read(path)[0]) == {"clip": [(1.2, 4.7, "wave")]}
    assert list(read(write(path, eaf(media="")))[0]) == ["notes"]


def test_elan_times_are_those_of_the_media_file(tmp_path):
    media = MEDIA.replace("MIME_TYPE", 'TIME_ORIGIN="500" MIME_TYPE')
    path = write(tmp_path / "n.eaf", eaf(media=media))
    assert actions(read(path)[0]) == {"clip": [(1.7, 5.2, "wave")]}


def test_elan_names_media_by_addresses_and_annotates_annotations(tmp_path):
    media = MEDIA.replace("clip.mp4", "my%20clip%231.mp4")
    assert media != MEDIA
    note = "<ANNOTATION><REF_ANNOTATION ANNOTATION_ID='r' ANNOTATION_REF='a'/>"
    path = write(tmp_path / "n.eaf", eaf(media=media, second=f"{note}</ANNOTATION>"))
    videos, counts = read(path)
    assert actions(videos) == {"my clip#1": [(1.2, 4.7, "wave")]}
    assert counts["annotations of annotations left out"] == 1


def test_elan_tiers_can_be_chosen(tmp_path):
    path = write(tmp_path / "n.eaf", eaf(second=aligned("ts1", "ts3", "sad")))
    assert len(read(path)[0]["clip"].instances) == 2
    assert actions(read(path, tiers=("mood",))[0]) == {"clip": [(1.2, 4.7, "sad")]}


def test_an_annotation_of_elan_without_a_time_is_a_fault(tmp_path):
    path = write(tmp_path / "n.eaf", eaf(first=aligned("ts1", "ts2", "wave")))
    assert "annotation 'a1' (wave) has no time" in faults(path)[1][0]


def test_annotations_of_elan_share_the_time_between_known_ones(tmp_path):
    parts = aligned("ts1", "ts2", "raise") + aligned("ts2", "ts3", "lower")
    videos, counts = read(write(tmp_path / "n.eaf", eaf(second=parts)), tiers=("mood",))
    assert actions(videos) == {"clip": [(1.2, 2.95, "raise"), (2.95, 4.7, "lower")]}
    assert counts[SHARED] == 2


def test_annotations_of_annotations_of_elan_are_read_where_they_are_named(tmp_path):
    def note(name, parent):
        inner = f"<ANNOTATION_VALUE>{name}</ANNOTATION_VALUE></REF_ANNOTATION>"
        ids = f'ANNOTATION_ID="{name}" ANNOTATION_REF="{parent}"'
        return f"<ANNOTATION><REF_ANNOTATION {ids}>{inner}</ANNOTATION>"

    notes = note("left", "a1") + note("right", "a1")
    text = eaf(second=notes).replace(
        "</ANNOTATION_DOCUMENT>",
        f'<TIER TIER_ID="loud">{note("soft", "right")}</TIER></ANNOTATION_DOCUMENT>',
    )
    path = write(tmp_path / "n.eaf", text)
    expected = [(1.2, 2.95, "left"), (2.95, 4.7, "right")]
    assert actions(read(path, tiers=("mood",))[0]) == {"clip": expected}
    expected = [(2.95, 4.7, "soft")]
    assert actions(read(path, tiers=("loud",))[0]) == {"clip": expected}
    path = write(path, eaf(second=note("lost", "a9")))
    assert "'lost' (lost) has no time" in faults(path, tiers=("mood",))[1][0]


def test_a_tier_of_elan_without_values_is_the_class(tmp_path):
    path = write(tmp_path / "n.eaf", eaf(first=aligned("ts1", "ts3", "")))
    assert actions(read(path)[0]) == {"clip": [(1.2, 4.7, "action")]}
    path = write(path, eaf(first=WAVE + aligned("ts1", "ts3", " ")))
    expected = "annotation 'a1' (1.2 to 4.7 s) of the tier 'action' is empty"
    assert expected in faults(path)[1][0]


ANVIL = """<annotation><head><video src="v/clip.mov"/></head><body>
<track name="act" type="primary"><el index="0" start="1.2" end="4.7">
<attribute name="type">wave</attribute></el></track>
<track name="clap" type="primary"><el index="0" start="6" end="7"/></track>
<track name="ref" type="singleton"><el index="0" ref="0"/></track>
</body></annotation>"""


def test_anvil_gives_the_attribute_of_an_element_or_its_track(tmp_path):
    path = write(tmp_path / "x.anvil", ANVIL)
    assert form_of(path) == "anvil"
    assert actions(read(path)[0]) == {"clip": [(1.2, 4.7, "wave"), (6, 7, "clap")]}
    assert actions(read(path, tiers=("clap",))[0]) == {"clip": [(6, 7, "clap")]}


def test_cvat_tracks_last_until_they_are_outside(tmp_path):
    def box(frame, outside):
        return f'<box frame="{frame}" outside="{outside}" keyframe="1"/>'

    shapes = box(30, 0) + box(50, 0) + box(75, 1) + box(90, 0) + box(99, 0)
    text = "<annotations><meta><task><size>200</size><source>v/a.mp4</source></task>"
    text += f'</meta><track id="0" label="jump">{shapes}</track></annotations>'
    path = write(tmp_path / "annotations.xml", text)
    assert form_of(path) == "cvat"
    videos, _ = read(path, fps=10.0)
    assert actions(videos) == {"a": [(3, 7.5, "jump"), (9, 10, "jump")]}
    assert videos["a"].duration_sec == 20.0
    assert "need its frame rate" in faults(path)[1][0]
    filtered = "<frame_filter>step=2</frame_filter><size>"
    path = write(path, text.replace("<size>", filtered))
    assert read(path, fps=10.0)[0]["a"].duration_sec == 10.0  # the last action's end


def test_cvat_tags_last_while_frames_have_them(tmp_path):
    tagged = {3: "run", 4: "run", 5: "run", 8: "run", 9: "sit"}
    images = "".join(
        f'<image id="{n}" name="f{n}"><tag label="{label}"/></image>'
        for n, label in tagged.items()
    )
    path = write(tmp_path / "a.xml", f"<annotations>{images}</annotations>")
    expected = [(3.0, 6.0, "run"), (8.0, 9.0, "run"), (9.0, 10.0, "sit")]
    assert actions(read(path, fps=1.0)[0]) == {"a": expected}


def track(label, first, end, task="", value=""):
    attribute = f'<attribute name="act">{value}</attribute>'
    shapes = f'<box frame="{first}" outside="0">{attribute}</box>'
    shapes += f'<box frame="{end}" outside="1">{attribute}</box>'
    return f'<track label="{label}" task_id="{task}">{shapes}</track>'


def test_cvat_projects_hold_a_video_per_task(tmp_path):
    tasks = "".join(
        f"<task><id>{n}</id><size>9</size><source>{name}.mp4</source></task>"
        for n, name in enumerate("abc")
    )
    text = f"<annotations><meta><project><tasks>{tasks}</tasks></project></meta>"
    text += f"{track('run', 1, 3, 0)}{track('jump', 2, 4, 1)}</annotations>"
    videos, counts = read(write(tmp_path / "p.xml", text), fps=1.0)
    assert actions(videos) == {"a": [(1, 3, "run")], "b": [(2, 4, "jump")]}
    assert counts["tasks without a track left out"] == 1


def test_cvat_frames_count_from_the_start_of_the_video(tmp_path):
    job = "<job><id>1</id><size>9</size><start_frame>50</start_frame></job>"
    text = f"<annotations><meta>{job}</meta>{track('run', 51, 55)}</annotations>"
    videos, _ = read(write(tmp_path / "j.xml", text), fps=1.0)
    assert actions(videos) == {"j": [(51, 55, "run")]}


def test_cvat_attributes_may_be_the_classes(tmp_path):
    walk = track("man", 1, 5, value="walk").replace(
        '<box frame="5"',
        '<box frame="3" outside="0"><attribute name="act">run</attribute></box>'
        '<box frame="5"',
    )
    undefined = track("man", 6, 7, value="__undefined__")
    path = write(tmp_path / "a.xml", f"<annotations>{walk}{undefined}</annotations>")
    videos, _ = read(path, fps=1.0, tiers=("act",))
    assert actions(videos) == {"a": [(1, 3, "walk"), (3, 5, "run")]}
    videos, counts = read(path, fps=1.0)
    assert actions(videos) == {"a": [(1, 5, "man"), (6, 7, "man")]}
    assert counts["attributes not read (act; --tiers)"] == 1


def test_cvat_skeletons_are_outside_when_their_points_are(tmp_path):
    shapes = "".join(
        f'<skeleton frame="{frame}"><points outside="{outside}"/></skeleton>'
        for frame, outside in ((2, 0), (6, 1))
    )
    text = f'<annotations><track label="kick">{shapes}</track></annotations>'
    videos, _ = read(write(tmp_path / "s.xml", text), fps=1.0)
    assert actions(videos) == {"s": [(2, 6, "kick")]}


def test_cvat_frames_of_several_folders_are_refused(tmp_path):
    images = '<image id="0" name="a/0.jpg"/><image id="1" name="b/0.jpg"/>'
    path = write(tmp_path / "i.xml", f"<annotations>{images}</annotations>")
    assert "frames of 2 videos (a, b, ...)" in faults(path, fps=1.0)[1][0]


@pytest.mark.parametrize(("name", "text"), [("n.eaf", eaf()), ("x.anvil", ANVIL)])
def test_tiers_that_are_not_there_are_named_beside_those_that_are(tmp_path, name, text):
    _, (problem,) = faults(write(tmp_path / name, text), tiers=("acts",))
    assert "has none of acts (--tiers), but act" in problem
