import dataclasses

import numpy as np
import pytest

from ahernet_tf.config import small
from ahernet_tf.data.annotations.videos import Instance
from ahernet_tf.data.create.video_pieces import cut_videos, free_spans
from ahernet_tf.data.dataset import Dataset
from tests.data.tiny import TinyData, features, video


def instances(*rows):
    return [Instance(float(s), float(e), label) for s, e, label in rows]


@pytest.mark.parametrize(
    ("rows", "spans"),
    [
        ([], [(0, 20)]),
        ([(2, 6, "keep")], [(0, 20)]),
        ([(8, 12, "out")], [(0, 8), (12, 20)]),
        ([(0, 5, "out"), (15, 20, "out")], [(5, 15)]),
        ([(3, 9, "out"), (8, 12, "out")], [(0, 3), (12, 20)]),
        ([(8, 12, "out"), (11, 15, "keep"), (1, 2, "keep")], [(0, 8), (15, 20)]),
        # What overlaps with an action that goes need not go, but here it does, too.
        ([(8, 9, "out"), (8, 12, "keep"), (11, 15, "keep")], [(0, 8), (15, 20)]),
        ([(0, 20, "out")], []),
    ],
)
def test_spans_are_free_of_what_is_unwanted(rows, spans):
    assert free_spans(instances(*rows), {"out"}, 20.0) == spans


@pytest.fixture
def untrimmed(tmp_path):
    tiny = TinyData()
    rows = [(1, 5, "run"), (6, 9, "sit"), (10, 12, "run"), (12.5, 19, "run")]
    tiny.untrimmed["a1"] = video("training", rows, subject=1)
    tiny.untrimmed_features["a1"] = features(0)
    return Dataset.load(tiny.write(tmp_path / "d"), small().data).roles["untrimmed"]


def test_pieces_are_whole_clips_of_the_times_between(untrimmed):
    pieces = {p.video.id: p for p in cut_videos(untrimmed, {"sit"})}
    # Clips of 4 frames every 2, at 10 fps: clip i saw i / 5 to i / 5 + 0.4 s.
    assert set(pieces) == {"a1_c0", "a1_c1", "b1", "b2"}
    first, second = pieces["a1_c0"], pieces["a1_c1"]
    assert (first.origin, first.first_clip, first.end_clip) == ("a1", 0, 29)
    assert first.video.duration_sec == pytest.approx(6.0)
    assert first.video.instances == (Instance(1.0, 5.0, "run"),)
    assert (second.first_clip, second.end_clip) == (45, 99)
    assert second.video.instances == (
        Instance(1.0, 3.0, "run"),
        Instance(3.5, 10.0, "run"),
    )
    assert {p.video.group for p in (first, second)} == {"1"}
    assert pieces["b1"].video == untrimmed.videos[2]


def test_a_video_of_unwanted_actions_only_is_dropped(untrimmed):
    pieces = cut_videos(untrimmed, {"run", "sit"})
    assert [p.video.id for p in pieces] == ["b2"]


def test_resized_features_are_cut_by_their_share(untrimmed):
    model = dataclasses.replace(untrimmed.time_model, covers="duration")
    role = dataclasses.replace(untrimmed, time_model=model)
    first, second = cut_videos(role, {"sit"})[:2]
    covered = role.covered_sec(role.videos[0])
    np.testing.assert_allclose(first.end_clip, np.floor(99 * 6 / covered))
    np.testing.assert_allclose(second.first_clip, np.ceil(99 * 9 / covered))
