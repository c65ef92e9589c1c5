"""A role: its videos, their spans of clips and their segments in steps."""

import numpy as np
import pytest

from tests.data.test_dataset import load
from tests.data.tiny import TinyData, features, video


def test_covered_duration_and_segments_in_steps(tmp_path):
    role = load(tmp_path).roles["untrimmed"]
    first = role.videos[0]
    # 20 s at 10 fps: 99 clips of 4 frames, one every 2; the last ends with the video.
    assert role.features.at["a1", "clips"] == 99
    assert role.covered_sec(first) == pytest.approx(20.0)
    segments, labels = role.segments(first, 512)
    np.testing.assert_allclose(segments, np.array([[2, 6], [8, 12]]) / 20 * 512)
    assert labels == ["run", "sit"]
    assert role.segments(first, 512, max_segments=1)[1] == ["run"]


def test_segments_are_clamped_to_the_covered_duration(tmp_path):
    tiny = TinyData()
    tiny.untrimmed_features["a1"] = features(0, seconds=10.0)
    role = load(tmp_path, tiny).roles["untrimmed"]
    segments, _ = role.segments(role.videos[0], 100)
    np.testing.assert_allclose(segments, [[20, 60], [80, 100]], rtol=1e-6)


def test_a_role_gives_its_spans_and_instances_as_its_videos_have_them(tmp_path):
    role = load(tmp_path).roles["untrimmed"]
    spans = role.instance_spans()
    np.testing.assert_array_equal(role.instances()["video"], [s.video for s in spans])
    assert role.whole_spans() == [role.whole_span(video) for video in role.videos]
    assert [s.clips for s in role.whole_spans()] == [99] * 4
    assert role.select([2, 0]).whole_spans() == [role.whole_spans()[i] for i in (2, 0)]
    assert role.with_videos([]).instance_spans() == []


def test_foreground_is_cut_by_the_stated_rule(tmp_path):
    role = load(tmp_path).roles["untrimmed"]
    spans = role.instance_spans(1)
    # int(2 / 20 * 99), int(6 / 20 * 99); int(8 / 20 * 99), int(12 / 20 * 99)
    assert [(c.first_clip, c.end_clip) for c in spans[:2]] == [(9, 29), (39, 59)]
    assert [c.label for c in spans] == ["run", "sit", "sit", "run"]
    assert [c.duration_sec for c in spans] == [4.0, 4.0, 8.0, 3.0]
    assert len(role.instance_spans(20)) == 3


def test_every_video_has_its_own_rate(tmp_path):
    tiny = TinyData()
    tiny.untrimmed["a2"] = video("training", [(1, 9, "sit")], fps=25.0, subject=1)
    tiny.untrimmed_features["a2"] = features(1, fps=25.0)
    role = load(tmp_path, tiny).roles["untrimmed"]
    assert [role.fps(video) for video in role.videos[:2]] == [10.0, 25.0]
    assert role.covered_sec(role.videos[1]) == pytest.approx(20.0)


def test_the_instances_of_a_role_are_a_table(tmp_path):
    role = load(tmp_path).roles["oracle"]
    assert role.instances().to_numpy().tolist() == [
        ["a2", 12, 15, "wave"],
        ["c1", 3, 5, "jump"],
        ["c1", 6, 9, "wave"],
    ]
    assert role.most_instances() == 2
    assert role.with_videos([]).most_instances() == 1


def test_a_trimmed_video_is_one_span_with_its_label(tmp_path):
    role = load(tmp_path).roles["moments"]
    assert [(s.video, s.label) for s in role.instance_spans(9)] == [
        ("a2_m0", "wave"),
        ("c1_m1", "jump"),
        ("c1_m2", "wave"),
        ("c1_m3", "jump"),
    ]
    assert role.instance_spans(10)[0].clips == 14  # 3 s at 10 fps: (30 - 4) // 2 + 1
