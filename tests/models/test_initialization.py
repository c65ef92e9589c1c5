"""Weights of a trained network as the beginning of another."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf.models import AherNet
from ahernet_tf.models.checkpoint import Description
from ahernet_tf.models.initialization import take_weights
from tests.models import tiny

OLD = Description(tiny.CHANNELS, ("run", "sit", "fall"), ("a", "b", "c", "d"))


def started(description, network=tiny.NETWORK):
    """Returns a network, what it was before, the trained one, and what is said."""
    trained = tiny.network(seed=1)
    channels, source, target, *_ = dataclasses.astuple(description)
    model = AherNet(channels, len(source), len(target), network)
    model.build((None, tiny.STEPS, channels))
    tiny.randomize(model, 2)
    before = model.get_weights()
    said = take_weights(model, description, trained, OLD)
    return model, before, trained, said


def same(one, other):
    return all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights())
    )


def column(classifier, number):
    return [v[..., number] for v in classifier.get_weights()]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other))


def test_the_same_network_is_taken_whole():
    model, before, trained, said = started(OLD)
    assert said == []
    assert same(model, trained)
    assert not equal(before, model.get_weights())


def test_classes_are_taken_by_their_names():
    """One more, another order, a source class that is a target class now."""
    own = Description(tiny.CHANNELS, ("fall", "run"), ("d", "e", "sit", "a"))
    model, _, trained, said = started(own)
    for name in ("backbone", "head", "weight_transfer"):
        assert same(getattr(model, name), getattr(trained, name))
    target, source = trained.target_classifier, trained.source_classifier
    for number, origin in {0: (target, 3), 2: (source, 1), 3: (target, 0)}.items():
        assert equal(column(model.target_classifier, number), column(*origin))
    assert equal(
        column(model.source_classifier, 0), column(trained.source_classifier, 2)
    )
    assert said == [
        "target classes that begin anew: 'e'",
        "classes that are not in the data: 'b', 'c'",
    ]


def test_what_does_not_fit_is_named_and_stays():
    network = dataclasses.replace(tiny.NETWORK, transfer_layers=1)
    wider = dataclasses.replace(OLD, feature_channels=tiny.CHANNELS + 1)
    model, _, trained, said = started(wider, network)
    assert any(line.startswith("weight_transfer: of another form") for line in said)
    assert "backbone: 1 of 10 weights of other shapes" in said
    assert equal(model.backbone.get_weights()[2:], trained.backbone.get_weights()[2:])
    assert same(model.target_classifier, trained.target_classifier)


@pytest.mark.parametrize("base_channels", [(7, 7), (7,)])
def test_nothing_that_fits_is_an_error(base_channels):
    sizes = {"base_channels": base_channels, "level_channels": (7, 7, 7)}
    with pytest.raises(ValueError, match="Nothing of the backbone fits"):
        started(OLD, dataclasses.replace(tiny.NETWORK, **sizes))
