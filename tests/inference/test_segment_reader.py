"""What is read of a segment, how it is placed, and what that is learnt from."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference import segment_reader
from ahernet_tf.inference.segment_reader import (
    PARTS,
    PLACEMENT_TIOU,
    PLACEMENTS,
    WAY,
    SegmentReader,
    describe_moment,
    describe_segments,
    fit_segment_reader,
)
from tests.data.tiny import CHANNELS, TinyData, features, video
from tests.inference.looks import CLASSES, LEVELS, discriminant


def test_whole_steps_give_the_mean_of_each_part():
    sequence = np.random.default_rng(0).normal(5, 3, (20, 4)).astype(np.float32)
    found = describe_segments(sequence, np.array([[0, 18], [3, 6]]))
    assert found.dtype == np.float32
    for row, (first, length) in zip(found, ((0, 6), (3, 1))):
        parts = sequence[first : first + 3 * length].reshape(3, length, 4).mean(axis=1)
        np.testing.assert_allclose(row, parts.ravel(), atol=1e-5)


def test_pieces_of_steps_count_in_part():
    sequence = np.array([[1.0], [2.0], [6.0]], np.float32)
    (found,) = describe_segments(sequence, np.array([[0.5, 2.75]]))
    # Parts of 0.75 steps: [0.5, 1.25], [1.25, 2], [2, 2.75].
    np.testing.assert_allclose(found, [(0.5 + 0.25 * 2) / 0.75, 2, 6], rtol=1e-5)


@pytest.mark.parametrize("segment", [[1.2, 1.2], [3, 3], [2.9, 9], [-4, 0]])
def test_segments_without_length_or_beyond_the_end_are_read(segment):
    sequence = np.array([[1.0], [2.0], [6.0]], np.float32)
    (found,) = describe_segments(sequence, np.array([segment]))
    step = min(max(int(segment[0]), 0), 2)
    np.testing.assert_allclose(found, sequence[step, 0], rtol=1e-3)


def test_a_sequence_is_read_as_its_segments_are_described():
    random = np.random.default_rng(0)
    reader = SegmentReader(discriminant(PARTS * 4, 2 * len(PLACEMENTS), random))
    sequence = random.normal(3, 1, (30, 4)).astype(np.float32)
    segments = np.sort(random.uniform(-1, 31, (50, 2)), axis=1)
    expected = reader.discriminant.logits(describe_segments(sequence, segments))
    found = reader.read(sequence).logits(segments)
    assert found.shape == (50, 2, len(PLACEMENTS))
    np.testing.assert_allclose(found.reshape(50, -1), expected, atol=2e-5)


def test_placements_are_known_by_their_tiou_and_lead_to_the_action():
    assert PLACEMENTS[0].tolist() == [0, 1]
    assert len({tuple(own) for own in PLACEMENTS}) == len(PLACEMENTS) == 8
    expected = {
        (0, 1): 1,
        (-0.4, 1): 1 / 1.4,
        (0, 1.4): 1 / 1.4,
        (-0.4, 1.4): 1 / 1.8,
        (0, 0.6): 0.6,
        (0.4, 1): 0.6,
        (-0.4, 0.6): 0.6 / 1.4,
        (0.4, 1.4): 0.6 / 1.4,
    }
    for (start, end), tiou, way in zip(PLACEMENTS, PLACEMENT_TIOU, WAY):
        assert tiou == pytest.approx(expected[start, end])
        back = np.array([start, end]) + (end - start) * way
        np.testing.assert_allclose(back, [0, 1], atol=1e-12)


def reader_of(placement, classes=2):
    """One that takes every segment for a placement about an action of class 1."""
    made = discriminant(PARTS, classes * len(PLACEMENTS))
    made.bias[len(PLACEMENTS) + placement] = 50
    return SegmentReader(made)


@pytest.mark.parametrize("placement", range(len(PLACEMENTS)))
def test_a_segment_is_worth_its_tiou_and_moved_back(placement):
    sequence = np.zeros((100, 1), np.float32)
    reader = reader_of(placement)
    action = np.array([40.0, 60.0])
    segments = (40 + 20 * PLACEMENTS[placement])[np.newaxis]
    found = reader.read(sequence).tiou(segments)
    np.testing.assert_allclose(found, [[0, PLACEMENT_TIOU[placement]]], atol=1e-6)
    moved = reader.read(sequence).moved(segments, np.array([1]))
    np.testing.assert_allclose(moved[0], action, atol=1e-4)
    # Of the other class nothing is known: each placement is as likely.
    other = reader.read(sequence).moved(segments, np.array([0]))
    length = segments[0, 1] - segments[0, 0]
    expected = segments[0] + length * WAY.mean(axis=0)
    np.testing.assert_allclose(other[0], expected, atol=1e-4)


def test_segments_move_within_the_sequence():
    reader = reader_of(PLACEMENTS.tolist().index([0.4, 1.0]))
    segments = np.array([[1.0, 10.0], [0.0, 10.0]], np.float32)
    moved = reader.read(np.zeros((10, 1), np.float32)).moved(segments, np.array([1, 1]))
    assert moved.tolist() == [[0, 10], [0, 10]]


def test_a_class_without_an_example_moves_nothing_to_nowhere():
    reader = reader_of(0)
    reader.discriminant.bias[: len(PLACEMENTS)] = -np.inf
    read = reader.read(np.zeros((10, 1), np.float32))
    segments = np.array([[2.0, 6.0]])
    moved = read.moved(segments, np.array([0]))
    np.testing.assert_allclose(moved[0], [2, 6] + 4 * WAY.mean(axis=0), rtol=1e-5)
    assert read.tiou(segments)[0].tolist() == [0, 1]


@pytest.mark.parametrize("steps", [10, 11])
def test_a_moment_lies_amid_background(steps):
    moment = np.arange(1.0, 1.0 + steps, dtype=np.float32)[:, np.newaxis]
    found = describe_moment(moment, np.array([100.0]), PLACEMENTS)
    whole = np.concatenate([np.full(5, 100), moment[:, 0], np.full(5, 100)])
    for (start, end), row in zip(PLACEMENTS, found):
        bounds = np.array([[5 + steps * start, 5 + steps * end]])
        expected = describe_segments(whole[:, np.newaxis].astype(np.float32), bounds)[0]
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    alone = describe_moment(moment, None, PLACEMENTS)
    inside = ((PLACEMENTS >= 0) & (PLACEMENTS <= 1)).all(axis=1)
    np.testing.assert_allclose(alone[inside], found[inside], rtol=1e-5)
    assert np.isnan(alone[~inside]).all()


def test_classes_are_chosen_and_added_with_all_their_placements():
    random = np.random.default_rng(0)
    made = discriminant(2, 3 * len(PLACEMENTS), random)
    made = dataclasses.replace(made, covariance=np.eye(2, dtype=np.float32), spread=2.0)
    reader = SegmentReader(made)
    some = reader.of_classes([2, 0])
    np.testing.assert_array_equal(
        some.discriminant.kernel,
        np.concatenate([made.kernel[:, 16:24], made.kernel[:, :8]], axis=1),
    )
    means = random.normal(size=(2, len(PLACEMENTS), 2))
    means[1, 3] = np.nan
    more = reader.with_classes(means, np.array([5, 7]))
    assert len(more.discriminant.bias) == 5 * len(PLACEMENTS)
    np.testing.assert_array_equal(more.discriminant.kernel[:, :24], made.kernel)
    assert (np.flatnonzero(np.isinf(more.discriminant.bias)) == [24 + 8 + 3]).all()
    again = made.with_classes(means[0], np.full(len(PLACEMENTS), 5))
    np.testing.assert_array_equal(
        more.discriminant.kernel[:, 24:32], again.kernel[:, 24:]
    )


@pytest.mark.parametrize(
    ("instances", "turns"), [(1, 7), (100, 7), (50_000, 3), (10**6, 1)]
)
def test_many_instances_have_fewer_placements_each_in_turn(instances, turns):
    seen = [segment_reader._placements(number, instances) for number in range(7)]
    for own in seen:
        assert own[0] == 0
        assert len(own) == len(set(own)) == 1 + turns
    counts = np.bincount(np.concatenate(seen), minlength=len(PLACEMENTS))
    assert counts.tolist() == [7] + [turns] * 7


@pytest.fixture
def config():
    config = configuration.small()
    network = dataclasses.replace(config.network, untrimmed_steps=64, moment_steps=32)
    return dataclasses.replace(config, network=network)


def progress(clips):
    """From -2 to 2 in the first of the channels."""
    values = np.zeros((clips, CHANNELS))
    values[:, 0] = np.linspace(-2, 2, clips)
    return values


def told_by_level(tmp_path):
    """Features that tell the class and, in one channel, how far an action has come.

    Background is -3.
    """
    data = TinyData()
    random = np.random.default_rng(0)
    for name, record in data.untrimmed.items():
        values = random.normal(0, 0.1, data.untrimmed_features[name].shape) - 3
        for item in record["annotations"]:
            first, end = (int(t * 5) for t in item["segment"])
            values[first:end] = LEVELS[item["label"]] + progress(end - first)
        data.untrimmed_features[name] = values.astype(np.float32)
    for name, record in data.moments.items():
        shape = data.moment_features[name].shape
        values = random.normal(LEVELS[record["label"]], 0.1, shape)
        values += progress(len(values))
        data.moment_features[name] = values.astype(np.float32)
    return data.write(tmp_path / "data")


@pytest.mark.parametrize("role", ["moments", "oracle"])
def test_classes_and_placements_are_told_apart(tmp_path, config, role):
    dataset = Dataset.load(told_by_level(tmp_path), config.data)
    background = np.full(CHANNELS, -3.0, np.float32)
    found = fit_segment_reader(dataset, config, CLASSES, role, background)
    for number, label in enumerate(CLASSES):
        sequence = np.full((60, CHANNELS), -3.0, np.float32)
        sequence[20:40] = LEVELS[label] + progress(20)
        segments = 20 + 20 * PLACEMENTS
        tiou = found.read(sequence).tiou(segments)
        assert tiou[0].argmax() == number
        if role == "oracle" and label in dataset.target_classes:
            continue  # it has one instance of each
        assert tiou[0, number] > tiou[1:, number].max()
        moved = found.read(sequence).moved(segments, np.full(len(segments), number))
        before = np.abs(segments - [20, 40]).sum(axis=1)
        after = np.abs(moved - [20, 40]).sum(axis=1)
        assert (after[1:] < before[1:]).all(), label


def test_instances_of_a_long_recording_are_read_at_the_resolution_of_windows(
    tmp_path, config
):
    """An action of 2 s in 2000 s: less than a tenth of a step of the whole."""
    data = TinyData()
    actions = [(101, 103, "run"), (1000, 1002, "run"), (1997, 1999.5, "sit")]
    data.untrimmed["a1"] = video("training", actions, seconds=2000.0)
    values = features(0, 2000.0) * 0.1 - 3
    for start, end, label in actions:
        values[int(start * 5) : int(end * 5)] += 3 + 2 * (label == "sit")
    data.untrimmed_features["a1"] = values
    role = Dataset.load(data.write(tmp_path / "d"), config.data).role("untrimmed")
    role = role.with_videos(v for v in role.videos if v.id == "a1")

    def means(window_sec):
        changed = configuration.with_values(config, {"data.window_sec": window_sec})
        ((name, described, outputs),) = segment_reader._instances(
            role, CLASSES, changed
        )
        assert name == "a1"
        exact = [outputs.index(2 * 8), 8 + outputs[8:].index(2 * 8), 16]
        assert outputs[16] == 3 * 8
        return described[exact].mean(axis=1)

    assert means(0.0)[0] < -2
    # Without windows they read as background, about -3.
    np.testing.assert_allclose(means(20.0), [0, 0, 2], atol=0.6)


def test_a_class_that_is_never_shown_has_no_tiou(tmp_path, config):
    dataset = Dataset.load(TinyData().write(tmp_path / "data"), config.data)
    names = ("fly", *CLASSES)
    found = fit_segment_reader(dataset, config, names, "moments", None)
    known, absent = found.discriminant, len(PLACEMENTS)
    assert np.isneginf(known.bias[:absent]).all()
    assert np.isfinite(known.bias[absent::absent]).all()  # placed as the action is
    for values in (known.mean, known.kernel, known.covariance, known.spread):
        assert np.isfinite(values).all()
    read = found.read(np.ones((10, CHANNELS), np.float32))
    segments = np.array([[2.0, 6.0]])
    assert np.isfinite(read.tiou(segments)).all()
    assert read.tiou(segments)[0, 0] == 0
    assert np.isfinite(read.moved(segments, np.array([0]))).all()
