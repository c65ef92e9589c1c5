"""Whole roles: localised, scored, and by chance."""

import dataclasses

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference import Detection, Localizer, scoring
from ahernet_tf.inference.chance import chance
from ahernet_tf.models import AherNet
from tests.data.tiny import CHANNELS, TinyData
from tests.models import tiny

CONFIG = dataclasses.replace(configuration.small(), network=tiny.NETWORK)


@pytest.fixture(scope="module")
def role(tmp_path_factory):
    directory = TinyData().write(tmp_path_factory.mktemp("data") / "tiny")
    return Dataset.load(directory, CONFIG.data).test(("wave", "jump", "run", "sit"))


@pytest.fixture(scope="module")
def localizer():
    model = AherNet(CHANNELS, 2, 2, tiny.NETWORK)
    model.build((None, tiny.STEPS, CHANNELS))
    return Localizer(model, ("wave", "jump"), CONFIG)


def test_every_video_is_localized_in(role, localizer):
    found = scoring.localize_role(localizer, role, batch_size=1)
    assert list(found) == [video.id for video in role.videos] == ["t1", "t2"]
    for items in found.values():
        assert items
        assert all(0 <= item.start_sec <= item.end_sec <= 20 for item in items)


def test_batches_change_nothing_and_windows_do(role, localizer):
    found = scoring.localize_role(localizer, role, batch_size=1)
    together = scoring.localize_role(localizer, role, batch_size=2)
    windowed = scoring.localize_role(localizer, role, window_sec=8.0)
    for video, items in found.items():
        scores = [item.score for item in items]
        assert [item.score for item in together[video]] == pytest.approx(scores)
        assert [item.score for item in windowed[video]] != pytest.approx(scores)
    assert scoring.localize_role(localizer, role, window_sec=60.0) == (
        scoring.localize_role(localizer, role)
    )


def test_perfect_detections_score_all(role):
    found = {
        video.id: [
            Detection(item.start_sec, item.end_sec, item.label, 0.5)
            for item in video.instances
        ]
        for video in role.videos
    }
    scores = scoring.score(role, found)
    assert scores["average_map"] == 1.0
    assert scores["map_at_tiou"] == dict.fromkeys(scores["map_at_tiou"], 1.0)
    assert list(scores["map_at_tiou"])[::9] == ["0.50", "0.95"]
    assert scores["ap_per_class"] == {"jump": 1.0, "run": 1.0, "sit": 1.0}
    assert (scores["videos"], scores["instances"]) == (2, 3)
    assert list(scores["ar_at_an"]) == ["1", "5", "10", "50", "100"]


def test_chance_is_drawn_by_seed(role):
    one, same, other = (chance(role, ("a", "b"), 7, seed) for seed in (1, 1, 2))
    assert one == same != other
    for items in one.values():
        assert len(items) == 7
        assert {item.label for item in items} <= {"a", "b"}
        assert all(0 <= item.start_sec <= item.end_sec <= 20 for item in items)
        scores = [item.score for item in items]
        assert scores == sorted(scores, reverse=True)
