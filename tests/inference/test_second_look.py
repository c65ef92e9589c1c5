"""What the second look reads of a segment, and what it learns from."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference import second_look
from ahernet_tf.inference.second_look import describe_segments, fit_second_look
from tests.data.tiny import CHANNELS, TinyData, features, video


def test_whole_steps_give_mean_and_deviation():
    sequence = np.random.default_rng(0).normal(5, 3, (20, 4)).astype(np.float32)
    found = describe_segments(sequence, np.array([[0, 20], [3, 7], [19, 20]]))
    for row, part in zip(found, (sequence, sequence[3:7], sequence[19:])):
        np.testing.assert_allclose(row[:4], part.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(row[4:], part.std(axis=0), atol=1e-4)


def test_parts_of_steps_count_in_part():
    sequence = np.array([[1.0], [2.0], [6.0]], np.float32)
    (found,) = describe_segments(sequence, np.array([[0.5, 2.25]]))
    weights = np.array([0.5, 1.0, 0.25]) / 1.75
    mean = weights @ sequence[:, 0]
    deviation = np.sqrt(weights @ np.square(sequence[:, 0] - mean))
    np.testing.assert_allclose(found, [mean, deviation], rtol=1e-5)


@pytest.mark.parametrize("segment", [[1.2, 1.2], [3, 3], [2.9, 9], [-4, 0]])
def test_segments_without_length_or_beyond_the_end_are_read(segment):
    sequence = np.array([[1.0], [2.0], [6.0]], np.float32)
    (found,) = describe_segments(sequence, np.array([segment]))
    step = min(max(int(segment[0]), 0), 2)
    np.testing.assert_allclose(found[0], sequence[step, 0], rtol=1e-4)


def test_deviation_survives_large_means():
    random = np.random.default_rng(0)
    sequence = (1e4 + random.normal(size=(50, 2))).astype(np.float32)
    (found,) = describe_segments(sequence, np.array([[10, 30]]))
    expected = sequence[10:30].astype(np.float64).std(axis=0)
    np.testing.assert_allclose(found[2:], expected, rtol=1e-3)


@pytest.fixture
def config():
    config = configuration.small()
    network = dataclasses.replace(config.network, untrimmed_steps=64, moment_steps=32)
    return dataclasses.replace(config, network=network)


def made_of_classes(tmp_path):
    """Moments and instances whose features tell their class."""
    data = TinyData()
    level = {"run": 0.0, "sit": 2.0, "wave": 4.0, "jump": 6.0}
    random = np.random.default_rng(0)
    for name, record in data.untrimmed.items():
        values = random.normal(0, 0.1, data.untrimmed_features[name].shape) - 3
        for item in record["annotations"]:
            first, end = (int(t * 5) for t in item["segment"])
            values[first:end] += 3 + level[item["label"]]
        data.untrimmed_features[name] = values.astype(np.float32)
    for name, record in data.moments.items():
        shape = data.moment_features[name].shape
        values = random.normal(level[record["label"]], 0.1, shape)
        data.moment_features[name] = values.astype(np.float32)
    return data.write(tmp_path / "data")


@pytest.mark.parametrize("role", ["moments", "oracle"])
def test_source_and_target_classes_are_told_apart(tmp_path, config, role):
    dataset = Dataset.load(made_of_classes(tmp_path), config.data)
    found = fit_second_look(dataset, config, role)
    assert found.classes == ("wave", "jump", "run", "sit")
    means = np.array([[4.0], [6.0], [0.0], [2.0]]).repeat(CHANNELS, axis=1)
    examples = np.concatenate([means, np.full((4, CHANNELS), 0.1)], axis=1)
    probabilities = found.discriminant.probabilities(examples)
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2, 3]


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
        ((name, described, labels),) = second_look._instances(role, changed)
        assert (name, labels) == ("a1", ["run", "run", "sit"])
        return described[:, :CHANNELS].mean(axis=1)

    assert means(0.0)[0] < -2
    # Without windows they read as background, about -3.
    np.testing.assert_allclose(means(20.0), [0, 0, 2], atol=0.6)
