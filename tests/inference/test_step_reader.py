"""What is read of steps, what is learnt from, and what segments fit."""

import dataclasses
import math

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference import step_reader
from ahernet_tf.inference.step_reader import (
    StepReader,
    describe_steps,
    evidence,
    fit_step_reader,
)
from tests.data.tiny import CHANNELS, TinyData, video
from tests.inference.looks import CLASSES, LEVELS, discriminant


def test_windows_around_a_step_are_averaged_and_cut_at_the_ends():
    sequence = np.array([[1.0], [2.0], [6.0], [3.0]], np.float32)
    found = describe_steps(sequence, np.array([0.0, 2.0]))
    np.testing.assert_allclose(found[:, 0], [1, 2, 6, 3])
    expected = [
        (1 + 0.5 * 2) / 1.5,
        (0.5 + 2 + 3) / 2,
        (1 + 6 + 1.5) / 2,
        (3 + 3) / 1.5,
    ]
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-6)
    some = describe_steps(sequence, np.array([0.0, 2.0]), np.array([3, 0]))
    np.testing.assert_array_equal(some, found[[3, 0]])


def test_a_sequence_is_read_as_its_steps_are_described():
    random = np.random.default_rng(0)
    reader = StepReader(discriminant(2 * 4, 3, random), np.array([0.0, 1.3]), None)
    sequence = random.normal(3, 1, (30, 4)).astype(np.float32)
    described = describe_steps(sequence, np.array([0.0, 1.3 / 0.2]))
    np.testing.assert_allclose(
        reader.probabilities(sequence, 0.2),
        reader.discriminant.probabilities(described),
        atol=1e-5,
    )


def test_evidence_is_the_tiou_with_what_the_steps_show():
    shown = np.zeros((20, 2))
    shown[8:12, 0] = 1.0
    segments = np.array([[8, 12], [9, 11], [8, 14], [0, 4], [7.5, 11.5]])
    found = evidence(shown, segments)
    # Of [9, 11] the flanks are a step each: the class is seen as far as there.
    np.testing.assert_allclose(found[:, 0], [1, 2 / 4, 4 / 6, 0, 3.5 / 4.5])
    assert not found[:, 1].any()


def test_evidence_of_segments_without_length_or_at_the_ends():
    shown = np.full((6, 1), 0.5)
    found = evidence(shown, np.array([[3, 3], [0, 6], [5, 6]]))
    np.testing.assert_allclose(found[:, 0], [0, 3 / 6, 0.5 / 1.5])


def test_added_classes_stand_before_background():
    random = np.random.default_rng(0)
    made = dataclasses.replace(
        discriminant(2, 4, random),
        bias=-np.arange(1, 5, dtype=np.float32),
        covariance=np.eye(2, dtype=np.float32),
        spread=2.0,
    )
    reader = StepReader(made, np.zeros(1, np.float32), None)
    more = reader.with_classes(random.normal(size=(2, 2)), np.array([3, 1]))
    assert more.discriminant.bias[[0, 1, 2, 5]].tolist() == [-1, -2, -3, -4]
    kept = more.of_classes([0, 1, 2])
    np.testing.assert_array_equal(kept.discriminant.kernel, made.kernel)
    np.testing.assert_array_equal(kept.discriminant.bias, made.bias)


def made_of_levels(tmp_path):
    """Data whose features tell class or background (-4), apart from some noise."""
    data, random = TinyData(), np.random.default_rng(0)
    data.untrimmed["a2"]["annotations"].pop()  # of a target class
    for name, record in data.untrimmed.items():
        values = random.normal(-4, 0.1, data.untrimmed_features[name].shape)
        for item in record["annotations"]:
            # Clip n shows from n / 5 s on 0.4 s; its middle counts.
            first, end = (math.ceil((t - 0.2) * 5) for t in item["segment"])
            values[max(first, 0) : end] += 4 + LEVELS[item["label"]]
        data.untrimmed_features[name] = values.astype(np.float32)
    for name, record in data.moments.items():
        shape = data.moment_features[name].shape
        values = random.normal(LEVELS[record["label"]], 0.1, shape)
        data.moment_features[name] = values.astype(np.float32)
    return data.write(tmp_path / "data")


