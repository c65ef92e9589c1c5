"""Facts of a data set of a few videos, by hand."""

import math

import numpy as np
import pytest

from ahernet_tf.auto.facts import at, facts_of
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset
from tests.data.tiny import TinyData, video


def facts(directory, data=None):
    path = (data or TinyData()).write(directory)
    return facts_of(Dataset.load(path, Config().data))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return facts(tmp_path_factory.mktemp("tiny"))


def test_counts(found):
    # Background counts as a video; instances of target classes do not count.
    assert (found.videos, found.instances, found.moments) == (4, 4, 5)
    assert (found.source_classes, found.target_classes) == (2, 2)
    assert (found.channels, found.fewest_moments) == (3, 2)
    assert at(found.instances_per_video, 100) == 2
    assert found.several_classes == 1 / 4


def test_lengths(found):
    # Videos of 20 s, instances of 3, 4, 4 and 8 s, moments of 1, 2, 3, 3 and 4 s.
    assert set(found.sequence_sec) == {20.0}
    assert [at(found.instance_sec, q) for q in (0, 50, 100)] == [3, 4, 8]
    assert [at(found.instance_share, q) for q in (0, 50, 100)] == [0.15, 0.2, 0.4]
    assert [at(found.moment_sec, q) for q in (0, 50, 100)] == [1, 3, 4]
    # Only the second class varies: ln 1, ln 2, ln 4.
    expected = math.sqrt(2 * math.log(2) ** 2 / 5)
    assert found.moment_spread == pytest.approx(expected, abs=1e-4)


def test_background(found):
    # 19 of 80 s are instances; one pair of neighbours, 2 s apart.
    assert found.background == pytest.approx(61 / 80)
    assert set(found.gap_sec) == {2.0}
    assert found.overlapping == 0


def test_overlapping_instances_are_counted_and_leave_no_gap(tmp_path):
    data = TinyData()
    data.untrimmed["a1"] = video("training", [(2, 6, "run"), (3, 7, "sit")])
    found = facts(tmp_path, data)
    assert found.overlapping == 2 / 4
    assert found.gap_sec == ()
    assert found.background == pytest.approx((80 - 5 - 8 - 3) / 80)


def test_clips_of_the_class_with_the_shortest(found):
    # The shortest `run` lasts 3 of 20 s, of 99 clips; the shortest `jump` 1 s.
    assert found.foreground_clips_of_each_class == 15
    assert found.moment_clips_of_each_class == 4


def test_features(found, tmp_path):
    assert found.lowest_feature < -1
    assert 1 <= found.channel_ratio < 1.5
    data = TinyData()
    scale = np.array([1, 1, 100], np.float32)
    for features in (data.untrimmed_features, data.moment_features):
        features |= {name: np.abs(v) * scale for name, v in features.items()}
    scaled = facts(tmp_path, data)
    assert scaled.lowest_feature >= 0
    assert 70 < scaled.channel_ratio < 110
