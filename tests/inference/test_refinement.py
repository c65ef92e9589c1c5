"""Second look and duration prior in a model directory, and in the localizer."""

import dataclasses
import os

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import Localizer
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.duration_prior import DurationPrior
from ahernet_tf.inference.refinement import (
    DURATIONS,
    SECOND_LOOK,
    Refinement,
    fit_refinement,
    load_refinement,
)
from ahernet_tf.inference.segment_reader import PARTS, PLACEMENTS, WAY
from ahernet_tf.models import checkpoint
from tests.data.tiny import CHANNELS, TinyData
from tests.inference.looks import second_look
from tests.inference.trained import config_of
from tests.models import tiny

TIMES = TimeModel(clip_frames=4, stride_frames=2, fps=10.0)


BOTH = config_of(second_look=True, duration_prior=2.0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    data = TinyData()
    data.untrimmed["a2"]["annotations"][1]["segment"] = [12, 16]  # wave
    directory = data.write(tmp_path_factory.mktemp("data") / "tiny")
    return Dataset.load(directory, BOTH.data)


@pytest.fixture
def workdir(tmp_path, dataset):
    """A model directory with a second look and durations."""
    description = checkpoint.Description(
        dataset.feature_channels, dataset.source_classes, dataset.target_classes
    )
    checkpoint.save_description(tmp_path, description, BOTH)
    checkpoint.save_weights(tmp_path, description.build(BOTH))
    fit_refinement(tmp_path, dataset, BOTH)
    return tmp_path


def candidates_of(segments, probability):
    proposal = np.linspace(0.9, 0.5, len(segments)).astype(np.float32)
    probability = np.array(probability, np.float32)
    score = proposal * probability.max(axis=1)
    label = probability.argmax(axis=1)
    segments = np.array(segments, np.float32)
    return Candidates(segments, score, score, label, proposal, probability)


def test_duration_is_judged_for_the_label_of_the_second_look():
    look = second_look(2, 2)
    look.segments.discriminant.bias[len(PLACEMENTS)] = 30.0  # exactly the second
    prior = DurationPrior([np.log(2.0), np.log(8.0)], [0.1, 0.1])
    found = candidates_of([[0, 2]], [[0.51, 0.49]])
    refined = Refinement(2, look, prior, 2.0).apply(found, np.zeros((8, 2)), 4.0)
    assert refined.label.tolist() == [1]
    # It was moved as the first class, of whose placements nothing is known.
    start, end = np.maximum([0, 2] + 2 * WAY.mean(axis=0), 0)
    np.testing.assert_allclose(refined.segments[0], [start, end], rtol=1e-5)
    # The steps show each class, and background, with a third.
    flank = max((end - start) / 2, 1)
    flanks = min(start, flank) + flank
    fit = (end - start) / 3 / (end - start + flanks / 3)
    tiou = (min(end, 2) - start) / max(end, 2)
    prior = np.exp(-np.square(np.log((end - start) * 4 / 8) / (2 * 0.1)) / 2)
    expected = (0.9 * tiou * 0.49 + fit) / 2 * prior
    assert refined.score[0] == pytest.approx(expected, rel=1e-3)


def test_localizer_needs_no_data(workdir):
    clips = np.random.default_rng(1).normal(size=(60, CHANNELS))
    plain = configuration.load(workdir / "config.json").inference
    plain = dataclasses.replace(plain, second_look=False, duration_prior=0.0)
    scores = {}
    for name, options in {
        "plain": plain,
        "second look": dataclasses.replace(plain, second_look=True),
        "prior": dataclasses.replace(plain, duration_prior=2.0),
        "both": None,
    }.items():
        localizer = Localizer.load(workdir, inference=options)
        found = localizer.localize(clips, time_model=TIMES)
        assert found
        scores[name] = found[0].score
    assert len(set(scores.values())) == 4
    assert max(scores, key=scores.get) == "plain"


def test_prior_needs_the_duration(workdir):
    sequences = np.zeros((1, tiny.STEPS, CHANNELS), np.float32)
    localizer = Localizer.load(workdir)
    assert localizer.detect(sequences, [20.0])
    with pytest.raises(ValueError, match="expected covered_sec"):
        localizer.detect(sequences)


def test_what_is_there_stays(workdir, dataset):
    before = {name: (workdir / name).stat() for name in (SECOND_LOOK, DURATIONS)}
    fit_refinement(workdir, dataset, BOTH)
    for name, stat in before.items():
        assert (workdir / name).stat() == stat


def test_nothing_is_fitted_twice_differently(workdir, dataset, tmp_path):
    again = tmp_path / "again"
    fit_refinement(again, dataset, BOTH)
    for name in (SECOND_LOOK, DURATIONS):
        assert (again / name).read_bytes() == (workdir / name).read_bytes()


def test_oracle_learns_from_its_instances(tmp_path, dataset):
    fit_refinement(tmp_path, dataset, config_of("AherNet*", second_look=True))
    typical = files.read_json(tmp_path / DURATIONS)
    # Its instances of "wave" last 4 and 3 s, of "jump" 2 s.
    assert typical["wave"][0] == pytest.approx(np.log([4, 3]).mean())
    assert typical["jump"][0] == pytest.approx(np.log(2))


def test_classes_are_those_of_the_localizer_in_its_order(workdir):
    names = ("sit", "run")
    found = load_refinement(workdir, BOTH.inference, names)
    whole = load_refinement(workdir, BOTH.inference, ("wave", "jump", "run", "sit"))
    examples = np.random.default_rng(0).normal(size=(5, PARTS * CHANNELS))
    own = found.second_look.segments.discriminant.probabilities(examples)[:, :16]
    every = whole.second_look.segments.discriminant.probabilities(examples)
    np.testing.assert_allclose(
        own, every[:, [*range(24, 32), *range(16, 24)]], rtol=1e-5
    )
    sequence = np.random.default_rng(0).normal(size=(7, CHANNELS))
    own = found.second_look.steps.probabilities(sequence, 0.2)
    every = whole.second_look.steps.probabilities(sequence, 0.2)
    np.testing.assert_allclose(own, every[:, [3, 2, 0, 1, 4]], rtol=1e-5)


def test_options_off_read_nothing(tmp_path):
    assert load_refinement(tmp_path, config_of().inference, ("a",)) is None


@pytest.mark.parametrize("name", [SECOND_LOOK, DURATIONS])
def test_absent_and_damaged_files_are_named(workdir, name):
    (workdir / name).write_bytes(b"[]")
    with pytest.raises(ValueError, match=name):
        Localizer.load(workdir)
    os.unlink(workdir / name)
    with pytest.raises(ValueError, match=name):
        Localizer.load(workdir)


def test_unknown_class_is_named(workdir):
    with pytest.raises(ValueError, match="does not know the class 'fly'"):
        load_refinement(workdir, BOTH.inference, ("wave", "fly"))
