"""Stretches of videos: where they lie, and what is shown of the instances."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.annotations.videos import Instance
from ahernet_tf.data.crops import Crops
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.features.resampling import resample
from tests.data.tiny import TinyData, features, video

STEPS = 64


def config(**data):
    values = {f"data.{name}": value for name, value in data.items()}
    values["network.untrimmed_steps"] = STEPS
    return configuration.with_values(configuration.small(), values)


@pytest.fixture(scope="module")
def role(tmp_path_factory):
    """Videos of 20 s but for `long`, of 100 s: a clip of 0.4 s every 0.2 s."""
    tiny = TinyData()
    actions = [(10, 14, "run"), (50, 53, "sit"), (80, 98, "run")]
    tiny.untrimmed["long"] = video("training", actions, seconds=100.0)
    tiny.untrimmed_features["long"] = features(50, 100.0)
    path = tiny.write(tmp_path_factory.mktemp("crops"))
    return Dataset.load(path, config().data).role("untrimmed")


def drawn(role, count=200, **data):
    """Draws as often as asked for from each sample of the role."""
    crops = Crops(role, config(**data))
    for number in range(count * len(crops)):
        yield crops.draw(number % len(crops), np.random.default_rng(number))


def alone(role, instances):
    """Returns the role with its long video alone, with other instances."""
    record = next(v for v in role.videos if v.id == "long")
    found = tuple(Instance(start, end, "run") for start, end in instances)
    return role.with_videos([dataclasses.replace(record, instances=found)])


def lengths_sec(stretch):
    return np.diff(stretch.segments)[:, 0] * stretch.covered_sec / STEPS


def test_by_default_videos_are_whole_and_nothing_is_drawn(role):
    crops = Crops(role, config())
    assert len(crops) == len(role.videos)
    for row, shown in enumerate(role.videos):
        stretch = crops.draw(row, None)
        assert role.videos[stretch.video] == shown
        segments, labels = role.segments(shown, STEPS)
        np.testing.assert_array_equal(stretch.segments, segments)
        assert stretch.labels == labels
        whole = role.whole_span(shown)
        assert stretch[1:3] == (0, whole.clips)
        found = crops.features(*stretch[:3])
        np.testing.assert_array_equal(found, role.sequences.sequence(whole, STEPS))


def test_longer_videos_are_seen_through_windows_of_one_length(role):
    clips = {}
    for stretch in drawn(role, window_sec=25.0):
        name = role.videos[stretch.video].id
        clips.setdefault(name, []).append(stretch.end_clip - stretch.first_clip)
    assert set(clips["long"]) == {125}
    assert set(clips["a1"]) == {99}
    # as many samples as windows side by side
    assert len(clips["long"]) == 4 * len(clips["a1"])


def test_a_share_of_video_or_window_is_shown_evenly_from_the_least_on(role):
    shares = []
    for stretch in drawn(role, window_sec=25.0, crop_min=0.4):
        whole = 125 if role.videos[stretch.video].id == "long" else 99
        shares.append((stretch.end_clip - stretch.first_clip) / whole)
    assert 0.39 < min(shares) < 0.41
    assert 0.99 < max(shares) <= 1
    assert np.mean(shares) == pytest.approx(0.7, abs=0.02)


def test_segments_are_where_the_instances_lie_in_the_stretch(role):
    crops = Crops(role, config(window_sec=25.0))
    for stretch in drawn(role, window_sec=25.0):
        shown = role.videos[stretch.video]
        offset = stretch.first_clip * 0.2
        step_sec = stretch.covered_sec / STEPS
        clips = stretch.end_clip - stretch.first_clip
        assert stretch.covered_sec == pytest.approx(clips * 0.2 + 0.2)
        for (start, end), label in zip(stretch.segments, stretch.labels):
            times = (offset + start * step_sec, offset + end * step_sec)
            full = [
                i
                for i in shown.instances
                if i.label == label
                and i.start_sec - 1e-4 <= times[0] < times[1] <= i.end_sec + 1e-4
            ]
            assert len(full) == 1
            for own, cut, edge in (
                (full[0].start_sec, times[0], offset),
                (full[0].end_sec, times[1], offset + stretch.covered_sec),
            ):
                assert cut == pytest.approx(own, abs=1e-3) or cut == pytest.approx(
                    edge, abs=1e-3
                )
        assert crops.features(*stretch[:3]).shape == (STEPS, 3)


def test_a_stretch_is_read_as_a_sequence_of_its_own(role):
    row = [v.id for v in role.videos].index("long")
    clips = role.sequences.clips(role.whole_span(role.videos[row]))[100:225]
    centres, covered = 0.2 + 0.2 * np.arange(125), 25.2
    expected = resample(clips, centres, covered, STEPS, "mean", "clamp")
    found = Crops(role, config(window_sec=25.0)).features(row, 100, 225)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_all_instances_shown_are_labelled_and_none_is_cut_to_less_than_half(role):
    half = dict.fromkeys((10.0, 50.0, 80.0), 0)
    for stretch in drawn(role, window_sec=25.0, crop_min=0.5):
        shown = role.videos[stretch.video]
        start = stretch.first_clip * 0.2
        end = start + stretch.covered_sec
        inside = [
            (min(i.end_sec, end) - max(i.start_sec, start), i) for i in shown.instances
        ]
        inside = [(sec, i) for sec, i in inside if sec > 1e-6]
        assert len(inside) == len(stretch.labels)
        np.testing.assert_allclose(
            lengths_sec(stretch), [sec for sec, _ in inside], atol=1e-3
        )
        for sec, instance in inside:
            length = min(instance.end_sec - instance.start_sec, stretch.covered_sec)
            assert sec >= length / 2 - 1e-6
            if shown.id == "long":
                half[instance.start_sec] += sec < length - 0.2
    assert all(half.values())  # some are cut: the ends are no boundaries of actions


def test_every_second_stretch_shows_an_instance(role):
    one = alone(role, [(50, 51)])
    with_action = np.mean([len(s.labels) for s in drawn(one, window_sec=5.0)])
    # Any place: 5 of 96 s show it; half of the stretches are placed around it.
    assert with_action == pytest.approx(0.5 + 0.5 * 5 / 96, abs=0.03)
    starts = [s.first_clip * 0.2 for s in drawn(one, window_sec=5.0)]
    assert min(starts) < 5
    assert max(starts) > 90


def test_a_window_within_a_long_action_is_all_action(role):
    whole = alone(role, [(0, 100)])
    for stretch in drawn(whole, 20, window_sec=10.0):
        np.testing.assert_allclose(stretch.segments, [[0, STEPS]], atol=1e-3)
        assert list(stretch.labels) == ["run"]


def test_where_every_place_cuts_an_action_the_rest_of_it_is_an_action(role):
    starts = np.arange(0, 90, 0.3)
    crowded = alone(role, np.stack([starts, starts + 8], axis=1))
    for stretch in drawn(crowded, 5, window_sec=10.0):
        begin = stretch.first_clip * 0.2
        end = begin + stretch.covered_sec
        shown = (starts + 8 > begin + 1e-6) & (starts < end - 1e-6)
        assert len(stretch.labels) == shown.sum()


def test_instances_behind_the_last_clip_are_nowhere(role):
    behind = alone(role, [(20, 24), (99.99, 100)])
    assert all(np.isfinite(s.segments).all() for s in drawn(behind, 20, window_sec=10))


def test_features_that_cover_the_duration_are_cut_in_shares_of_it(tmp_path):
    tiny = TinyData()
    for part in tiny.roles.values():
        part["features"] = {"path": part["features"]["path"], "covers": "duration"}
    dataset = Dataset.load(tiny.write(tmp_path / "d"), config().data)
    covers = dataset.role("untrimmed")
    for stretch in drawn(covers, 20, window_sec=5.0):
        assert stretch.end_clip - stretch.first_clip == 25
        assert stretch.covered_sec == pytest.approx(25 * 20 / 99)
        crops = Crops(covers, config(window_sec=5.0))
        assert np.isfinite(crops.features(*stretch[:3])).all()
