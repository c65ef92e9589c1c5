import numpy as np
import pytest

from ahernet_tf.data.annotations.activitynet import Instance, Video
from ahernet_tf.data.clip_spans import Cut
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.roles import Role
from ahernet_tf.data.video_columns import ByVideo, Texts, VideoTable

VIDEOS = (
    Video(
        "a", "training", 20.0, (Instance(1.0, 4.0, "run"), Instance(5.0, 9.0, "sit"))
    ),
    Video("ü", "", 3.5, (), frames=105, fps=30.0, group="person 2"),
    Video("v_c", "validation", 10.0, (Instance(0.0, 10.0, "sit"),), group="a"),
)


def test_texts_give_back_what_they_were_made_of():
    texts = Texts.of(["one", "", "zwölf", "one"])
    assert list(texts) == ["one", "", "zwölf", "one"]
    assert texts[-2] == "zwölf"
    assert texts[1:3] == ["", "zwölf"]
    assert (texts.find("zwölf"), texts.find("one"), texts.find("two")) == (2, 0, None)
    with pytest.raises(IndexError):
        texts[4]


def test_a_table_gives_back_its_videos_and_is_equal_to_them():
    table = VideoTable.of(VIDEOS)
    assert tuple(table) == VIDEOS
    assert table == list(VIDEOS)
    assert table != VIDEOS[:2]
    assert table[-1].instances[0].label == "sit"
    assert VideoTable.of(table) is table


def test_a_table_is_the_same_after_plain_arrays(tmp_path):
    np.savez(tmp_path / "t.npz", **VideoTable.of(VIDEOS).to_arrays())
    with np.load(tmp_path / "t.npz") as arrays:
        assert VideoTable.from_arrays(arrays) == VIDEOS


@pytest.mark.parametrize("rows", [[2, 0], [1], [], [0, 1, 2], [0, 0]])
def test_a_selection_holds_its_videos_in_order(rows):
    assert VideoTable.of(VIDEOS).select(rows) == [VIDEOS[row] for row in rows]


def test_numbers_are_found_by_video():
    table = VideoTable.of(VIDEOS)
    clips = ByVideo.of(table, {"a": 3, "v_c": 5, "ü": 4})
    fps = ByVideo.of(table, {"a": 25.0, "v_c": None, "ü": 30.0})
    assert dict(clips) == {"a": 3, "ü": 4, "v_c": 5}
    assert dict(fps) == {"a": 25.0, "ü": 30.0, "v_c": None}
    np.testing.assert_array_equal(clips.column(Texts.of(["v_c", "a"])), [5, 3])
    with pytest.raises(KeyError):
        clips["x"]


def test_cuts_of_a_role_are_columns_of_the_same_cuts():
    clips = {"a": 20, "ü": 7, "v_c": 10}
    model = TimeModel(clip_frames=1, stride_frames=1)
    role = Role(
        "untrimmed", VIDEOS, None, model, ("sit", "run"), clips, dict.fromkeys(clips, 1)
    )
    cuts = role.cuts(0)
    assert list(cuts) == [
        Cut("a", 1, 4, "run", 3.0),
        Cut("a", 5, 9, "sit", 4.0),
        Cut("v_c", 0, 10, "sit", 10.0),
    ]
    np.testing.assert_array_equal(cuts.classes(("sit", "run")), [1, 0, 0])
    assert list(role.cuts(4)) == list(cuts)[1:]
    assert list(role.select([2, 1]).cuts(0)) == [cuts[2]]
    with pytest.raises(KeyError):
        cuts.classes(("sit",))


def test_a_moment_costs_few_bytes():
    count = 2000
    videos = (
        Video(f"moment_{i:06d}", "training", 3.0, (Instance(0.0, 3.0, "run"),))
        for i in range(count)
    )
    table = VideoTable.of(videos)
    clips = dict.fromkeys(table.ids, 9)
    model = TimeModel(clip_frames=1, stride_frames=1)
    role = Role("m", table, None, model, ("run",), clips, clips, trimmed=True)
    cuts = role.cuts(1)
    arrays = [*table.to_arrays().values(), role.clips.values_array, *table.ids._sorted]
    arrays += [cuts.video, cuts.first_clip, cuts.end_clip, cuts.label]
    arrays += [cuts.duration_sec, role.fps.values_array]
    assert sum(a.nbytes for a in arrays) < 150 * count
