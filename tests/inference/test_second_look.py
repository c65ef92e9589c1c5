"""Segments and steps, read together."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.second_look import fit_second_look
from ahernet_tf.inference.step_reader import evidence
from tests.data.tiny import TinyData
from tests.inference.looks import second_look


def test_candidates_are_moved_and_scored_by_all_that_is_known():
    random = np.random.default_rng(0)
    look = second_look(2, 3, random)
    sequence = random.normal(size=(20, 2)).astype(np.float32)
    segments = np.array([[2, 9], [4, 12], [15, 18]], np.float32)
    found = Candidates(
        segments,
        *(np.zeros(3),) * 3,
        np.array([0.9, 0.4, 0.2]),
        random.dirichlet(np.ones(2), 3),
    )
    read = look.read(found, sequence, 0.5, 2)
    shown = look.steps.probabilities(sequence, 0.5)[:, :2]
    here = found.at(segments)
    told = (here.proposal[:, None] * found.probability + evidence(shown, segments)) / 2
    moved = look.segments.read(sequence).moved(segments, told.argmax(axis=1))
    np.testing.assert_array_equal(read.segments, moved)
    assert not np.allclose(moved, segments)
    there = found.at(moved)
    said = (there.proposal[:, None] * found.probability + evidence(shown, moved)) / 2
    scores = look.segments.read(sequence).tiou(moved)[:, :2] * said
    np.testing.assert_allclose(read.score, scores.max(axis=1), rtol=1e-6)
    assert read.label.tolist() == scores.argmax(axis=1).tolist()
    np.testing.assert_array_equal(read.rank, read.score)


@pytest.mark.parametrize("role", ["moments", "oracle"])
def test_target_classes_come_first_in_both(tmp_path, role):
    config = configuration.small()
    network = dataclasses.replace(config.network, untrimmed_steps=64, moment_steps=32)
    config = dataclasses.replace(config, network=network)
    data = TinyData()
    data.untrimmed["a2"]["annotations"][1]["segment"] = [12, 16]  # wave
    dataset = Dataset.load(data.write(tmp_path / "d"), config.data)
    found = fit_second_look(dataset, config, role)
    assert found.classes == ("wave", "jump", "run", "sit")
    assert len(found.segments.discriminant.bias) == 4 * 8
    assert len(found.steps.discriminant.bias) == 5
    some = found.of_classes(["sit", "wave"])
    assert some.classes == ("sit", "wave")
    np.testing.assert_array_equal(
        some.segments.discriminant.bias[8:], found.segments.discriminant.bias[:8]
    )
    np.testing.assert_array_equal(
        some.steps.discriminant.bias, found.steps.discriminant.bias[[3, 0, 4]]
    )