@pytest.mark.parametrize("role", ["moments", "oracle"])
@pytest.mark.parametrize("examples", [200_000, 20])
def test_steps_of_all_classes_and_background_are_told_apart(
    tmp_path, monkeypatch, role, examples
):
    monkeypatch.setattr(step_reader, "_EXAMPLES", examples)
    config = configuration.small()
    dataset = Dataset.load(made_of_levels(tmp_path), config.data)
    found = fit_step_reader(dataset, config, CLASSES, role)
    np.testing.assert_allclose(found.background, -4, atol=0.3)
    spans = dataset.role(role).instance_spans(1)
    median = np.median([span.duration_sec for span in spans])
    np.testing.assert_allclose(found.widths_sec, median * np.array([0, 0.25, 0.75]))
    order = ["", "wave", "", "run", "", "sit", "", "jump", ""]
    steps = [LEVELS.get(name, -4.0) for name in order for _ in range(20)]
    sequence = np.repeat(np.array(steps, np.float32)[:, np.newaxis], CHANNELS, axis=1)
    shown = found.probabilities(sequence, 0.2).argmax(axis=1).reshape(9, 20)
    names = [*CLASSES, ""]
    assert [names[number] for number in shown[:, 10]] == order


def test_a_class_without_an_example_is_never_seen(tmp_path):
    config = configuration.small()
    dataset = Dataset.load(made_of_levels(tmp_path), config.data)
    found = fit_step_reader(dataset, config, ("fly", *CLASSES), "moments")
    known = found.discriminant
    assert np.isneginf(known.bias).tolist() == [True] + [False] * 5
    for values in (known.mean, known.kernel, known.covariance, known.spread):
        assert np.isfinite(values).all()
    shown = found.probabilities(np.ones((9, CHANNELS), np.float32), 0.2)
    assert np.isfinite(shown).all()
    assert not shown[:, 0].any()


def test_a_moment_is_read_as_if_background_surrounded_it():
    background = np.array([9.0], np.float32)
    reader = StepReader(discriminant(2, 2), np.array([0.0, 2.0]), background)
    found = reader.describe_moment(np.array([[1.0], [2.0]], np.float32), 1.0)
    np.testing.assert_allclose(
        found, [[1, (0.5 * 9 + 1 + 0.5 * 2) / 2], [2, (0.5 + 2 + 4.5) / 2]]
    )


def test_videos_that_are_all_action_leave_moments_alone(tmp_path):
    data = TinyData()
    for name, record in data.untrimmed.items():
        seconds = record["duration"]
        label = record["annotations"][0]["label"] if record["annotations"] else "run"
        whole = video(record["subset"], [(0.0, seconds, label)], seconds=seconds)
        data.untrimmed[name] = record | {"annotations": whole["annotations"]}
    config = configuration.small()
    dataset = Dataset.load(data.write(tmp_path / "d"), config.data)
    found = fit_step_reader(dataset, config, CLASSES, "moments")
    assert found.background is None
    shown = found.probabilities(np.ones((9, CHANNELS), np.float32), 0.2)
    assert np.isfinite(shown).all()
    assert not shown[:, -1].any()


@pytest.mark.parametrize("knows_all", [True, False])
def test_source_actions_are_no_background_to_the_oracle(tmp_path, knows_all):
    data = TinyData()
    data.extra["ignored_classes"] = ["fly"]
    actions = [(1, 9, "sit"), (12, 15, "wave"), (16, 18, "fly")]
    data.untrimmed["a2"] = video("training", actions, subject=1)
    dataset = Dataset.load(data.write(tmp_path / "d"), configuration.small().data)
    role = dataset.role("oracle")
    (a2,) = [own for own in role.videos if own.id == "a2"]
    assert [own.label for own in a2.others] == ["sit", "fly"]
    role = role.with_videos([a2])
    examples = step_reader._untrimmed(role, CLASSES, np.array([0.0]), knows_all)
    ((own, described, labels),) = examples
    assert own == a2
    assert len(described) == len(labels)
    counts = np.bincount(labels, minlength=5)
    # 99 clips in 20 s; of "fly" it has no class, of "sit" one.
    assert counts[0] == 15
    assert counts[3] == (40 if knows_all else 0)
    assert counts[4] == 99 - 15 - (40 + 10 if knows_all else 0)


def test_windows_around_the_steps_of_a_moment_are_in_its_seconds(tmp_path):
    dataset = Dataset.load(TinyData().write(tmp_path / "d"), configuration.small().data)
    role, background = dataset.role("moments"), np.full(CHANNELS, 9.0, np.float32)
    spans, widths_sec = role.instance_spans(1), np.array([0.0, 1.3])
    reader = StepReader(discriminant(1, 1), widths_sec, background)
    examples = step_reader._moments(role, spans, CLASSES, widths_sec, background)
    for span, (own, described, _) in zip(spans, examples):
        features = role.sequences.clips(span)
        expected = reader.describe_moment(features, span.duration_sec / span.clips)
        assert own.id == span.video
        np.testing.assert_allclose(described, expected, rtol=1e-5)
